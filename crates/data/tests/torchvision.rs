//! Transforms against torchvision's answers (tests/goldens/transforms.py).
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use serde::Deserialize;
use tilewright_data::{Adjustment, CenterCrop, Image, Resize, SampleRng, Size, Transform};

#[derive(Deserialize)]
struct Golden {
    shape: [usize; 3],
    pixels: Vec<u8>,
    mask: Vec<i32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    op: String,
    name: String,
    shape: [usize; 3],
    #[serde(default)]
    pil: Vec<u8>,
    #[serde(default)]
    exact: Vec<f64>,
    #[serde(default)]
    mask: Vec<i32>,
    #[serde(default)]
    factor: f32,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens/transforms.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The largest difference from numbers of 0 to 1, and from grey levels.
fn differences(image: &Image, case: &Case) -> (f64, f64) {
    assert_eq!(image.shape, case.shape, "{}", case.name);
    let worst = |others: &mut dyn Iterator<Item = f64>, factor: f64| {
        image
            .pixels
            .iter()
            .zip(others)
            .fold(0.0f64, |worst, (a, b)| worst.max((f64::from(*a) * factor - b).abs()))
    };
    for wanted in [case.exact.len(), case.pil.len()] {
        assert!(wanted == 0 || wanted == image.pixels.len(), "{}", case.name);
    }
    let exact = worst(&mut case.exact.iter().copied(), 1.0);
    (exact, worst(&mut case.pil.iter().map(|&level| f64::from(level)), 255.0))
}

#[test]
fn transforms_are_torchvisions() {
    let golden = golden();
    let mut found = 0;
    for case in &golden.cases {
        let mut image = Image::from_bytes(golden.shape, &golden.pixels).unwrap();
        image.mask = Some(golden.mask.clone());
        let rng = &mut SampleRng::new(0, 0, 0);
        match case.op.as_str() {
            "resize" => {
                let size = match case.name.split_once(['x', ' ']).unwrap() {
                    ("shorter", side) => Size::Shorter(side.parse().unwrap()),
                    (height, width) => Size::Exactly(height.parse().unwrap(), width.parse().unwrap()),
                };
                let resize = Resize::new(size).unwrap();
                assert_eq!(resize.output_shape(golden.shape).unwrap(), case.shape, "{}", case.name);
                resize.apply(&mut image, rng).unwrap();
                let (exact, levels) = differences(&image, case);
                // PIL rounds to whole levels after each of two passes.
                assert!(exact < 1e-6 && levels < 1.01, "{}: {exact} {levels}", case.name);
                assert_eq!(image.mask.as_ref(), Some(&case.mask), "{}", case.name);
            }
            "center_crop" => {
                let (height, width) = case.name.split_once('x').unwrap();
                let crop = CenterCrop::new(height.parse().unwrap(), width.parse().unwrap()).unwrap();
                crop.apply(&mut image, rng).unwrap();
                assert!(differences(&image, case).1 < 1e-4, "{}", case.name);
                // Beyond the picture there is no class; torchvision's zeros would be one.
                let mask = image.mask.clone().unwrap();
                assert!(
                    mask.iter().zip(&case.mask).all(|(a, b)| a == b || (*a < 0 && *b == 0)),
                    "{}",
                    case.name
                );
                let inside = mask.iter().filter(|&&class| class >= 0).count();
                assert_eq!(inside, case.shape[1].min(7) * case.shape[2].min(9), "{}", case.name);
            }
            op => {
                let adjustment = match op {
                    "brightness" => Adjustment::Brightness(case.factor),
                    "contrast" | "contrast grey" => Adjustment::Contrast(case.factor),
                    "saturation" => Adjustment::Saturation(case.factor),
                    "hue" => Adjustment::Hue(case.factor),
                    other => panic!("{other}"),
                };
                if case.shape[0] == 1 {
                    let pixels = image.pixels[..63].to_vec();
                    image = Image::new(case.shape, pixels);
                }
                adjustment.apply(&mut image).unwrap();
                let (exact, _) = differences(&image, case);
                assert!(exact < 2e-6, "{}: {exact}", case.name);
            }
        }
        found += 1;
    }
    assert_eq!(found, 29);
}
