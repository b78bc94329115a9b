//! Resizing against PIL's bytes, and torchvision's transforms for evaluation.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use tilewright_data::picture::{self, Filter, Picture, PictureFault, Preprocess, Samples};

fn bytes(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name)).unwrap()
}

/// The words of the first line, and what follows it.
fn line(bytes: &[u8]) -> (Vec<&str>, &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    (std::str::from_utf8(&bytes[..end]).unwrap().split(' ').collect(), &bytes[end + 1..])
}

fn filter(name: &str) -> Filter {
    Filter::ALL.into_iter().find(|filter| filter.name() == name).unwrap()
}

#[test]
fn every_byte_is_pils() {
    let all = bytes("resized.rgb");
    let (mut rest, mut cases, mut failed) = (&all[..], 0, Vec::new());
    while !rest.is_empty() {
        let (words, behind) = line(rest);
        let (width, height) = (words[2].parse().unwrap(), words[3].parse().unwrap());
        let source = picture::decode(&bytes(words[0])).unwrap();
        let made = source.resize(width, height, filter(words[1])).unwrap();
        let made = made.as_u8().unwrap();
        let (expected, behind) = behind.split_at(made.len());
        let differ = made.iter().zip(expected).filter(|(one, other)| one != other).count();
        if differ > 0 {
            let most = made.iter().zip(expected).map(|(&one, &other)| one.abs_diff(other)).max();
            failed.push(format!("{words:?}: {differ} of {} bytes, by up to {most:?}", made.len()));
        }
        (rest, cases) = (behind, cases + 1);
    }
    assert_eq!(cases, 6 * (5 + 1 + 2 + 2));
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Ties are PIL's and OpenCV's: where a place falls on a pixel's edge, the rounding of a running sum says which pixel is taken
/// (findings/pillow_nearest_ties.sh). A product would take another one in 99 of 480 columns.
#[test]
fn nearest_adds_the_step_up() {
    let ramp: Vec<u8> = (0..640usize).flat_map(|at| [(at / 256) as u8, (at % 256) as u8, 0]).collect();
    let small = Picture::from_u8(640, 1, 3, ramp).unwrap().resize(480, 1, Filter::Nearest).unwrap();
    let taken: Vec<usize> = small
        .as_u8()
        .unwrap()
        .chunks(3)
        .map(|pixel| usize::from(pixel[0]) * 256 + usize::from(pixel[1]))
        .collect();
    // The centre of column 3 i + 1 lies on the edge of pixels 4 i + 1 and 4 i + 2.
    let ties = || (1..480).step_by(3);
    let right_of = |at: usize| at / 3 * 4 + 2;
    let left = ties().filter(|&at| taken[at] == right_of(at) - 1).count();
    let right = ties().filter(|&at| taken[at] == right_of(at)).count();
    assert_eq!((left, right), (99, 61));
    let first: Vec<usize> = ties().filter(|&at| taken[at] == right_of(at) - 1).take(6).collect();
    assert_eq!(first, [4, 16, 19, 22, 25, 61]);
}

/// Bit for bit: sizes with odd remainders, a window that is larger than the picture, an axis that keeps its length.
#[test]
fn transforms_are_torchvisions() {
    let all = bytes("transformed.rgb");
    let (mut rest, mut cases) = (&all[..], 0);
    while !rest.is_empty() {
        let (words, behind) = line(rest);
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        let (rows, columns) = (number(4), number(5));
        let (pixels, behind) = behind.split_at(rows * columns * 3);
        let source = Picture::from_u8(columns, rows, 3, pixels.to_vec()).unwrap();
        let mut preprocess = Preprocess::imagenet(number(0), 0, filter(words[3]));
        preprocess.crop = [number(1), number(2)];
        let (values, shape) = preprocess.apply(source).unwrap();
        assert_eq!(shape, [3, number(1), number(2)]);
        let (expected, behind) = behind.split_at(4 * values.len());
        let expected: Vec<f32> =
            expected.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let differ =
            values.iter().zip(&expected).filter(|(one, other)| one.to_bits() != other.to_bits()).count();
        assert_eq!(differ, 0, "{words:?}: of {}", values.len());
        (rest, cases) = (behind, cases + 1);
    }
    assert_eq!(cases, 5);
}

/// A picture of 16 bits whose samples are 257 times those of 8 comes out within half a level of 257 times as much.
#[test]
fn sixteen_bits_go_the_same_way() {
    let small = picture::decode(&bytes("grey.png")).unwrap();
    let wide = small.as_u8().unwrap().iter().map(|&sample| u16::from(sample) * 257).collect();
    let wide = Picture::new(small.width(), small.height(), 1, Samples::U16(wide)).unwrap();
    for filter in Filter::ALL {
        let narrow = small.resize(20, 31, filter).unwrap();
        let Samples::U16(made) = wide.resize(20, 31, filter).unwrap().into_samples() else {
            panic!("16 bits")
        };
        // Twice rounded to 8 bits, and beyond the ends cut off in between.
        let most = made
            .iter()
            .zip(narrow.as_u8().unwrap())
            .map(|(&one, &other)| i32::from(one).abs_diff(i32::from(other) * 257));
        assert!(most.max().unwrap() <= 2 * 257, "{filter:?}");
    }
}

#[test]
fn one_pixel_and_extreme_sizes() {
    let one = Picture::from_u8(1, 1, 3, vec![7, 8, 9]).unwrap();
    for filter in Filter::ALL {
        let made = one.resize(3, 2, filter).unwrap();
        assert_eq!(made.as_u8().unwrap(), [7, 8, 9].repeat(6), "{filter:?}");
        // 50,000 pixels to one.
        let wide = Picture::from_u8(50_000, 1, 1, vec![200; 50_000]).unwrap();
        assert_eq!(wide.resize(1, 1, filter).unwrap().as_u8().unwrap(), [200], "{filter:?}");
    }
    let (values, shape) = Preprocess::of("resnet18", [3, 224, 224]).apply(one.clone()).unwrap();
    assert_eq!((values.len(), shape), (3 * 224 * 224, [3, 224, 224]));
    assert_eq!(values[0].to_bits(), ((7.0f32 / 255.0 - 0.485) / 0.229).to_bits());
    assert!(matches!(one.resize(0, 4, Filter::Box).unwrap_err().fault, PictureFault::Empty { .. }));
    assert!(matches!(one.resize(1 << 20, 4, Filter::Box).unwrap_err().fault, PictureFault::TooLarge { .. }));
    // A line of 50,000 pixels has no shorter side of 256.
    let line = Picture::from_u8(50_000, 1, 1, vec![0; 50_000]).unwrap();
    let error = Preprocess::of("resnet18", [3, 224, 224]).apply(line).unwrap_err();
    assert!(matches!(error.fault, PictureFault::TooLarge { .. }), "{error}");
}
