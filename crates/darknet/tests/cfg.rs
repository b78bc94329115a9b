//! Descriptions: what is read, and what is refused with its place.
#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_darknet::{Activation, Error, Kind, Network, arrays};

const NET: &str = "[net]\nwidth=13\nheight=26\nchannels=4\n";

fn parse(rest: &str) -> Result<Network, Error> {
    Network::parse(&format!("{NET}{rest}"), "a.cfg")
}

#[test]
fn comments_blanks_and_both_names_of_the_first_section() {
    let text = "# one\r\n; two\r\n\r\n[ network ]\r\n width = 8\r\nheight=8\nchannels=3 \nsteps = 4, 5\nsteps=6\n[conv]\nfilters = 2\n";
    let network = Network::parse(text, "a.cfg").unwrap();
    assert_eq!(network.image, [3, 8, 8]);
    assert_eq!(
        network.settings,
        [("steps".to_owned(), "4,5".to_owned()), ("steps".to_owned(), "6".to_owned())]
    );
    let Kind::Convolutional(conv) = &network.layers[0].kind else { panic!("{network:?}") };
    // Darknet's defaults.
    assert_eq!((conv.size, conv.stride, conv.padding, conv.groups), (1, 1, 0, 1));
    assert_eq!((conv.activation, conv.batch_normalize), (Activation::Logistic, false));
    assert_eq!(network.layers[0].output, [2, 8, 8]);
}

/// Shapes as Darknet's, of an image of 26 × 13.
#[test]
fn shapes() {
    for (section, shape) in [
        // Padding is one less than the size in all, or what is said.
        ("maxpool]\nsize=2\nstride=2", [4, 13, 7]),
        ("maxpool]\nsize=2\nstride=1", [4, 26, 13]),
        ("maxpool]\nsize=3\nstride=2", [4, 13, 7]),
        ("maxpool]\nsize=3\nstride=2\npadding=0", [4, 12, 6]),
        ("maxpool]\nstride=2", [4, 13, 7]),
        ("convolutional]\nfilters=6\nsize=3\npad=1", [6, 26, 13]),
        ("convolutional]\nfilters=6\nsize=3\nstride=2\npad=1", [6, 13, 7]),
        // `pad` beats `padding`.
        ("convolutional]\nfilters=6\nsize=3\npad=1\npadding=4", [6, 26, 13]),
        ("convolutional]\nfilters=6\nsize=3\npadding=2", [6, 28, 15]),
        ("convolutional]\nfilters=6\nsize=3", [6, 24, 11]),
        ("avgpool]", [4, 1, 1]),
        ("upsample]\nstride=3", [4, 78, 39]),
        ("connected]\noutput=5", [5, 1, 1]),
        ("softmax]", [4, 26, 13]),
        ("dropout]\nprobability=.3", [4, 26, 13]),
    ] {
        let network = parse(&format!("[{section}\n")).unwrap();
        assert_eq!(network.layers[0].output, shape, "{section}");
    }
    let network = parse(
        "[maxpool]\n[maxpool]\nsize=1\n[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n[shortcut]\nfrom=-3\n",
    );
    assert_eq!(network.unwrap().layers[2].output, [4, 26, 13]);
}

#[test]
fn arrays_in_the_order_of_a_file() {
    let network = parse(
        "[convolutional]\nbatch_normalize=1\nfilters=6\nsize=3\ngroups=2\n[maxpool]\n[connected]\nbatch_normalize=1\noutput=2\n",
    );
    let found: Vec<_> = arrays(&network.unwrap())
        .into_iter()
        .map(|array| format!("{} {} {:?}", array.layer, array.part.name(), array.shape))
        .collect();
    let of = 6 * 24 * 11;
    assert_eq!(
        found,
        [
            "0 biases [6]".to_owned(),
            "0 scales [6]".to_owned(),
            "0 means [6]".to_owned(),
            "0 variances [6]".to_owned(),
            "0 weights [6, 2, 3, 3]".to_owned(),
            "2 biases [2]".to_owned(),
            format!("2 weights [2, {of}]"),
            "2 scales [2]".to_owned(),
            "2 means [2]".to_owned(),
            "2 variances [2]".to_owned(),
        ]
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let yolo = "[convolutional]\nfilters=18\n[yolo]\nclasses=1\nnum=3\nanchors=1,2,3,4,5,6\n";
    assert_eq!(parse(yolo).unwrap().heads().count(), 1);
    for (text, words) in [
        ("[reorg]\nstride=2\n", vec!["a.cfg, line 5, [reorg]", "not computed here", "[yolo]"]),
        ("[convolutional]\nfilter=3\n", vec!["line 6, [convolutional], `filter`", "no such key"]),
        ("[convolutional]\nactivation=mysh\n", vec!["line 6", "`activation`", "`mysh`", "mish"]),
        (
            "[convolutional]\nfilters=3 # many\n",
            vec!["line 6", "`filters`", "a comment has a line of its own"],
        ),
        ("[convolutional]\nfilters=-3\n", vec!["line 6", "1 to 1048576"]),
        ("[convolutional]\nfilters=99999999999999999999999\n", vec!["line 6", "1 to 1048576"]),
        ("[convolutional]\nfilters=1000000\nsize=1000\npad=1\n", vec!["`filters`", "2³¹ weights"]),
        ("[convolutional]\nsize=30\n", vec!["`size`", "larger than 26"]),
        ("[convolutional]\ngroups=3\n", vec!["`groups`", "4 channels"]),
        ("[convolutional]\nfilters=3\nfilters=4\n", vec!["line 7", "in line 6"]),
        ("[convolutional]\ndilation=2\n", vec!["line 6", "`dilation`", "only 1"]),
        ("[convolutional]\nbinary=1\n", vec!["`binary`", "only 0"]),
        ("[maxpool]\nsize=2\npadding=9\n", vec!["`padding`", "0 to 2"]),
        ("[upsample]\nstride=1048576\n", vec!["`stride`", "too much"]),
        ("[route]\n", vec!["line 5", "`layers` is missing"]),
        ("[route]\nlayers=-1\n", vec!["line 6", "-1 is no layer before this one"]),
        ("[maxpool]\n[route]\nlayers=1\n", vec!["1 is no layer"]),
        ("[maxpool]\n[route]\nlayers=-9223372036854775808\n", vec!["is no layer"]),
        ("[maxpool]\n[maxpool]\nstride=2\n[route]\nlayers=0,1\n", vec!["26×13", "13×7"]),
        ("[maxpool]\n[route]\nlayers=0\ngroups=3\n", vec!["`groups`", "4 channels of layer 0"]),
        ("[maxpool]\n[route]\nlayers=0\ngroups=2\ngroup_id=2\n", vec!["`group_id`", "0 to 1"]),
        ("[maxpool]\n[maxpool]\nstride=2\n[shortcut]\nfrom=-2\n", vec!["`from`", "4×26×13", "4×13×7"]),
        ("[yolo]\nclasses=1\nnum=3\nanchors=1,2,3,4,5,6\n", vec!["[yolo]", "set filters=18"]),
        ("[yolo]\nnum=2\nanchors=1,2,3\n", vec!["`anchors`", "3 numbers", "have 4"]),
        ("[yolo]\nnum=1\nanchors=1,0\n", vec!["`anchors`", "0 is no width or height"]),
        ("[yolo]\nnum=1\nanchors=1,nan\n", vec!["`anchors`", "NaN is no width"]),
        ("[yolo]\nnum=1\nmask=1\nanchors=1,2\n", vec!["`mask`", "1 is no anchor of 0 to 0"]),
        ("[yolo]\n", vec!["`anchors` is missing"]),
        ("[dropout]\nprobability=1\n", vec!["`probability`", "below 1"]),
        ("[softmax]\ngroups=2\n", vec!["`groups`", "only 1"]),
        ("[conv\n", vec!["line 5", "write `[name]`"]),
        ("[]\n", vec!["line 5"]),
        ("filters\n", vec!["line 5, [net]", "neither"]),
        ("", vec!["line 1, [net]", "no layer follows"]),
    ] {
        let error = parse(text).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{text:?} gave {error:?} without {word:?}");
        }
    }
    for (text, word) in [
        ("", "begins with [net]"),
        ("width=3\n", "before the first section"),
        ("[convolutional]\n", "must be [net]"),
        ("[net]\nheight=3\nchannels=3\n[maxpool]\n", "`width` is missing"),
        ("[net]\nwidth=3\nheight=3\nchannels=3\nwild=1\n[maxpool]\n", "`wild`"),
    ] {
        let error = Network::parse(text, "a.cfg").unwrap_err().to_string();
        assert!(error.contains("a.cfg, line ") && error.contains(word), "{error}");
    }
}

/// Neither cuts nor changes of a letter make it panic, and whatever it reads has shapes.
#[test]
fn damaged_descriptions() {
    let whole = include_str!("../../../tests/darknet/small_v3.cfg");
    Network::parse(whole, "whole").unwrap();
    let mut refused = 0;
    for at in 0..whole.len() {
        let cut = Network::parse(&whole[..at], "cut");
        refused += usize::from(cut.is_err());
        for letter in ["0", "9", "-", "[", "=", ",", "\n", "é"] {
            let mut text = whole.to_owned();
            text.replace_range(at..=at, letter);
            if let Ok(network) = Network::parse(&text, "changed") {
                assert!(network.layers.iter().all(|layer| layer.output.iter().all(|&extent| extent > 0)));
                arrays(&network);
            }
        }
    }
    assert!(refused > 200, "{refused}");
}
