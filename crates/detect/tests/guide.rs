//! The program of `docs/detection.md`, on files made here.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use tempfile::TempDir;
use tilewright_data::{ColorJitter, Image, SampleRng, picture};
use tilewright_detect::{
    DetectError,
    annotations::{Dataset, Detection, read_coco, read_results, read_voc, write_coco, write_results},
    augment::{HorizontalFlip, MinIouCrop, Sample, ScaleJitter, Step, Steps},
    metrics::{CocoOptions, VocAverage, evaluate, voc_average_precision},
};

fn convert(folder: &Path) -> Result<Dataset, DetectError> {
    let dataset = read_voc(&folder.join("Annotations"), &folder.join("JPEGImages"), None)?;
    write_coco(&folder.join("instances.json"), &dataset)?;
    for (file, objects) in dataset.samples() {
        println!("{}: {} objects", file.display(), objects.len());
    }
    Ok(dataset)
}

fn report(annotations: &Path, pictures: &Path, results: &Path) -> Result<[f64; 12], DetectError> {
    let dataset = read_coco(annotations, pictures)?;
    let found = read_results(results, &dataset)?;
    let figures = evaluate(&dataset, &found, &CocoOptions::default())?;
    let [ap, ap50, ap75, ..] = figures.stats();
    println!("AP {ap:.3}, AP50 {ap50:.3}, AP75 {ap75:.3}");
    for (category, ap) in dataset.categories.iter().zip(figures.class_precisions(None)) {
        println!("{}: {}", category.name, ap.map_or("no objects".to_owned(), |ap| format!("{ap:.3}")));
    }
    let voc = voc_average_precision(&dataset, &found, 0.5, VocAverage::AllPoints)?;
    println!("VOC: {voc:?}");
    Ok(figures.stats())
}

fn augmented(dataset: &Dataset, at: usize, seed: u64, epoch: u64) -> Result<Sample, DetectError> {
    let steps = Steps::new()
        .then(ColorJitter::new(0.1, 0.5, 0.5, 0.05)?)
        .then(MinIouCrop::new())
        .then(HorizontalFlip::new(0.5)?)
        .then(ScaleJitter::new(300, 300, [0.5, 1.5])?);
    let one = &dataset.pictures[at];
    let read = picture::read(&dataset.folder.join(&one.file_name))?.to_rgb8();
    let (height, width) = (read.height(), read.width());
    let bytes = read.as_u8().unwrap_or_default();
    let planes: Vec<u8> = (0..3).flat_map(|channel| bytes.iter().skip(channel).step_by(3).copied()).collect();
    let mut sample = Sample::new(Image::from_bytes([3, height, width], &planes)?, one.objects.clone())?;
    steps.apply(&mut sample, &mut SampleRng::new(seed, epoch, at as u64))?;
    Ok(sample)
}

#[test]
fn the_guide_runs() {
    let folder = TempDir::new().unwrap();
    for name in ["Annotations", "JPEGImages"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let picture =
        picture::Picture::from_u8(60, 40, 3, (0..7200).map(|at| (at % 251) as u8).collect()).unwrap();
    picture.write_png(&folder.path().join("JPEGImages/1.png")).unwrap();
    let xml = "<annotation><size><width>60</width><height>40</height></size><object><name>cat</name>
        <bndbox><xmin>11</xmin><ymin>6</ymin><xmax>50</xmax><ymax>35</ymax></bndbox></object></annotation>";
    fs::write(folder.path().join("Annotations/1.xml"), xml).unwrap();

    let dataset = convert(folder.path()).unwrap();
    let bbox = dataset.pictures[0].objects[0].bbox;
    assert_eq!(bbox.edges(), [10.0, 5.0, 50.0, 35.0]);
    let results = folder.path().join("results.json");
    let found = [Detection { picture: 0, category: 0, score: 0.9, bbox, mask: None }];
    write_results(&results, &dataset, &found).unwrap();
    let pictures = folder.path().join("JPEGImages");
    let stats = report(&folder.path().join("instances.json"), &pictures, &results).unwrap();
    assert_eq!(stats[0], 1.0);
    let sample = augmented(&dataset, 0, 1, 2).unwrap();
    assert_eq!((sample.size(), sample.objects.len()), ([300, 300], 1));
    assert_eq!(sample, augmented(&dataset, 0, 1, 2).unwrap());
    assert_ne!(sample, augmented(&dataset, 0, 1, 3).unwrap());
}
