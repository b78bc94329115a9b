//! Pictures in every format, against what PIL reads, and files that are none.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path, path::PathBuf};

use tilewright_data::picture::{self, Limits, Picture, PictureFault, Samples};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures")
}

/// What PIL read, behind a line with width and height.
fn expected(name: &str) -> (usize, usize, Vec<u8>) {
    let bytes = fs::read(folder().join(format!("{name}.rgb"))).unwrap();
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let line = std::str::from_utf8(&bytes[..end]).unwrap();
    let (width, height) = line.split_once(' ').unwrap();
    (width.parse().unwrap(), height.parse().unwrap(), bytes[end + 1..].to_vec())
}

/// The most levels by which a decoder of that format may differ from PIL's: their cosines and their ways to spread colour
/// over more pixels round otherwise.
fn levels(name: &str) -> u8 {
    match name {
        // Coded colours are turned into RGB with other roundings, and then black is multiplied.
        "cmyk.jpg" => 4,
        "lossy.webp" => 4,
        name if name.ends_with(".jpg") => 4,
        _ => 0,
    }
}

#[test]
fn every_format_is_read_as_pil_does() {
    let mut failed = Vec::new();
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| !name.ends_with(".rgb"));
    names.sort();
    assert!(names.len() >= 29, "{names:?}");
    for name in &names {
        let (width, height, rgb) = expected(name);
        let read = picture::read(&folder().join(name)).unwrap().to_rgb8();
        if (read.width(), read.height()) != (width, height) {
            failed.push(format!("{name}: {}×{}, not {width}×{height}", read.width(), read.height()));
            continue;
        }
        // Of the header alone, and upright as well.
        assert_eq!(picture::size(&folder().join(name)).unwrap(), (width, height), "{name}");
        let samples = read.as_u8().unwrap();
        let differences = samples.iter().zip(&rgb).map(|(&one, &other)| one.abs_diff(other));
        let (most, count) =
            differences.fold((0, 0), |(most, count), one| (most.max(one), count + usize::from(one > 0)));
        println!("{name}: {count} of {} differ, by {most} at most", rgb.len());
        if most > levels(name) || samples.len() != rgb.len() {
            failed.push(format!("{name}: {count} of {} samples differ, by up to {most}", rgb.len()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn samples_stay_as_deep_as_they_are() {
    for (name, channels, deep) in [
        ("grey.png", 1, false),
        ("la.png", 2, false),
        ("rgba.png", 4, false),
        ("grey16.png", 1, true),
        ("grey16.tif", 1, true),
        ("rgba16.png", 4, true),
        ("cmyk.jpg", 3, false),
    ] {
        let read = picture::read(&folder().join(name)).unwrap();
        assert_eq!(read.channels(), channels, "{name}");
        assert_eq!(matches!(read.samples(), Samples::U16(_)), deep, "{name}");
        // Written as PNG, it comes back as it was.
        assert_eq!(picture::decode(&read.to_png().unwrap()).unwrap(), read, "{name}");
        let opaque = read.clone().without_alpha();
        assert_eq!(opaque.channels(), if channels % 2 == 0 { channels - 1 } else { channels }, "{name}");
        assert_eq!(opaque.to_rgb8(), read.to_rgb8(), "{name}");
    }
}

#[test]
fn grey_is_pils() {
    // (R·19595 + G·38470 + B·7471 + 2¹⁵) / 2¹⁶ of three pixels, alpha dropped.
    let picture = Picture::from_u8(3, 1, 4, vec![255, 0, 0, 9, 0, 255, 0, 9, 10, 20, 250, 0]).unwrap();
    assert_eq!(picture.to_grey8().as_u8().unwrap(), [76, 150, 43]);
}

/// Every prefix of every file is an error, and none a panic or half a picture.
#[test]
fn what_is_cut_short_is_said_to_be() {
    for name in [
        "rgb.png",
        "grey16.png",
        "rgb420.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "rgb.bmp",
        "rgb.tif",
        "palette.gif",
        "lossless.webp",
        "lossy.webp",
    ] {
        let bytes = fs::read(folder().join(name)).unwrap();
        let mut truncated = 0;
        for end in (0..bytes.len() - 1).step_by(7) {
            // BMP, GIF and TIFF may have bytes behind the last pixel; the picture is then whole.
            match picture::decode(&bytes[..end]) {
                Ok(read) => assert_eq!(read, picture::decode(&bytes).unwrap(), "{name} to {end}"),
                Err(error) if matches!(error.fault, PictureFault::Truncated { .. }) => truncated += 1,
                Err(_) => {}
            }
        }
        assert!(truncated > bytes.len() / 7 / 2, "{name}: {truncated} of {}", bytes.len() / 7);
    }
}

/// Whatever one byte becomes, the answer is a picture or an error.
#[test]
fn damage_never_panics() {
    for name in ["palette.png", "grey.jpg", "palette.bmp", "rgb.tif", "palette.gif", "lossy.webp"] {
        let bytes = fs::read(folder().join(name)).unwrap();
        for at in (0..bytes.len()).step_by(5) {
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            let limits = Limits { side: 10_000, bytes: 1 << 26 };
            let _: Result<_, _> = picture::decode_within(&changed, &limits);
        }
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let said = |bytes: &[u8]| picture::decode(bytes).unwrap_err().to_string();
    assert!(said(b"").contains("the file is empty"));
    assert!(said(b"<svg xmlns").contains("SVG"));
    assert!(said(b"<!DOCTYPE html>").contains("web page"));
    assert!(said(b"\0\0\0\x20ftypavif").contains("AVIF"));
    assert!(said(b"hello").contains("68 65 6c 6c"));
    let error = picture::read(&folder()).unwrap_err();
    assert!(
        matches!(error.fault, PictureFault::Folder) && error.to_string().contains("tests/pictures"),
        "{error}"
    );
    let error = picture::read(Path::new("no such.png")).unwrap_err();
    assert!(
        matches!(error.fault, PictureFault::Io(_)) && error.to_string().contains("no such.png"),
        "{error}"
    );
}

#[test]
fn sizes_have_limits() {
    let wide = Picture::from_u8(50_000, 1, 1, (0..50_000).map(|at| at as u8).collect()).unwrap();
    let bytes = wide.to_png().unwrap();
    assert_eq!(picture::decode(&bytes).unwrap(), wide);
    for (limits, said) in [
        (
            Limits { side: 49_999, ..Limits::default() },
            "50000×1 pixels, over the limit of 49999 pixels a side",
        ),
        (
            Limits { bytes: 49_999, ..Limits::default() },
            "50000×1 pixels, 50000 bytes, over the limit of 49999 bytes",
        ),
    ] {
        let error = picture::decode_within(&bytes, &limits).unwrap_err();
        assert!(
            matches!(error.fault, PictureFault::TooLarge { .. }) && error.to_string().contains(said),
            "{error}"
        );
    }
    // 30,000 × 30,000 pixels of RGB by a header of a BMP and nothing behind it.
    let mut bomb = fs::read(folder().join("rgb.bmp")).unwrap();
    bomb[18..22].copy_from_slice(&30_000u32.to_le_bytes());
    bomb[22..26].copy_from_slice(&30_000u32.to_le_bytes());
    let error = picture::decode(&bomb).unwrap_err();
    assert!(matches!(error.fault, PictureFault::TooLarge { .. }), "{error}");
    bomb[18..22].fill(0);
    let error = picture::decode(&bomb).unwrap_err();
    assert!(matches!(error.fault, PictureFault::Empty { .. } | PictureFault::Damaged { .. }), "{error}");
    assert!(matches!(Picture::from_u8(0, 3, 1, vec![]).unwrap_err().fault, PictureFault::Empty { .. }));
    assert!(matches!(Picture::from_u8(2, 2, 5, vec![0; 20]).unwrap_err().fault, PictureFault::Count { .. }));
    assert!(matches!(Picture::from_u8(2, 2, 3, vec![0; 11]).unwrap_err().fault, PictureFault::Count { .. }));
}

#[test]
fn png_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/one.png");
    let picture = Picture::from_u8(2, 1, 3, vec![1, 2, 3, 4, 5, 6]).unwrap();
    picture.write_png(&path).unwrap();
    assert_eq!(picture::read(&path).unwrap(), picture);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    // Where a folder has its name, nothing is left behind.
    let taken = folder.path().join("taken.png");
    fs::create_dir(&taken).unwrap();
    assert!(matches!(picture.write_png(&taken).unwrap_err().fault, PictureFault::Io(_)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
