//! YOLO's text files: one for each picture, one line for each object.

use std::{collections::BTreeSet, path::Path};

use tilewright_data::picture;

use super::{
    model::{Dataset, Mask, Object, Picture},
    text::{self, categories, is_picture},
};
use crate::{boxes::BBox, error::DetectError};

/// How far a rounded number may lie beyond 0 and 1.
const SLACK: f64 = 1e-3;

/// Reads a folder of pictures, by name, with YOLO's labels: of each picture a text file of its name in `labels`.
///
/// A line is `class cx cy width height`, parts of the picture's width and height from 0 to 1 (the centre, and not a corner), or
/// `class x y x y …`, the corners of an outline. Classes are counted from 0, and `class_names` are their names. A picture
/// without a file has no objects. Sizes come from the pictures' headers, upright (as their EXIF orientation turns them).
///
/// # Errors
/// [`DetectError::Entry`], with the line; [`DetectError::Picture`]; [`DetectError::Io`]; [`DetectError::Unfit`] for a folder
/// without a picture, or one of the same name as another.
pub fn read_yolo(pictures: &Path, labels: &Path, class_names: &[String]) -> Result<Dataset, DetectError> {
    let files = text::files(pictures, is_picture)?;
    if files.is_empty() {
        return Err(DetectError::unfit(pictures.display().to_string(), "the folder has no picture"));
    }
    let mut stems = BTreeSet::new();
    let mut found = Vec::with_capacity(files.len());
    for (id, file) in (1..).zip(files) {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (width, height) = picture::size(&file)?;
        let path = labels.join(format!("{stem}.txt"));
        if !stems.insert(stem) {
            let reason = "two pictures have this name and other endings, and one text file; rename one";
            return Err(DetectError::unfit(file.display().to_string(), reason));
        }
        let file_name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut objects = Vec::new();
        if path.is_file() {
            for (at, line) in text::read(&path)?.lines().enumerate() {
                if !line.trim().is_empty() {
                    let fault = |reason| DetectError::entry(&path, format!("line {}", at + 1), reason);
                    objects.push(object(line, width, height, class_names.len()).map_err(fault)?);
                }
            }
        }
        found.push(Picture { id, file_name, width, height, objects });
    }
    let categories = categories(Some(class_names), BTreeSet::new());
    Ok(Dataset { folder: pictures.to_owned(), categories, pictures: found })
}

fn object(line: &str, width: usize, height: usize, classes: usize) -> Result<Object, String> {
    let mut fields = line.split_whitespace();
    let class = fields.next().unwrap_or_default();
    let category =
        class.parse::<usize>().map_err(|_| format!("the class `{class}` is no whole number from 0"))?;
    if category >= classes {
        return Err(format!("class {category} is beyond the {classes} classes, which are counted from 0"));
    }
    let mut numbers = Vec::new();
    for field in fields {
        let number = field.parse().map_err(|_| format!("`{field}` is no number"))?;
        if !(-SLACK..=1.0 + SLACK).contains(&number) {
            return Err(format!(
                "{number} is not from 0 to 1; numbers are parts of the picture, and no pixels"
            ));
        }
        numbers.push(number);
    }
    let (width, height) = (width as f64, height as f64);
    if let [x, y, w, h] = numbers[..] {
        if w < 0.0 || h < 0.0 {
            return Err(format!("a box of {w} × {h}"));
        }
        let bbox = BBox::new((x - w / 2.0) * width, (y - h / 2.0) * height, w * width, h * height);
        return Ok(Object::new(category, bbox));
    }
    if numbers.len() < 6 || numbers.len() % 2 != 0 {
        let count = numbers.len();
        return Err(format!(
            "{count} numbers behind the class; a box has 4, an outline x and y of 3 corners or more"
        ));
    }
    let outline: Vec<f64> = numbers.chunks_exact(2).flat_map(|at| [at[0] * width, at[1] * height]).collect();
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for corner in outline.chunks_exact(2) {
        for axis in 0..2 {
            low[axis] = low[axis].min(corner[axis]);
            high[axis] = high[axis].max(corner[axis]);
        }
    }
    let bbox = BBox::from_edges([low[0], low[1], high[0], high[1]]);
    Ok(Object {
        area: shoelace(&outline),
        mask: Some(Mask::Polygons(vec![outline])),
        ..Object::new(category, bbox)
    })
}

/// The area within an outline that does not cross itself.
fn shoelace(outline: &[f64]) -> f64 {
    let corners: Vec<[f64; 2]> = outline.chunks_exact(2).map(|at| [at[0], at[1]]).collect();
    let next = corners.iter().cycle().skip(1);
    let twice: f64 = corners.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum();
    twice.abs() / 2.0
}
