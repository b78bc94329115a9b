//! Pictures in folders, tables and masks: what is found in which order, what is refused, and that the loader gives it out.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tilewright_data::{
    Compose, DataError, DataLoader, IGNORED, ImageDataset, InMemoryDataset, LoaderOptions, MaskKind,
    RandomHorizontalFlip, Resize, Sampler, Size, Subset, image_folder, label_file, mask_folder, per_class,
    stratified,
};

/// A picture of `colour` and `size` (height, width), its first pixel black.
fn picture(path: &Path, colour: [u8; 3], [height, width]: [u32; 2]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut picture = image::RgbImage::from_pixel(width, height, image::Rgb(colour));
    picture.put_pixel(0, 0, image::Rgb([0; 3]));
    picture.save(path).unwrap();
}

fn mask(path: &Path, [height, width]: [u32; 2], number: impl Fn(u32, u32) -> u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mask = image::GrayImage::from_fn(width, height, |x, y| image::Luma([number(y, x)]));
    mask.save(path).unwrap();
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn stems(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_folder_of_classes_is_read_as_torchvisions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    picture(&root.join("dog/b.png"), [200, 10, 20], [4, 6]);
    picture(&root.join("dog/a/z.PNG"), [201, 10, 20], [5, 5]);
    picture(&root.join("cat/c.jpg"), [10, 200, 20], [8, 3]);
    fs::write(root.join("dog/notes.txt"), "not a picture").unwrap();
    fs::write(root.join("readme.png"), "not in a class").unwrap();
    picture(&root.join(".hidden/h.png"), [1, 1, 1], [2, 2]);
    picture(&root.join("dog/.thumb.png"), [1, 1, 1], [2, 2]);
    let found = image_folder(root, None).unwrap();
    assert_eq!(found.class_names(), names(&["cat", "dog"]));
    assert_eq!(stems(found.files()), ["c", "z", "b"]);
    assert_eq!([0, 1, 2].map(|at| found.label(at).unwrap()), [0, 1, 1]);
    assert!(!found.one_size() && found.image_shape() == [3, 8, 3]);
    let sample = found.sample(2).unwrap();
    assert_eq!((sample.shape, sample.mask), ([3, 4, 6], None));
    assert_eq!(sample.pixels[0], 0.0);
    assert_eq!([1, 25, 49].map(|at| (sample.pixels[at] * 255.0).round()), [200.0, 10.0, 20.0]);
    assert!(matches!(found.sample(3), Err(DataError::IndexOutOfRange { .. })));
    let grey = found.channels(1).unwrap().open().unwrap();
    assert_eq!(grey.sample(2).unwrap().shape, [1, 4, 6]);
    // With classes given, a folder may lack some, and must have no other.
    let given = image_folder(root, Some(&names(&["bird", "dog", "cat"]))).unwrap();
    assert_eq!([0, 1, 2].map(|at| given.label(at).unwrap()), [2, 1, 1]);
    let error = image_folder(root, Some(&names(&["dog"]))).err().unwrap();
    assert!(error.to_string().contains("`cat`") && error.to_string().contains("dog"), "{error}");
}

#[test]
fn folders_without_classes_or_pictures_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert!(matches!(image_folder(root, None), Err(DataError::NoClasses { .. })));
    picture(&root.join("a.png"), [1, 2, 3], [2, 2]);
    assert!(matches!(image_folder(root, None), Err(DataError::NoClasses { .. })));
    fs::create_dir(root.join("empty")).unwrap();
    let error = image_folder(root, None).err().unwrap();
    assert!(matches!(&error, DataError::NoPictures { folder } if folder.ends_with("empty")), "{error}");
    assert!(matches!(image_folder(&root.join("nowhere"), None), Err(DataError::Io { .. })));
    let named = image_folder(root, Some(&names(&["empty"])));
    assert!(matches!(named, Err(DataError::NoPictures { .. })));
}

#[test]
fn pictures_that_cannot_be_read_are_named_and_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (class, colour) in [("a", [255, 0, 0]), ("b", [0, 0, 255])] {
        for at in 0..3 {
            picture(&root.join(format!("{class}/{at}.png")), colour, [4, 4]);
        }
    }
    let bad = root.join("a/1.png");
    let whole = fs::read(&bad).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    fs::write(root.join("b/2.png"), "no picture").unwrap();
    let found = image_folder(root, None).unwrap();
    let error = found.sample(1).unwrap_err();
    assert!(error.to_string().contains("1.png"), "{error}");
    let unreadable = found.unreadable(3);
    assert_eq!(unreadable.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 5]);
    assert!(unreadable[0].1.path.ends_with("a/1.png"));
    let options = LoaderOptions { batch_size: 2, ..LoaderOptions::default() };
    let resize = || Arc::new(Resize::new(Size::Exactly(2, 2)).unwrap());
    let loader = DataLoader::new(Arc::new(found), resize(), options).unwrap();
    let failed: Vec<_> =
        loader.epoch(0).unwrap().filter_map(Result::err).map(|error| error.to_string()).collect();
    assert!(failed.len() == 1 && failed[0].contains("1.png"), "{failed:?}");
    let kept = image_folder(root, None).unwrap().without(&[1, 5]).unwrap();
    assert_eq!((kept.len(), stems(kept.files())), (4, names(&["0", "2", "0", "1"])));
    assert_eq!((0..4).map(|at| kept.label(at).unwrap()).collect::<Vec<_>>(), [0, 0, 1, 1]);
    let loader = DataLoader::new(Arc::new(kept), resize(), options).unwrap();
    assert_eq!(loader.epoch(0).unwrap().map(|batch| batch.unwrap().labels.len()).sum::<usize>(), 4);
    assert!(matches!(
        image_folder(root, None).unwrap().without(&[0, 1, 2, 3, 4, 5]),
        Err(DataError::Empty { .. })
    ));
}

#[test]
fn tables_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a.png", "sub/b, c.png", "d.png"] {
        picture(&root.join(name), [9, 9, 9], [2, 3]);
    }
    let table = root.join("labels.csv");
    let read = |text: &str, classes: Option<&[String]>| {
        fs::write(&table, text).unwrap();
        label_file(&table, classes)
    };
    let labels =
        |found: &dyn ImageDataset| (0..found.len()).map(|at| found.label(at).unwrap()).collect::<Vec<_>>();
    let found = read("file,label\na.png,dog\n\"sub/b, c.png\",cat\r\nd.png, dog\n", None).unwrap();
    assert_eq!((found.class_names(), labels(&found)), (&names(&["cat", "dog"])[..], vec![1, 0, 1]));
    let found = read("file,label\na.png,0\nd.png,2\n", None).unwrap();
    assert_eq!((found.class_names(), labels(&found)), (&names(&["0", "1", "2"])[..], vec![0, 2]));
    let classes = names(&["x", "y", "z"]);
    let found = read("file,label\na.png,2\nd.png,0\n", Some(&classes)).unwrap();
    assert_eq!((found.class_names(), labels(&found)), (&classes[..], vec![2, 0]));
    let found = read("file,red,round\na.png,1,0\nd.png,1,1\nd.png,0,0\n", None).unwrap();
    assert_eq!(found.class_names(), names(&["red", "round"]));
    let marks = |at| found.marks(at).unwrap().unwrap().into_owned();
    assert_eq!([0, 1, 2].map(marks), [vec![1.0, 0.0], vec![1.0, 1.0], vec![0.0, 0.0]]);
    let left = found.without(&[0]).unwrap();
    assert_eq!(left.marks(0).unwrap().unwrap().into_owned(), [1.0, 1.0]);
    for (text, classes, parts) in [
        ("file,label\na.png,3\n", Some(&classes[..]), &["line 2", "class 3", "3 classes"][..]),
        ("file,label\na.png,y\nd.png,w\n", Some(&classes), &["line 3", "`w`", "x, y, z"]),
        ("file,label\nnone.png,1\n", None, &["line 2", "none.png"]),
        ("a.png,dog\nd.png,cat\n", None, &["line 1", "path,label"]),
        ("file\na.png\n", None, &["line 1", "two columns"]),
        ("file,label\n", None, &["no picture"]),
        ("", None, &["two columns"]),
        ("file,red,round\na.png,1,2\n", None, &["line 2", "round", "0 or 1"]),
        ("file,label\na.png,1,2\n", None, &["line 2", "comma-separated"]),
        ("file,label\na.png,4000000000\n", None, &["line 2", "4000000000"]),
        ("file,red,round\na.png,1,0\n", Some(&classes), &["red, round", "x, y, z"]),
    ] {
        let said = read(text, classes).err().unwrap().to_string();
        assert!(
            said.contains("labels.csv") && parts.iter().all(|part| said.contains(part)),
            "{text:?}: {said}"
        );
    }
}

#[test]
fn masks_belong_to_pictures_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, size) in [("a", [4, 6]), ("b", [5, 5])] {
        picture(&root.join(format!("images/{name}.jpg")), [90, 90, 90], size);
        mask(&root.join(format!("masks/{name}.png")), size, |y, x| {
            if y == 0 && x == 1 { 255 } else { (x % 3) as u8 }
        });
    }
    let classes = names(&["ground", "road", "car"]);
    let found = mask_folder(root, MaskKind::Classes, classes.clone()).unwrap();
    assert!(found.has_masks() && found.unreadable(2).is_empty());
    let sample = found.sample(0).unwrap();
    assert_eq!((sample.shape, &sample.mask.unwrap()[..8]), ([3, 4, 6], &[0, IGNORED, 2, 0, 1, 2, 0, 1][..]));
    let objects = mask_folder(root, MaskKind::Instances, names(&["ground", "object"])).unwrap();
    assert_eq!(objects.sample(1).unwrap().mask.unwrap()[..5], [0, 1, 1, 0, 1]);
    // A mask goes where its picture goes.
    let flip = Compose::new()
        .then(Resize::new(Size::Exactly(8, 12)).unwrap())
        .then(RandomHorizontalFlip::new(1.0).unwrap());
    let subset: Arc<dyn ImageDataset> = Arc::new(Subset::new(Arc::new(found), vec![0]).unwrap());
    let loader = DataLoader::new(subset, Arc::new(flip), LoaderOptions::default()).unwrap();
    let batch = loader.epoch(0).unwrap().next().unwrap().unwrap();
    assert_eq!((batch.shape, batch.masks.len()), ([1, 3, 8, 12], 96));
    assert_eq!(batch.masks[..12], [2, 2, 1, 1, 0, 0, 2, 2, IGNORED, IGNORED, 0, 0]);

    let refused = |parts: &[&str]| {
        let said = match mask_folder(root, MaskKind::Classes, classes.clone()) {
            Err(error) => error.to_string(),
            Ok(found) => found.unreadable(1).remove(0).1.error.to_string(),
        };
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    };
    mask(&root.join("masks/b.png"), [5, 4], |_, _| 0);
    refused(&["masks/b.png", "5×4", "images/b.jpg", "5×5"]);
    mask(&root.join("masks/b.png"), [5, 5], |y, x| if (y, x) == (3, 2) { 7 } else { 0 });
    refused(&["masks/b.png", "7 in row 3, column 2", "3 classes", "instances"]);
    picture(&root.join("masks/b.png"), [1, 2, 3], [5, 5]);
    refused(&["masks/b.png", "3 channels"]);
    fs::remove_file(root.join("masks/b.png")).unwrap();
    refused(&["images/b.jpg", "no mask", "masks"]);
    fs::remove_dir_all(root.join("images")).unwrap();
    fs::create_dir(root.join("images")).unwrap();
    refused(&["images", "no picture"]);
}

#[test]
fn samples_are_held_out_class_by_class() {
    let labels: Vec<u8> = (0..100).map(|at| if at % 10 == 0 { 1 } else { 0 }).chain([2]).collect();
    let dataset =
        InMemoryDataset::new([1, 1, 1], vec![0; 101], labels.clone(), names(&["a", "b", "c", "none"]))
            .unwrap();
    let (train, held) = stratified(&dataset, 0.2, 5).unwrap();
    let count = |indices: &[usize], class| indices.iter().filter(|&&at| labels[at] == class).count();
    assert_eq!([0, 1, 2].map(|class| count(&held, class)), [18, 2, 0]);
    assert_eq!([0, 1, 2].map(|class| count(&train, class)), [72, 8, 1]);
    let mut all = [train.clone(), held.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..101).collect::<Vec<_>>());
    assert!(train.is_sorted() && held.is_sorted());
    assert_eq!(stratified(&dataset, 0.2, 5).unwrap(), (train, held.clone()));
    assert_ne!(stratified(&dataset, 0.2, 6).unwrap().1, held);
    for part in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(matches!(stratified(&dataset, part, 5), Err(DataError::InvalidOption { .. })));
    }
    let chosen = per_class(&dataset, 3, 1).unwrap();
    assert_eq!([0, 1, 2].map(|class| count(&chosen, class)), [3, 3, 1]);
    assert_ne!(per_class(&dataset, 3, 2).unwrap(), chosen);
}

#[test]
fn pictures_of_many_sizes_need_a_transform_that_gives_one() {
    let folder = tempfile::tempdir().unwrap();
    picture(&folder.path().join("a/1.png"), [1, 2, 3], [4, 8]);
    picture(&folder.path().join("b/2.png"), [1, 2, 3], [8, 4]);
    let found: Arc<dyn ImageDataset> = Arc::new(image_folder(folder.path(), None).unwrap());
    let options =
        LoaderOptions { sampler: Sampler::Shuffled { seed: 1 }, workers: 2, ..LoaderOptions::default() };
    for transform in [Compose::new(), Compose::new().then(Resize::new(Size::Shorter(4)).unwrap())] {
        let error = DataLoader::new(found.clone(), Arc::new(transform), options).err().unwrap();
        assert!(error.to_string().contains("resize"), "{error}");
    }
    let resize = Arc::new(Resize::new(Size::Exactly(3, 5)).unwrap());
    let loader = DataLoader::new(found, resize, options).unwrap();
    let batch = loader.epoch(0).unwrap().next().unwrap().unwrap();
    assert_eq!((batch.shape, batch.marks.len(), batch.masks.len()), ([2, 3, 3, 5], 0, 0));
}
