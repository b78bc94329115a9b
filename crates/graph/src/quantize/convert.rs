//! The graph written anew, with bytes where there is a form.

use std::collections::{HashMap, HashSet};

use tilewright_ops::{
    Conv2d, DType, Op, Pool2d, QConv2d, Quantized, Steps, UnaryOp,
    quantized::{Addend, Residual, average_multipliers},
};
use tilewright_tensor::Tensor;

use super::{
    plan::{Form, form},
    report::{Layer, Layers},
    scale::Scale,
    scheme::Scheme,
    weights::{self, Weights},
};
use crate::{Graph, Node, Result, Rewriter, ValueId};

/// A graph in bytes.
pub(super) struct Converted {
    pub graph: Graph,
    pub layers: Layers,
    /// Of each layer whose result is bytes, its number, the result in the old graph, and here.
    pub results: Vec<(usize, ValueId, Bytes)>,
}

/// `corrections` are taken off the biases, by the layers' results.
pub(super) fn convert(
    graph: &Graph,
    scheme: &Scheme,
    scales: &HashMap<ValueId, Scale>,
    corrections: &HashMap<ValueId, Vec<f32>>,
) -> Result<Converted> {
    let how = scheme.weights;
    let mut writer = Writer {
        graph,
        scales,
        corrections,
        how,
        rewriter: Rewriter::new(graph),
        bytes: HashMap::new(),
        real: HashSet::new(),
    };
    writer.real.extend(graph.inputs().iter().map(|(_, id)| *id));
    let (mut layers, mut results) = (Layers::default(), Vec::new());
    for (at, node) in graph.nodes().iter().enumerate() {
        let constant = node.inputs.iter().all(|&id| graph[id].constant.is_some());
        let form = form(graph, node, scheme).and_then(|form| {
            let has_bytes = node.inputs.iter().any(|id| writer.bytes.contains_key(id));
            match constant {
                true => Err("it depends on constants alone"),
                false if form.pays() || has_bytes => Ok(form),
                false => Err("what it reads is not bytes"),
            }
        });
        let (why, weight_bytes) = match &form {
            Ok(form) => (None, writer.write(node, form)?),
            Err(why) => {
                writer.keep(node)?;
                let bytes = node.inputs.iter().filter_map(|&id| graph[id].constant.as_ref());
                let bytes: u64 = bytes.map(|tensor| (tensor.count() * tensor.dtype().size()) as u64).sum();
                (Some(*why), [bytes; 2])
            }
        };
        let bytes = writer.bytes.get(&node.output()).copied();
        results.extend(bytes.map(|bytes| (at, node.output(), bytes)));
        let scale = bytes.map(|bytes| bytes.scale);
        let y = &graph[node.output()];
        let count = y.shape.iter().product::<usize>() as u64;
        let size = y.dtype.size() as u64;
        layers.layers.push(Layer {
            node: node.name.clone(),
            op: node.op.name(),
            int8: why.is_none(),
            why,
            scale: scale.map(|scale| scale.scale),
            zero_point: scale.map(|scale| scale.zero_point),
            weight_bytes,
            activation_bytes: [count * size, if bytes.is_some() { count } else { count * size }],
            decibels: None,
            at_ends: None,
        });
    }
    for (name, id) in graph.outputs() {
        writer.real(name, *id)?;
    }
    // A result is named by its value in the finished graph, which is the one it has now.
    Ok(Converted { graph: writer.rewriter.finish(), layers, results })
}

/// A value as bytes, in the new graph.
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    pub id: ValueId,
    pub scale: Scale,
}

struct Writer<'a> {
    graph: &'a Graph,
    scales: &'a HashMap<ValueId, Scale>,
    corrections: &'a HashMap<ValueId, Vec<f32>>,
    how: Weights,
    rewriter: Rewriter<'a>,
    /// Values that are there as bytes.
    bytes: HashMap<ValueId, Bytes>,
    /// Values that are there in f32.
    real: HashSet<ValueId>,
}

impl Writer<'_> {
    /// A node as it is, on real numbers.
    fn keep(&mut self, node: &Node) -> Result<()> {
        for &id in &node.inputs {
            self.real(&node.name, id)?;
        }
        self.rewriter.keep(node)?;
        self.real.extend(&node.outputs);
        Ok(())
    }

    fn constant<T: tilewright_tensor::Element>(&mut self, values: &[T], shape: &[usize]) -> Result<ValueId> {
        let tensor = Tensor::from_slice(self.graph.context(), values, shape)?;
        Ok(self.rewriter.constant(tensor))
    }

    /// Scale and zero point as operands.
    fn numbers(&mut self, scale: Scale) -> Result<[ValueId; 2]> {
        Ok([self.constant(&[scale.scale], &[])?, self.constant(&[scale.zero_point], &[])?])
    }

    /// A value of the old graph in f32.
    fn real(&mut self, reader: &str, id: ValueId) -> Result<ValueId> {
        let bytes = self.bytes.get(&id).copied();
        if let (Some(bytes), false) = (bytes, self.real.contains(&id)) {
            let [scale, zero] = self.numbers(bytes.scale)?;
            let op = Op::Quantized(Quantized::Dequantize { axis: None });
            let new = self.rewriter.push(format!("{reader}/dequantize"), op, &[bytes.id, scale, zero])?;
            self.rewriter.replace(id, new);
            self.real.insert(id);
        }
        Ok(self.rewriter.value(id))
    }

    /// A value of the old graph as bytes.
    fn bytes(&mut self, reader: &str, id: ValueId) -> Result<Bytes> {
        if let Some(&bytes) = self.bytes.get(&id) {
            return Ok(bytes);
        }
        let scale = self.scale(id);
        let x = self.real(reader, id)?;
        let [by, zero] = self.numbers(scale)?;
        let op = Op::Quantized(Quantized::Quantize { dtype: DType::I8, axis: None });
        let bytes =
            Bytes { id: self.rewriter.push(format!("{reader}/quantize"), op, &[x, by, zero])?, scale };
        self.bytes.insert(id, bytes);
        Ok(bytes)
    }

    /// What was observed; of what was not, such as a constant, any scale.
    fn scale(&self, id: ValueId) -> Scale {
        self.scales.get(&id).copied().unwrap_or(Scale { scale: 1.0, zero_point: 0 })
    }

    /// Writes a node in bytes, and gives the bytes of its weights before and after.
    fn write(&mut self, node: &Node, form: &Form) -> Result<[u64; 2]> {
        let (name, y) = (&node.name, node.output());
        let mut scale = self.scale(y);
        let mut weight_bytes = [0; 2];
        let id = match form {
            Form::Conv2d { op, bias, residual, activation } => {
                let x = self.bytes(name, node.inputs[0])?;
                let residual = if *residual { node.inputs.last().copied() } else { None };
                let residual = residual.map(|id| self.bytes(name, id)).transpose()?;
                let shape = &self.graph[node.inputs[1]].shape;
                let weight = self.weight(node, 1)?;
                let bias = self.bias(node, *bias)?;
                let product =
                    Product { shape: shape.clone(), weight, bias, residual, activation: *activation };
                self.convolution(name, x, op, product, scale, &mut weight_bytes)?
            }
            Form::Linear { transposed, bias, activation } => {
                let x = self.bytes(name, node.inputs[0])?;
                let (shape, weight) = (&self.graph[node.inputs[1]].shape, self.weight(node, 1)?);
                let bias = self.bias(node, *bias)?;
                let (outputs, inputs) = if *transposed { (shape[0], shape[1]) } else { (shape[1], shape[0]) };
                let weight = if *transposed { weight } else { turned(&weight, inputs, outputs) };
                let rows = self.graph[node.inputs[0]].shape.iter().product::<usize>() / inputs.max(1);
                let pixels = Op::Reshape(vec![rows, inputs, 1, 1]);
                let x = Bytes { id: self.rewriter.push(format!("{name}/rows"), pixels, &[x.id])?, ..x };
                let shape = vec![outputs, inputs, 1, 1];
                let product = Product { shape, weight, bias, residual: None, activation: *activation };
                let op = Conv2d::default();
                let sums = self.convolution(name, x, &op, product, scale, &mut weight_bytes)?;
                let shape = self.graph[y].shape.clone();
                self.rewriter.push(format!("{name}/shape"), Op::Reshape(shape), &[sums])?
            }
            Form::Add { activation } => {
                let operands = [self.bytes(name, node.inputs[0])?, self.bytes(name, node.inputs[1])?];
                let addends = operands.map(|x| Addend {
                    zero_point: x.scale.zero_point,
                    multiplier: x.scale.scale / scale.scale,
                });
                let op = Quantized::Add { addends, y: steps(scale, *activation) };
                self.rewriter.push(name.clone(), Op::Quantized(op), &operands.map(|x| x.id))?
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
                self.rewriter.push(name.clone(), node.op.clone(), &[x.id])?
            }
        };
        self.bytes.insert(y, Bytes { id, scale });
        Ok(weight_bytes)
    }

    /// The numbers of a constant operand.
    fn weight(&self, node: &Node, at: usize) -> Result<Vec<f32>> {
        match &self.graph[node.inputs[at]].constant {
            Some(tensor) => Ok(tensor.to_vec()?),
            None => Ok(Vec::new()),
        }
    }

    /// The bias, if there is any, less the correction.
    fn bias(&self, node: &Node, given: bool) -> Result<Option<Vec<f32>>> {
        let bias = if given { Some(self.weight(node, 2)?) } else { None };
        let Some(wrong) = self.corrections.get(&node.output()) else { return Ok(bias) };
        let bias = bias.unwrap_or_else(|| vec![0.0; wrong.len()]);
        Ok(Some(bias.iter().zip(wrong).map(|(bias, wrong)| bias - wrong).collect()))
    }

    fn convolution(
        &mut self,
        name: &str,
        x: Bytes,
        conv: &Conv2d,
        product: Product,
        scale: Scale,
        weight_bytes: &mut [u64; 2],
    ) -> Result<ValueId> {
        let Product { shape, weight, bias, residual, activation } = product;
        let outputs = shape[0];
        let quantised = weights::bytes(&weight, outputs, self.how);
        let biases = bias.as_ref().map_or(0, Vec::len);
        *weight_bytes = [4 * (weight.len() + biases) as u64, (weight.len() + 4 * (outputs + biases)) as u64];
        let multiplier: Vec<f32> =
            quantised.scales.iter().map(|by| x.scale.scale * by / scale.scale).collect();
        let mut inputs = vec![x.id, self.constant(&quantised.numbers, &shape)?];
        if let Some(bias) = &bias {
            let bias = weights::bias(bias, x.scale.scale, &quantised.scales);
            inputs.push(self.constant(&bias, &[outputs])?);
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

/// The operands of a convolution besides x.
struct Product {
    shape: Vec<usize>,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    residual: Option<Bytes>,
    activation: Option<UnaryOp>,
}

/// Columns as rows.
fn turned(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    (0..outputs).flat_map(|o| (0..inputs).map(move |i| weight[i * outputs + o])).collect()
}

/// How sums become bytes of `scale`, clamped by the activation.
fn steps(scale: Scale, activation: Option<UnaryOp>) -> Steps {
    // A form has no activation that is more.
    let whole = Steps::new(DType::I8, scale.zero_point);
    whole.clamped(scale.scale, activation).unwrap_or(whole)
}
