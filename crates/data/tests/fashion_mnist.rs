//! Fashion-MNIST's four files: the spellings, the errors, and the real ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::Path;

use common::{idx, write_set};
use tilewright_data::{DataError, FashionMnist, ImageDataset, Split};

#[test]
fn all_four_spellings_are_found() {
    for (separator, compressed) in [('-', false), ('-', true), ('.', false), ('.', true)] {
        let dir = tempfile::tempdir().unwrap();
        write_set(dir.path(), 12, 5, separator, compressed);
        let set = FashionMnist::load(dir.path()).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (12, 5));
        assert_eq!(set.train.image_shape(), [1, 4, 3]);
        assert_eq!(set.train.image(11).unwrap()[..], common::pattern(144)[132..]);
        assert_eq!(set.train.label(11).unwrap(), 1);
        assert_eq!(set.train.class_names()[9], "Ankle boot");
    }
}

#[test]
fn a_missing_file_says_how_to_get_it() {
    let dir = tempfile::tempdir().unwrap();
    let error = FashionMnist::load(dir.path()).unwrap_err().to_string();
    for part in [
        "training images",
        "apt-get install dataset-fashion-mnist",
        "--data DIR",
        "train-images-idx3-ubyte.gz",
    ] {
        assert!(error.contains(part), "{part:?} missing in: {error}");
    }
    assert!(error.contains(dir.path().to_str().unwrap()), "{error}");

    write_set(dir.path(), 2, 2, '-', false);
    std::fs::remove_file(dir.path().join("t10k-labels-idx1-ubyte")).unwrap();
    let error = FashionMnist::load(dir.path()).unwrap_err();
    assert!(matches!(&error, DataError::NotFound { what, .. } if what.contains("test labels")), "{error}");
}

#[test]
fn images_and_labels_must_be_as_many() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path(), 4, 4, '-', false);
    std::fs::write(dir.path().join("train-labels-idx1-ubyte"), idx(&[3], &[0, 1, 2])).unwrap();
    let error = FashionMnist::load_split(dir.path(), Split::Train).unwrap_err();
    assert!(matches!(error, DataError::CountMismatch { images: 4, labels: 3 }), "{error}");
    FashionMnist::load_split(dir.path(), Split::Test).unwrap();
}

#[test]
fn a_label_out_of_range_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path(), 4, 4, '-', false);
    std::fs::write(dir.path().join("train-labels-idx1-ubyte"), idx(&[4], &[0, 9, 10, 255])).unwrap();
    let error = FashionMnist::load(dir.path()).unwrap_err();
    assert!(matches!(error, DataError::LabelOutOfRange { index: 2, value: 10, classes: 10 }), "{error}");
    assert!(
        error.to_string().contains("label 10 of sample 2 is out of range: there are 10 classes"),
        "{error}"
    );
}

#[test]
fn no_images_or_images_without_pixels_are_an_error() {
    for dims in [[0, 28, 28], [4, 0, 28], [4, 28, 0]] {
        let dir = tempfile::tempdir().unwrap();
        write_set(dir.path(), 4, 4, '-', false);
        std::fs::write(dir.path().join("train-images-idx3-ubyte"), idx(&dims, &[])).unwrap();
        let error = FashionMnist::load(dir.path()).unwrap_err();
        assert!(matches!(error, DataError::Empty { .. }), "{error}");
    }
}

#[test]
fn halves_of_different_size_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path(), 4, 4, '-', false);
    std::fs::write(dir.path().join("t10k-images-idx3-ubyte"), idx(&[4, 2, 2], &[0; 16])).unwrap();
    let error = FashionMnist::load(dir.path()).unwrap_err();
    assert!(
        matches!(error, DataError::ShapeMismatch { expected: [1, 4, 3], found: [1, 2, 2], .. }),
        "{error}"
    );
}

#[test]
fn an_explicit_directory_wins() {
    assert_eq!(FashionMnist::data_dir(Some(Path::new("mine"))), Path::new("mine"));
}

#[test]
fn the_real_files() {
    let dir = FashionMnist::data_dir(None);
    let set = FashionMnist::load(&dir).unwrap_or_else(|error| {
        panic!("this test needs the real data set. {error}, or set TILEWRIGHT_DATA to its directory")
    });
    assert_eq!((set.train.len(), set.test.len()), (60_000, 10_000));
    assert_eq!(set.train.image_shape(), [1, 28, 28]);
    // The classes are exactly balanced, and the first labels are those of the published files.
    for (half, each) in [(&set.train, 6000), (&set.test, 1000)] {
        for class in 0..10 {
            assert_eq!(half.labels().iter().filter(|&&label| label == class).count(), each);
        }
    }
    assert_eq!(set.train.labels()[..10], [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    assert_eq!(set.test.labels()[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    // The constants used for normalisation are those of the data.
    let (mut sum, mut squares, mut count) = (0u64, 0u64, 0u64);
    for index in 0..set.train.len() {
        for &pixel in &set.train.image(index).unwrap()[..] {
            sum += u64::from(pixel);
            squares += u64::from(pixel) * u64::from(pixel);
            count += 1;
        }
    }
    let mean = sum as f64 / count as f64;
    let std = (squares as f64 / count as f64 - mean * mean).sqrt();
    assert!((mean / 255.0 - f64::from(FashionMnist::MEAN[0])).abs() < 1e-5, "mean {}", mean / 255.0);
    assert!((std / 255.0 - f64::from(FashionMnist::STD[0])).abs() < 1e-5, "std {}", std / 255.0);
}
