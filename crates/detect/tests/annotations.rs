//! Annotation files of every format: what is read, what is written, and what is said of files that are none.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use tempfile::TempDir;
use tilewright_data::picture::Picture;
use tilewright_detect::{
    DetectError,
    annotations::{
        Corners, Dataset, Detection, Mask, Object, read_boxes_csv, read_coco, read_results, read_voc,
        read_yolo, write_coco, write_results,
    },
    boxes::BBox,
    masks::Rle,
};

const COCO: &str = r#"{
 "info": {}, "licenses": [],
 "images": [
  {"id": 7, "file_name": "b.png", "width": 6, "height": 5},
  {"id": 3, "file_name": "a.png", "width": 10, "height": 10}],
 "annotations": [
  {"id": 0, "image_id": 7, "category_id": 90, "bbox": [1, 1, 3.5, 2], "area": 5.5, "iscrowd": 0,
   "segmentation": [[1, 1, 4.5, 1, 4.5, 3, 1, 3]]},
  {"id": 8, "image_id": 7, "category_id": 1, "bbox": [0, 0, 6, 1], "area": 4, "iscrowd": 1,
   "segmentation": {"size": [5, 6], "counts": [0, 1, 4, 1, 4, 1, 4, 1, 14]}},
  {"id": 9, "image_id": 3, "category_id": 1, "segmentation": {"size": [10, 10], "counts": "c13^1"}},
  {"id": 2, "image_id": 3, "category_id": 90, "bbox": [-2, 3, 0, 4], "segmentation": []}],
 "categories": [{"id": 90, "name": "brush", "supercategory": "x"}, {"id": 1, "name": "person"}]
}"#;

fn put(folder: &TempDir, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn picture(folder: &Path, name: &str, width: usize, height: usize) {
    fs::create_dir_all(folder).unwrap();
    let picture = Picture::from_u8(width, height, 1, vec![9; width * height]).unwrap();
    picture.write_png(&folder.join(name)).unwrap();
}

fn coco(text: &str) -> Result<Dataset, DetectError> {
    let folder = TempDir::new().unwrap();
    read_coco(&put(&folder, "instances.json", text), Path::new("pictures"))
}

#[test]
fn coco_is_read_in_one_order() {
    let dataset = coco(COCO).unwrap();
    let names: Vec<&str> = dataset.categories.iter().map(|category| category.name.as_str()).collect();
    assert_eq!(names, ["person", "brush"]);
    assert_eq!((dataset.category(90), dataset.category(2)), (Some(1), None));
    let [a, b] = &dataset.pictures[..] else { panic!() };
    assert_eq!((a.id, b.id, b.width, b.height), (3, 7, 6, 5));
    assert_eq!(dataset.samples().next().unwrap().0, Path::new("pictures/a.png"));
    assert_eq!(dataset.object_count(), 4);
    assert_eq!(b.objects[0].bbox, BBox::new(1.0, 1.0, 3.5, 2.0));
    assert_eq!((b.objects[0].area, b.objects[0].crowd, b.objects[0].category), (5.5, false, 1));
    assert!(b.objects[1].crowd);
    // The mask's own area and box, where the file has none.
    assert_eq!(a.objects[0].mask, Some(Mask::Runs(Rle::new(10, 10, vec![51, 3, 46]).unwrap())));
    assert_eq!((a.objects[0].area, a.objects[0].bbox), (3.0, BBox::new(5.0, 1.0, 1.0, 3.0)));
    // A box without width and one that reaches out are kept as they are.
    assert_eq!(a.objects[1], Object::new(1, BBox::new(-2.0, 3.0, 0.0, 4.0)));
    assert_eq!(b.objects[0].mask.as_ref().unwrap().to_runs(5, 6).unwrap().area(), 8);
}

#[test]
fn coco_comes_back_as_it_was_written_and_counts_from_1() {
    let folder = TempDir::new().unwrap();
    let dataset = coco(COCO).unwrap();
    let path = folder.path().join("again.json");
    write_coco(&path, &dataset).unwrap();
    assert_eq!(read_coco(&path, Path::new("pictures")).unwrap(), dataset);
    let written: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let ids: Vec<u64> =
        written["annotations"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    let mut broken = dataset;
    broken.pictures[0].objects[0].category = 9;
    assert!(matches!(write_coco(&path, &broken), Err(DetectError::Unfit { .. })));
}

#[test]
fn results_come_back_and_masks_bring_no_box() {
    let folder = TempDir::new().unwrap();
    let dataset = coco(COCO).unwrap();
    let path = folder.path().join("results.json");
    let mask = Rle::from_polygon(5, 6, &[1.0, 1.0, 4.0, 1.0, 4.0, 3.0, 1.0, 3.0]).unwrap();
    let bbox = mask.bbox();
    let found = [
        Detection { picture: 1, category: 1, score: 0.75, bbox, mask: Some(mask) },
        Detection { picture: 0, category: 0, score: 0.1, bbox: BBox::new(0.1, 2.0, 3.0, 0.0), mask: None },
    ];
    write_results(&path, &dataset, &found).unwrap();
    assert_eq!(read_results(&path, &dataset).unwrap(), found);
    assert!(!fs::read_to_string(&path).unwrap().split('}').next().unwrap().contains("bbox"));
    write_results(&path, &dataset, &[]).unwrap();
    assert_eq!(read_results(&path, &dataset).unwrap(), []);
    for (text, said) in [
        (r#"[{"image_id": 4, "category_id": 1, "score": 1, "bbox": [0,0,1,1]}]"#, "no image of the id 4"),
        (r#"[{"image_id": 3, "category_id": 2, "score": 1, "bbox": [0,0,1,1]}]"#, "no category of the id 2"),
        (r#"[{"image_id": 3, "category_id": 1, "score": 1}]"#, "result 0, `bbox`"),
        (r#"[{"image_id": 3, "category_id": 1, "score": 1, "bbox": [0,0,-1,1]}]"#, "none below 0"),
        (r#"[{"image_id": 3, "category_id": 1, "bbox": [0,0,1,1]}]"#, "missing field `score`"),
    ] {
        let path = put(&folder, "bad.json", text);
        let error = read_results(&path, &dataset).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("bad.json"), "{error}");
    }
}

#[test]
fn what_is_no_coco_is_said_with_its_place() {
    let one = |annotation: &str| {
        format!(
            r#"{{"images": [{{"id": 1, "file_name": "a", "width": 4, "height": 4}}],
 "categories": [{{"id": 1, "name": "x"}}],
 "annotations": [{annotation}]}}"#
        )
    };
    let with = |rest: &str| one(&format!(r#"{{"id": 5, "image_id": 1, "category_id": 1, {rest}}}"#));
    for (text, said) in [
        (String::new(), "line 1, column 0"),
        (COCO[..300].to_owned(), "line 8, column 18"),
        ("[".repeat(100_000), "not COCO's JSON"),
        (r#"{"images": [], "annotations": []}"#.to_owned(), "missing field `categories`"),
        (with(r#""bbox": [0, 0, 1]"#), "annotation 5, `bbox`: 3 numbers; four"),
        (with(r#""bbox": [0, 0, -1, 2]"#), "annotation 5, `bbox`"),
        (with(r#""bbox": [0, 0, 1e999, 2]"#), "line 3"),
        (with(r#""bbox": [0, 0, 1, 2], "area": -3"#), "annotation 5, `area`"),
        (with(r#""area": 3"#), "annotation 5, `bbox`: it is missing"),
        (with(r#""segmentation": [[1, 2, 3]]"#), "annotation 5, `segmentation`: a polygon of 3 numbers"),
        (with(r#""segmentation": {"size": [4, 5], "counts": [20]}"#), "one picture"),
        (with(r#""segmentation": {"size": [4, 4], "counts": [4, 3]}"#), "cover 7 pixels"),
        (with(r#""segmentation": {"size": [4294967295, 4294967295], "counts": []}"#), "over the limit"),
        (with(r#""segmentation": {"size": [4, 4], "counts": [-4, 20]}"#), "list of polygons"),
        (with(r#""segmentation": {"size": [4, 4], "counts": "~"}"#), "compressed runs are wrong at byte 0"),
        (one(r#"{"image_id": 2, "category_id": 1, "bbox": [0,0,1,1]}"#), "annotations[0], `image_id`"),
        (one(r#"{"image_id": 1, "category_id": 2, "bbox": [0,0,1,1]}"#), "annotations[0], `category_id`"),
        (COCO.replace(r#""id": 8"#, r#""id": 9"#), "annotation 9: the id is there twice"),
        (COCO.replace(r#""id": 3, "file"#, r#""id": 7, "file"#), "image 7: the id is there twice"),
        (COCO.replace(r#""iscrowd": 1"#, r#""iscrowd": "no""#), "0 or 1"),
    ] {
        let error = coco(&text).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("instances.json"), "wanted {said}: {error}");
    }
    assert!(matches!(read_coco(Path::new("/nowhere.json"), Path::new("")), Err(DetectError::Io { .. })));
}

const VOC: &str = "<?xml version='1.0'?>
<annotation>
 <filename>C:\\photos\\one.jpg</filename>
 <size><width>20</width><height>10</height><depth>3</depth></size>
 <object><part><name>head</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>
  <name>person</name><truncated>Unspecified</truncated><difficult>1</difficult>
  <bndbox><xmax>20</xmax><xmin>1</xmin><ymin>3.5</ymin><ymax>10</ymax></bndbox></object>
 <object><name>cat</name><truncated>1</truncated>
  <bndbox><xmin>5</xmin><ymin>5</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>
</annotation>";

fn voc(text: &str, names: Option<&[String]>) -> Result<Dataset, DetectError> {
    let folder = TempDir::new().unwrap();
    put(&folder, "xml/one.xml", text);
    let pictures = folder.path().join("pictures");
    picture(&pictures, "one.png", 20, 10);
    read_voc(&folder.path().join("xml"), &pictures, names)
}

/// Pascal VOC counts pixels from 1 and has both corners inside.
#[test]
fn voc_boxes_lose_one_above_and_left() {
    let dataset = voc(VOC, None).unwrap();
    let [one] = &dataset.pictures[..] else { panic!() };
    // The picture is a PNG, and the XML says JPEG on another machine.
    assert_eq!((one.file_name.as_str(), one.width, one.height), ("one.png", 20, 10));
    let [person, cat] = &one.objects[..] else { panic!() };
    assert_eq!(person.bbox.edges(), [0.0, 2.5, 20.0, 10.0]);
    assert_eq!((person.difficult, person.truncated, person.category), (true, false, 1));
    assert_eq!(cat.bbox, BBox::new(4.0, 4.0, 1.0, 1.0));
    assert_eq!((cat.difficult, cat.truncated, cat.category, cat.area), (false, true, 0, 1.0));
}

#[test]
fn what_is_no_voc_is_said_with_its_line() {
    let names = ["cat".to_owned()];
    assert!(voc(VOC, Some(&names)).unwrap_err().to_string().contains("line 5, `name`: `person` is none of"));
    for (text, said) in [
        (String::new(), "no XML"),
        (VOC[..400].to_owned(), "no XML"),
        ("<a>".repeat(200_000), "no XML"),
        (format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000)), "root of VOC's XML"),
        ("<a/>".to_owned(), "`annotation`"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".to_owned(), "no XML"),
        (VOC.replace("<width>20</width>", ""), "line 4, `size`: it has no `width`"),
        (VOC.replace("<width>20", "<width>-20"), "line 4, `width`"),
        (VOC.replace("<xmax>20", "<xmax>many"), "line 7, `xmax`: `many` is no number"),
        (VOC.replace("<xmax>20", "<xmax>NaN"), "line 7, `xmax`"),
        (VOC.replace("<xmax>20", "<xmax>-20"), "line 7, `bndbox`: xmax lies before"),
        (VOC.replace("<name>cat</name>", ""), "line 8, `object`: it has no `name`"),
        (VOC.replace("<difficult>1", "<difficult>maybe"), "line 6, `difficult`"),
    ] {
        let error = voc(&text, None).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("one.xml"), "wanted {said}: {error}");
    }
    let folder = TempDir::new().unwrap();
    put(&folder, "one.xml", VOC);
    let missing = read_voc(folder.path(), folder.path(), None);
    assert!(matches!(missing, Err(DetectError::PictureMissing { .. })), "{missing:?}");
    let empty = TempDir::new().unwrap();
    assert!(matches!(read_voc(empty.path(), empty.path(), None), Err(DetectError::Unfit { .. })));
}

#[test]
fn yolo_has_centres_and_parts_of_the_picture() {
    let folder = TempDir::new().unwrap();
    let (pictures, labels) = (folder.path().join("images"), folder.path().join("labels"));
    picture(&pictures, "b.png", 40, 20);
    picture(&pictures, "a.png", 10, 10);
    put(&folder, "labels/b.txt", "1 0.5 0.5 0.25 0.5\n\n0 0 0 0.5 0 0.5 1 0 1\n");
    let names = ["cat", "dog"].map(str::to_owned);
    let dataset = read_yolo(&pictures, &labels, &names).unwrap();
    let [a, b] = &dataset.pictures[..] else { panic!() };
    assert_eq!((a.objects.len(), a.width), (0, 10));
    assert_eq!(b.objects[0], Object::new(1, BBox::new(15.0, 5.0, 10.0, 10.0)));
    assert_eq!((b.objects[1].bbox, b.objects[1].area), (BBox::new(0.0, 0.0, 20.0, 20.0), 400.0));
    assert_eq!(b.objects[1].mask.as_ref().unwrap().to_runs(20, 40).unwrap().area(), 400);
    for (line, said) in [
        ("2 0.5 0.5 0.25 0.5", "class 2 is beyond the 2 classes"),
        ("cat 0.5 0.5 0.25 0.5", "the class `cat`"),
        ("1 0.5 0.5 0.25", "3 numbers"),
        ("1 0.5 0.5 0.25 x", "`x` is no number"),
        ("1 NaN 0.5 0.25 0.1", "NaN is not from 0 to 1"),
        ("1 15 5 10 10", "no pixels"),
        ("1 0.5 0.5 -0.0005 0.5", "a box of"),
    ] {
        put(&folder, "labels/b.txt", &format!("1 0.5 0.5 0.25 0.5\n{line}\n"));
        let error = read_yolo(&pictures, &labels, &names).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("b.txt, line 2"), "wanted {said}: {error}");
    }
}

#[test]
fn a_table_of_boxes_says_which_kind_it_is() {
    let folder = TempDir::new().unwrap();
    picture(folder.path(), "b.png", 40, 20);
    picture(folder.path(), "a.png", 10, 10);
    let table =
        "image_path,xmin,ymin,xmax,ymax,label\nb.tif,1,1,40,20,Tree\na.png,0,0,0,0,\nb.tif,3,4,5,6,Bush\n";
    let path = put(&folder, "boxes.csv", table);
    let read = |corners| read_boxes_csv(&path, folder.path(), corners, None).unwrap();
    let [ones, edges] = [Corners::PixelsFromOne, Corners::Edges].map(read);
    assert_eq!(ones.pictures[1].objects[0].bbox, BBox::new(0.0, 0.0, 40.0, 20.0));
    assert_eq!(ones.pictures[1].objects[1].bbox, BBox::new(2.0, 3.0, 3.0, 3.0));
    assert_eq!(edges.pictures[1].objects[1].bbox, BBox::new(3.0, 4.0, 2.0, 2.0));
    assert_eq!((ones.pictures[0].objects.len(), ones.pictures[1].file_name.as_str()), (0, "b.png"));
    assert_eq!(ones.categories[0].name, "Bush");
    for (bad, said) in [
        ("path,xmin\n", "line 1: there is no column `image_path`"),
        ("image_path,xmin,ymin,xmax,ymax,label\n", "no row follows"),
        ("image_path,xmin,ymin,xmax,ymax,label\nb.png,1,1,x,2,Tree\n", "line 2: `x` is no number"),
        ("image_path,xmin,ymin,xmax,ymax,label\nb.png,1,1,inf,2,Tree\n", "line 2: `inf`"),
        ("image_path,xmin,ymin,xmax,ymax,label\nb.png,9,1,2,2,Tree\n", "line 2: xmax lies before"),
        ("image_path,xmin,ymin,xmax,ymax,label\nb.png,9,1\n", "line 2: it is no table"),
        ("image_path,xmin,ymin,xmax,ymax,label\nc.png,1,1,2,2,Tree\n", "`c.png`"),
    ] {
        let path = put(&folder, "bad.csv", bad);
        let error = read_boxes_csv(&path, folder.path(), Corners::Edges, None).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("bad.csv"), "wanted {said}: {error}");
    }
}

/// No cut and no changed byte of a file makes a reader panic.
#[test]
fn damaged_files_are_errors_or_other_files() {
    let folder = TempDir::new().unwrap();
    for at in (0..COCO.len()).step_by(3) {
        let mut bytes = COCO.as_bytes().to_vec();
        bytes[at] = bytes[at].wrapping_add(at as u8 | 1);
        let path = folder.path().join("x.json");
        for bytes in [&bytes[..], &COCO.as_bytes()[..at]] {
            fs::write(&path, bytes).unwrap();
            let _ = read_coco(&path, Path::new(""));
        }
    }
    picture(&folder.path().join("p"), "one.png", 20, 10);
    for at in (0..VOC.len()).step_by(3) {
        let mut bytes = VOC.as_bytes().to_vec();
        bytes[at] = bytes[at].wrapping_add(at as u8 | 1);
        for bytes in [&bytes[..], &VOC.as_bytes()[..at]] {
            fs::write(folder.path().join("one.xml"), bytes).unwrap();
            let _ = read_voc(folder.path(), &folder.path().join("p"), None);
        }
    }
    let pictures = folder.path().join("p");
    let line = b"1 0.5 0.5 0.25 0.5\n0 0 0 0.5 0 0.5 1 0 1\n";
    let table = b"image_path,xmin,ymin,xmax,ymax,label\none.png,1,1,2,3,\"a, b\"\none.png,0,0,0,0,\n";
    for (whole, name) in [(&line[..], "one.txt"), (&table[..], "boxes.csv")] {
        for at in 0..whole.len() {
            let mut bytes = whole.to_vec();
            bytes[at] = bytes[at].wrapping_add(at as u8 | 1);
            for bytes in [&bytes[..], &whole[..at]] {
                let path = folder.path().join(name);
                fs::write(&path, bytes).unwrap();
                let _ = read_yolo(&pictures, folder.path(), &["a".to_owned(), "b".to_owned()]);
                let _ = read_boxes_csv(&path, &pictures, Corners::PixelsFromOne, None);
            }
        }
    }
    fs::write(folder.path().join("x.json"), b"{\"a\": \"\xff\"}").unwrap();
    let error = read_coco(&folder.path().join("x.json"), Path::new("")).unwrap_err().to_string();
    assert!(error.contains("x.json, byte 7: it is no text in UTF-8"), "{error}");
}
