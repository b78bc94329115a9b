//! A node with its operands, as the operators' mappings see it.

use std::rc::Rc;

use tilewright_ops::UnaryOp;
use tilewright_runtime::Context;
use tilewright_tensor::{DType, Tensor, Trace};

use super::value::{Constant, Value};
use crate::element::ElementType;
use crate::error::{Error, Result};
use crate::host::call::Call;
use crate::limit::LIMIT;
use crate::model::Node;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor, Numbers};

/// A node, its operands and where its constants go.
pub(super) struct Ctx<'a> {
    pub(super) node: &'a Node,
    pub(super) inputs: Vec<Option<Value>>,
    pub(super) context: &'a Context,
    /// Where a node of constants is written down and not computed, so that the graph's passes see the bytes it reads.
    pub(super) written: Option<Trace>,
}

impl Operands for Ctx<'_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn opset(&self) -> i64 {
        self.node.opset
    }

    fn constant(&self, index: usize) -> Result<Option<&HostTensor>> {
        match self.inputs.get(index) {
            None | Some(None) => Ok(None),
            Some(Some(Value::Host(constant))) => Ok(Some(constant.host())),
            Some(Some(Value::Device { .. } | Value::MaxIndices(_))) => Err(Error::NotConstant {
                node: self.node.place(),
                value: self.node.input(index).unwrap_or("").to_owned(),
            }),
        }
    }
}

impl Ctx<'_> {
    /// What is wrong with this node.
    pub(super) fn wrong(&self, reason: impl Into<String>) -> Error {
        self.node.wrong(reason)
    }

    /// Something that this node wants and nothing here does.
    pub(super) fn unsupported(&self, what: impl Into<String>) -> Error {
        Error::Unsupported { place: self.node.place(), what: what.into() }
    }

    /// Whether the operand at `index` is there.
    pub(super) fn has(&self, index: usize) -> bool {
        self.inputs.get(index).is_some_and(Option::is_some)
    }

    /// Whether anything reads the result at `index`.
    pub(super) fn wants(&self, index: usize) -> bool {
        self.node.outputs.get(index).is_some_and(|name| !name.is_empty())
    }

    pub(super) fn value(&self, index: usize) -> Result<&Value> {
        let found = self.inputs.get(index).and_then(Option::as_ref);
        found.ok_or_else(|| self.wrong(format!("operand {index} is missing")))
    }

    pub(super) fn shape(&self, index: usize) -> Result<&[usize]> {
        Ok(self.value(index)?.shape())
    }

    pub(super) fn dtype(&self, index: usize) -> Result<ElementType> {
        Ok(self.value(index)?.dtype())
    }

    /// The operand at `index` on the device, whatever its type: as f32 or i32.
    pub(super) fn any(&self, index: usize) -> Result<Tensor> {
        let tensor = self.stored(index)?;
        Ok(if is_byte(tensor.dtype()) { tensor.cast(DType::I32)? } else { tensor })
    }

    /// The operand at `index` on the device as it is held there, which for int8 and uint8 may be bytes: for what moves
    /// elements and computes nothing.
    pub(super) fn stored(&self, index: usize) -> Result<Tensor> {
        match self.value(index)? {
            Value::Host(constant) => constant.device(&self.node.place(), self.context),
            Value::Device { tensor, .. } => Ok(tensor.clone()),
            Value::MaxIndices(indices) => indices.whole(&self.node.place(), self.context),
        }
    }

    /// The operand at `index` on the device as bytes; it must be int8 or uint8.
    pub(super) fn bytes(&self, index: usize) -> Result<Tensor> {
        let dtype = match self.dtype(index)? {
            ElementType::I8 => DType::I8,
            ElementType::U8 => DType::U8,
            other => return Err(self.unsupported(format!("operand {index} of type {other}"))),
        };
        if let Value::Host(constant) = self.value(index)?
            && let Some(bytes) = constant.bytes(self.context, false)?
        {
            return Ok(bytes);
        }
        let tensor = self.stored(index)?;
        Ok(if tensor.dtype() == dtype { tensor } else { tensor.cast(dtype)? })
    }

    /// As [`Self::bytes`], of a matrix, with rows and columns swapped.
    pub(super) fn turned_bytes(&self, index: usize) -> Result<Tensor> {
        if let Value::Host(constant) = self.value(index)?
            && let Some(bytes) = constant.bytes(self.context, true)?
        {
            return Ok(bytes);
        }
        Ok(self.bytes(index)?.permute(&[1, 0])?)
    }

    /// The operand at `index` on the device, which must be of a floating-point type.
    pub(super) fn float(&self, index: usize) -> Result<Tensor> {
        let dtype = self.dtype(index)?;
        if dtype.is_float() { self.any(index) } else { Err(self.of_type(index, dtype)) }
    }

    /// The operand at `index` on the device as f32 if it is a float or a truth value.
    pub(super) fn float_or_bool(&self, index: usize) -> Result<Tensor> {
        let dtype = self.dtype(index)?;
        if dtype.is_float() || dtype == ElementType::Bool {
            self.any(index)
        } else {
            Err(self.of_type(index, dtype))
        }
    }

    pub(super) fn of_type(&self, index: usize, dtype: ElementType) -> Error {
        self.unsupported(format!("operand {index} of type {dtype} that depends on what the model is run on"))
    }

    /// The operand at `index` if it is there.
    pub(super) fn optional(&self, index: usize) -> Result<Option<Tensor>> {
        if self.has(index) { self.float(index).map(Some) } else { Ok(None) }
    }

    /// The operand at `index` as one truth value, which must be known at import.
    pub(super) fn truth(&self, index: usize) -> Result<bool> {
        let constant =
            self.constant(index)?.ok_or_else(|| self.wrong(format!("operand {index} is missing")))?;
        match constant.data().numbers().floats()[..] {
            [value] => Ok(value != 0.0),
            _ => Err(self.wrong(format!("operand {index} must be one truth value"))),
        }
    }

    /// A scalar of the device.
    pub(super) fn scalar(&self, value: f32) -> Result<Tensor> {
        self.tensor(&[value], &[])
    }

    /// A constant of the device.
    pub(super) fn tensor(&self, values: &[f32], shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::from_slice(self.context, values, shape)?)
    }

    /// Results in the type of the first operand.
    pub(super) fn like_first(&self, tensors: impl IntoIterator<Item = Tensor>) -> Result<Vec<Value>> {
        let dtype = self.dtype(0)?;
        Ok(tensors.into_iter().map(|tensor| device(tensor, dtype)).collect())
    }

    /// The elements of the first operand that the host's operator of this node would choose, given only where each
    /// lies: for operators that move elements and compute nothing.
    pub(super) fn moved_by_host(&self) -> Result<Vec<Value>> {
        let x = self.any(0)?;
        let too_large =
            |count: usize| Error::TooLarge { node: self.node.place(), elements: count as u128, limit: LIMIT };
        if x.count() > LIMIT {
            return Err(too_large(x.count()));
        }
        let places = Data::I64((0..x.count() as i64).collect());
        let places = HostTensor::new(x.shape(), places).map_err(|data| too_large(data.len()))?;
        let mut operands = vec![Some(&places)];
        for index in 1..self.inputs.len() {
            operands.push(self.constant(index)?);
        }
        let results = Call::new(self.node, operands).evaluate();
        let results =
            results.ok_or_else(|| self.unsupported(format!("{} on the host", self.node.op_type)))??;
        let flat = x.reshape(&[-1])?;
        let moved = results.into_iter().map(|result| {
            let chosen: Vec<i32> = result.to_i64().unwrap_or_default().iter().map(|&at| at as i32).collect();
            if chosen.is_empty() {
                let empty = HostTensor::new(
                    result.shape(),
                    Data::from_numbers(self.dtype(0)?, &Numbers::Floats(vec![])),
                );
                return empty.map(host).map_err(|data| too_large(data.len()));
            }
            let indices = Tensor::from_slice(self.context, &chosen, result.shape())?;
            Ok(device(flat.gather(0, &indices)?, self.dtype(0)?))
        });
        moved.collect()
    }
}

/// Whether it is a type of bytes.
pub(super) const fn is_byte(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::U8)
}

/// A constant.
pub(super) fn host(tensor: HostTensor) -> Value {
    Value::Host(Rc::new(Constant::new(tensor)))
}

/// A result of the device.
pub(super) fn device(tensor: Tensor, dtype: ElementType) -> Value {
    Value::Device { tensor, dtype }
}

/// A shape as the tensors' own methods take it.
pub(super) fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&extent| extent as isize).collect()
}

/// 1 − x: not, of a truth value.
pub(super) fn negated(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.unary(UnaryOp::MulScalar { value: -1.0 })?.unary(UnaryOp::AddScalar { value: 1.0 })?)
}
