//! The rows.

use super::operation::{Operation, binary, bits, matmul, movement, pool, reduce, unary};

const COPY: &[&str] = &["strided_copy", "transpose"];
const FILL_AND_COPY: &[&str] = &["fill", "strided_copy", "transpose"];
const REPEAT: &[&str] = &["repeat", "strided_copy", "transpose"];
const SUMS: &[&str] = &["reduce_rows", "reduce_columns"];

/// Every operation, by family.
pub const OPERATIONS: &[Operation] = &[
    unary("relu").onnx("Relu"),
    unary("relu6").onnx("Clip"),
    unary("leaky_relu").onnx("LeakyRelu"),
    unary("sigmoid").onnx("Sigmoid"),
    unary("tanh").onnx("Tanh"),
    unary("silu").onnx("Swish"),
    unary("gelu").onnx("Gelu"),
    unary("gelu_tanh").onnx("Gelu (approximate: tanh)"),
    unary("neg").onnx("Neg"),
    unary("abs").onnx("Abs"),
    unary("exp").onnx("Exp"),
    unary("log").onnx("Log"),
    unary("sqrt").onnx("Sqrt"),
    unary("rsqrt"),
    unary("square"),
    unary("reciprocal").onnx("Reciprocal"),
    unary("clamp").onnx("Clip"),
    unary("add_scalar").onnx("Add"),
    unary("mul_scalar").onnx("Mul"),
    unary("hard_sigmoid").onnx("HardSigmoid"),
    unary("hard_swish").onnx("HardSwish"),
    unary("elu").onnx("Elu"),
    unary("selu").onnx("Selu"),
    unary("celu").onnx("Celu"),
    unary("softplus").onnx("Softplus"),
    unary("softsign").onnx("Softsign"),
    unary("thresholded_relu").onnx("ThresholdedRelu"),
    unary("shrink").onnx("Shrink"),
    unary("mish").onnx("Mish"),
    unary("floor").onnx("Floor"),
    unary("ceil").onnx("Ceil"),
    unary("round").onnx("Round"),
    unary("sign").onnx("Sign"),
    unary("erf").onnx("Erf"),
    unary("sin").onnx("Sin"),
    unary("cos").onnx("Cos"),
    unary("tan").onnx("Tan"),
    unary("asin").onnx("Asin"),
    unary("acos").onnx("Acos"),
    unary("atan").onnx("Atan"),
    unary("sinh").onnx("Sinh"),
    unary("cosh").onnx("Cosh"),
    unary("asinh").onnx("Asinh"),
    unary("acosh").onnx("Acosh"),
    unary("atanh").onnx("Atanh"),
    // The gradient of a sum is the gradient itself, summed over what was broadcast.
    binary("add").backward(SUMS).onnx("Add"),
    binary("sub").backward(&["unary", "reduce_rows", "reduce_columns"]).onnx("Sub"),
    binary("mul").onnx("Mul"),
    binary("div").onnx("Div"),
    binary("maximum").onnx("Max"),
    binary("minimum").onnx("Min"),
    binary("pow").onnx("Pow"),
    binary("prelu").onnx("PRelu"),
    binary("equal").onnx("Equal"),
    binary("less").onnx("Less"),
    binary("less_or_equal").onnx("LessOrEqual"),
    binary("greater").onnx("Greater"),
    binary("greater_or_equal").onnx("GreaterOrEqual"),
    binary("remainder").onnx("Mod"),
    binary("fmod").onnx("Mod (fmod)"),
    bits("bitwise_and").onnx("BitwiseAnd"),
    bits("bitwise_or").onnx("BitwiseOr"),
    bits("bitwise_xor").onnx("BitwiseXor"),
    bits("bitwise_left_shift").onnx("BitShift"),
    bits("bitwise_right_shift").onnx("BitShift"),
    Operation::new("where", "elementwise", &["where", "strided_copy"])
        .backward(&["where", "reduce_rows", "reduce_columns"])
        .reference("elementwise::where_on")
        .golden()
        .onnx("Where"),
    Operation::new("fill", "elementwise", &["fill"]).onnx("ConstantOfShape"),
    Operation::new(
        "cast",
        "elementwise",
        &["cast", "cast_to_f16", "cast_from_f16", "cast_from_bytes", "cast_to_bytes"],
    )
    .reference("elementwise::cast_to_i32")
    .f16()
    .onnx("Cast"),
    matmul("matmul", "matmul::matmul").onnx("MatMul"),
    matmul("linear", "matmul::linear").onnx("Gemm"),
    Operation::new(
        "conv2d",
        "convolution",
        &[
            "conv2d_direct",
            "im2col",
            "conv2d_implicit_gemm",
            "conv2d_depthwise",
            "conv2d_lanes",
            "conv2d_cooperative",
            "winograd_input",
            "winograd_weight",
            "winograd_output",
            "conv2d_pack_weight",
            "conv2d_pack_filters",
            "conv2d_pack_taps",
        ],
    )
    .backward(&[
        "conv2d_direct_backward_input",
        "conv2d_direct_backward_weight",
        "col2im",
        "conv2d_implicit_gemm_backward_input",
        "conv2d_implicit_gemm_backward_weight",
        "conv2d_depthwise_backward_input",
        "conv2d_depthwise_backward_input_blocks",
        "conv2d_depthwise_backward_weight",
        "conv2d_lanes_backward_input",
        "conv2d_lanes_backward_input_narrow",
        "conv2d_lanes_backward_weight",
        "winograd_output_gradient",
        "winograd_filter_gradient",
        "winograd_weight_gradient",
        "conv2d_backward_bias",
    ])
    .reference("convolution::conv2d")
    .golden()
    .f16()
    .onnx("Conv"),
    Operation::new(
        "conv_transpose2d",
        "convolution",
        &[
            "conv2d_direct_backward_input",
            "col2im",
            "conv2d_implicit_gemm_backward_input",
            "conv2d_depthwise_backward_input",
            "conv2d_depthwise_backward_input_blocks",
            "conv2d_lanes_backward_input",
            "conv2d_lanes_backward_input_narrow",
        ],
    )
    .backward(&["conv2d_direct", "conv2d_direct_backward_weight", "conv2d_backward_bias"])
    .reference("convolution::conv_transpose2d")
    .golden()
    .onnx("ConvTranspose"),
    Operation::new("im2col", "convolution", &["im2col"])
        .backward(&["col2im"])
        .reference("convolution::im2col")
        .golden(),
    pool(
        "max_pool2d",
        &["max_pool2d", "max_pool2d_strip", "max_pool2d_walk"],
        &["max_pool2d_backward", "max_pool2d_backward_tiles", "max_pool2d_backward_walk"],
        "pooling::max_pool2d",
    )
    .onnx("MaxPool"),
    pool(
        "avg_pool2d",
        &["avg_pool2d", "avg_pool2d_strip", "avg_pool2d_walk"],
        &[
            "avg_pool2d_backward",
            "avg_pool2d_backward_spread",
            "avg_pool2d_backward_tiles",
            "avg_pool2d_backward_walk",
        ],
        "pooling::avg_pool2d",
    )
    .onnx("AveragePool"),
    pool(
        "sum_pool2d",
        &["avg_pool2d", "avg_pool2d_strip", "avg_pool2d_walk"],
        &[
            "avg_pool2d_backward",
            "avg_pool2d_backward_spread",
            "avg_pool2d_backward_tiles",
            "avg_pool2d_backward_walk",
        ],
        "pooling::sum_pool2d",
    ),
    pool(
        "adaptive_avg_pool2d",
        &["adaptive_avg_pool2d", "avg_pool2d", "avg_pool2d_strip", "avg_pool2d_walk", "sum_rows"],
        &[
            "adaptive_avg_pool2d_backward",
            "avg_pool2d_backward",
            "avg_pool2d_backward_spread",
            "avg_pool2d_backward_tiles",
            "avg_pool2d_backward_walk",
            "repeat",
        ],
        "pooling::adaptive_avg_pool2d",
    )
    .onnx("GlobalAveragePool (output 1 × 1)"),
    Operation::new(
        "batch_norm",
        "normalization",
        &["batch_norm_statistics", "batch_norm_merge", "batch_norm_finish", "batch_norm_normalise"],
    )
    .backward(&["batch_norm_backward_reduce", "batch_norm_backward_finish", "batch_norm_backward_apply"])
    .reference("normalization::batch_norm_train")
    .golden()
    .onnx("BatchNormalization"),
    Operation::new("moments", "normalization", &["moments", "moments_join", "strided_copy", "transpose"])
        .backward(&["repeat", "binary_broadcast"])
        .reference("normalization::moments"),
    Operation::new("standardize", "normalization", &["standardize", "binary_broadcast"])
        .backward(&["binary_broadcast", "reduce_rows", "reduce_columns"])
        .reference("normalization::standardize"),
    reduce("sum", REPEAT).onnx("ReduceSum"),
    reduce("mean", &["unary", "strided_copy"]).onnx("ReduceMean"),
    reduce("max", &["binary_broadcast"]).onnx("ReduceMax"),
    reduce("min", &["binary_broadcast"]).onnx("ReduceMin"),
    reduce("prod", &["binary_broadcast", "where"]).onnx("ReduceProd"),
    Operation::new("argmax", "reduction", &["argmax", "argmax_join", "argmax_lanes"])
        .reference("reduction::argmax")
        .golden()
        .onnx("ArgMax"),
    Operation::new("cumsum", "reduction", &["cumsum", "cumsum_totals"])
        .backward(&["cumsum", "cumsum_totals"])
        .reference("cumsum::cumsum")
        .golden()
        .onnx("CumSum"),
    Operation::new("softmax", "reduction", &["log_sum_exp", "log_sum_exp_join", "softmax", "softmax_lanes"])
        .backward(&["softmax_backward", "softmax_lanes_backward"])
        .reference("softmax::softmax")
        .golden()
        .onnx("Softmax"),
    Operation::new(
        "log_softmax",
        "reduction",
        &["log_sum_exp", "log_sum_exp_join", "softmax", "softmax_lanes"],
    )
    .backward(&["softmax_backward", "softmax_lanes_backward"])
    .reference("softmax::log_softmax")
    .golden()
    .onnx("LogSoftmax"),
    // Its gradients are products by the shares, which are computed again.
    Operation::new("attention", "attention", &["attention", "attention_lanes"])
        .backward(&["matmul_lanes", "matmul_vec4", "unary", "binary_broadcast", "reduce_rows"])
        .reference("attention::attention")
        .golden()
        .onnx("Attention"),
    Operation::new("topk", "sort", &["topk_delegates", "topk_runs", "topk_blocks", "topk_merge"])
        .backward(&["topk_backward"])
        .reference("sort::topk")
        .golden()
        .onnx("TopK"),
    Operation::new("nms", "detection", &["nms_mask", "nms_sweep"]).reference("detection::nms").golden(),
    Operation::new("roi_align", "detection", &["roi_align"])
        .backward(&["roi_align_weights", "roi_align_backward"])
        .reference("detection::roi_align")
        .golden()
        .onnx("RoiAlign"),
    Operation::new("roi_pool", "detection", &["roi_pool"])
        .backward(&["roi_pool_backward"])
        .reference("detection::roi_pool")
        .golden()
        .onnx("MaxRoiPool"),
    Operation::new("cross_entropy", "loss", &["cross_entropy", "cross_entropy_mean"])
        .backward(&["cross_entropy_backward"])
        .reference("loss::cross_entropy")
        .golden()
        .onnx("SoftmaxCrossEntropyLoss"),
    // Row-major elements are only relabelled; the copy is for channels-last ones.
    movement("reshape", COPY, COPY).golden().onnx("Reshape"),
    movement("permute", COPY, COPY).reference("movement::permute").golden().onnx("Transpose"),
    movement("slice", COPY, FILL_AND_COPY).reference("movement::slice").golden().onnx("Slice"),
    movement("concat", COPY, COPY).reference("movement::concat").golden().onnx("Concat"),
    movement("split", COPY, COPY).onnx("Split"),
    movement("pad", FILL_AND_COPY, COPY).reference("movement::pad").golden().onnx("Pad"),
    movement("expand", REPEAT, SUMS).onnx("Expand"),
    Operation::new("resample", "movement", &["resample"])
        .backward(&["resample"])
        .reference("movement::resample")
        .golden()
        .onnx("Resize, Pad (reflect, edge, wrap)"),
    Operation::new("gather", "movement", &["gather"])
        .backward(&["scatter"])
        .reference("movement::gather")
        .onnx("Gather"),
    Operation::new("gather_elements", "movement", &["gather_elements"])
        .backward(&["scatter_elements"])
        .reference("gather_scatter::gather_elements")
        .onnx("GatherElements"),
    Operation::new("gather_nd", "movement", &["gather_nd"])
        .backward(&["scatter"])
        .reference("gather_scatter::gather_nd")
        .onnx("GatherND"),
    Operation::new("scatter", "movement", &["strided_copy", "scatter"])
        .backward(&["gather", "scatter"])
        .reference("gather_scatter::scatter"),
    Operation::new("scatter_elements", "movement", &["strided_copy", "scatter_elements"])
        .backward(&["gather_elements", "scatter_elements"])
        .reference("gather_scatter::scatter_elements")
        .onnx("ScatterElements, Scatter"),
    Operation::new("scatter_nd", "movement", &["strided_copy", "scatter"])
        .backward(&["gather_nd", "scatter"])
        .reference("gather_scatter::scatter_nd")
        .onnx("ScatterND"),
    // Works on tensors, not on variables: the layout is no part of a value.
    Operation::new("to_layout", "movement", COPY).reference("movement::to_channels_last"),
    Operation::new("uniform", "random", &["random_fill"]).reference("random::uniform").onnx("RandomUniform"),
    Operation::new("normal", "random", &["random_fill"]).reference("random::normal").onnx("RandomNormal"),
    Operation::new("dropout", "random", &["dropout"])
        .backward(&["dropout"])
        .reference("random::dropout")
        .onnx("Dropout"),
    Operation::new("quantize", "quantized", &["quantize"])
        .reference("quantized::quantize")
        .int8()
        .onnx("QuantizeLinear"),
    Operation::new("dequantize", "quantized", &["dequantize"])
        .reference("quantized::dequantize")
        .int8()
        .onnx("DequantizeLinear"),
    Operation::new("fake_quantize", "quantized", &["fake_quantize"])
        .backward(&["fake_quantize_backward"])
        .reference("quantized::fake_quantize")
        .golden(),
    Operation::new(
        "qconv2d",
        "quantized",
        &[
            "qconv2d_direct",
            "qconv2d_lanes",
            "qconv2d_implicit_gemm",
            "qconv2d_depthwise",
            "qconv2d_pack_weight",
            "qconv2d_constants",
            "qpad_channels",
        ],
    )
    .reference("quantized::qconv2d")
    .int8()
    .onnx("QLinearConv, ConvInteger, QLinearMatMul, MatMulInteger, com.microsoft.QGemm"),
    Operation::new("qadd", "quantized", &["qadd"])
        .reference("quantized::qadd")
        .int8()
        .onnx("com.microsoft.QLinearAdd"),
    Operation::new("qavg_pool2d", "quantized", &["qavg_pool2d", "qpad_channels"])
        .reference("quantized::qavg_pool2d")
        .int8()
        .onnx("com.microsoft.QLinearAveragePool, com.microsoft.QLinearGlobalAveragePool"),
    Operation::new("qmax_pool2d", "quantized", &["qmax_pool2d", "qpad_channels"])
        .reference("quantized::qmax_pool2d")
        .int8()
        .onnx("MaxPool"),
    Operation::new("qmul", "quantized", &["qmul"])
        .reference("quantized::qmul")
        .int8()
        .onnx("com.microsoft.QLinearMul"),
    Operation::new("qlookup", "quantized", &["qlookup"])
        .reference("quantized::qlookup")
        .int8()
        .onnx("com.microsoft.QLinearSigmoid, com.microsoft.QLinearLeakyRelu"),
    Operation::new("qgather", "quantized", &["qgather"]).reference("quantized::qgather").int8(),
    Operation::new("from_texture", "texture", &["texture_to_tensor"])
        .reference("texture::texture_to_tensor")
        .f16(),
    Operation::new("to_texture", "texture", &["tensor_to_texture"])
        .reference("texture::tensor_to_texture")
        .f16(),
    Operation::new("sgd", "optimizer", &["sgd", "sgd_momentum"]).reference("optimizer::sgd").golden(),
    Operation::new("adamw", "optimizer", &["adamw"]).reference("optimizer::adamw").golden(),
    Operation::new("adam", "optimizer", &["adam", "adam_amsgrad"]).reference("optimizer::adam").golden(),
    Operation::new("rmsprop", "optimizer", &["rmsprop"]).reference("optimizer::rmsprop").golden(),
    Operation::new("lamb", "optimizer", &["lamb", "lamb_apply"]).reference("optimizer::lamb").golden(),
    Operation::new("ema", "optimizer", &["ema"]).reference("optimizer::ema"),
    Operation::new("total_norm", "optimizer", &["sum_squares"]).reference("optimizer::total_norm"),
];

/// The row of that name.
#[must_use]
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}
