//! What was found out about a device by trying it, kept between runs beside the pipeline cache.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result, files::file_name_part, write_whole};

/// Facts by key. The file has one line for each, `key<tab>value`, and its name holds adapter and driver, so that another
/// driver starts anew.
pub(crate) struct Facts {
    known: BTreeMap<String, String>,
    file: Option<PathBuf>,
}

impl Facts {
    pub fn open(info: &wgpu::AdapterInfo, folder: Option<&Path>) -> Self {
        let name = format!(
            "facts_{:?}_{:08x}_{:08x}_{}_{}.tsv",
            info.backend,
            info.vendor,
            info.device,
            file_name_part(&info.driver),
            file_name_part(&info.driver_info)
        );
        let file = folder.map(|folder| folder.join(name));
        let text = file.as_deref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        Self { known: parse(&text), file }
    }

    pub fn get(&self, key: &str) -> Option<String> {
        self.known.get(key).cloned()
    }

    pub fn note(&mut self, key: &str, value: &str) -> Result<()> {
        if key.contains(['\t', '\n', '\r']) || value.contains(['\n', '\r']) {
            return Err(Error::Option {
                option: "a fact",
                value: format!("{key} = {value}"),
                allowed: "one line, and no tab in the key",
            });
        }
        self.known.insert(key.to_owned(), value.to_owned());
        let Some(file) = &self.file else { return Ok(()) };
        // Another process may have noted something meanwhile.
        let mut all = parse(&fs::read_to_string(file).unwrap_or_default());
        all.extend(self.known.clone());
        let text: String = all.iter().map(|(key, value)| format!("{key}\t{value}\n")).collect();
        write_whole(file, text.as_bytes()).map_err(|error| Error::file(file, &error))
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (key, value) = line.split_once('\t')?;
        Some((key.to_owned(), value.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_survive_and_faulty_lines_do_not_matter() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("facts.tsv");
        let open = || Facts {
            known: parse(&fs::read_to_string(&file).unwrap_or_default()),
            file: Some(file.clone()),
        };
        let (mut first, mut second) = (open(), open());
        first.note("a b", "1 2").expect("writes");
        second.note("c", "x\ty").expect("writes");
        assert_eq!((open().get("a b"), open().get("c")), (Some("1 2".into()), Some("x\ty".into())));
        assert!(first.note("a\tb", "1").is_err() && first.note("a", "1\n2").is_err());
        fs::write(&file, "no tab here\nk\tv\n").expect("writes");
        assert_eq!((open().get("k"), open().get("no tab here")), (Some("v".into()), None));
    }
}
