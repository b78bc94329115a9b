//! The graph written anew, with bytes where there is a form.

use std::collections::{BTreeMap, HashMap, HashSet};

use tilewright_ops::{
    Conv2d, DType, Op, Pool2d, QConv2d, Quantized, Steps, UnaryOp,
    quantized::{Addend, Residual, average_multipliers},
};
use tilewright_tensor::Tensor;

use super::{
    parameters::{self, Parameters, keys},
    plan::{Form, form},
    report::{Layer, Layers},
    scale::Scale,
    scheme::Scheme,
    weights,
};
use crate::{Graph, Node, Result, Rewriter, ValueId, bytes};

/// A graph in bytes.
pub(super) struct Converted {
    pub graph: Graph,
    pub layers: Layers,
    /// Of each layer whose result is bytes, its number, the result in the old graph, and here.
    pub results: Vec<(usize, ValueId, Bytes)>,
    /// The values of the old graph that are bytes here.
    pub bytes: Vec<ValueId>,
    /// The weights, by the layers' keys.
    pub products: BTreeMap<String, parameters::Product>,
}

/// Writes the graph with bytes of these scales. Weights are those of the graph, unless others are given.
pub(super) fn convert(
    graph: &Graph,
    scheme: &Scheme,
    scales: &HashMap<ValueId, Scale>,
    given: Option<&Parameters>,
) -> Result<Converted> {
    let mut writer = Writer {
        graph,
        scales,
        given,
        rewriter: Rewriter::new(graph),
        bytes: HashMap::new(),
        real: HashSet::new(),
        products: BTreeMap::new(),
    };
    let keys = keys(graph);
    writer.real.extend(graph.inputs().iter().map(|(_, id)| *id));
    let (mut layers, mut results) = (Layers::default(), Vec::new());
    for (at, (node, key)) in graph.nodes().iter().zip(&keys).enumerate() {
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
            Ok(form) => (None, writer.write(node, key, form)?),
            Err(why) => {
                writer.keep(node, key)?;
                let bytes = node.inputs.iter().filter_map(|&id| graph[id].constant.as_ref());
                let bytes: u64 = bytes.map(|tensor| (tensor.count() * tensor.dtype().size()) as u64).sum();
                (Some(*why), [bytes; 2])
            }
        };
        let bytes = writer.bytes.get(&node.output()).copied();
        results.extend(bytes.map(|bytes| (at, node.output(), bytes)));
        let scale = bytes.map(|bytes| bytes.scale);
        layers.layers.push(Layer {
            node: node.name.clone(),
            op: node.op.name(),
            int8: why.is_none(),
            why,
            scale: scale.map(|scale| scale.scale),
            zero_point: scale.map(|scale| scale.zero_point),
            weight_bytes,
            decibels: None,
            at_ends: None,
        });
    }
    for (name, id) in graph.outputs() {
        writer.real(name, *id)?;
    }
    // A result is named by its value in the finished graph, which is the one it has now.
    let (bytes, products) = (writer.bytes.into_keys().collect(), writer.products);
    Ok(Converted { graph: writer.rewriter.finish(), layers, results, bytes, products })
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
    given: Option<&'a Parameters>,
    rewriter: Rewriter<'a>,
    /// Values that are there as bytes.
    bytes: HashMap<ValueId, Bytes>,
    /// Values that are there in f32.
    real: HashSet<ValueId>,
    products: BTreeMap<String, parameters::Product>,
}

impl Writer<'_> {
    /// A node as it is, on real numbers.
    fn keep(&mut self, node: &Node, key: &str) -> Result<()> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (at, &id) in node.inputs.iter().enumerate() {
            let given = match (self.given, &self.graph[id].constant) {
                (Some(given), Some(own)) => given.constant(self.graph, key, at, own)?,
                _ => None,
            };
            inputs.push(match given {
                Some(constant) => self.rewriter.constant(constant),
                None => self.real(&node.name, id)?,
            });
        }
        let outputs = self.rewriter.push_all(node.name.clone(), node.op.clone(), &inputs)?;
        for (&old, new) in node.outputs.iter().zip(outputs) {
            self.rewriter.replace(old, new);
        }
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
    fn write(&mut self, node: &Node, key: &str, form: &Form) -> Result<[u64; 2]> {
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
                self.rewriter.push(name.clone(), node.op.clone(), &[x.id])?
            }
        };
        self.bytes.insert(y, Bytes { id, scale });
        Ok(weight_bytes)
    }

    /// Both operands as bytes of the result's shape.
    fn operands(&mut self, node: &Node) -> Result<[Bytes; 2]> {
        let mut operands = [self.bytes(&node.name, node.inputs[0])?, self.bytes(&node.name, node.inputs[1])?];
        let shape = &self.graph[node.output()].shape;
        for x in &mut operands {
            if self.rewriter.graph()[x.id].shape != *shape {
                let name = format!("{}/expand", node.name);
                x.id = self.rewriter.push(name, Op::Expand(shape.clone()), &[x.id])?;
            }
        }
        Ok(operands)
    }

    /// A function of bytes, or a change of scale, by a table.
    fn lookup(&mut self, name: &str, x: Bytes, function: &[UnaryOp], scale: Scale) -> Result<ValueId> {
        let from = (DType::I8, x.scale.scale, x.scale.zero_point);
        let to = (Steps::new(DType::I8, scale.zero_point), scale.scale);
        let table = bytes::table(self.graph.context(), from, function, to)?;
        let table = self.rewriter.constant(table);
        self.rewriter.push(name, Op::Quantized(Quantized::Lookup { dtype: DType::I8 }), &[x.id, table])
    }

    /// The numbers of a constant operand.
    fn weight(&self, node: &Node, at: usize) -> Result<Vec<f32>> {
        match &self.graph[node.inputs[at]].constant {
            Some(tensor) => Ok(tensor.to_vec()?),
            None => Ok(Vec::new()),
        }
    }

    /// The weight and bias of a node whose operand is `x`: those that were given, else its own, which are stored with columns and
    /// rows exchanged where `turn` says how many there are.
    fn product(
        &mut self,
        node: &Node,
        key: &str,
        shape: Vec<usize>,
        turn: Option<[usize; 2]>,
        bias: bool,
        x: Bytes,
    ) -> Result<parameters::Product> {
        let product = match self.given {
            Some(given) => given.product(key, &shape, bias)?.clone(),
            None => {
                let weight = self.weight(node, 1)?;
                let weight = match turn {
                    Some([inputs, outputs]) => turned(&weight, inputs, outputs),
                    None => weight,
                };
                let weights::Bytes { numbers, scales } = weights::bytes(&weight, shape[0]);
                let bias = if bias { Some(self.weight(node, 2)?) } else { None };
                let bias = bias.map(|bias| weights::bias(&bias, x.scale.scale, &scales));
                parameters::Product { shape, numbers, scales, bias }
            }
        };
        self.products.insert(key.to_owned(), product.clone());
        Ok(product)
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
