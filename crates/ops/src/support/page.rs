//! The table as a page.

use std::fmt::Write;

use super::composed::COMPOSED;
use super::rows::OPERATIONS;

const INTRODUCTION: &str = "\
# Support table

Generated from `crates/ops/src/support/rows.rs` and `composed.rs`; write it anew with `cargo run --bin tilewright -- kernels support > docs/support.md`.

- **Forward** and **backward** name the kernels, `shaders/<family>/<stem>.wgsl`. Where several can run, `kernels::select` or \
the launcher chooses. `none` in *backward*: the operation has no gradient.
- **Reference** is the function of `tilewright_reference` that says what the operation means; `plain values`: tests compare \
with the values themselves.
- **PyTorch**: its answers, forward and backward, are in `tests/goldens/<family>.safetensors`.
- **f16**, **int8**: f16 is a storage type: `cast` goes to it and from it, products and convolutions forward take it, \
with sums in f32. The operations of int8 take i8 and u8, and their sums are exact integers.
- **ONNX** is the operator of the same meaning; `docs/onnx.md` has all that are imported.
";

const COMPOSED_INTRODUCTION: &str = "
## composed

These have no kernel of their own: each is a formula over the operations above, written once for tensors and variables
(`crates/tensor/src/composite`), and so has their gradients, can be captured and runs in slices as they do. *PyTorch* is its \
name there, below `torch` or `torch.nn.functional`; *golden* the file of `tests/goldens` with its answers, forward and backward.

| operation | PyTorch | of | golden | ONNX |
| --- | --- | --- | --- | --- |
";

/// The table as Markdown, which `docs/support.md` holds.
#[must_use]
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut family = "";
    for operation in OPERATIONS {
        if operation.family != family {
            family = operation.family;
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n## {family}\n\n| operation | forward | backward | reference | PyTorch | f16 | int8 | ONNX |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            );
        }
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            operation.name,
            code(operation.forward),
            operation.backward.map_or_else(|| "none".to_owned(), code),
            operation.reference.map_or_else(|| "plain values".to_owned(), |function| format!("`{function}`")),
            mark(operation.golden),
            mark(operation.f16),
            mark(operation.int8),
            operation.onnx.unwrap_or("–"),
        );
    }
    text.push_str(COMPOSED_INTRODUCTION);
    for row in COMPOSED {
        let golden = row.golden.map_or_else(|| "–".to_owned(), |family| format!("`{family}`"));
        let (name, of) = (row.name, row.of);
        let _ =
            writeln!(text, "| {name} | {} | {of} | {golden} | {} |", row.pytorch, row.onnx.unwrap_or("–"));
    }
    text
}

fn code(stems: &[&str]) -> String {
    stems.iter().map(|stem| format!("`{stem}`")).collect::<Vec<_>>().join(", ")
}

fn mark(yes: bool) -> &'static str {
    if yes { "yes" } else { "–" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_families_are_together() {
        let mut families: Vec<_> = OPERATIONS.iter().map(|operation| operation.family).collect();
        families.dedup();
        let runs = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), runs, "a family is in two places");
        for (at, operation) in OPERATIONS.iter().enumerate() {
            let twice = OPERATIONS[at + 1..].iter().any(|other| other.name == operation.name);
            assert!(!twice, "{} is there twice", operation.name);
        }
    }

    #[test]
    fn every_row_is_a_line() {
        let text = markdown();
        for operation in OPERATIONS {
            let line = text.lines().find(|line| line.starts_with(&format!("| {} |", operation.name)));
            let cells = line.map(|line| line.matches(" | ").count());
            assert_eq!(cells, Some(7), "{}", operation.name);
        }
    }
}
