//! The operators of the table, by the operation that they are.

use std::mem::discriminant;

use tilewright_ops::{BinaryOp, ReduceOp, UnaryOp};

use super::version::EXPORT_OPSET;
use crate::table::operator::{Lines, Operator, Row, Variadic};
use crate::table::rows::rows;

/// How a function of one operand is written.
pub(super) struct Unary {
    pub(super) operator: &'static str,
    pub(super) floats: Vec<(&'static str, f32)>,
    /// An attribute that chooses the function.
    pub(super) choice: Option<(&'static str, &'static str)>,
}

fn written() -> impl Iterator<Item = &'static Row> {
    rows().filter(|&&(_, since, _)| since <= EXPORT_OPSET)
}

pub(super) fn unary(op: UnaryOp) -> Option<Unary> {
    let plain = |operator| Unary { operator, floats: vec![], choice: None };
    written().find_map(|&(name, _, row)| match row {
        Operator::Unary(other) if other == op => Some(plain(name)),
        Operator::UnaryFloats(attributes, build)
            if discriminant(&build(op.parameters())) == discriminant(&op) =>
        {
            let names = attributes.iter().map(|&(name, _)| name);
            Some(Unary { floats: names.zip(op.parameters()).collect(), ..plain(name) })
        }
        Operator::UnaryChoice(attribute, choices) => {
            let found = choices.iter().find(|&&(_, other)| other == op)?;
            Some(Unary { choice: Some((attribute, found.0)), ..plain(name) })
        }
        _ => None,
    })
}

pub(super) fn binary(op: BinaryOp) -> Option<&'static str> {
    let is = |row: Operator| match row {
        Operator::Binary(other) => other == op,
        Operator::Compare(comparison) => comparison.op() == op,
        Operator::Variadic(Variadic::Max) => op == BinaryOp::Maximum,
        Operator::Variadic(Variadic::Min) => op == BinaryOp::Minimum,
        Operator::Prelu => op == BinaryOp::Prelu,
        _ => false,
    };
    written().find(|row| is(row.2)).map(|row| row.0)
}

pub(super) fn reduction(op: ReduceOp) -> Option<&'static str> {
    let is = |row: Operator| matches!(row, Operator::Reduce(reduction) if reduction.op() == Some(op));
    written().find(|row| is(row.2)).map(|row| row.0)
}

pub(super) fn lines(function: Lines) -> Option<&'static str> {
    let is = |row: Operator| matches!(row, Operator::Lines(other) if other == function);
    written().find(|row| is(row.2)).map(|row| row.0)
}
