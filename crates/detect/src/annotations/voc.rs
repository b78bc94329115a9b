//! Pascal VOC's XML.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use roxmltree::{Document, Node, ParsingOptions};

use super::{
    model::{Dataset, Object, Picture},
    text::{self, Pictures, categories, place},
};
use crate::{boxes::BBox, error::DetectError};

/// The most elements of a file.
const MOST_NODES: u32 = 4_000_000;

/// Reads a folder of Pascal VOC's XML files, one for each picture, by name; the pictures lie in `pictures`.
///
/// VOC's pixels are counted from 1, and both corners are inside: a box is from xmin − 1 to xmax. A picture is found by the
/// `filename` of its XML, else by the name of the XML file, and in both cases also with another ending. `class_names` are the
/// classes in their order; without them they are those that the files have, sorted.
///
/// # Errors
/// [`DetectError::Entry`], with the line: for what is no such XML, and a class beyond `class_names`;
/// [`DetectError::PictureMissing`]; [`DetectError::Io`]; [`DetectError::Unfit`] for a folder without any.
pub fn read_voc(
    annotations: &Path,
    pictures: &Path,
    class_names: Option<&[String]>,
) -> Result<Dataset, DetectError> {
    let files = text::files(annotations, |ending| ending == "xml")?;
    if files.is_empty() {
        return Err(DetectError::unfit(annotations.display().to_string(), "the folder has no XML file"));
    }
    let known = Pictures::new(pictures)?;
    let mut parsed = Vec::new();
    for path in files {
        let file = parse(&path)?;
        let name = known.find(&file.picture, &path).or_else(|error| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            known.find(&format!("{stem}.jpg"), &path).map_err(|_| error)
        })?;
        parsed.push((path, name, file));
    }
    let names = parsed.iter().flat_map(|(_, _, file)| file.objects.iter().map(|found| found.class.clone()));
    let categories = categories(class_names, names.collect::<BTreeSet<_>>());
    let mut found = Vec::with_capacity(parsed.len());
    for (id, (path, file_name, file)) in (1..).zip(parsed) {
        let mut objects = Vec::with_capacity(file.objects.len());
        for Found { class, line, mut object } in file.objects {
            let fault = |reason| DetectError::entry(&path, format!("line {line}, `name`"), reason);
            object.category = place(&categories, &class).map_err(fault)?;
            objects.push(object);
        }
        found.push(Picture { id, file_name, width: file.width, height: file.height, objects });
    }
    Ok(Dataset { folder: pictures.to_owned(), categories, pictures: found })
}

struct File {
    picture: String,
    width: usize,
    height: usize,
    objects: Vec<Found>,
}

struct Found {
    class: String,
    line: u32,
    object: Object,
}

/// An element of a file, whose children are its direct ones: the parts of a person have names and boxes of their own.
#[derive(Clone, Copy)]
struct Element<'a> {
    node: Node<'a, 'a>,
    path: &'a Path,
}

impl<'a> Element<'a> {
    fn line(self) -> u32 {
        self.node.document().text_pos_at(self.node.range().start).row
    }

    fn fault(self, reason: impl Into<String>) -> DetectError {
        let place = format!("line {}, `{}`", self.line(), self.node.tag_name().name());
        DetectError::entry(self.path, place, reason)
    }

    fn find(self, name: &str) -> Option<Self> {
        let node = self.node.children().find(|child| child.has_tag_name(name))?;
        Some(Self { node, ..self })
    }

    fn child(self, name: &str) -> Result<Self, DetectError> {
        self.find(name).ok_or_else(|| self.fault(format!("it has no `{name}`")))
    }

    fn text(self) -> &'a str {
        self.node.text().unwrap_or_default().trim()
    }

    fn number(self, name: &str) -> Result<f64, DetectError> {
        let child = self.child(name)?;
        let number = child.text().parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| child.fault(format!("`{}` is no number", child.text())))
    }

    fn extent(self, name: &str) -> Result<usize, DetectError> {
        let child = self.child(name)?;
        let number = child.text().parse::<u32>().ok().filter(|&number| number > 0);
        let pixels =
            number.ok_or_else(|| child.fault(format!("`{}` is no number of pixels", child.text())))?;
        Ok(pixels as usize)
    }

    /// 0 or 1; what nobody has said (`Unspecified`) is 0.
    fn flag(self, name: &str) -> Result<bool, DetectError> {
        match self.find(name) {
            None => Ok(false),
            Some(child) => match child.text() {
                "1" => Ok(true),
                "0" | "" | "Unspecified" => Ok(false),
                other => Err(child.fault(format!("`{other}` is neither 0 nor 1"))),
            },
        }
    }
}

fn parse(path: &Path) -> Result<File, DetectError> {
    let text = text::read(path)?;
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options).map_err(|error| {
        DetectError::entry(path, format!("line {}", error.pos().row), format!("it is no XML: {error}"))
    })?;
    let root = Element { node: document.root_element(), path };
    if !root.node.has_tag_name("annotation") {
        return Err(root.fault("the root of VOC's XML is `annotation`"));
    }
    let size = root.child("size")?;
    let picture = root.find("filename").map(|name| name.text().to_owned()).unwrap_or_default();
    // Nothing but a name: files are copied from machines whose folders nobody else has.
    let picture = PathBuf::from(picture.replace('\\', "/"));
    let picture = picture.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut file =
        File { picture, width: size.extent("width")?, height: size.extent("height")?, objects: Vec::new() };
    for node in root.node.children().filter(|child| child.has_tag_name("object")) {
        let object = Element { node, path };
        let edges = object.child("bndbox")?;
        let [left, top] = [edges.number("xmin")? - 1.0, edges.number("ymin")? - 1.0];
        let [right, bottom] = [edges.number("xmax")?, edges.number("ymax")?];
        let bbox = BBox::from_edges([left, top, right, bottom]);
        if !bbox.is_valid() {
            return Err(edges.fault("xmax lies before xmin, or ymax before ymin"));
        }
        let difficult = object.flag("difficult")?;
        let truncated = object.flag("truncated")?;
        let class = object.child("name")?.text().to_owned();
        let line = object.line();
        let object = Object { difficult, truncated, ..Object::new(0, bbox) };
        file.objects.push(Found { class, line, object });
    }
    Ok(file)
}
