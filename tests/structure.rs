//! The shape of the sources: no circles among the files of a crate, no file that is too long, no dependency that is not used.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "structure/arrows.rs"]
mod arrows;
#[path = "structure/circles.rs"]
mod circles;
#[path = "structure/modules.rs"]
mod modules;
#[path = "structure/workspace.rs"]
mod workspace;

use std::collections::BTreeSet;

use modules::{Crate, Sources};
use workspace::{packages, root, rust_files, said, sources, text};

/// Crates whose files still need each other. Nothing may be added.
const WITH_CIRCLES: [&str; 8] = [
    "tilewright-cli",
    "tilewright-graph",
    "tilewright-kernels",
    "tilewright-nn",
    "tilewright-onnx",
    "tilewright-ops",
    "tilewright-runtime",
    "tilewright-tensor",
];

/// Dependencies that are still not used. Nothing may be added.
const IDLE: [(&str, &str); 1] = [("tilewright-graph", "tracing")];

/// Files that are still longer than [`LINES`]. Nothing may be added.
const LONG: [&str; 2] = ["crates/kernels/src/pooling/walk.rs", "crates/ops/src/support.rs"];

const LINES: usize = 400;

/// The circles among the files below `root`, each as text.
fn circles_of(root: &str, sources: &Sources) -> Vec<String> {
    let tree = Crate::parse(root, sources);
    let arrows = arrows::arrows(&tree);
    let found = circles::circles(tree.files.len(), &arrows);
    found.iter().map(|circle| circles::report(&tree, circle, &arrows)).collect()
}

#[test]
fn the_files_of_a_crate_form_no_circle() {
    let mut failed = Vec::new();
    let mut read = 0;
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let mut found = Vec::new();
        for target in package["targets"].as_array().unwrap() {
            if ["lib", "bin"].iter().any(|kind| target["kind"][0] == *kind) {
                let (root, sources) = sources(target);
                read += sources.len();
                found.extend(circles_of(&root, &sources));
            }
        }
        match (WITH_CIRCLES.contains(&name), found.is_empty()) {
            (false, false) => failed.push(format!("{name}: {}", found.concat())),
            (true, true) => {
                failed.push(format!("{name} has no circle any more: take it out of WITH_CIRCLES"))
            }
            _ => {}
        }
    }
    assert!(read > 300, "{read} files were read");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn no_file_is_too_long() {
    let mut failed = Vec::new();
    for path in rust_files(root()) {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let lines = text(&path).lines().count();
        match (LONG.contains(&&*name), lines > LINES) {
            (false, true) => failed.push(format!("{name} has {lines} lines, {LINES} are allowed: divide it")),
            (true, false) => failed.push(format!("{name} has {lines} lines: take it out of LONG")),
            _ => {}
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The dependencies that nobody names: `used` says whether a name is said where its kind may be used.
fn idle<'a>(dependencies: impl Iterator<Item = &'a str>, said: &BTreeSet<String>) -> Vec<&'a str> {
    dependencies.filter(|name| !said.contains(&name.replace('-', "_"))).collect()
}

#[test]
fn every_dependency_is_used() {
    let mut failed = Vec::new();
    let mut all = BTreeSet::new();
    let mut known = BTreeSet::from(IDLE);
    let packages = packages();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let mut places: [BTreeSet<String>; 3] = Default::default();
        for target in package["targets"].as_array().unwrap() {
            let path = std::path::Path::new(target["src_path"].as_str().unwrap());
            // What a library says, what only its tests say, and what its build says.
            let place = match target["kind"][0].as_str().unwrap() {
                "lib" | "bin" => 0,
                "custom-build" => 2,
                _ => 1,
            };
            let files = if place == 2 { vec![path.to_owned()] } else { rust_files(path.parent().unwrap()) };
            files.iter().for_each(|path| places[place].extend(said(path)));
        }
        let library = places[0].clone();
        places[1].extend(library);
        for (place, kind) in [None, Some("dev"), Some("build")].into_iter().enumerate() {
            let dependencies = package["dependencies"].as_array().unwrap();
            let names = dependencies.iter().filter(|dependency| dependency["kind"].as_str() == kind);
            let names: Vec<_> =
                names.map(|one| one["rename"].as_str().or(one["name"].as_str()).unwrap()).collect();
            all.extend(names.iter().map(|name| (*name).to_owned()));
            for idle in idle(names.into_iter(), &places[place]) {
                if !known.remove(&(name, idle)) {
                    failed.push(format!("{name} never names its dependency `{idle}`: take it out"));
                }
            }
        }
    }
    failed.extend(known.iter().map(|known| format!("{known:?} is used, or gone: take it out of IDLE")));
    let manifest = text(&root().join("Cargo.toml"));
    let shared = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for line in shared.lines().filter_map(|line| line.split_once(" =")) {
        if !all.contains(line.0) {
            failed.push(format!("no crate depends on `{}` of the workspace: take it out", line.0));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Files of a crate from pairs of path and text.
fn planted(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_planted_circle_is_found() {
    let found = |files: &[(&str, &str)]| circles_of("lib.rs", &planted(files));
    let lib = ("lib.rs", "pub mod a; pub mod b { pub mod c; } pub mod d; pub const LIMIT: u32 = 1;");
    let empty = ("a.rs", "pub fn one() {}");
    let free = [lib, empty, ("b/c.rs", "use crate::a; pub fn two() { a::one() }"), ("d/mod.rs", "")];
    assert_eq!(found(&free), [""; 0]);

    // The root hands everything on; what it defines is a name like any other.
    let root =
        |text| [("lib.rs", text), ("a.rs", "use crate::Two; fn f(_: Two) {}"), ("b.rs", "pub struct Two;")];
    assert_eq!(found(&root("mod a; mod b; pub use b::Two;")), [""; 0]);
    assert_eq!(found(&root("mod a; mod b; pub struct Two;")).len(), 1);

    // Two siblings, by `use` and by a path; the third file has no part in it.
    let pair = [
        lib,
        ("a.rs", "use super::d::Thing; pub fn one(_: Thing) {}"),
        ("b/c.rs", "use crate::a::one; pub fn two() { one }"),
        ("d/mod.rs", "pub struct Thing; fn f() { crate::a::one(Thing) }"),
    ];
    let [circle] = &found(&pair)[..] else { panic!("{:?}", found(&pair)) };
    assert!(circle.contains("a circle of 2 files"), "{circle}");
    assert!(circle.contains("a.rs → d/mod.rs: Thing") && circle.contains("d/mod.rs → a.rs: one"), "{circle}");

    // A child that takes from its parent: what is defined there, handed on there, or brought in there by a glob.
    for (parent, child) in [
        ("pub mod e; pub const LIMIT: u32 = 1;", "use super::LIMIT; fn f() {}"),
        ("pub mod e; pub const LIMIT: u32 = 1;", "fn f() -> u32 { super::LIMIT }"),
        ("pub mod e; pub const LIMIT: u32 = 1;", "use super::*; fn f() -> u32 { LIMIT }"),
        ("pub mod e; pub use crate::a::one;", "fn f() { super::one() }"),
        ("pub mod e; pub use crate::a::*;", "fn f() { super::one() }"),
        ("pub mod e; macro_rules! made { () => {} } pub(crate) use made;", "super::made! {}"),
        ("pub mod e; some! { pub struct Made; }", "fn f(_: super::Made) {}"),
        ("pub mod e; pub const LIMIT: u32 = 1;", "fn f() { println!(\"{}\", crate::d::LIMIT) }"),
    ] {
        let files = [lib, empty, ("b/c.rs", ""), ("d/mod.rs", parent), ("d/e.rs", child)];
        let [circle] = &found(&files)[..] else { panic!("{parent} {child}: {:?}", found(&files)) };
        assert!(circle.contains("d/mod.rs → d/e.rs: mod e") && circle.contains("2 files"), "{circle}");
    }

    // No circles: a sibling by way of the parent, a private way to a module, and what only tests take.
    for child in [
        "use super::super::a::one; fn f() { one() }",
        "use crate::{a, b::c}; fn f() { a::one(); c::two() }",
        "#[cfg(test)] mod tests { use super::super::LIMIT; }",
        "#[cfg(test)] use super::LIMIT; fn f() { let LIMIT = 1; }",
        "use LIMIT; fn f() { LIMIT::new() }",
    ] {
        let parent = ("d/mod.rs", "pub mod e; pub const LIMIT: u32 = 1;");
        let files = [lib, empty, ("b/c.rs", "pub fn two() {}"), parent, ("d/e.rs", child)];
        assert_eq!(found(&files), [""; 0], "{child}");
    }
}

#[test]
fn an_idle_dependency_is_found() {
    let said = ["serde_json", "wgpu"].map(str::to_owned).into();
    assert_eq!(idle(["serde-json", "rayon", "wgpu"].into_iter(), &said), ["rayon"]);
}
