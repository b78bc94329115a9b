//! Operators of set 26: running products, and bits under another type.

use super::call::Call;
use super::indices::around;
use crate::decode;
use crate::error::Result;
use crate::params::operands::Operands;
use crate::params::{axis, movement};
use crate::tensor::{Data, HostTensor, Numbers};

/// The product of the elements of a line up to each, or without it.
pub(super) fn cumulative_product(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, attributes) = (call.operand(0)?, &call.node().attributes);
    let (exclusive, reverse) = (attributes.flag("exclusive", false)?, attributes.flag("reverse", false)?);
    let given = call.integers("", 1)?.and_then(|values| values.first().copied());
    let axis = call.check(axis::one(given.unwrap_or(0), x.shape().len()))?;
    let [outer, extent, inner] = around(x.shape(), axis);
    let lines = (0..outer * inner).map(|line| {
        let place = move |at: usize| (line / inner * extent + at) * inner + line % inner;
        (0..extent).map(move |at| place(if reverse { extent - 1 - at } else { at }))
    });
    let numbers = match x.data().numbers() {
        Numbers::Floats(mut values) => {
            for line in lines {
                let mut product = 1.0;
                for at in line {
                    let with = product * values[at];
                    values[at] = if exclusive { product } else { with };
                    product = with;
                }
            }
            Numbers::Floats(values)
        }
        Numbers::Integers(mut values) => {
            for line in lines {
                let mut product = 1_i128;
                for at in line {
                    // What wraps in 128 bits has the right lower ones.
                    let with = product.wrapping_mul(values[at]);
                    values[at] = if exclusive { product } else { with };
                    product = with;
                }
            }
            Numbers::Integers(values)
        }
    };
    Ok(vec![call.tensor(x.shape(), Data::from_numbers(x.dtype(), &numbers))?])
}

/// The same bits as elements of another type of as many.
pub(super) fn bit_cast(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, to) = (call.operand(0)?, movement::cast_type(call)?);
    let bits = |dtype: crate::element::ElementType| (dtype.size(), dtype.is_nibble());
    if bits(to) != bits(x.dtype()) {
        let reason = format!("names {to}, whose elements have other bits than those of {}", x.dtype());
        return Err(call.node().attributes.wrong("to", reason));
    }
    let data = decode::from_bytes(to, &x.data().bytes(), x.count());
    Ok(vec![call.tensor(x.shape(), data)?])
}
