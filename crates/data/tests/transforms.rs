//! Augmentation and normalisation against what they are defined to be.
#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_data::{
    Compose, DataError, Image, Normalize, RandomCrop, RandomHorizontalFlip, SampleRng, Transform,
};

fn ramp(shape: [usize; 3]) -> Image {
    Image::new(shape, (1..=shape.iter().product()).map(|i| i as f32).collect())
}

fn apply(transform: &impl Transform, image: &Image, seed: u64) -> Image {
    let mut image = image.clone();
    transform.apply(&mut image, &mut SampleRng::new(seed, 0, 0)).unwrap();
    image
}

#[test]
fn bytes_become_zero_to_one() {
    let image = Image::from_bytes([1, 1, 3], &[0, 51, 255]).unwrap();
    assert_eq!(image.pixels, [0.0, 0.2, 1.0]);
    assert!(matches!(Image::from_bytes([1, 2, 2], &[0; 3]), Err(DataError::PixelCount { bytes: 3, .. })));
}

#[test]
fn normalize_goes_by_channel() {
    let normalize = Normalize::new(&[1.0, 10.0], &[2.0, 0.5]).unwrap();
    let image = Image::new([2, 1, 2], vec![1.0, 3.0, 10.0, 11.0]);
    assert_eq!(apply(&normalize, &image, 0).pixels, [0.0, 1.0, 0.0, 2.0]);
    let error = normalize.output_shape([3, 4, 4]).unwrap_err();
    assert!(error.to_string().contains("was made for 2 channels (image [3, 4, 4]"), "{error}");
}

#[test]
fn flip_mirrors_rows_or_does_nothing() {
    let image = ramp([2, 2, 3]);
    let mirrored = [3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 9.0, 8.0, 7.0, 12.0, 11.0, 10.0];
    assert_eq!(apply(&RandomHorizontalFlip::new(1.0).unwrap(), &image, 0).pixels, mirrored);
    assert_eq!(apply(&RandomHorizontalFlip::new(0.0).unwrap(), &image, 0), image);
    let half = RandomHorizontalFlip::new(0.5).unwrap();
    let flipped = (0..10_000).filter(|&seed| apply(&half, &image, seed) != image).count();
    assert!(flipped.abs_diff(5000) < 250, "{flipped} of 10,000"); // five standard deviations
}

#[test]
fn crop_is_a_window_of_the_padded_image() {
    let (shape, padding, fill) = ([2, 5, 4], 2, -1.0);
    let image = ramp(shape);
    let crop = RandomCrop::new(5, 3, padding).unwrap().fill(fill);
    assert_eq!(crop.output_shape(shape).unwrap(), [2, 5, 3]);
    let padded = |c: usize, y: usize, x: usize| match (y.checked_sub(padding), x.checked_sub(padding)) {
        (Some(y), Some(x)) if y < 5 && x < 4 => image.pixels[(c * 5 + y) * 4 + x],
        _ => fill,
    };
    let mut corners = std::collections::BTreeSet::new();
    for seed in 0..2000 {
        let got = apply(&crop, &image, seed);
        let found = (0..=4).flat_map(|top| (0..=5).map(move |left| (top, left))).find(|&(top, left)| {
            (0..2 * 5 * 3).all(|i| got.pixels[i] == padded(i / 15, top + i / 3 % 5, left + i % 3))
        });
        corners
            .insert(found.unwrap_or_else(|| panic!("seed {seed}: no window of the padded image is {got:?}")));
    }
    assert_eq!(corners.len(), 30, "some windows never come: {corners:?}");
}

#[test]
fn crop_may_be_all_padding() {
    // The image is one pixel and the window is small: mostly nothing of the image is left.
    let crop = RandomCrop::new(1, 1, 3).unwrap();
    let sum: f32 = (0..200).map(|seed| apply(&crop, &ramp([1, 1, 1]), seed).pixels[0]).sum();
    assert!(sum > 0.0 && sum < 30.0, "{sum} of 200 hit the one pixel of 49");
}

#[test]
fn crop_larger_than_the_padded_image_is_an_error() {
    let crop = RandomCrop::new(33, 32, 2).unwrap();
    let error = crop.output_shape([1, 28, 28]).unwrap_err();
    assert!(error.to_string().contains("33×32 does not fit after padding by 2"), "{error}");
    let mut image = ramp([1, 28, 28]);
    assert!(crop.apply(&mut image, &mut SampleRng::new(0, 0, 0)).is_err());
    assert_eq!(image, ramp([1, 28, 28]), "a failed step must leave the image alone");
}

#[test]
fn bad_settings_are_errors() {
    assert!(RandomHorizontalFlip::new(1.1).is_err());
    assert!(RandomHorizontalFlip::new(f64::NAN).is_err());
    assert!(RandomCrop::new(0, 4, 1).is_err());
    assert!(RandomCrop::new(4, 4, usize::MAX).is_err());
    for (mean, std) in [
        (&[0.0][..], &[0.0][..]),
        (&[0.0], &[-1.0]),
        (&[0.0], &[f32::NAN]),
        (&[f32::INFINITY], &[1.0]),
        (&[0.0, 1.0], &[1.0]),
        (&[], &[]),
    ] {
        assert!(
            matches!(Normalize::new(mean, std), Err(DataError::InvalidOption { .. })),
            "{mean:?} {std:?}"
        );
    }
}

#[test]
fn pixels_that_do_not_fit_their_shape_are_an_error_and_no_panic() {
    let steps: [Box<dyn Transform>; 3] = [
        Box::new(RandomCrop::new(3, 3, 1).unwrap()),
        Box::new(RandomHorizontalFlip::new(1.0).unwrap()),
        Box::new(Normalize::new(&[0.0], &[1.0]).unwrap()),
    ];
    for step in steps {
        let mut image = Image::new([1, 3, 3], vec![0.0; 5]);
        let error = step.apply(&mut image, &mut SampleRng::new(0, 0, 0)).unwrap_err();
        assert!(error.to_string().contains("5 pixels do not make an image"), "{error}");
    }
}

#[test]
fn compose_runs_in_order() {
    let both = Compose::new()
        .then(RandomCrop::new(1, 3, 0).unwrap())
        .then(RandomHorizontalFlip::new(1.0).unwrap())
        .then(Normalize::new(&[1.0], &[0.5]).unwrap());
    assert_eq!(both.output_shape([1, 1, 3]).unwrap(), [1, 1, 3]);
    assert_eq!(apply(&both, &ramp([1, 1, 3]), 0).pixels, [4.0, 2.0, 0.0]);
    assert!(both.output_shape([2, 1, 3]).is_err());
}
