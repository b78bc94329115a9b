//! The commands that the Markdown files have, in blocks and in sentences.

use crate::markdown::documents;

/// The program's own subcommands: inline code that begins with one is a command, too.
const SUBCOMMANDS: [&str; 9] =
    ["devices", "kernels", "train", "infer", "inspect", "profile", "export", "grad", "tune"];

/// A command as a document has it.
#[derive(Clone, Debug)]
pub struct Written {
    pub document: String,
    pub words: Vec<String>,
    /// What a shell line says behind `#`.
    pub comment: String,
    /// In a block a command is whole; in a sentence it may be a name.
    pub whole: bool,
}

/// The words of a shell line, up to a redirection, and its comment. Brackets mark what may be left out.
pub fn split(line: &str) -> (Vec<String>, String) {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => quoted = !quoted,
            '#' if word.is_empty() && !quoted => {
                return (words, rest.collect());
            }
            '[' | ']' if !quoted => {}
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    if let Some(at) = words.iter().position(|word| word == ">") {
        words.truncate(at);
    }
    (words, String::new())
}

/// Words that set a variable for the command behind them.
pub fn is_variable(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

pub fn commands() -> Vec<Written> {
    let mut all = Vec::new();
    for document in documents() {
        let lines: Vec<_> = document.text.lines().collect();
        for block in document.blocks().into_iter().filter(|block| block.language == "sh") {
            for line in &lines[block.first..block.end] {
                let (words, comment) = split(line);
                if !words.is_empty() {
                    all.push(Written { document: document.name.clone(), words, comment, whole: true });
                }
            }
        }
        for code in document.inline_code() {
            let (mut words, _) = split(&code);
            let at = words.iter().position(|word| !is_variable(word)).unwrap_or(0);
            let Some(first) = words.get(at).cloned() else { continue };
            if SUBCOMMANDS.contains(&first.as_str()) && words.len() > at + 1 {
                words.insert(at, "tilewright".to_owned());
            } else if !(["tilewright", "make", "cargo", "sudo", "python", "dot"].contains(&first.as_str())
                || first.starts_with("--")
                || (first.starts_with("scripts/")
                    || first.starts_with("benches/peers/")
                    || first.starts_with("target/"))
                    && (words.len() > 1 || first.contains('.')))
                || (words.len() < 2
                    && ["tilewright", "make", "cargo", "python", "dot"].contains(&first.as_str()))
            {
                continue;
            }
            all.push(Written {
                document: document.name.clone(),
                words,
                comment: String::new(),
                whole: false,
            });
        }
    }
    all
}
