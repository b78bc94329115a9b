//! COCO's JSON, and its runs and polygons.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use serde::Deserialize;

use super::{
    model::{Category, Dataset, Mask, Object, Picture},
    text,
};
use crate::{boxes::BBox, error::DetectError, masks::Rle};

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    #[serde(default)]
    annotations: Vec<Annotation>,
    categories: Vec<Named>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
    #[serde(default)]
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Deserialize)]
struct Named {
    id: i64,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    id: Option<i64>,
    image_id: i64,
    category_id: i64,
    bbox: Option<Vec<f64>>,
    area: Option<f64>,
    #[serde(default)]
    iscrowd: Flag,
    segmentation: Option<Segmentation>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`iscrowd` is 0 or 1")]
enum Flag {
    Truth(bool),
    Number(f64),
}

impl Default for Flag {
    fn default() -> Self {
        Self::Truth(false)
    }
}

/// A mask in COCO's JSON.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`segmentation` is a list of polygons ([[x, y, x, y, …]]) or runs ({\"size\": [height, width], \"counts\": …})"
)]
pub enum Segmentation {
    /// Polygons.
    Polygons(Vec<Vec<f64>>),
    /// Runs, in numbers or in a string.
    Runs {
        /// Rows and columns.
        size: [u32; 2],
        /// The runs.
        counts: Counts,
    },
}

/// Runs in COCO's JSON.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`counts` is a list of whole numbers from 0 or COCO's string")]
pub enum Counts {
    /// COCO's string.
    Compressed(String),
    /// The lengths themselves.
    Plain(Vec<u32>),
}

impl Segmentation {
    /// The mask, of a picture of that size; `what` says whose it is. Nothing where there are no polygons.
    pub fn mask(self, height: usize, width: usize, what: &str) -> Result<Option<Mask>, DetectError> {
        let runs = match self {
            Self::Polygons(polygons) if polygons.is_empty() => return Ok(None),
            Self::Polygons(polygons) => {
                // A point that is nowhere is found now, and not in the middle of a training.
                for polygon in &polygons {
                    Rle::from_polygon(1, 1, polygon).map_err(DetectError::mask(what))?;
                }
                return Ok(Some(Mask::Polygons(polygons)));
            }
            Self::Runs { size: [rows, columns], counts } => match counts {
                Counts::Compressed(text) => Rle::from_compressed(rows as usize, columns as usize, &text),
                Counts::Plain(counts) => Rle::new(rows as usize, columns as usize, counts),
            },
        };
        let mask = Mask::Runs(runs.map_err(DetectError::mask(what))?);
        mask.to_runs(height, width).map_err(DetectError::mask(what))?;
        Ok(Some(mask))
    }
}

/// The box of four numbers.
pub fn bbox(numbers: &[f64]) -> Result<BBox, String> {
    let wanted = "four numbers are wanted, x, y, width and height in pixels";
    let [x, y, width, height] = numbers[..] else {
        return Err(format!("{} numbers; {wanted}", numbers.len()));
    };
    let found = BBox::new(x, y, width, height);
    if found.is_valid() { Ok(found) } else { Err(format!("{numbers:?} is no box; {wanted}, none below 0")) }
}

/// Parses JSON, with the line where it is none.
pub fn parse<'a, T: Deserialize<'a>>(path: &Path, text: &'a str) -> Result<T, DetectError> {
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        DetectError::entry(path, place, format!("it is not COCO's JSON: {error}"))
    })
}

/// Reads COCO's annotations; the pictures lie in `folder`.
///
/// `iscrowd` may be missing and is then 0, `area` the mask's, or the box's without one; `bbox` the smallest box around the mask.
/// Ids of annotations are not kept: [`super::write_coco`] numbers them from 1, for the tools of COCO take one of 0 as not found.
///
/// # Errors
/// [`DetectError::Entry`], with the line, or the annotation and its key; [`DetectError::Mask`]; [`DetectError::Io`].
pub fn read_coco(path: &Path, folder: &Path) -> Result<Dataset, DetectError> {
    let text = text::read(path)?;
    let File { mut images, annotations, mut categories } = parse(path, &text)?;
    images.sort_by_key(|image| image.id);
    categories.sort_by_key(|category| category.id);
    let twice = |what: &str, id: i64| {
        let reason = "the id is there twice; each needs its own";
        DetectError::entry(path, format!("{what} {id}"), reason)
    };
    if let Some(pair) = images.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(twice("image", pair[0].id));
    }
    if let Some(pair) = categories.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(twice("category", pair[0].id));
    }
    let places: HashMap<i64, usize> = images.iter().enumerate().map(|(at, image)| (image.id, at)).collect();
    let classes: HashMap<i64, usize> = categories.iter().enumerate().map(|(at, one)| (one.id, at)).collect();
    let mut pictures: Vec<Picture> = images
        .into_iter()
        .map(|Image { id, file_name, width, height }| Picture {
            id,
            file_name,
            width: width as usize,
            height: height as usize,
            objects: Vec::new(),
        })
        .collect();
    let mut seen = HashSet::new();
    for (at, annotation) in annotations.into_iter().enumerate() {
        let name =
            annotation.id.map_or_else(|| format!("annotations[{at}]"), |id| format!("annotation {id}"));
        let fault = |key: &str, reason: String| DetectError::entry(path, format!("{name}, `{key}`"), reason);
        if annotation.id.is_some_and(|id| !seen.insert(id)) {
            return Err(twice("annotation", annotation.id.unwrap_or_default()));
        }
        let missing = |what: &str, id: i64| format!("`{what}` has no entry of the id {id}");
        let picture = *places
            .get(&annotation.image_id)
            .ok_or_else(|| fault("image_id", missing("images", annotation.image_id)))?;
        let category = *classes
            .get(&annotation.category_id)
            .ok_or_else(|| fault("category_id", missing("categories", annotation.category_id)))?;
        let picture = &mut pictures[picture];
        let what = format!("{}, {name}, `segmentation`", path.display());
        let mask = match annotation.segmentation {
            Some(segmentation) => segmentation.mask(picture.height, picture.width, &what)?,
            None => None,
        };
        // Only where the file does not say: to draw polygons takes its time.
        let runs = match &mask {
            Some(mask) if annotation.bbox.is_none() || annotation.area.is_none() => {
                Some(mask.to_runs(picture.height, picture.width).map_err(DetectError::mask(what))?)
            }
            _ => None,
        };
        let bbox = match (&annotation.bbox, &runs) {
            (Some(numbers), _) => bbox(numbers).map_err(|reason| fault("bbox", reason))?,
            (None, Some(runs)) => runs.bbox(),
            (None, None) => {
                return Err(fault("bbox", "it is missing, and there is no `segmentation` either".to_owned()));
            }
        };
        let area = annotation.area.unwrap_or_else(|| runs.map_or(bbox.area(), |runs| runs.area() as f64));
        if !(area.is_finite() && area >= 0.0) {
            return Err(fault("area", format!("{area} is no area; pixels are wanted")));
        }
        let crowd = match annotation.iscrowd {
            Flag::Truth(crowd) => crowd,
            Flag::Number(number) => number != 0.0,
        };
        picture.objects.push(Object {
            category,
            bbox,
            area,
            crowd,
            difficult: false,
            truncated: false,
            mask,
        });
    }
    let categories = categories.into_iter().map(|Named { id, name }| Category { id, name }).collect();
    Ok(Dataset { folder: folder.to_owned(), categories, pictures })
}
