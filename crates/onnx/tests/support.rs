//! The table of ONNX's operators against the engine's support table: neither may say what the other does not.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use tilewright_onnx::import::counterparts;
use tilewright_ops::support::{OPERATIONS, operation};
use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

/// Operators of the same meaning that are not read: they draw random numbers.
const NOT_READ: [&str; 2] = ["RandomUniform", "RandomNormal"];

/// The operators that a row of the support table names, without what it says of their attributes.
fn named(text: &str) -> BTreeSet<String> {
    let mut depth = 0;
    let plain: String = text
        .chars()
        .filter(|character| {
            depth += i32::from(*character == '(') - i32::from(*character == ')');
            depth == 0 && *character != ')'
        })
        .collect();
    plain.split(',').map(|name| name.trim().to_owned()).collect()
}

#[test]
fn what_is_read_is_in_the_support_table() {
    let read = counterparts();
    assert!(read.len() > 80, "{}", read.len());
    for (operator, op) in read {
        let row = operation(op).unwrap_or_else(|| panic!("{operator} is read as `{op}`, which is no row"));
        let says = row.onnx.map(named).unwrap_or_default();
        assert!(says.contains(operator), "`{op}`: its row names {says:?}, and {operator} is read as it");
    }
}

#[test]
fn what_the_support_table_names_is_read() {
    let read = counterparts();
    for row in OPERATIONS {
        for name in row.onnx.map(named).unwrap_or_default() {
            let known = read.contains(&(name.as_str(), row.name));
            let passed_over = NOT_READ.contains(&name.as_str());
            assert!(known != passed_over, "`{}`: {name} is read: {known}", row.name);
        }
    }
}

/// What the vocabulary has and ONNX has not is composed of others where it is written; one more must be looked at.
#[test]
fn functions_without_an_operator_are_these() {
    let read = counterparts();
    let missing = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().copied().filter(|name| !read.iter().any(|(_, op)| op == name)).collect()
    };
    assert_eq!(missing(&UnaryOp::ALL.map(UnaryOp::name)), ["rsqrt", "square"]);
    assert!(missing(&BinaryOp::ALL.map(BinaryOp::name)).is_empty());
    assert!(missing(&ReduceOp::ALL.map(ReduceOp::name)).is_empty());
}
