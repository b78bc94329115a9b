//! Axes drawn anew by tables of weights.

use tilewright_ops::TapTable;
use tilewright_tensor::Tensor;

use super::node::Ctx;
use crate::error::Result;

/// Places of an axis that a table is made for.
pub(super) const MOST_PLACES: usize = 1 << 20;

/// Draws the axes that have a table anew, neighbours together.
pub(super) fn drawn(ctx: &Ctx, x: Tensor, tables: &[Option<TapTable>]) -> Result<Tensor> {
    let own = x.shape().to_vec();
    // A single axis needs a neighbour.
    let single = x.rank() == 1;
    let mut y = if single { x.reshape(&[1, -1])? } else { x };
    let mut tables: Vec<Option<TapTable>> = tables.to_vec();
    if single {
        tables.insert(0, None);
    }
    if let Some(extent) = y.shape().iter().find(|&&extent| extent > MOST_PLACES) {
        return Err(ctx.unsupported(format!("a table for an axis of {extent} elements")));
    }
    let mut axis = 0;
    while axis < tables.len() {
        if tables[axis].is_none() {
            axis += 1;
            continue;
        }
        let first = axis.min(tables.len().saturating_sub(2));
        let table = |at: usize, y: &Tensor| -> Result<Tensor> {
            // What is before this axis has been drawn already.
            let found = tables[at].as_ref().filter(|_| at >= axis);
            let identity = || TapTable::identity(y.shape()[at]);
            Ok(Tensor::tap_table(ctx.context, &found.cloned().unwrap_or_else(identity))?)
        };
        y = y.resample(first, &table(first, &y)?, &table(first + 1, &y)?)?;
        axis = first + 2;
    }
    debug_assert!(own.len() <= y.rank());
    Ok(if single { y.reshape(&[-1])? } else { y })
}
