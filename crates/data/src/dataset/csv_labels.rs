//! A table of pictures and what they show, as comma-separated values (RFC 4180).

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::files::{PictureFiles, Truth};
use crate::error::DataError;

/// The pictures that a table lists: the first column is the file, from the table's folder, and the first line says what the
/// columns are.
///
/// Two columns, `path,label`: the second is a class, by name or, where all are whole numbers, by number. More columns,
/// `path,cat,dog,…`: one for each class, with 1 where the picture is of it, else 0; a picture may be of several.
///
/// `class_names`, if they are given, are the classes in their order; else they are those that the table has, sorted.
///
/// # Errors
/// [`DataError::Table`], with the line, for what is no such table, a file that is not there, a class beyond `class_names`;
/// [`DataError::Picture`] where the first picture cannot be read; [`DataError::Io`].
pub fn label_file(path: &Path, class_names: Option<&[String]>) -> Result<PictureFiles, DataError> {
    let fault = |line: u64, reason: String| DataError::Table { path: path.to_owned(), line, reason };
    let file = std::fs::File::open(path).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let broken = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        fault(line, format!("it is no table of comma-separated values: {error}"))
    };
    let header: Vec<String> = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
    if header.len() < 2 {
        let reason =
            "two columns at least are wanted, `path,label` or `path` and one for each class".to_owned();
        return Err(fault(1, reason));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.join(&header[0]).is_file() {
        return Err(fault(
            1,
            format!("it begins with a picture, {}; add a first line `path,label`", header[0]),
        ));
    }
    let (mut files, mut rows, mut lines) = (Vec::<PathBuf>::new(), Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        let file = folder.join(record.get(0).unwrap_or_default());
        if !file.is_file() {
            return Err(fault(line, format!("there is no file {}", file.display())));
        }
        files.push(file);
        rows.push(record.iter().skip(1).map(str::to_owned).collect::<Vec<_>>());
        lines.push(line);
    }
    if files.is_empty() {
        return Err(fault(1, "it lists no picture".to_owned()));
    }
    let (truth, names) = if header.len() == 2 {
        let labels: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        let (labels, names) =
            single(&labels, class_names).map_err(|(at, reason)| fault(lines[at], reason))?;
        (Truth::Labels(labels), names)
    } else {
        let names = header[1..].to_vec();
        if let Some(wanted) = class_names.filter(|wanted| **wanted != names) {
            let reason =
                format!("its classes are {}, and {} are wanted", names.join(", "), wanted.join(", "));
            return Err(fault(1, reason));
        }
        let mut marks = Vec::with_capacity(rows.len() * names.len());
        for (row, &line) in rows.iter().zip(&lines) {
            for (field, name) in row.iter().zip(&names) {
                marks.push(match field.as_str() {
                    "1" | "1.0" => 1.0,
                    "0" | "0.0" => 0.0,
                    other => return Err(fault(line, format!("`{name}` is `{other}`; 0 or 1 is wanted"))),
                });
            }
        }
        (Truth::Marks(marks), names)
    };
    PictureFiles::new(files, truth, names).open()
}

/// The number of each label's class, and the classes' names; or which label cannot be, and why.
fn single(labels: &[&str], names: Option<&[String]>) -> Result<(Vec<u32>, Vec<String>), (usize, String)> {
    let numbers: Option<Vec<u32>> = labels.iter().map(|label| label.parse().ok()).collect();
    let named = names.is_some_and(|names| labels.iter().all(|label| names.iter().any(|name| name == label)));
    if let Some(numbers) = numbers.filter(|_| !named) {
        let most = numbers.iter().copied().max().unwrap_or(0) as usize;
        let classes = names.map_or(most + 1, <[String]>::len);
        if let Some(at) = numbers.iter().position(|&number| number as usize >= classes) {
            return Err((at, format!("class {} is beyond the {classes} classes", numbers[at])));
        }
        // A number that is far too large is a mistake, and not a reason for so many classes.
        if classes > labels.len().max(1000) {
            let at = numbers.iter().position(|&number| number as usize == most).unwrap_or(0);
            return Err((
                at,
                format!("class {most}, in a table of {} pictures, needs --class-names", labels.len()),
            ));
        }
        let names =
            names.map_or_else(|| (0..classes).map(|class| class.to_string()).collect(), <[String]>::to_vec);
        return Ok((numbers, names));
    }
    let names = names.map_or_else(
        || labels.iter().copied().collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect(),
        <[String]>::to_vec,
    );
    let number = |(at, label): (usize, &&str)| {
        let found = names.iter().position(|name| name == label);
        let unknown = || (at, format!("`{label}` is none of the classes {}", names.join(", ")));
        found.map(|found| found as u32).ok_or_else(unknown)
    };
    Ok((labels.iter().enumerate().map(number).collect::<Result<_, _>>()?, names))
}
