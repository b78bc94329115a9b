//! Pictures and the objects in them, whatever file they came from.

use std::path::PathBuf;

use crate::{
    boxes::BBox,
    masks::{MaskError, Rle},
};

/// A class of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its number in files; COCO's leave some out.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A picture with what is known to be in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its number in files.
    pub id: i64,
    /// The file, from [`Dataset::folder`].
    pub file_name: String,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The objects, in the order of the file.
    pub objects: Vec<Object>,
}

/// An object in a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its class: a place in [`Dataset::categories`], and not a number of a file.
    pub category: usize,
    /// Its box, as the file has it: it may reach out of the picture.
    pub bbox: BBox,
    /// Its area in pixels, which decides whether it is small, medium or large.
    pub area: f64,
    /// Whether it is many objects that nobody has told apart.
    pub crowd: bool,
    /// Whether it is one that need not be found (Pascal VOC).
    pub difficult: bool,
    /// Whether a part of it is out of the picture (Pascal VOC).
    pub truncated: bool,
    /// Its pixels.
    pub mask: Option<Mask>,
}

impl Object {
    /// An object of a class, with the area of its box.
    #[must_use]
    pub fn new(category: usize, bbox: BBox) -> Self {
        let area = bbox.area();
        Self { category, bbox, area, crowd: false, difficult: false, truncated: false, mask: None }
    }
}

/// The pixels of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Mask {
    /// Inside any of these polygons, each x and y of its corners in turns.
    Polygons(Vec<Vec<f64>>),
    /// Runs.
    Runs(Rle),
}

impl Mask {
    /// As runs over a picture of that size.
    ///
    /// # Errors
    /// [`MaskError`] for polygons that are none, and runs over a picture of another size.
    pub fn to_runs(&self, height: usize, width: usize) -> Result<Rle, MaskError> {
        match self {
            Self::Polygons(polygons) => Rle::from_polygons(height, width, polygons),
            Self::Runs(runs) if [runs.height(), runs.width()] == [height, width] => Ok(runs.clone()),
            Self::Runs(runs) => {
                Err(MaskError::Sizes { one: [runs.height(), runs.width()], other: [height, width] })
            }
        }
    }
}

/// Pictures with their objects.
///
/// The order is the same each time: pictures by ascending id (which is the order of their names where files have no ids),
/// objects as they stand in the file, categories by ascending id.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Dataset {
    /// Where the pictures lie.
    pub folder: PathBuf,
    /// The classes.
    pub categories: Vec<Category>,
    /// The pictures.
    pub pictures: Vec<Picture>,
}

impl Dataset {
    /// Each picture's file with its objects.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = (PathBuf, &[Object])> {
        self.pictures.iter().map(|picture| (self.folder.join(&picture.file_name), &picture.objects[..]))
    }

    /// The objects of all pictures.
    #[must_use]
    pub fn object_count(&self) -> usize {
        self.pictures.iter().map(|picture| picture.objects.len()).sum()
    }

    /// The place of a category, by its number in files.
    #[must_use]
    pub fn category(&self, id: i64) -> Option<usize> {
        self.categories.iter().position(|category| category.id == id)
    }
}
