//! The packages of the workspace, as cargo and the file system know them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use proc_macro2::{TokenStream, TokenTree};
use serde_json::Value;

use super::modules::Sources;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `cargo metadata` of the packages of the workspace.
pub fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("a list of packages").clone()
}

/// The Rust files below a folder, without what was built.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "out"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The root file of a target and all Rust files of its folder.
pub fn sources(target: &Value) -> (String, Sources) {
    let path = PathBuf::from(target["src_path"].as_str().expect("a target has a root file"));
    let folder = path.parent().expect("a file lies in a folder");
    let name = |path: &Path| path.strip_prefix(folder).expect("below").to_string_lossy().replace('\\', "/");
    let sources = rust_files(folder).iter().map(|path| (name(path), text(path))).collect();
    (name(&path), sources)
}

/// The names that Rust code says, without comments and strings.
pub fn said(path: &Path) -> BTreeSet<String> {
    fn walk(tokens: TokenStream, found: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => _ = found.insert(ident.to_string()),
                TokenTree::Group(group) => walk(group.stream(), found),
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    let tokens = text(path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    walk(tokens, &mut found);
    found
}
