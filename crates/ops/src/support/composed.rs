//! Operations that are composed of others: they have no kernel, and a gradient because their steps have one.

/// One row: a composed operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composed {
    /// Its name, as in errors, and as a method of tensors and variables.
    pub name: &'static str,
    /// PyTorch's name of it, below `torch` or `torch.nn.functional`.
    pub pytorch: &'static str,
    /// The operations that it is made of.
    pub of: &'static str,
    /// The golden file with PyTorch's answers, forward and backward.
    pub golden: Option<&'static str>,
    /// The ONNX operator of the same meaning.
    pub onnx: Option<&'static str>,
}

const fn row(
    name: &'static str,
    pytorch: &'static str,
    of: &'static str,
    golden: Option<&'static str>,
    onnx: Option<&'static str>,
) -> Composed {
    Composed { name, pytorch, of, golden, onnx }
}

const OLDER: Option<&str> = Some("composite");
const LAYERS: Option<&str> = Some("layers");
const ARRANGED: Option<&str> = Some("arrangements");

/// Every composed operation.
pub const COMPOSED: &[Composed] = &[
    row("layer_norm", "layer_norm", "moments, standardize", OLDER, Some("LayerNormalization")),
    row("group_norm", "group_norm", "moments, standardize", OLDER, Some("GroupNormalization")),
    row("instance_norm", "instance_norm", "moments, standardize", OLDER, Some("InstanceNormalization")),
    row("batch_norm_biased", "–", "moments, standardize", OLDER, Some("BatchNormalization (training)")),
    row("rms_norm", "–", "mean of squares", None, Some("RMSNormalization")),
    row("mean_variance_norm", "–", "moments, standardize", OLDER, Some("MeanVarianceNormalization")),
    row("standardize", "–", "moments, standardize", OLDER, None),
    row("local_response_norm", "local_response_norm", "sum_pool2d", OLDER, Some("LRN")),
    row("lp_normalize", "normalize", "sums of powers", OLDER, Some("LpNormalization")),
    row("l1_norm", "linalg.vector_norm", "abs, sum", OLDER, Some("ReduceL1")),
    row("l2_norm", "linalg.vector_norm", "square, sum", OLDER, Some("ReduceL2")),
    row("sum_of_squares", "–", "square, sum", OLDER, Some("ReduceSumSquare")),
    row("norm", "linalg.vector_norm", "abs, pow, sum", ARRANGED, None),
    row("var", "var", "moments", ARRANGED, None),
    row("std", "std", "moments", ARRANGED, None),
    row("amax", "amax", "max", ARRANGED, Some("ReduceMax")),
    row("amin", "amin", "min", ARRANGED, Some("ReduceMin")),
    row("log_sum_exp", "logsumexp", "max, exp, sum", OLDER, Some("ReduceLogSumExp")),
    row("logsumexp", "logsumexp", "max, exp, sum", ARRANGED, Some("ReduceLogSumExp")),
    row("log_sum", "–", "sum, log", OLDER, Some("ReduceLogSum")),
    row("conv1d", "conv1d", "conv2d", LAYERS, Some("Conv")),
    row("conv3d", "conv3d", "conv2d", OLDER, Some("Conv")),
    row("conv_transpose1d", "conv_transpose1d", "conv_transpose2d", LAYERS, Some("ConvTranspose")),
    row("conv_transpose3d", "conv_transpose3d", "conv_transpose2d", LAYERS, Some("ConvTranspose")),
    row("max_pool1d", "max_pool1d", "max_pool2d", LAYERS, Some("MaxPool")),
    row("avg_pool1d", "avg_pool1d", "avg_pool2d", LAYERS, Some("AveragePool")),
    row("lp_pool1d", "lp_pool1d", "sum_pool2d", LAYERS, Some("LpPool")),
    row("lp_pool2d", "lp_pool2d", "sum_pool2d", None, Some("LpPool")),
    row("adaptive_avg_pool1d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", LAYERS, None),
    row("adaptive_max_pool1d", "adaptive_max_pool1d", "resample, max_pool2d", LAYERS, None),
    row("adaptive_max_pool2d", "adaptive_max_pool2d", "resample, max_pool2d", LAYERS, Some("GlobalMaxPool")),
    row("max_unpool2d", "max_unpool2d", "scatter_elements", LAYERS, Some("MaxUnpool")),
    row("max_pool3d", "max_pool3d", "max_pool2d", OLDER, Some("MaxPool")),
    row("avg_pool3d", "avg_pool3d", "sum_pool2d", OLDER, Some("AveragePool")),
    row("max_pool2d_bordered", "–", "pad, max_pool2d", OLDER, Some("MaxPool")),
    row("avg_pool2d_bordered", "–", "pad, sum_pool2d", OLDER, Some("AveragePool")),
    row("resize_area", "interpolate (area)", "adaptive_avg_pool2d", LAYERS, None),
    row("pad_mode", "pad (reflect, replicate, circular)", "resample", LAYERS, Some("Pad")),
    row("grid_sample", "grid_sample", "gather", LAYERS, Some("GridSample")),
    row("affine_grid", "affine_grid", "matmul", LAYERS, Some("AffineGrid")),
    row("depth_to_space", "pixel_shuffle", "permute", OLDER, Some("DepthToSpace")),
    row("space_to_depth", "–", "permute", OLDER, Some("SpaceToDepth")),
    row("pixel_shuffle", "pixel_shuffle", "permute", ARRANGED, Some("DepthToSpace (CRD)")),
    row("pixel_unshuffle", "pixel_unshuffle", "permute", ARRANGED, None),
    row("channel_shuffle", "channel_shuffle", "permute", ARRANGED, None),
    row("repeat", "Tensor.repeat", "expand", OLDER, Some("Tile")),
    row("tile", "tile", "expand", ARRANGED, Some("Tile")),
    row("repeat_interleave", "repeat_interleave", "expand", ARRANGED, None),
    row("stack", "stack", "concat", ARRANGED, None),
    row("unbind", "unbind", "split", ARRANGED, None),
    row("chunk", "chunk", "split", ARRANGED, None),
    row("flip", "flip", "resample", ARRANGED, None),
    row("roll", "roll", "slice, concat", ARRANGED, None),
    row("sort", "sort", "topk", ARRANGED, None),
    row("masked_fill", "masked_fill", "where", ARRANGED, None),
    row("embedding", "embedding", "gather", ARRANGED, Some("Gather")),
    row("index_select", "index_select", "gather", ARRANGED, Some("Gather")),
    row("scatter_reduce", "scatter_reduce", "scatter_elements", ARRANGED, Some("ScatterElements")),
    row("index_add", "index_add", "scatter", ARRANGED, None),
    row("one_hot", "one_hot", "equal", None, Some("OneHot")),
    row("batched_nms", "batched_nms (torchvision)", "topk, nms, cumsum, scatter_elements", None, None),
    row("nll_loss", "nll_loss", "gather_elements", OLDER, Some("NegativeLogLikelihoodLoss")),
];
