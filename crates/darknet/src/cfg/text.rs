//! The text of a `.cfg`: sections of keys with values.

use crate::error::{Error, Place, Result};

/// The most bytes of a file: Darknet's largest is some 30 KB.
pub const MOST_BYTES: u64 = 4 << 20;

/// A section and its keys in their order.
#[derive(Debug)]
pub struct Section {
    pub name: String,
    pub line: usize,
    pub entries: Vec<Entry>,
}

#[derive(Debug)]
pub struct Entry {
    pub key: String,
    pub value: String,
    pub line: usize,
}

/// The sections of `text`. As in Darknet blanks mean nothing anywhere, and a line that begins with `#` or `;` is a comment.
pub fn sections(text: &str, file: &str) -> Result<Vec<Section>> {
    let mut all: Vec<Section> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let bare: String = line.chars().filter(|letter| !letter.is_whitespace()).collect();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        let line = at + 1;
        let section = all.last().map_or(String::new(), |section| section.name.clone());
        let fault = |fault: String| {
            let place = Place { file: file.to_owned(), line, section: section.clone(), key: String::new() };
            Error::Cfg { place: Box::new(place), fault }
        };
        if let Some(rest) = bare.strip_prefix('[') {
            let name = rest.strip_suffix(']').filter(|name| !name.is_empty());
            let name =
                name.ok_or_else(|| fault(format!("`{}` is no section: write `[name]`", short(&bare))))?;
            all.push(Section { name: name.to_owned(), line, entries: Vec::new() });
            continue;
        }
        let (key, value) = bare
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| fault(format!("`{}` is neither `[section]` nor `key=value`", short(&bare))))?;
        let Some(section) = all.last_mut() else {
            return Err(fault(format!("`{}` stands before the first section, which is [net]", short(&bare))));
        };
        section.entries.push(Entry { key: key.to_owned(), value: value.to_owned(), line });
    }
    Ok(all)
}

/// What a message quotes of a text.
pub fn short(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("…".chars()).collect()
}
