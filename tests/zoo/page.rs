//! The table of networks: docs/zoo.md is what the registry gives, and parameters are those that the libraries publish.

use std::{env, fs, path::Path};

use tilewright::zoo::{Task, entries, entry, facts, markdown};
use tilewright_reference::golden;

use crate::common::context;

#[test]
fn the_page_is_the_registrys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/zoo.md");
    let page = markdown(&context()).unwrap();
    if env::var_os("TILEWRIGHT_WRITE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/zoo.md is not what the registry says; write it anew:\n    \
         cargo run --bin tilewright -- zoo list --markdown > docs/zoo.md"
    );
}

#[test]
fn parameters_are_the_published_ones() {
    let mut compared = 0;
    for case in golden::family("zoo").unwrap().iter().filter(|case| !case.name.starts_with("gradients_")) {
        let facts = facts(entry(&case.name).unwrap(), &context()).unwrap();
        assert_eq!(facts.parameters, case.count("parameters").unwrap(), "{}", case.name);
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
    // torchvision's own.
    for (name, count) in [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032)] {
        assert_eq!(facts(entry(name).unwrap(), &context()).unwrap().parameters, count, "{name}");
    }
}

/// What is written down is true of the network: its head has the classes, its image gives one answer for each.
#[test]
fn rows_describe_their_networks() {
    for row in entries() {
        let facts = facts(row, &context()).unwrap();
        let head = facts.state.iter().find(|(path, _)| path == row.head);
        let detects = row.task == Task::Detection;
        let channels = if detects { 3 * (5 + facts.classes) } else { facts.classes };
        assert_eq!(head.map(|(_, shape)| shape[0]), Some(channels), "{}: {}", row.name, row.head);
        let (_, output) = &facts.graph.outputs()[0];
        let shape = &facts.graph[*output].shape;
        assert_eq!(shape[..2], [1, channels], "{}", row.name);
        assert_eq!(shape.len(), if row.task == Task::Classification { 2 } else { 4 }, "{}", row.name);
        if detects {
            let last = &facts.graph[facts.graph.outputs()[facts.graph.outputs().len() - 1].1].shape;
            assert_eq!((last[0], last[2]), (1, facts.classes), "{}", row.name);
        }
        assert!(row.least <= row.image[1] && row.least <= row.image[2], "{}", row.name);
    }
}
