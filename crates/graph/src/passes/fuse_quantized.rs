//! Makes what lies between numbers that are dequantised and a step that quantises again one operation on bytes. A file in
//! ONNX's QDQ form says by such pairs what is to be computed in integers.

mod clamp;
mod fusion;
mod tables;

use tilewright_ops::{
    AdaptiveAvgPool2d, BinaryOp, Conv2d, DType, MatMul, Op, Pool2d, QConv2d, Quantization, Quantized,
    ReduceOp, Steps, UnaryOp,
    quantized::{AVERAGES, Addend, Residual, average_multipliers},
};
use tilewright_tensor::Tensor;

use fusion::{Bytes, Fusion, Numbers, Target, Whole, is_same};

use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Fuses convolutions, products with a matrix, sums, products, functions of one number, poolings and movements whose operands are dequantised and whose result,
/// clamped or not, is quantised, where scales and zero points are constants. The multiplier of sums is x's scale times the
/// weight's by the result's, in f32 and in this order.
///
/// # Errors
/// Those of reading constants.
pub fn fuse_quantized(graph: &Graph) -> Result<(Graph, usize)> {
    let gives_bytes = |id: &ValueId| matches!(graph[*id].dtype, DType::I8 | DType::U8);
    if !graph.nodes().iter().flat_map(|node| &node.outputs).any(gives_bytes) {
        return Ok((graph.clone(), 0));
    }
    let mut pass = Fusion {
        graph,
        makers: graph.makers(),
        uses: graph.uses(),
        rewriter: Rewriter::new(graph),
        name: String::new(),
    };
    let mut changed = 0;
    for node in graph.nodes() {
        let y = match pass.fused(node)? {
            None => pass.clamp(node)?,
            y => y,
        };
        match y {
            Some(y) => {
                pass.rewriter.replace(node.output(), y);
                changed += 1;
            }
            None => {
                pass.rewriter.keep(node)?;
            }
        }
    }
    if changed == 0 {
        return Ok((graph.clone(), 0));
    }
    let (new, _) = super::eliminate_dead(&pass.rewriter.finish())?;
    Ok((new, changed))
}

/// What a convolution multiplies by, and adds.
struct Factor {
    weight: Bytes,
    /// The axis of its outputs, along which it may have a scale for each index.
    along: usize,
    bias: Option<ValueId>,
    residual: Option<Whole>,
}

impl<'a> Fusion<'a> {
    /// The bytes that a node quantises, from an operation on bytes, if there is one.
    fn fused(&mut self, node: &Node) -> Result<Option<ValueId>> {
        let Op::Quantized(Quantized::Quantize { dtype, axis: None }) = node.op else { return Ok(None) };
        let Some((core, clamps)) = self.core(node.inputs[0]) else { return Ok(None) };
        if !has_form(&core.op) {
            return Ok(None);
        }
        let Some(Numbers { scale, zero, .. }) = self.numbers(&node.inputs[1..], None)? else {
            return Ok(None);
        };
        let steps = clamped(Steps::new(dtype, zero[0]), scale[0], &clamps);
        if steps.check("quantize").is_err() {
            return Ok(None);
        }
        let bare = (steps.low, steps.high) == Quantization::range(dtype).unwrap_or_default();
        self.name.clone_from(&core.name);
        let y = match self.write(core, &Target { scale: scale[0], steps, bare })? {
            Some(y) => y,
            None => return Ok(None),
        };
        // What was a reshape between the operation and its step.
        let shape = &self.graph[node.output()].shape;
        if self.rewriter.graph()[y].shape == *shape {
            return Ok(Some(y));
        }
        self.rewriter.push(format!("{}/shape", self.name), Op::Reshape(shape.clone()), &[y]).map(Some)
    }

    /// What makes the numbers that are quantised, before clamps and reshapes that nothing else reads, and the clamps, the
    /// first one first.
    fn core(&self, quantised: ValueId) -> Option<(&'a Node, Vec<UnaryOp>)> {
        let (mut id, mut clamps) = (quantised, vec![]);
        loop {
            let node = self.maker(id)?;
            match node.op {
                Op::Quantized(Quantized::Dequantize { .. }) => {}
                _ if !self.is_read_once(id) => return None,
                Op::Unary(op) if is_clamp(op) => {
                    clamps.push(op);
                    id = node.inputs[0];
                    continue;
                }
                Op::Reshape(_) => {
                    id = node.inputs[0];
                    continue;
                }
                Op::Conv2d { activation: Some(op), .. }
                | Op::MatMul { activation: Some(op), .. }
                | Op::Binary { activation: Some(op), .. } => {
                    if !is_clamp(op) {
                        return None;
                    }
                    clamps.push(op);
                }
                _ => {}
            }
            clamps.reverse();
            return Some((node, clamps));
        }
    }

    fn constant<T: tilewright_tensor::Element>(&mut self, values: &[T]) -> Result<ValueId> {
        let tensor = Tensor::from_slice(self.graph.context(), values, &[values.len()])?;
        Ok(self.rewriter.constant(tensor))
    }

    fn push(&mut self, op: Op, inputs: &[ValueId]) -> Result<ValueId> {
        self.rewriter.push(self.name.clone(), op, inputs)
    }

    /// `core` on bytes, where its operands were bytes.
    fn write(&mut self, core: &Node, y: &Target) -> Result<Option<ValueId>> {
        match &core.op {
            Op::Conv2d { op, bias, .. } => {
                let (Some(x), Some(weight)) = (self.whole(core.inputs[0])?, self.bytes(core.inputs[1], 0)?)
                else {
                    return Ok(None);
                };
                let bias = bias.then(|| core.inputs[2]);
                self.convolution(x, op, Factor { weight, along: 0, bias, residual: None }, y)
            }
            Op::MatMul { op, bias, .. } => self.product(core, *op, *bias, y),
            Op::Binary { .. } => self.sum(core, y),
            Op::AvgPool2d(pool) => self.mean(core, *pool, y),
            Op::AdaptiveAvgPool2d(_) | Op::Reduce { .. } => match self.graph[core.inputs[0]].shape[..] {
                [_, _, h, w] if h * w > 0 => self.mean(core, Pool2d::new([h, w]), y),
                _ => Ok(None),
            },
            Op::MaxPool2d { pool, .. } => {
                let op = Op::Quantized(Quantized::MaxPool2d(*pool));
                self.moved(&core.inputs, op, y)
            }
            Op::Permute(_) | Op::Slice(_) => self.moved(&core.inputs, core.op.clone(), y),
            Op::Concat { .. } => self.joined(core, y),
            Op::Resample { axis } => self.nearest(core, *axis, y),
            Op::Unary(op) => match self.whole(core.inputs[0])? {
                Some(x) => self.lookup(x, &[*op], y),
                None => Ok(None),
            },
            // Nothing lies between.
            _ => match self.whole(core.output())? {
                Some(x) if y.bare && is_same(&x, y) => Ok(Some(x.id)),
                Some(x) => self.lookup(x, &[], y),
                None => Ok(None),
            },
        }
    }

    /// An operation that leaves numbers what they are, of bytes that stand for the same as the result's.
    fn moved(&mut self, inputs: &[ValueId], op: Op, y: &Target) -> Result<Option<ValueId>> {
        let mut operands = Vec::with_capacity(inputs.len());
        for &input in inputs {
            match self.whole(input)? {
                Some(x) if y.bare && is_same(&x, y) => operands.push(x.id),
                _ => return Ok(None),
            }
        }
        self.push(op, &operands).map(Some)
    }

    fn sum(&mut self, core: &Node, y: &Target) -> Result<Option<ValueId>> {
        if matches!(core.op, Op::Binary { op: BinaryOp::Mul, .. }) {
            return self.multiplied(core, y);
        }
        for (sums, other) in [(0, 1), (1, 0)] {
            if let Some(y) = self.convolution_and(core.inputs[sums], core.inputs[other], y)? {
                return Ok(Some(y));
            }
        }
        let (Some(a), Some(b)) = (self.whole(core.inputs[0])?, self.whole(core.inputs[1])?) else {
            return Ok(None);
        };
        let operands = self.alike(core, [a.id, b.id])?;
        let addends = [a, b].map(|x| Addend { zero_point: x.zero, multiplier: x.scale / y.scale });
        if addends.iter().any(|addend| !(addend.multiplier.is_finite() && addend.multiplier > 0.0)) {
            return Ok(None);
        }
        self.push(Op::Quantized(Quantized::Add { addends, y: y.steps }), &operands).map(Some)
    }

    /// A convolution that nothing else reads and another tensor of its shape.
    fn convolution_and(&mut self, sums: ValueId, other: ValueId, y: &Target) -> Result<Option<ValueId>> {
        let Some(conv) = self.maker(sums).filter(|_| self.is_read_once(sums)) else {
            return Ok(None);
        };
        let Op::Conv2d { op, bias, residual: false, activation: None, pool: None } = conv.op else {
            return Ok(None);
        };
        if self.graph[sums].shape != self.graph[other].shape {
            return Ok(None);
        }
        let (Some(x), Some(weight), Some(other)) =
            (self.whole(conv.inputs[0])?, self.bytes(conv.inputs[1], 0)?, self.whole(other)?)
        else {
            return Ok(None);
        };
        let bias = bias.then(|| conv.inputs[2]);
        self.convolution(x, &op, Factor { weight, along: 0, bias, residual: Some(other) }, y)
    }

    fn mean(&mut self, core: &Node, pool: Pool2d, y: &Target) -> Result<Option<ValueId>> {
        if pool.kernel[0].saturating_mul(pool.kernel[1]) > AVERAGES {
            return Ok(None);
        }
        let Some(x) = self.whole(core.inputs[0])? else { return Ok(None) };
        let multiplier = self.constant(&average_multipliers(&pool, x.scale / y.scale))?;
        let op = Quantized::AvgPool2d { pool, x_zero: x.zero, y: y.steps };
        self.push(Op::Quantized(op), &[x.id, multiplier]).map(Some)
    }

    /// Rows by a matrix: a convolution of single pixels.
    fn product(&mut self, core: &Node, op: MatMul, bias: bool, y: &Target) -> Result<Option<ValueId>> {
        let (left, right) = (&self.graph[core.inputs[0]].shape, &self.graph[core.inputs[1]].shape);
        let (&[first, second], true) = (&right[..], left.len() >= 2) else { return Ok(None) };
        let (inputs, outputs) = if op.transpose_right { (second, first) } else { (first, second) };
        let rows: usize = left[..left.len() - 1].iter().product();
        let (Some(x), Some(weight)) = (self.whole(core.inputs[0])?, self.bytes(core.inputs[1], 0)?) else {
            return Ok(None);
        };
        let pixels = self.push(Op::Reshape(vec![rows, inputs, 1, 1]), &[x.id])?;
        let turned = match op.transpose_right {
            true => weight.id,
            false => self.push(Op::Permute(vec![1, 0]), &[weight.id])?,
        };
        let filters = self.push(Op::Reshape(vec![outputs, inputs, 1, 1]), &[turned])?;
        let (x, along) = (Whole { id: pixels, ..x }, usize::from(!op.transpose_right));
        let bias = bias.then(|| core.inputs[2]);
        let weight = Bytes { id: filters, ..weight };
        self.convolution(x, &Conv2d::default(), Factor { weight, along, bias, residual: None }, y)
    }

    fn convolution(
        &mut self,
        x: Whole,
        conv: &Conv2d,
        factor: Factor,
        y: &Target,
    ) -> Result<Option<ValueId>> {
        let Factor { weight, along, bias, residual } = factor;
        let Numbers { scale, zero, axis } = weight.numbers;
        let means = residual.map(|r| Residual { zero_point: r.zero, multiplier: r.scale / y.scale });
        if means.is_some_and(|means| !(means.multiplier.is_finite() && means.multiplier > 0.0)) {
            return Ok(None);
        }
        if axis.is_some_and(|axis| axis != along) {
            return Ok(None);
        }
        let outputs = self.rewriter.graph()[weight.id].shape[0];
        let each = |at: usize| if axis.is_some() { at } else { 0 };
        let by: Vec<f32> = (0..outputs).map(|at| x.scale * scale[each(at)]).collect();
        let zeros: Vec<i32> = (0..outputs).map(|at| zero[each(at)]).collect();
        let bias = match bias.map(|bias| self.bias(bias, &by)).transpose()? {
            Some(None) => return Ok(None),
            Some(bias) => bias,
            None => None,
        };
        let weight_zero = zeros.iter().any(|&zero| zero != 0);
        let mut inputs = vec![x.id, weight.id];
        if weight_zero {
            inputs.push(self.constant(&zeros)?);
        }
        if let Some(bias) = &bias {
            inputs.push(self.constant(bias)?);
        }
        inputs.push(self.constant(&by.iter().map(|by| by / y.scale).collect::<Vec<_>>())?);
        inputs.extend(residual.map(|residual| residual.id));
        let op = Quantized::Conv2d {
            op: QConv2d { conv: *conv, x_zero: x.zero, y: Some(y.steps) },
            weight_zero,
            bias: bias.is_some(),
            residual: means,
        };
        self.push(Op::Quantized(op), &inputs).map(Some)
    }
}

const fn is_clamp(op: UnaryOp) -> bool {
    matches!(op, UnaryOp::Relu | UnaryOp::Relu6 | UnaryOp::Clamp { .. })
}

/// Whether there is an operation on bytes for it.
fn has_form(op: &Op) -> bool {
    match op {
        Op::Conv2d { residual: false, pool: None, .. }
        | Op::Binary { op: BinaryOp::Add | BinaryOp::Mul, .. }
        | Op::MaxPool2d { indices: false, .. }
        | Op::AvgPool2d(_)
        | Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output: [1, 1] })
        | Op::Permute(_)
        | Op::Slice(_)
        | Op::Concat { .. }
        | Op::Resample { .. }
        | Op::Unary(_)
        | Op::Quantized(Quantized::Dequantize { .. }) => true,
        Op::MatMul { op, residual: false, .. } => !op.transpose_left,
        Op::Reduce { op: ReduceOp::Mean, axes, .. } => axes[..] == [2, 3],
        _ => false,
    }
}

/// Steps between the ends that clamps of the real numbers leave.
fn clamped(steps: Steps, scale: f32, clamps: &[UnaryOp]) -> Steps {
    let number = |value: f32| {
        let number = (value / scale).round_ties_even().clamp(-65536.0, 65536.0) as i32 + steps.zero_point;
        number.clamp(steps.low, steps.high)
    };
    clamps.iter().fold(steps, |Steps { low, high, .. }, clamp| {
        let (least, most) = match *clamp {
            UnaryOp::Relu => (number(0.0), number(f32::INFINITY)),
            UnaryOp::Relu6 => (number(0.0), number(6.0)),
            UnaryOp::Clamp { min, max } => (number(min), number(max)),
            _ => return Steps { low, high, ..steps },
        };
        // Where the bounds are crossed, the upper one wins.
        let within = |number: i32| number.max(least).min(most);
        Steps { low: within(low), high: within(high), ..steps }
    })
}
