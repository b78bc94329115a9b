//! Writing of COCO's JSON.

use std::path::Path;

use serde_json::json;

use super::{
    model::{Dataset, Mask},
    results::runs,
};
use crate::error::DetectError;

/// Writes a dataset as COCO's annotations, numbered from 1: a crowd's runs as numbers, as COCO's own files have them, other runs
/// as strings.
///
/// # Errors
/// [`DetectError::Unfit`] for an object of a category that is not there, or with what is no number; [`DetectError::Io`].
pub fn write_coco(path: &Path, dataset: &Dataset) -> Result<(), DetectError> {
    let (mut images, mut annotations) = (Vec::new(), Vec::with_capacity(dataset.object_count()));
    for picture in &dataset.pictures {
        images.push(json!({
            "id": picture.id, "file_name": picture.file_name, "width": picture.width, "height": picture.height
        }));
        for object in &picture.objects {
            let unfit =
                |reason: &str| DetectError::unfit(format!("an object of `{}`", picture.file_name), reason);
            let category =
                dataset.categories.get(object.category).ok_or_else(|| unfit("its category is not there"))?;
            if !object.bbox.is_valid() || !object.area.is_finite() {
                return Err(unfit("its box or its area is no number, or an extent is below 0"));
            }
            let mut entry = json!({
                "id": annotations.len() + 1, "image_id": picture.id, "category_id": category.id,
                "bbox": object.bbox.to_array(), "area": object.area, "iscrowd": u8::from(object.crowd)
            });
            match &object.mask {
                None => {}
                Some(Mask::Polygons(polygons)) => entry["segmentation"] = json!(polygons),
                Some(Mask::Runs(mask)) if object.crowd => {
                    entry["segmentation"] =
                        json!({"size": [mask.height(), mask.width()], "counts": mask.counts()});
                }
                Some(Mask::Runs(mask)) => entry["segmentation"] = runs(mask),
            }
            annotations.push(entry);
        }
    }
    let categories: Vec<_> =
        dataset.categories.iter().map(|category| json!({"id": category.id, "name": category.name})).collect();
    let file = json!({"images": images, "annotations": annotations, "categories": categories});
    std::fs::write(path, file.to_string()).map_err(DetectError::io(path))
}
