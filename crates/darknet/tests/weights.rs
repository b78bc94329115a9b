//! Files of weights: headers, lengths, and the way back.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use tilewright_darknet::{Error, Extent, Header, Network, Weights};

fn network() -> Network {
    let text = "[net]\nwidth=4\nheight=4\nchannels=1\n[convolutional]\nfilters=2\nbatch_normalize=1\n[maxpool]\n[convolutional]\n";
    Network::parse(text, "a.cfg").unwrap()
}

/// A file of `count` numbers behind a header.
fn file(folder: &Path, version: [i32; 3], seen: &[u8], count: usize) -> std::path::PathBuf {
    let mut bytes: Vec<u8> = version.iter().flat_map(|number| number.to_le_bytes()).collect();
    bytes.extend(seen);
    (0..count).for_each(|at| bytes.extend((at as f32).to_le_bytes()));
    let path = folder.join("a.weights");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn both_lengths_of_the_counter() {
    let folder = tempfile::tempdir().unwrap();
    let seen = 5_000_000_000u64;
    for (version, bytes, expected) in [
        ([0, 1, 0], &7u32.to_le_bytes()[..], 7),
        ([0, 2, 5], &seen.to_le_bytes()[..], seen),
        ([1, 0, 0], &seen.to_le_bytes()[..], seen),
    ] {
        let path = file(folder.path(), version, bytes, 13);
        let weights = Weights::read(&path, &network(), Extent::Whole).unwrap();
        assert_eq!(weights.header, Header { version, seen: expected });
        assert_eq!(weights.layers, 3);
        // Biases, scales, means, variances, weights; then the second convolution's bias and weights.
        assert_eq!(weights.arrays[3].1, [6.0, 7.0]);
        assert_eq!(weights.arrays[6].1, [11.0, 12.0]);
        assert_eq!(weights.to_bytes().unwrap(), fs::read(&path).unwrap());
    }
}

#[test]
fn a_wrong_length_says_what_was_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let read = |count, extent| {
        let path = file(folder.path(), [0, 2, 0], &[0; 8], count);
        Weights::read(&path, &network(), extent)
    };
    for (count, extent, words) in [
        (12, Extent::Whole, ["12 numbers", "has 13", "weights of layer 2"]),
        (14, Extent::Whole, ["14 numbers", "has 13", "1 are too many"]),
        (14, Extent::FirstLayers, ["14 numbers", "has 13", "1 are too many"]),
        (10, Extent::Whole, ["10 numbers", "has 13", "before layer 2"]),
        (9, Extent::FirstLayers, ["9 numbers", "has 13", "weights of layer 0"]),
        (8, Extent::FirstLayers, ["8 numbers", "has 13", "weights of layer 0"]),
        (0, Extent::Whole, ["0 numbers", "has 13", "before layer 0"]),
    ] {
        let error = read(count, extent).unwrap_err().to_string();
        words.iter().for_each(|word| assert!(error.contains(word), "{error} has no {word:?}"));
    }
    let first = read(10, Extent::FirstLayers).unwrap();
    assert_eq!((first.layers, first.arrays.len()), (2, 5));
}

#[test]
fn damaged_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), [0, 2, 0], &[0; 8], 13);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = Weights::read(&path, &network(), Extent::Whole).unwrap_err();
        assert!(matches!(error, Error::Weights { .. } | Error::Count { .. }), "{error}");
    }
    for version in [[1001, 0, 0], [0, -1, 0], [i32::MAX, i32::MAX, 0]] {
        let path = file(folder.path(), version, &[0; 8], 13);
        let error = Weights::read(&path, &network(), Extent::Whole).unwrap_err().to_string();
        assert!(error.contains("version"), "{error}");
    }
    assert!(matches!(
        Weights::read(Path::new("none.weights"), &network(), Extent::Whole),
        Err(Error::File { .. })
    ));
}

#[test]
fn an_array_of_another_length_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), [0, 2, 0], &[0; 8], 13);
    let mut weights = Weights::read(&path, &network(), Extent::Whole).unwrap();
    weights.arrays[1].1.pop();
    let error = weights.to_bytes().unwrap_err().to_string();
    assert!(error.contains("layer 0, scales") && error.contains("2 numbers, and 1"), "{error}");
}
