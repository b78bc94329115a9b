//! The documents agree with the files: quoted code, links, and where figures may stand. `TILEWRIGHT_WRITE_DOCS=1` (or `make
//! quotes`) writes quoted code anew. What the commands in the documents do is tested by `crates/cli/tests/commands.rs`, and
//! `scripts/figures.py --check` holds the figures against their JSON.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/markdown.rs"]
mod markdown;

use std::{collections::BTreeMap, env, fs, ops::Range};

use markdown::{Document, documents, root};

/// `<!-- quote: PATH "FIRST" "LAST" -->`: the lines of PATH from the only one that contains FIRST to the next one that
/// contains LAST; without LAST that one line. `^TEXT` is a line that begins with TEXT.
struct Quote<'a> {
    path: &'a str,
    first: &'a str,
    last: Option<&'a str>,
}

impl<'a> Quote<'a> {
    fn parse(marker: &'a str) -> Result<Self, String> {
        let inside = marker.strip_prefix("<!-- quote: ").and_then(|rest| rest.strip_suffix(" -->"));
        let inside = inside.ok_or("the form is <!-- quote: PATH \"FIRST\" \"LAST\" -->")?;
        let parts: Vec<_> = inside.split('"').collect();
        match parts[..] {
            [path, first, ""] => Ok(Self { path: path.trim(), first, last: None }),
            [path, first, " ", last, ""] => Ok(Self { path: path.trim(), first, last: Some(last) }),
            _ => Err("the form is <!-- quote: PATH \"FIRST\" \"LAST\" -->".to_owned()),
        }
    }

    /// Which lines of the file.
    fn lines(&self, text: &str) -> Result<Range<usize>, String> {
        let is = |line: &str, wanted: &str| match wanted.strip_prefix('^') {
            Some(start) => line.starts_with(start),
            None => line.contains(wanted),
        };
        let lines: Vec<_> = text.lines().collect();
        let found: Vec<_> = (0..lines.len()).filter(|&at| is(lines[at], self.first)).collect();
        let [first] = found[..] else {
            return Err(format!("`{}` is in {} lines of {}, not in one", self.first, found.len(), self.path));
        };
        let Some(last) = self.last else { return Ok(first..first + 1) };
        let after = lines[first + 1..].iter().position(|line| is(line, last));
        let after =
            after.ok_or_else(|| format!("no line of {} behind `{}` has `{last}`", self.path, self.first))?;
        Ok(first..first + 2 + after)
    }
}

/// Lines without the indentation that they share.
fn dedented(lines: &[&str]) -> Vec<String> {
    let indent = |line: &&&str| line.len() - line.trim_start().len();
    let least =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min().unwrap_or(0);
    lines.iter().map(|line| line.get(least..).unwrap_or("").trim_end().to_owned()).collect()
}

/// The document with every quote as its file has it, and which lines of each file it quotes.
fn quoted(document: &Document, faults: &mut Vec<String>) -> (String, BTreeMap<String, Vec<Range<usize>>>) {
    let mut lines: Vec<String> = document.text.lines().map(str::to_owned).collect();
    let mut used: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
    for block in document.blocks().into_iter().rev() {
        if !block.above.starts_with("<!-- quote:") {
            continue;
        }
        let outcome = Quote::parse(&block.above).and_then(|quote| {
            let text = fs::read_to_string(root().join(quote.path))
                .map_err(|error| format!("{}: {error}", quote.path))?;
            let range = quote.lines(&text)?;
            let body = dedented(&text.lines().collect::<Vec<_>>()[range.clone()]);
            used.entry(quote.path.to_owned()).or_default().push(range);
            Ok(body)
        });
        match outcome {
            Ok(body) => drop(lines.splice(block.first..block.end, body)),
            Err(fault) => faults.push(format!("{}:{}: {fault}", document.name, block.first - 1)),
        }
    }
    (lines.join("\n") + "\n", used)
}

#[test]
fn quoted_code_is_what_the_files_hold() {
    let write = env::var_os("TILEWRIGHT_WRITE_DOCS").is_some();
    let (mut faults, mut quotes) = (Vec::new(), 0);
    for document in documents() {
        let marks = document.text.lines().filter(|line| line.starts_with("<!-- quote:")).count();
        let (text, used) = quoted(&document, &mut faults);
        let found: usize = used.values().map(Vec::len).sum();
        if found < marks && faults.is_empty() {
            faults.push(format!(
                "{}: {} of {marks} marks stand on a line of their own above a code block",
                document.name, found
            ));
        }
        quotes += found;
        // A document may promise to quote a file whole.
        for line in document.text.lines() {
            let Some(path) =
                line.strip_prefix("<!-- quoted whole: ").and_then(|rest| rest.strip_suffix(" -->"))
            else {
                continue;
            };
            let text = fs::read_to_string(root().join(path)).unwrap_or_default();
            let ranges = used.get(path).cloned().unwrap_or_default();
            for (at, line) in text.lines().enumerate() {
                if !line.trim().is_empty() && !ranges.iter().any(|range| range.contains(&at)) {
                    faults.push(format!(
                        "{}: line {} of {path} is not quoted: {line}",
                        document.name,
                        at + 1
                    ));
                }
            }
        }
        if text != document.text {
            if write {
                fs::write(root().join(&document.name), text).unwrap();
            } else {
                let old: Vec<_> = document.text.lines().collect();
                let line = text.lines().zip(&old).position(|(new, old)| new != *old).unwrap_or(old.len());
                let new = text.lines().nth(line).unwrap_or("");
                faults.push(format!(
                    "{}:{}: the file has `{new}`; `make quotes` writes it",
                    document.name,
                    line + 1
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    assert!(quotes > 10, "only {quotes} quotes were found");
}

#[test]
fn a_quote_is_exact() {
    let text = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n}\n";
    let lines = |marker| Quote::parse(marker).and_then(|quote| quote.lines(text));
    assert_eq!(lines("<!-- quote: x.rs \"fn b\" \"^}\" -->"), Ok(4..7));
    assert_eq!(lines("<!-- quote: x.rs \"two\" -->"), Ok(5..6));
    assert!(lines("<!-- quote: x.rs \"fn\" \"^}\" -->").is_err(), "two lines contain it");
    assert!(lines("<!-- quote: x.rs \"fn b\" \"three\" -->").is_err(), "no such end");
    assert!(Quote::parse("<!-- quote: x.rs -->").is_err());
    assert_eq!(dedented(&["    if a {", "", "        b", "    }"]), ["if a {", "", "    b", "}"]);
}

/// The anchors of a document: its headings as GitHub names them.
fn anchors(document: &Document) -> Vec<String> {
    let headings = document.prose().into_iter().filter_map(|(_, line)| line.strip_prefix('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let all = documents();
    let (mut faults, mut links) = (Vec::new(), 0);
    for document in &all {
        let folder = document.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, line) in document.prose() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") {
                    continue;
                }
                links += 1;
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let file = if path.is_empty() {
                    root().join(&document.name)
                } else {
                    root().join(folder).join(path)
                };
                let Ok(file) = file.canonicalize() else {
                    faults.push(format!("{}:{number}: there is no {path}", document.name));
                    continue;
                };
                let name = markdown::name(&root().canonicalize().unwrap(), &file);
                let to = all.iter().find(|other| other.name == name);
                if !anchor.is_empty() && !to.is_some_and(|to| anchors(to).iter().any(|known| known == anchor))
                {
                    faults.push(format!("{}:{number}: {name} has no heading `#{anchor}`", document.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    assert!(links > 20, "only {links} links were found");
}

/// What was measured: a number with one of these behind it.
const UNITS: [&str; 11] =
    ["ms", "s", "µs", "%", "GFLOP/s", "GB/s", "images/s", "times", "seconds", "minutes", "milliseconds"];

#[test]
fn the_first_page_has_figures_only_where_a_script_writes_them() {
    let all = documents();
    let readme = all.iter().find(|document| document.name == "README.md").unwrap();
    for (number, line) in readme.prose() {
        let words: Vec<_> =
            line.split_whitespace().map(|word| word.trim_matches(|c: char| ",.;:()|*".contains(c))).collect();
        for pair in words.windows(2) {
            let is_number = pair[0].starts_with(|c: char| c.is_ascii_digit());
            assert!(
                !(is_number && UNITS.contains(&pair[1])),
                "README.md:{number}: `{} {}` is outside a figure",
                pair[0],
                pair[1]
            );
        }
        assert!(!line.contains("GFLOP/s"), "README.md:{number}: a rate outside a figure");
    }
    let benchmarks = all.iter().find(|document| document.name == "docs/benchmarks.md").unwrap();
    let lines = benchmarks.text.lines().count();
    assert!(
        lines <= 150,
        "docs/benchmarks.md has {lines} lines; per-layer tables go to docs/benchmarks/, accounts to docs/notes/"
    );
}

#[test]
fn the_embedders_lines_name_this_package() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let value = |key: &str| {
        let line = manifest.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("no {key}"));
        line.split('"').nth(1).unwrap().to_owned()
    };
    let all = documents();
    let readme = all.iter().find(|document| document.name == "README.md").unwrap();
    let block =
        readme.blocks().into_iter().find(|block| block.language == "toml").expect("README has a toml block");
    let lines: Vec<_> = readme.text.lines().skip(block.first).take(block.end - block.first).collect();
    let git = format!("tilewright = {{ git = \"{}\" }}", value("repository = \"http"));
    assert!(lines.iter().any(|line| line.starts_with(&git)), "{git}\n{lines:?}");
    let wgpu = manifest.lines().find(|line| line.starts_with("wgpu = {")).unwrap();
    let version = wgpu.split('"').nth(1).unwrap();
    assert!(
        lines.iter().any(|line| line.starts_with(&format!("wgpu = \"{version}\""))),
        "wgpu {version}\n{lines:?}"
    );
    let rust = value("rust-version = \"");
    assert!(readme.text.contains(&format!("Rust](https://rustup.rs) {rust}")), "README names Rust {rust}");
}
