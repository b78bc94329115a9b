//! The support table against what there is: kernel files, the vocabulary, the reference, the golden files, the page.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{collections::BTreeSet, fs, path::Path};

use tilewright::{
    ops::{
        BinaryOp, PoolKind, ReduceOp, UnaryOp,
        support::{COMPOSED, OPERATIONS, markdown, operation},
    },
    shaders::kernels,
};
use tilewright_reference::golden;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The stems that the table names.
fn named() -> BTreeSet<&'static str> {
    OPERATIONS
        .iter()
        .flat_map(|op| op.forward.iter().chain(op.backward.unwrap_or_default()))
        .copied()
        .collect()
}

#[test]
fn every_named_kernel_exists() {
    for stem in named() {
        assert!(kernels().iter().any(|kernel| kernel.stem == stem), "there is no shaders/*/{stem}.wgsl");
    }
    for operation in OPERATIONS {
        assert!(!operation.forward.is_empty(), "{} names no kernel", operation.name);
        let folder = root().join("shaders").join(operation.family);
        assert!(folder.is_dir(), "{}: there is no family {}", operation.name, operation.family);
    }
}

#[test]
fn every_kernel_serves_an_operation() {
    let named = named();
    // A probe measures the device; it computes nothing that a user could ask for.
    let idle: Vec<_> = kernels()
        .iter()
        .filter(|kernel| kernel.family != "probe")
        .map(|kernel| kernel.stem)
        .filter(|stem| !named.contains(stem))
        .collect();
    assert!(idle.is_empty(), "crates/ops/src/support/rows.rs names no operation for the kernels {idle:?}");
}

#[test]
fn the_whole_vocabulary_is_there() {
    let unary = UnaryOp::ALL.iter().map(|op| op.name());
    let binary = BinaryOp::ALL.iter().map(|op| op.name());
    let reduce = ReduceOp::ALL.iter().map(|op| op.name());
    let pool = PoolKind::ALL.iter().map(|op| op.name());
    for name in unary.chain(binary).chain(reduce).chain(pool) {
        let row =
            operation(name).unwrap_or_else(|| panic!("`{name}` is not in crates/ops/src/support/rows.rs"));
        assert!(row.reference.is_some() && row.golden, "`{name}` needs a reference and a golden");
    }
}

/// PyTorch says what has a gradient; a row must say the same, and a golden that no row claims is a forgotten one.
#[test]
fn golden_files_and_gradients_agree() {
    let families: BTreeSet<_> = OPERATIONS.iter().map(|op| op.family).collect();
    let mut found = BTreeSet::new();
    for family in families {
        if OPERATIONS.iter().any(|op| op.family == family && op.golden) {
            for case in golden::family(family).unwrap() {
                let row =
                    operation(&case.op).unwrap_or_else(|| panic!("{family}: `{}` is in no row", case.op));
                assert!(
                    row.golden && row.family == family,
                    "{}: PyTorch's answers are in {family}",
                    row.name
                );
                let differentiable = case.has("grad_y");
                assert_eq!(row.backward.is_some(), differentiable, "{}: has it a gradient?", row.name);
                found.insert(row.name);
            }
        }
    }
    for row in OPERATIONS {
        assert_eq!(row.golden, found.contains(row.name), "{}: is there a golden?", row.name);
        assert!(row.backward.is_none_or(|stems| !stems.is_empty()), "{}: which kernel goes back?", row.name);
    }
    // These have no golden that would tell.
    for name in ["dropout", "expand"] {
        assert!(operation(name).unwrap().backward.is_some(), "{name} has a gradient");
    }
}

/// A composed operation has its own row, or that of the vocabulary, and each file it names has cases of it.
#[test]
fn composed_operations_have_their_goldens() {
    let mut found = BTreeSet::new();
    for family in ["composite", "layers", "arrangements"] {
        for case in golden::family(family).unwrap() {
            let row = COMPOSED.iter().find(|row| row.name == case.op);
            match row {
                Some(row) => assert_eq!(row.golden, Some(family), "{}", case.op),
                None => assert!(operation(&case.op).is_some(), "{family}: `{}` is in no row", case.op),
            }
            found.insert(case.op);
        }
    }
    for row in COMPOSED {
        assert_eq!(row.golden.is_some(), found.contains(row.name), "{}: is there a golden?", row.name);
    }
}

#[test]
fn every_reference_is_a_function() {
    for row in OPERATIONS {
        let Some((module, function)) = row.reference.map(|path| path.split_once("::").unwrap()) else {
            continue;
        };
        let file = root().join(format!("crates/reference/src/{module}.rs"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let found = ["(", "<"].iter().any(|next| text.contains(&format!("pub fn {function}{next}")));
        assert!(found, "{}: the reference has no {module}::{function}", row.name);
    }
}

#[test]
fn the_page_is_up_to_date() {
    let page = fs::read_to_string(root().join("docs/support.md")).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/support.md is not what crates/ops/src/support/rows.rs says; write it anew:\n    \
         cargo run --bin tilewright -- kernels support > docs/support.md"
    );
}
