//! Which attributes each operator has, and in which versions of its operator set. One that is not here is an error where a
//! node is run, never ignored: it may change what is computed.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::error::Result;
use crate::model::Node;

/// The attributes that are read, or change nothing here: `name@first..last`, both included, where not in all versions that
/// the operator has. From the schemas of PyPI's onnx 1.23.2; ONNX Runtime's for `com.microsoft`.
const ATTRIBUTES: &str = "\
Abs: consumed_inputs@..5
Acos:
Acosh:
Add: axis@..6 broadcast@..6 consumed_inputs@..5
AffineGrid: align_corners
And: axis@..6 broadcast@..6
ArgMax: axis keepdims select_last_index@12..
ArgMin: axis keepdims select_last_index@12..
Asin:
Asinh:
Atan:
Atanh:
Attention: is_causal kv_num_heads left_window_size@25.. q_num_heads qk_matmul_output_mode right_window_size@25..
  scale softcap softmax_precision
AveragePool: auto_pad ceil_mode@10.. count_include_pad@7.. dilations@19.. kernel_shape pads strides
BatchNormalization: consumed_inputs@..5 epsilon is_test@..6 momentum spatial@..8 training_mode@14..
BitShift: direction
BitwiseAnd:
BitwiseNot:
BitwiseOr:
BitwiseXor:
BlackmanWindow: output_datatype periodic
BitCast: to
Cast: saturate@19.. to
CastLike: saturate@19..
Ceil: consumed_inputs@..5
Celu: alpha
CenterCropPad: axes
Clip: consumed_inputs@..5 max@..10 min@..10
Col2Im: dilations pads strides
Compress: axis
Concat: axis
Constant: value value_float@12.. value_floats@12.. value_int@12.. value_ints@12..
ConstantOfShape: value
Conv: auto_pad dilations group kernel_shape pads strides
ConvInteger: auto_pad dilations group kernel_shape pads strides
ConvTranspose: auto_pad dilations group kernel_shape output_padding output_shape pads strides
Cos:
Cosh:
CumProd: exclusive reverse
CumSum: exclusive reverse
DFT: axis@..19 inverse onesided
DeformConv: dilations group kernel_shape offset_group pads strides
DepthToSpace: blocksize mode@11..
DequantizeLinear: axis@13.. block_size@21.. output_dtype@23..
Det:
Div: axis@..6 broadcast@..6 consumed_inputs@..5
Dropout: consumed_inputs@..5 is_test@..6 ratio@..11 seed@12..
DynamicQuantizeLinear:
Einsum: equation
Elu: alpha consumed_inputs@..5
Equal: axis@..6 broadcast@..6
Erf:
Exp: consumed_inputs@..5
Expand:
EyeLike: dtype k
Flatten: axis
Floor: consumed_inputs@..5
Gather: axis
GatherElements: axis
GatherND: batch_dims@12..
Gelu: approximate
Gemm: alpha beta broadcast@..6 transA transB
GlobalAveragePool:
GlobalLpPool: p
GlobalMaxPool:
Greater: axis@..6 broadcast@..6
GreaterOrEqual:
GridSample: align_corners mode padding_mode
GroupNormalization: epsilon num_groups stash_type@21..
HammingWindow: output_datatype periodic
HannWindow: output_datatype periodic
HardSigmoid: alpha beta consumed_inputs@..5
HardSwish:
Hardmax: axis
Identity:
If: else_branch then_branch
InstanceNormalization: consumed_inputs@..5 epsilon
IsInf: detect_negative detect_positive
IsNaN:
LRN: alpha beta bias size
LayerNormalization: axis epsilon stash_type
LeakyRelu: alpha consumed_inputs@..5
Less: axis@..6 broadcast@..6
LessOrEqual:
Log: consumed_inputs@..5
LogSoftmax: axis
LpNormalization: axis p
LpPool: auto_pad ceil_mode@18.. dilations@18.. kernel_shape p pads strides
MatMul:
MatMulInteger:
Max: consumed_inputs@..5
MaxPool: auto_pad ceil_mode@10.. dilations@10.. kernel_shape pads storage_order@8.. strides
MaxRoiPool: pooled_shape spatial_scale
MaxUnpool: kernel_shape pads strides
Mean: consumed_inputs@..5
MeanVarianceNormalization: axes
MelWeightMatrix: output_datatype
Min: consumed_inputs@..5
Mish:
Mod: fmod
Mul: axis@..6 broadcast@..6 consumed_inputs@..5
Neg: consumed_inputs@..5
NegativeLogLikelihoodLoss: ignore_index reduction
NonMaxSuppression: center_point_box
NonZero:
Not:
OneHot: axis
Or: axis@..6 broadcast@..6
PRelu: consumed_inputs@..5
Pad: mode paddings@..1 pads@2..10 value@..10
Pow: axis@..6 broadcast@..6
QLinearConv: auto_pad dilations group kernel_shape pads strides
QLinearMatMul:
QuantizeLinear: axis@13.. block_size@21.. output_dtype@21.. precision@23.. saturate@19..
RMSNormalization: axis epsilon stash_type
Range:
Reciprocal: consumed_inputs@..5
ReduceL1: axes@..17 keepdims noop_with_empty_axes@18..
ReduceL2: axes@..17 keepdims noop_with_empty_axes@18..
ReduceLogSum: axes@..17 keepdims noop_with_empty_axes@18..
ReduceLogSumExp: axes@..17 keepdims noop_with_empty_axes@18..
ReduceMax: axes@..17 keepdims noop_with_empty_axes@18..
ReduceMean: axes@..17 keepdims noop_with_empty_axes@18..
ReduceMin: axes@..17 keepdims noop_with_empty_axes@18..
ReduceProd: axes@..17 keepdims noop_with_empty_axes@18..
ReduceSum: axes@..12 keepdims noop_with_empty_axes@13..
ReduceSumSquare: axes@..17 keepdims noop_with_empty_axes@18..
Relu: consumed_inputs@..5
Reshape: allowzero@14.. consumed_inputs@..4 shape@..4
Resize: antialias@18.. axes@18.. coordinate_transformation_mode@11.. cubic_coeff_a@11.. exclude_outside@11..
  extrapolation_value@11.. keep_aspect_ratio_policy@18.. mode nearest_mode@11..
ReverseSequence: batch_axis time_axis
RoiAlign: coordinate_transformation_mode@16.. mode output_height output_width sampling_ratio spatial_scale
RotaryEmbedding: interleaved num_heads rotary_embedding_dim
Round:
STFT: onesided
Scatter: axis
ScatterElements: axis reduction@16..
ScatterND: reduction@16..
Selu: alpha consumed_inputs@..5 gamma
Shape: end@15.. start@15..
Shrink: bias lambd
Sigmoid: consumed_inputs@..5
Sign:
Sin:
Sinh:
Size:
Slice: axes@..9 ends@..9 starts@..9
Softmax: axis
SoftmaxCrossEntropyLoss: ignore_index reduction
Softplus:
Softsign:
SpaceToDepth: blocksize mode
Split: axis num_outputs@18.. split@..12
Sqrt: consumed_inputs@..5
Squeeze: axes@..12
Sub: axis@..6 broadcast@..6 consumed_inputs@..5
Sum: consumed_inputs@..5
Swish: alpha
Tan:
Tanh: consumed_inputs@..5
TfIdfVectorizer: max_gram_length max_skip_count min_gram_length mode ngram_counts ngram_indexes pool_int64s
  pool_strings weights
ThresholdedRelu: alpha
Tile:
TopK: axis k@..9 largest@11.. sorted@11..
Transpose: perm
Trilu: upper
Unique: axis sorted
Unsqueeze: axes@..12
Upsample: height_scale@..6 mode scales@7..8 width_scale@..6
Where:
Xor: axis@..6 broadcast@..6
com.microsoft.BiasGelu:
com.microsoft.FastGelu:
com.microsoft.FusedConv: activation activation_params auto_pad dilations group kernel_shape pads strides
com.microsoft.FusedGemm: activation activation_alpha activation_beta activation_gamma alpha beta transA transB
com.microsoft.FusedMatMul: alpha transA transB transBatchA transBatchB
com.microsoft.Gelu:
com.microsoft.QGemm: alpha transA transB
com.microsoft.QLinearAdd:
com.microsoft.QLinearAveragePool: auto_pad ceil_mode channels_last count_include_pad kernel_shape pads strides
com.microsoft.QLinearConcat: axis
com.microsoft.QLinearGlobalAveragePool: channels_last
com.microsoft.QLinearLeakyRelu: alpha
com.microsoft.QLinearMul:
com.microsoft.QLinearSigmoid:
com.microsoft.QuickGelu: alpha
";

/// Attributes by name, with the versions that have them.
type Versions = Vec<(&'static str, Range<i64>)>;

/// The attributes of each operator, each with the first version that has it and the first that has it no more.
static KNOWN: LazyLock<HashMap<&str, Versions>> = LazyLock::new(|| {
    let mut known: HashMap<&str, Versions> = HashMap::new();
    let mut operator = "";
    for word in ATTRIBUTES.split_whitespace() {
        if let Some(name) = word.strip_suffix(':') {
            operator = name;
            known.entry(name).or_default();
            continue;
        }
        let (name, versions) = word.split_once('@').unwrap_or((word, ".."));
        let (first, last) = versions.split_once("..").unwrap_or(("", ""));
        let end = last.parse().map_or(i64::MAX, |last: i64| last + 1);
        known.entry(operator).or_default().push((name, first.parse().unwrap_or(0)..end));
    }
    known
});

/// Refuses a node with an attribute that its operator does not have, or not in its version.
///
/// # Errors
/// [`crate::error::Error::Attribute`].
pub(crate) fn check(node: &Node) -> Result<()> {
    let Some(known) = KNOWN.get(node.operator().as_str()) else { return Ok(()) };
    for name in node.attributes.names() {
        let reason = match known.iter().find(|(known, _)| *known == name) {
            Some((_, versions)) if versions.contains(&node.opset) => continue,
            Some((_, versions)) if node.opset < versions.start => {
                format!("came with operator set {}, and the node is of {}", versions.start, node.opset)
            }
            Some((_, versions)) => {
                format!("went with operator set {}, and the node is of {}", versions.end, node.opset)
            }
            None => {
                let known: Vec<_> = known.iter().map(|(name, _)| *name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                format!("is not known, and may change what is computed (known are {known})")
            }
        };
        return Err(node.attributes.wrong(name, reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::rows::{host_rows, rows};

    #[test]
    fn every_operator_has_its_attributes() {
        let mut all: Vec<_> = rows().map(|row| row.0).chain(host_rows().map(|row| row.0)).collect();
        all.push("If");
        let without: Vec<_> = all.iter().filter(|name| !KNOWN.contains_key(*name)).collect();
        assert!(without.is_empty(), "{without:?}");
        let idle: Vec<_> = KNOWN.keys().filter(|name| !all.contains(name)).collect();
        assert!(idle.is_empty(), "{idle:?}");
        assert_eq!(KNOWN["Add"], [("axis", 0..7), ("broadcast", 0..7), ("consumed_inputs", 0..6)]);
        assert_eq!(KNOWN["MaxPool"][1], ("ceil_mode", 10..i64::MAX));
    }
}
