//! Ranges of parameters.

use crate::error::ShapeError;

pub(super) fn require_not_negative(
    op: &'static str,
    parameter: &'static str,
    value: f32,
) -> Result<(), ShapeError> {
    require(value.is_finite() && value >= 0.0, op, parameter, value, "it must be finite and not negative")
}

pub(super) fn require_finite(
    op: &'static str,
    parameter: &'static str,
    value: f32,
) -> Result<(), ShapeError> {
    require(value.is_finite(), op, parameter, value, "it must be finite")
}

/// The share that a running mean keeps at each step.
pub(super) fn require_decay(op: &'static str, parameter: &'static str, value: f32) -> Result<(), ShapeError> {
    require((0.0..1.0).contains(&value), op, parameter, value, "it must be at least 0 and below 1")
}

fn require(
    holds: bool,
    op: &'static str,
    parameter: &'static str,
    value: f32,
    hint: &'static str,
) -> Result<(), ShapeError> {
    if holds { Ok(()) } else { Err(ShapeError::Parameter { op, parameter, value: value.to_string(), hint }) }
}
