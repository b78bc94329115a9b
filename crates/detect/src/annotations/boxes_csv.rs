//! Boxes in a table of comma-separated values.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use tilewright_data::picture;

use super::{
    model::{Dataset, Object, Picture},
    text::{self, Pictures, categories, place},
};
use crate::{boxes::BBox, error::DetectError};

/// What the numbers of a table of boxes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Corners {
    /// Edges between pixels, counted from 0: the box is from xmin to xmax.
    #[default]
    Edges,
    /// Pixels counted from 1, both inside, as in Pascal VOC: the box is from xmin − 1 to xmax. deepforest's tables are copied from
    /// such XML, and are of this kind.
    PixelsFromOne,
}

/// Reads a table of boxes like deepforest's: a first line with the columns `image_path`, `xmin`, `ymin`, `xmax`, `ymax` and
/// `label`, in any order and among others. Pictures lie in `pictures`, and are found with another ending as well.
///
/// A row whose four numbers are 0, or are missing, says that the picture has no objects. Pictures come by name, `class_names` are
/// the classes in their order; without them they are those of the table, sorted. Sizes come from the pictures' headers.
///
/// # Errors
/// [`DetectError::Entry`], with the line; [`DetectError::PictureMissing`]; [`DetectError::Picture`]; [`DetectError::Io`].
pub fn read_boxes_csv(
    path: &Path,
    pictures: &Path,
    corners: Corners,
    class_names: Option<&[String]>,
) -> Result<Dataset, DetectError> {
    let text = text::read(path)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        DetectError::entry(
            path,
            format!("line {line}"),
            format!("it is no table of comma-separated values: {error}"),
        )
    };
    let header = reader.headers().map_err(broken)?.clone();
    let mut columns = [0; 6];
    for (column, name) in columns.iter_mut().zip(["image_path", "xmin", "ymin", "xmax", "ymax", "label"]) {
        let found = header.iter().position(|found| found == name);
        *column = found.ok_or_else(|| {
            let reason = format!(
                "there is no column `{name}`; image_path, xmin, ymin, xmax, ymax and label are wanted"
            );
            DetectError::entry(path, "line 1", reason)
        })?;
    }
    let known = Pictures::new(pictures)?;
    let mut rows: BTreeMap<String, Vec<(u64, BBox, String)>> = BTreeMap::new();
    // What each name of the table is in the folder, so that it is looked for once.
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: usize| record.get(columns[column]).unwrap_or_default();
        let name = match names.get(field(0)) {
            Some(name) => name.clone(),
            None => {
                let name = known.find(field(0), path)?;
                names.insert(field(0).to_owned(), name.clone());
                name
            }
        };
        let objects = rows.entry(name).or_default();
        let numbers = [1, 2, 3, 4].map(field);
        if numbers.iter().all(|number| number.is_empty() || number.parse() == Ok(0.0)) {
            continue;
        }
        let mut edges = [0.0; 4];
        for (edge, number) in edges.iter_mut().zip(numbers) {
            let parsed = number.parse().ok().filter(|parsed: &f64| parsed.is_finite());
            *edge = parsed.ok_or_else(|| {
                DetectError::entry(path, format!("line {line}"), format!("`{number}` is no number of pixels"))
            })?;
        }
        if corners == Corners::PixelsFromOne {
            edges[0] -= 1.0;
            edges[1] -= 1.0;
        }
        let bbox = BBox::from_edges(edges);
        if !bbox.is_valid() {
            let reason = "xmax lies before xmin, or ymax before ymin";
            return Err(DetectError::entry(path, format!("line {line}"), reason));
        }
        objects.push((line, bbox, field(5).to_owned()));
    }
    if rows.is_empty() {
        return Err(DetectError::entry(path, "line 1", "no row follows; it lists no picture"));
    }
    let labels: BTreeSet<String> = rows.values().flatten().map(|(_, _, label)| label.clone()).collect();
    let categories = categories(class_names, labels);
    let mut found = Vec::with_capacity(rows.len());
    for (id, (file_name, boxes)) in (1..).zip(rows) {
        let (width, height) = picture::size(&pictures.join(&file_name))?;
        let mut objects = Vec::with_capacity(boxes.len());
        for (line, bbox, label) in boxes {
            let fault = |reason| DetectError::entry(path, format!("line {line}, `label`"), reason);
            objects.push(Object::new(place(&categories, &label).map_err(fault)?, bbox));
        }
        found.push(Picture { id, file_name, width, height, objects });
    }
    Ok(Dataset { folder: pictures.to_owned(), categories, pictures: found })
}
