//! The repository's Markdown files: their code blocks, the markers above them, and inline code.
#![allow(dead_code, clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of the repository.
pub fn root() -> PathBuf {
    let mut folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    while !folder.join("ARCHITECTURE.md").exists() {
        assert!(folder.pop(), "the repository has an ARCHITECTURE.md");
    }
    folder
}

/// One file.
pub struct Document {
    /// From the repository's folder on, with `/`.
    pub name: String,
    pub text: String,
}

/// A code block between fences.
pub struct Block {
    /// `sh`, `rust`, …; empty where the fence names none.
    pub language: String,
    /// The line above the fence.
    pub above: String,
    /// The lines of the body, counted from 0: the first, and the one behind the last.
    pub first: usize,
    pub end: usize,
}

/// Every Markdown file that is not built or downloaded.
pub fn documents() -> Vec<Document> {
    let root = root();
    let mut files = Vec::new();
    walk(&root, &mut files, &|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut all: Vec<_> = files
        .iter()
        .map(|path| Document { name: name(&root, path), text: fs::read_to_string(path).unwrap() })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// A path from `root` on, with `/`.
pub fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/")
}

/// The files below `folder` that `wanted` takes; nothing hidden, and nothing of `target` and `out`.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>, wanted: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !stem.starts_with('.') && !["target", "out", "node_modules"].contains(&stem.as_str()) {
                walk(&path, files, wanted);
            }
        } else if wanted(&path) {
            files.push(path);
        }
    }
}

impl Document {
    /// The code blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let lines: Vec<_> = self.text.lines().collect();
        let mut blocks = Vec::new();
        let mut at = 0;
        while at < lines.len() {
            if let Some(language) = lines[at].strip_prefix("```") {
                let above = if at > 0 { lines[at - 1] } else { "" };
                let body = lines[at + 1..].iter().position(|line| line.starts_with("```"));
                let end = at + 1 + body.unwrap_or_else(|| panic!("{}: a fence is never closed", self.name));
                blocks.push(Block {
                    language: language.trim().to_owned(),
                    above: above.to_owned(),
                    first: at + 1,
                    end,
                });
                at = end;
            }
            at += 1;
        }
        blocks
    }

    /// The text without code blocks and without what a script writes between `<!-- figures: … -->` and `<!-- end -->`.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let blocks = self.blocks();
        let mut generated = false;
        let mut prose = Vec::new();
        for (number, line) in self.text.lines().enumerate() {
            generated |= line.starts_with("<!-- figures:");
            if !generated && !blocks.iter().any(|block| (block.first - 1..=block.end).contains(&number)) {
                prose.push((number + 1, line));
            }
            generated &= line != "<!-- end -->";
        }
        prose
    }

    /// Inline code: what stands between two `, also over a line's end.
    pub fn inline_code(&self) -> Vec<String> {
        let mut code = Vec::new();
        // A paragraph at a time, so that a stray ` spoils no more than its own.
        let lines: Vec<_> = self.prose().into_iter().map(|(_, line)| line.trim()).collect();
        for paragraph in lines.split(|line| line.is_empty()) {
            let text = paragraph.join(" ");
            code.extend(text.split('`').skip(1).step_by(2).map(str::to_owned));
        }
        code
    }
}
