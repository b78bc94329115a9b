//! The descriptions of the networks that are known by name, written from their papers: YOLOv3 (Redmon and Farhadi, arXiv
//! 1804.02767), its small form, and the small form of YOLOv4 (Bochkovskiy et al., arXiv 2004.10934; Wang et al., arXiv
//! 2011.08036).

use std::fmt::Write;

use tilewright_darknet::Network;
use tilewright_nn::{Error, Result};

/// The `.cfg` of `yolov3`, `yolov3_tiny` or `yolov4_tiny` for images of channels, height and width and so many classes; nothing for
/// another name.
pub fn darknet_cfg(name: &str, [channels, height, width]: [usize; 3], classes: usize) -> Option<String> {
    let text = format!("[net]\nwidth={width}\nheight={height}\nchannels={channels}\n");
    let mut cfg = Cfg { text, classes };
    match name {
        "yolov3" => yolov3(&mut cfg),
        "yolov3_tiny" => yolov3_tiny(&mut cfg),
        "yolov4_tiny" => yolov4_tiny(&mut cfg),
        _ => return None,
    }
    Some(cfg.text)
}

/// [`darknet_cfg`], read.
///
/// # Errors
/// [`Error::MissingValue`] for a name that is not known; what does not fit of the sizes: the height and width are to be multiples of 32.
pub fn darknet_network(name: &str, image: [usize; 3], classes: usize) -> Result<Network> {
    let text = darknet_cfg(name, image, classes).ok_or_else(|| Error::MissingValue {
        name: name.to_owned(),
        there: "yolov3, yolov3_tiny, yolov4_tiny".to_owned(),
    })?;
    Network::parse(&text, name).map_err(Error::source)
}

/// A description that grows.
struct Cfg {
    text: String,
    classes: usize,
}

impl Cfg {
    fn section(&mut self, name: &str, keys: &[(&str, String)]) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "\n[{name}]");
        for (key, value) in keys {
            let _ = writeln!(self.text, "{key}={value}");
        }
    }

    /// A convolution with its normalisation and 0.1 of what is negative.
    fn conv(&mut self, filters: usize, size: usize, stride: usize) {
        let number = |number: usize| number.to_string();
        let keys = [
            ("batch_normalize", number(1)),
            ("filters", number(filters)),
            ("size", number(size)),
            ("stride", number(stride)),
            ("pad", number(1)),
            ("activation", "leaky".to_owned()),
        ];
        self.section("convolutional", &keys);
    }

    fn maxpool(&mut self, stride: usize) {
        self.section("maxpool", &[("size", "2".to_owned()), ("stride", stride.to_string())]);
    }

    fn route(&mut self, layers: &str) {
        self.section("route", &[("layers", layers.to_owned())]);
    }

    fn upsample(&mut self) {
        self.section("upsample", &[("stride", "2".to_owned())]);
    }

    /// The last convolution of a head, and the head.
    fn head(&mut self, mask: &str, anchors: &str, scale: Option<&str>) {
        let own = |text: &str| text.to_owned();
        let filters = mask.split(',').count() * (5 + self.classes);
        let keys = [("filters", filters.to_string()), ("size", own("1")), ("activation", own("linear"))];
        self.section("convolutional", &keys);
        let num = (anchors.split(',').count() / 2).to_string();
        let classes = self.classes.to_string();
        let mut keys =
            vec![("mask", own(mask)), ("anchors", own(anchors)), ("classes", classes), ("num", num)];
        keys.extend(scale.map(|scale| ("scale_x_y", own(scale))));
        self.section("yolo", &keys);
    }
}

/// Darknet-53 and three heads.
fn yolov3(cfg: &mut Cfg) {
    const ANCHORS: &str = "10,13,16,30,33,23,30,61,62,45,59,119,116,90,156,198,373,326";
    cfg.conv(32, 3, 1);
    for (filters, blocks) in [(64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)] {
        cfg.conv(filters, 3, 2);
        for _ in 0..blocks {
            cfg.conv(filters / 2, 1, 1);
            cfg.conv(filters, 3, 1);
            cfg.section("shortcut", &[("from", "-3".to_owned()), ("activation", "linear".to_owned())]);
        }
    }
    // The backbone's maps of a sixteenth and of an eighth are those of layers 61 and 36.
    for (width, from, mask) in [(512, None, "6,7,8"), (256, Some(61), "3,4,5"), (128, Some(36), "0,1,2")] {
        if let Some(from) = from {
            cfg.route("-4");
            cfg.conv(width, 1, 1);
            cfg.upsample();
            cfg.route(&format!("-1,{from}"));
        }
        for _ in 0..3 {
            cfg.conv(width, 1, 1);
            cfg.conv(2 * width, 3, 1);
        }
        cfg.head(mask, ANCHORS, None);
    }
}

fn yolov3_tiny(cfg: &mut Cfg) {
    const ANCHORS: &str = "10,14,23,27,37,58,81,82,135,169,344,319";
    for filters in [16, 32, 64, 128, 256] {
        cfg.conv(filters, 3, 1);
        cfg.maxpool(2);
    }
    cfg.conv(512, 3, 1);
    cfg.maxpool(1);
    cfg.conv(1024, 3, 1);
    cfg.conv(256, 1, 1);
    cfg.conv(512, 3, 1);
    cfg.head("3,4,5", ANCHORS, None);
    cfg.route("-4");
    cfg.conv(128, 1, 1);
    cfg.upsample();
    cfg.route("-1,8");
    cfg.conv(256, 3, 1);
    cfg.head("0,1,2", ANCHORS, None);
}

fn yolov4_tiny(cfg: &mut Cfg) {
    const ANCHORS: &str = "10,14,23,27,37,58,81,82,135,169,344,319";
    cfg.conv(32, 3, 2);
    cfg.conv(64, 3, 2);
    for filters in [64, 128, 256] {
        cfg.conv(filters, 3, 1);
        let half = [("layers", "-1"), ("groups", "2"), ("group_id", "1")];
        cfg.section("route", &half.map(|(key, value)| (key, value.to_owned())));
        cfg.conv(filters / 2, 3, 1);
        cfg.conv(filters / 2, 3, 1);
        cfg.route("-1,-2");
        cfg.conv(filters, 1, 1);
        cfg.route("-6,-1");
        cfg.maxpool(2);
    }
    cfg.conv(512, 3, 1);
    cfg.conv(256, 1, 1);
    cfg.conv(512, 3, 1);
    cfg.head("3,4,5", ANCHORS, Some("1.05"));
    cfg.route("-4");
    cfg.conv(128, 1, 1);
    cfg.upsample();
    cfg.route("-1,23");
    cfg.conv(256, 3, 1);
    // The published file has these three, not the first three.
    cfg.head("1,2,3", ANCHORS, Some("1.05"));
}
