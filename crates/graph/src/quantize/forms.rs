//! Each node that has a form in bytes, written in it.

use tilewright_ops::{
    Conv2d, DType, Op, Pool2d, QConv2d, Quantized, Steps, UnaryOp,
    quantized::{Addend, Residual, average_multipliers},
};

use super::{
    parameters,
    plan::Form,
    scale::Scale,
    writer::{Bytes, Writer},
};
use crate::{Node, Result, ValueId, bytes};

impl Writer<'_> {
    /// Writes a node in bytes, and gives the bytes of its weights before and after.
    pub fn write(&mut self, node: &Node, key: &str, form: &Form) -> Result<[u64; 2]> {
        let (name, y) = (&node.name, node.output());
        let mut scale = self.scale(y);
        let mut weight_bytes = [0; 2];
        let id = match form {
            Form::Conv2d { op, bias, residual, activation } => {
                let x = self.bytes(name, node.inputs[0])?;
                let residual = if *residual { node.inputs.last().copied() } else { None };
                let residual = residual.map(|id| self.bytes(name, id)).transpose()?;
                let shape = self.graph[node.inputs[1]].shape.clone();
                let product = self.product(node, key, shape, None, *bias, x)?;
                let sums = Sums { product, residual, activation: *activation };
                self.convolution(name, x, op, sums, scale, &mut weight_bytes)?
            }
            Form::Linear { transposed, bias, activation } => {
                let x = self.bytes(name, node.inputs[0])?;
                let shape = &self.graph[node.inputs[1]].shape;
                let (outputs, inputs) = if *transposed { (shape[0], shape[1]) } else { (shape[1], shape[0]) };
                let rows = self.graph[node.inputs[0]].shape.iter().product::<usize>() / inputs.max(1);
                let pixels = Op::Reshape(vec![rows, inputs, 1, 1]);
                let x = Bytes { id: self.rewriter.push(format!("{name}/rows"), pixels, &[x.id])?, ..x };
                let turn = (!transposed).then_some([inputs, outputs]);
                let product = self.product(node, key, vec![outputs, inputs, 1, 1], turn, *bias, x)?;
                let sums = Sums { product, residual: None, activation: *activation };
                let sums = self.convolution(name, x, &Conv2d::default(), sums, scale, &mut weight_bytes)?;
                let shape = self.graph[y].shape.clone();
                self.rewriter.push(format!("{name}/shape"), Op::Reshape(shape), &[sums])?
            }
            Form::Add { activation } => {
                let operands = self.operands(node)?;
                let addends = operands.map(|x| Addend {
                    zero_point: x.scale.zero_point,
                    multiplier: x.scale.scale / scale.scale,
                });
                let op = Quantized::Add { addends, y: steps(scale, *activation) };
                self.rewriter.push(name.clone(), Op::Quantized(op), &operands.map(|x| x.id))?
            }
            Form::Mul { activation } => {
                let [a, b] = self.operands(node)?;
                let multiplier = a.scale.scale * b.scale.scale / scale.scale;
                let zeros = [a.scale.zero_point, b.scale.zero_point];
                let op = Quantized::Mul { zeros, multiplier, y: steps(scale, *activation) };
                self.rewriter.push(name.clone(), Op::Quantized(op), &[a.id, b.id])?
            }
            Form::Table(function) => {
                let x = self.bytes(name, node.inputs[0])?;
                self.lookup(name, x, &[*function], scale)?
            }
            Form::Concat => {
                let mut parts = Vec::with_capacity(node.inputs.len());
                for &input in &node.inputs {
                    let x = self.bytes(name, input)?;
                    let same = x.scale == scale;
                    parts.push(if same { x.id } else { self.lookup(name, x, &[], scale)? });
                }
                self.rewriter.push(name.clone(), node.op.clone(), &parts)?
            }
            Form::Nearest { axis } => {
                let x = self.bytes(name, node.inputs[0])?;
                scale = x.scale;
                let mut id = x.id;
                for (at, places) in bytes::places(self.graph, node)?.iter().flatten().enumerate() {
                    let indices = self.constant(places, &[places.len()])?;
                    let op = Op::Quantized(Quantized::Gather { axis: axis + at });
                    id = self.rewriter.push(name.clone(), op, &[id, indices])?;
                }
                id
            }
            Form::MaxPool(pool) => {
                let x = self.bytes(name, node.inputs[0])?;
                scale = x.scale;
                self.rewriter.push(name.clone(), Op::Quantized(Quantized::MaxPool2d(*pool)), &[x.id])?
            }
            Form::AvgPool(pool) => self.average(node, pool, scale)?,
            Form::Moves => {
                let x = self.bytes(name, node.inputs[0])?;
                scale = x.scale;
                let parts = self.rewriter.push_all(name.clone(), node.op.clone(), &[x.id])?;
                self.bytes.extend(node.outputs.iter().zip(&parts).map(|(&y, &id)| (y, Bytes { id, scale })));
                parts[0]
            }
        };
        self.bytes.insert(y, Bytes { id, scale });
        Ok(weight_bytes)
    }

    fn convolution(
        &mut self,
        name: &str,
        x: Bytes,
        conv: &Conv2d,
        Sums { product, residual, activation }: Sums,
        scale: Scale,
        weight_bytes: &mut [u64; 2],
    ) -> Result<ValueId> {
        let parameters::Product { shape, numbers, scales, bias } = product;
        let outputs = shape[0];
        let biases = bias.as_ref().map_or(0, Vec::len);
        *weight_bytes =
            [4 * (numbers.len() + biases) as u64, (numbers.len() + 4 * (outputs + biases)) as u64];
        let multiplier: Vec<f32> = scales.iter().map(|by| x.scale.scale * by / scale.scale).collect();
        let mut inputs = vec![x.id, self.constant(&numbers, &shape)?];
        if let Some(bias) = &bias {
            inputs.push(self.constant(bias, &[outputs])?);
        }
        inputs.push(self.constant(&multiplier, &[outputs])?);
        inputs.extend(residual.map(|residual| residual.id));
        let op = Quantized::Conv2d {
            op: QConv2d { conv: *conv, x_zero: x.scale.zero_point, y: Some(steps(scale, activation)) },
            weight_zero: false,
            bias: bias.is_some(),
            residual: residual.map(|residual| Residual {
                zero_point: residual.scale.zero_point,
                multiplier: residual.scale.scale / scale.scale,
            }),
        };
        self.rewriter.push(name, Op::Quantized(op), &inputs)
    }

    fn average(&mut self, node: &Node, pool: &Pool2d, scale: Scale) -> Result<ValueId> {
        let x = self.bytes(&node.name, node.inputs[0])?;
        let multiplier = average_multipliers(pool, x.scale.scale / scale.scale);
        let multiplier = self.constant(&multiplier, &[multiplier.len()])?;
        let op = Quantized::AvgPool2d { pool: *pool, x_zero: x.scale.zero_point, y: steps(scale, None) };
        let y = self.rewriter.push(node.name.clone(), Op::Quantized(op), &[x.id, multiplier])?;
        let shape = &self.graph[node.output()].shape;
        if self.rewriter.graph()[y].shape == *shape {
            return Ok(y);
        }
        // A reduction that leaves no axes of extent 1.
        self.rewriter.push(format!("{}/shape", node.name), Op::Reshape(shape.clone()), &[y])
    }
}

/// What a convolution sums, and what becomes of the sums.
struct Sums {
    product: parameters::Product,
    residual: Option<Bytes>,
    activation: Option<UnaryOp>,
}

/// How sums become bytes of `scale`, clamped by the activation.
fn steps(scale: Scale, activation: Option<UnaryOp>) -> Steps {
    // A form has no activation that is more.
    let whole = Steps::new(DType::I8, scale.zero_point);
    whole.clamped(scale.scale, activation).unwrap_or(whole)
}
