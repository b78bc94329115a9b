//! The new graph while it is written: values in f32 and in bytes, and the weights of what is multiplied.

use std::collections::{BTreeMap, HashMap, HashSet};

use tilewright_ops::{DType, Op, Quantized, Steps, UnaryOp};
use tilewright_tensor::Tensor;

use super::{
    parameters::{self, Parameters},
    scale::Scale,
    weights::{self, Weights},
};
use crate::{Graph, Node, Result, Rewriter, ValueId, bytes};

/// Where weights come from.
pub(super) enum Origin<'a> {
    /// The graph has them. These numbers are taken off the biases, by the layers' results.
    Own(&'a HashMap<ValueId, Vec<f32>>),
    /// A file had them.
    Given(&'a Parameters),
}

/// A value as bytes, in the new graph.
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    pub id: ValueId,
    pub scale: Scale,
}

/// The new graph, and what the old one's values are in it.
pub(super) struct Writer<'a> {
    pub graph: &'a Graph,
    pub scales: &'a HashMap<ValueId, Scale>,
    pub origin: &'a Origin<'a>,
    pub how: Weights,
    pub rewriter: Rewriter<'a>,
    /// Values that are there as bytes.
    pub bytes: HashMap<ValueId, Bytes>,
    /// Values that are there in f32.
    pub real: HashSet<ValueId>,
    pub products: BTreeMap<String, parameters::Product>,
}

impl<'a> Writer<'a> {
    pub fn new(
        graph: &'a Graph,
        scales: &'a HashMap<ValueId, Scale>,
        origin: &'a Origin<'a>,
        how: Weights,
    ) -> Self {
        let (bytes, products) = (HashMap::new(), BTreeMap::new());
        let real = graph.inputs().iter().map(|(_, id)| *id).collect();
        Self { graph, scales, origin, how, rewriter: Rewriter::new(graph), bytes, real, products }
    }

    /// A node as it is, on real numbers.
    pub fn keep(&mut self, node: &Node, key: &str) -> Result<()> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (at, &id) in node.inputs.iter().enumerate() {
            let given = match (self.origin, &self.graph[id].constant) {
                (Origin::Given(given), Some(own)) => given.constant(self.graph, key, at, own)?,
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

    pub fn constant<T: tilewright_tensor::Element>(
        &mut self,
        values: &[T],
        shape: &[usize],
    ) -> Result<ValueId> {
        let tensor = Tensor::from_slice(self.graph.context(), values, shape)?;
        Ok(self.rewriter.constant(tensor))
    }

    /// Scale and zero point as operands.
    pub fn numbers(&mut self, scale: Scale) -> Result<[ValueId; 2]> {
        Ok([self.constant(&[scale.scale], &[])?, self.constant(&[scale.zero_point], &[])?])
    }

    /// A value of the old graph in f32.
    pub fn real(&mut self, reader: &str, id: ValueId) -> Result<ValueId> {
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
    pub fn bytes(&mut self, reader: &str, id: ValueId) -> Result<Bytes> {
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
    pub fn scale(&self, id: ValueId) -> Scale {
        self.scales.get(&id).copied().unwrap_or(Scale { scale: 1.0, zero_point: 0 })
    }

    /// Both operands as bytes of the result's shape.
    pub fn operands(&mut self, node: &Node) -> Result<[Bytes; 2]> {
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
    pub fn lookup(&mut self, name: &str, x: Bytes, function: &[UnaryOp], scale: Scale) -> Result<ValueId> {
        let from = (DType::I8, x.scale.scale, x.scale.zero_point);
        let to = (Steps::new(DType::I8, scale.zero_point), scale.scale);
        let table = bytes::table(self.graph.context(), from, function, to)?;
        let table = self.rewriter.constant(table);
        self.rewriter.push(name, Op::Quantized(Quantized::Lookup { dtype: DType::I8 }), &[x.id, table])
    }

    /// The numbers of a constant operand.
    pub fn weight(&self, node: &Node, at: usize) -> Result<Vec<f32>> {
        match &self.graph[node.inputs[at]].constant {
            Some(tensor) => Ok(tensor.to_vec()?),
            None => Ok(Vec::new()),
        }
    }

    /// The weight and bias of a node whose operand is `x`: those that were given, else its own, which are stored with columns and
    /// rows exchanged where `turn` says how many there are.
    pub fn product(
        &mut self,
        node: &Node,
        key: &str,
        shape: Vec<usize>,
        turn: Option<[usize; 2]>,
        bias: bool,
        x: Bytes,
    ) -> Result<parameters::Product> {
        let product = match self.origin {
            Origin::Given(given) => given.product(key, &shape, bias)?.clone(),
            Origin::Own(_) => {
                let weight = self.weight(node, 1)?;
                let weight = match turn {
                    Some([inputs, outputs]) => turned(&weight, inputs, outputs),
                    None => weight,
                };
                let weights::Bytes { numbers, scales } = weights::bytes(&weight, shape[0], self.how);
                let bias = self.bias(node, bias)?;
                let bias = bias.map(|bias| weights::bias(&bias, x.scale.scale, &scales));
                parameters::Product { shape, numbers, scales, bias }
            }
        };
        self.products.insert(key.to_owned(), product.clone());
        Ok(product)
    }

    /// The bias, if there is any, less the correction.
    pub fn bias(&self, node: &Node, given: bool) -> Result<Option<Vec<f32>>> {
        let bias = if given { Some(self.weight(node, 2)?) } else { None };
        let Origin::Own(corrections) = self.origin else { return Ok(bias) };
        let Some(wrong) = corrections.get(&node.output()) else { return Ok(bias) };
        let bias = bias.unwrap_or_else(|| vec![0.0; wrong.len()]);
        Ok(Some(bias.iter().zip(wrong).map(|(bias, wrong)| bias - wrong).collect()))
    }
}

/// Columns as rows.
fn turned(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    (0..outputs).flat_map(|o| (0..inputs).map(move |i| weight[i * outputs + o])).collect()
}
