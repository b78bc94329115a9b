//! From a graph to an ONNX file.
//!
//! Each node becomes one or a few standard operators, a fused one as many as it has parts: Conv, Add, Relu. What the
//! standard operators do not have is written by what they have: a sum of windows as a convolution with ones, a table of
//! weights as a matrix. Shapes are static, as they are in the graph.

mod attention;
mod detection;
mod elementwise;
mod indexing;
mod movement;
mod names;
mod pooling;
mod ports;
mod product;
mod quantized;
mod reduction;
mod resample;
mod version;
mod writer;

use prost::Message;
use tilewright_graph::{Graph, Node};
use tilewright_ops::Op;

use crate::error::{Error, Result};
use crate::import::{InputPort, OutputPort};
use crate::proto::{GraphProto, ModelProto, OperatorSetIdProto};
use crate::table::operator::Lines;
use writer::{Writer, refuse};

pub use version::EXPORT_OPSET;

/// The version of the file format that came with operator set 17.
const IR_VERSION: i64 = 8;

/// Protobuf's own limit on a message.
const MOST_BYTES: usize = i32::MAX as usize;

/// `graph` as the bytes of an ONNX file (operator set [`EXPORT_OPSET`]), whose graph is called `name`. Inputs and outputs
/// keep their names, types and shapes; constants become initializers. A graph before or after
/// [`tilewright_graph::passes::optimize`] is written alike, but not one that was converted to f16: its sums and biases are
/// f32, which ONNX's operators have no way to say.
///
/// # Errors
/// [`Error::Export`] with the node that has no counterpart in ONNX, [`Error::DuplicateName`] for two inputs or outputs of
/// one name that are not one value, [`Error::TooLargeToExport`] beyond protobuf's 2 GiB, and those of reading constants.
pub fn export(graph: &Graph, name: &str) -> Result<Vec<u8>> {
    let (inputs, outputs) = ports::of(graph);
    export_ports(graph, name, &inputs, &outputs)
}

/// As [`export`], with the inputs and outputs as a model declares them, such as those of [`crate::Imported`]: in their
/// order and of their types, and outputs that do not depend on the inputs, which no graph has, as constants. `inputs` are
/// the graph's, in order.
///
/// # Errors
/// Those of [`export`]; [`Error::MissingValue`] for a port that the graph has not.
pub fn export_ports(
    graph: &Graph,
    name: &str,
    inputs: &[InputPort],
    outputs: &[OutputPort],
) -> Result<Vec<u8>> {
    let mut writer = Writer::new(graph);
    ports::begin(&mut writer, inputs, outputs)?;
    for node in graph.nodes() {
        writer.begin(node);
        let operands = node.inputs.iter().map(|&id| writer.value(node, id)).collect::<Result<Vec<_>>>()?;
        let results = write(&mut writer, node, &operands)?;
        writer.end(node, &results);
    }
    let (input, output) = ports::finish(&mut writer, inputs, outputs)?;
    let Writer { nodes: node, initializers: initializer, .. } = writer;
    let proto = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "tilewright".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(GraphProto {
            node,
            name: name.to_owned(),
            initializer,
            input,
            output,
            ..GraphProto::default()
        }),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: EXPORT_OPSET }],
        functions: vec![],
    };
    let bytes = proto.encoded_len();
    if bytes > MOST_BYTES {
        return Err(Error::TooLargeToExport { bytes });
    }
    Ok(proto.encode_to_vec())
}

/// Writes the operators of a node, and gives the names of what they make for its results.
fn write(w: &mut Writer<'_>, node: &Node, x: &[String]) -> Result<Vec<String>> {
    let y = match &node.op {
        Op::Unary(unary) => elementwise::unary(w, node, *unary, &x[0])?,
        Op::Binary { op, activation } => {
            let y = elementwise::binary(w, node, *op, &x[0], &x[1])?;
            elementwise::activation(w, node, *activation, y)?
        }
        Op::Where => elementwise::choose(w, x),
        Op::MatMul { op, bias, residual, activation } => {
            let y = product::matmul(w, node, op, (*bias, *residual), x)?;
            elementwise::activation(w, node, *activation, y)?
        }
        Op::Conv2d { op, bias, residual, activation, pool } => {
            let y = product::conv2d(w, node, op, (*bias, *residual), x)?;
            let y = elementwise::activation(w, node, *activation, y)?;
            match pool {
                Some(pooling) => pooling::pool(w, node, pooling, &product::conv2d_shape(w, node, op)?, &y)?,
                None => y,
            }
        }
        Op::ConvTranspose2d(op) => product::conv_transpose2d(w, node, op, x),
        Op::BatchNorm { op, activation } => {
            let y = product::batch_norm(w, op, x);
            elementwise::activation(w, node, *activation, y)?
        }
        Op::MaxPool2d { pool, indices: false } => pooling::max(w, node, pool, w.shape(node, 0), &x[0])?,
        Op::MaxPool2d { pool, indices: true } => return pooling::max_with_indices(w, node, pool, &x[0]),
        Op::AvgPool2d(pool) => pooling::average(w, node, pool, w.shape(node, 0), &x[0])?,
        Op::SumPool2d(pool) => pooling::sum(w, node, pool, w.shape(node, 0), &x[0])?,
        Op::AdaptiveAvgPool2d(pool) => pooling::adaptive_average(w, node, *pool, &x[0])?,
        Op::Reduce { op, axes, keepdim } => reduction::reduce(w, node, *op, axes, *keepdim, &x[0])?,
        Op::Argmax { axes, .. } => reduction::argmax(w, node, axes, &x[0]),
        Op::Softmax(softmax) => reduction::lines(w, node, Lines::Softmax, softmax.axis, &x[0])?,
        Op::LogSoftmax(softmax) => reduction::lines(w, node, Lines::LogSoftmax, softmax.axis, &x[0])?,
        Op::Reshape(shape) => movement::reshape(w, &x[0], shape),
        Op::Permute(axes) => movement::permute(w, &x[0], axes),
        Op::Slice(ranges) => movement::slice(w, &x[0], ranges),
        Op::Concat { axis } => movement::concat(w, x, *axis),
        Op::Split { axis, parts } => return Ok(movement::split(w, &x[0], *axis, parts)),
        Op::Pad { padding, value } => movement::pad(w, &x[0], padding, *value),
        Op::Expand(shape) => movement::expand(w, &x[0], shape),
        Op::Cast(dtype) => movement::cast(w, &x[0], *dtype),
        Op::Gather { axis } => indexing::gather(w, node, *axis, x)?,
        Op::GatherElements { axis } => indexing::gather_elements(w, node, *axis, x)?,
        Op::GatherNd { batch } => indexing::gather_nd(w, node, *batch, x)?,
        Op::Scatter { axis, reduction } => indexing::scatter(w, node, *axis, *reduction, x)?,
        Op::ScatterElements { axis, reduction } => indexing::scatter_elements(w, node, *axis, *reduction, x)?,
        Op::ScatterNd { batch, reduction } => indexing::scatter_nd(w, node, *batch, *reduction, x)?,
        Op::Resample { axis } => resample::resample(w, node, *axis, &x[0])?,
        Op::BatchNormTrain { .. } | Op::CrossEntropy { .. } | Op::Dropout { .. } | Op::Gradient(_) => {
            return Err(refuse(node, "it belongs to training; export the network's inference"));
        }
        Op::CumSum(op) => reduction::cumsum(w, op, &x[0]),
        Op::Moments(op) => return Ok(reduction::moments(w, node, op, &x[0])),
        Op::Standardize => reduction::standardize(w, x),
        Op::Attention { op, mask: _ } => return Ok(attention::attention(w, node, op, x)),
        Op::TopK(op) => return Ok(reduction::topk(w, op, &x[0])),
        Op::FakeQuantize(op) => quantized::fake_quantize(w, node, op, x)?,
        Op::Quantized(op) => quantized::quantized(w, node, op, x)?,
        Op::Custom(_) => {
            return Err(refuse(node, "it is an operation of one's own, which ONNX has no operator for"));
        }
        Op::RoiAlign(op) => detection::roi_align(w, node, op, x),
        Op::RoiPool(op) => return detection::roi_pool(w, node, op, x),
        Op::Nms(_) => {
            let reason = "ONNX's NonMaxSuppression gives as many rows as it keeps, in no shape known before";
            return Err(refuse(node, reason));
        }
        Op::Im2col { .. } => {
            return Err(refuse(node, "no operator of the set that is written takes windows apart"));
        }
    };
    Ok(vec![y])
}
