//! The operation of a case as a value, decoded from its JSON: the only place that knows the names of the parameters.

use tilewright_ops::{
    Adam, AdamW, AdaptiveAvgPool2d, BatchNorm, BinaryOp, Conv2d, ConvTranspose2d, Coordinates, CrossEntropy,
    CumSum, FakeQuantize, Interpolation, Lamb, LogSoftmax, MatMul, Nms, Op, Pool2d, ReduceOp, Reduction,
    Resize2d, RmsProp, RoiAlign, RoiPool, Rounding, Sgd, SliceRange, Softmax, TopK, UnaryOp,
};

use super::case::{Case, GoldenError};

/// What a case computes. The operands are the tensors of [`Case::operands`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// An operation of a graph, without activation, residual or pooling behind it.
    Op(Op),
    /// `x`, `weight`, then the bias if there is one: x · weightᵀ + bias.
    Linear,
    /// `x`: the matrix of patches.
    Im2col {
        /// Stride, padding, dilation, groups.
        op: Conv2d,
        /// Height and width of a window.
        kernel: [usize; 2],
    },
    /// `x`, `weight`, `bias`, `running_mean`, `running_var`: training.
    BatchNormTrain(BatchNorm),
    /// `x`; the labels are `target`, the weights of the classes `weight`.
    CrossEntropy(CrossEntropy),
    /// `x`, to a shape in which one extent may be −1.
    Reshape(Vec<isize>),
    /// `x`, resized as PyTorch's `interpolate` does it.
    Resize(Resize2d),
    /// `parameter` by the rows of `gradients`, one to a step.
    Sgd(Sgd),
    /// `parameter` by the rows of `gradients`, one to a step.
    AdamW(AdamW),
    /// `parameter` by the rows of `gradients`, one to a step.
    Adam(Adam),
    /// `parameter` by the rows of `gradients`, one to a step.
    RmsProp(RmsProp),
    /// `parameter` by the rows of `gradients`, one to a step.
    Lamb(Lamb),
}

impl Case {
    /// The operation with its parameters.
    ///
    /// # Errors
    /// [`GoldenError::Parameter`] for a name that the vocabulary does not have, and for a parameter that is missing.
    pub fn operation(&self) -> Result<Operation, GoldenError> {
        if let Some(plain) = UnaryOp::ALL.into_iter().find(|op| op.name() == self.op) {
            return Ok(Operation::Op(Op::Unary(self.unary(plain)?)));
        }
        if let Some(op) = BinaryOp::ALL.into_iter().find(|op| op.name() == self.op) {
            return Ok(Operation::Op(Op::Binary { op, activation: None }));
        }
        if let Some(op) = ReduceOp::ALL.into_iter().find(|op| op.name() == self.op) {
            let (axes, keepdim) = (self.counts("axes")?, self.flag("keepdim")?);
            return Ok(Operation::Op(Op::Reduce { op, axes, keepdim }));
        }
        Ok(Operation::Op(match self.op.as_str() {
            "where" => Op::Where,
            "matmul" => {
                let transpose_left = self.flag("transpose_left")?;
                let op = MatMul { transpose_left, transpose_right: self.flag("transpose_right")? };
                Op::MatMul { op, bias: false, residual: false, activation: None }
            }
            "conv2d" => {
                let (op, bias) = (self.conv2d()?, self.has("bias"));
                Op::Conv2d { op, bias, residual: false, activation: None, pool: None }
            }
            "conv_transpose2d" => {
                let Conv2d { stride, padding, dilation, groups } = self.conv2d()?;
                let output_padding = self.pair("output_padding")?;
                Op::ConvTranspose2d(ConvTranspose2d { stride, padding, output_padding, dilation, groups })
            }
            "max_pool2d" => Op::MaxPool2d { pool: self.pool2d()?, indices: true },
            "avg_pool2d" => Op::AvgPool2d(self.pool2d()?),
            "sum_pool2d" => Op::SumPool2d(self.pool2d()?),
            "adaptive_avg_pool2d" => {
                Op::AdaptiveAvgPool2d(AdaptiveAvgPool2d { output: self.pair("output")? })
            }
            "batch_norm" => {
                let op = BatchNorm { eps: self.single("eps")?, momentum: self.single("momentum")? };
                if self.flag("training")? {
                    return Ok(Operation::BatchNormTrain(op));
                }
                Op::BatchNorm { op, activation: None }
            }
            "argmax" => Op::Argmax { axes: self.counts("axes")?, keepdim: false },
            "topk" => Op::TopK(TopK {
                k: self.count("k")?,
                axis: self.count("axis")?,
                largest: self.flag("largest")?,
            }),
            "nms" => Op::Nms(Nms { iou_threshold: self.single("iou_threshold")? }),
            "roi_align" => Op::RoiAlign(RoiAlign {
                output: self.pair("output")?,
                spatial_scale: self.single("spatial_scale")?,
                sampling_ratio: self.count("sampling_ratio")?,
                aligned: self.flag("aligned")?,
            }),
            "roi_pool" => Op::RoiPool(RoiPool {
                output: self.pair("output")?,
                spatial_scale: self.single("spatial_scale")?,
            }),
            "softmax" => Op::Softmax(Softmax { axis: self.count("axis")? }),
            "log_softmax" => Op::LogSoftmax(LogSoftmax { axis: self.count("axis")? }),
            "cumsum" => Op::CumSum(CumSum {
                axis: self.count("axis")?,
                exclusive: self.flag("exclusive")?,
                reverse: self.flag("reverse")?,
            }),
            "fake_quantize" => Op::FakeQuantize(FakeQuantize {
                axis: self.number("axis").ok().map(|axis| axis as usize),
                low: self.number("low")? as i32,
                high: self.number("high")? as i32,
                grad_factor: self.single("grad_factor")?,
            }),
            "concat" => Op::Concat { axis: self.count("axis")? },
            "permute" => Op::Permute(self.counts("axes")?),
            "slice" => {
                let ends = self.counts("ends")?.into_iter().zip(self.counts("steps")?);
                let ranges = self.counts("starts")?.into_iter().zip(ends);
                Op::Slice(ranges.map(|(start, (end, step))| SliceRange { start, end, step }).collect())
            }
            "pad" => {
                let padding = self.counts("before")?.into_iter().zip(self.counts("after")?).collect();
                Op::Pad { padding, value: self.single("value")? }
            }
            _ => return self.beside_graphs(),
        }))
    }

    /// The roles of the operands, in the operation's order.
    #[must_use]
    pub fn operands(&self) -> Vec<String> {
        let fixed: &[&str] = match self.op.as_str() {
            "matmul" => &["left", "right"],
            "where" => &["condition", "a", "b"],
            "nms" => &["boxes", "classes"],
            "roi_align" | "roi_pool" => &["x", "rois"],
            "fake_quantize" => &["x", "scale", "zero_point"],
            "batch_norm" => &["x", "weight", "bias", "running_mean", "running_var"],
            "linear" | "conv2d" | "conv_transpose2d" if self.has("bias") => &["x", "weight", "bias"],
            "linear" | "conv2d" | "conv_transpose2d" => &["x", "weight"],
            "concat" => {
                return (0..).map(|at| format!("x{at}")).take_while(|role| self.has(role)).collect();
            }
            name if BinaryOp::ALL.iter().any(|op| op.name() == name) => &["a", "b"],
            _ => &["x"],
        };
        fixed.iter().map(|role| (*role).to_owned()).collect()
    }

    /// What is no node of a graph.
    fn beside_graphs(&self) -> Result<Operation, GoldenError> {
        Ok(match self.op.as_str() {
            "linear" => Operation::Linear,
            "im2col" => Operation::Im2col { op: self.conv2d()?, kernel: self.pair("kernel")? },
            "cross_entropy" => {
                let name = self.text("reduction")?;
                let reduction = Reduction::ALL.into_iter().find(|kind| kind.name() == name);
                Operation::CrossEntropy(CrossEntropy {
                    label_smoothing: self.single("label_smoothing")?,
                    ignore_index: self.number("ignore_index").ok().map(|index| index as i32),
                    reduction: reduction.ok_or_else(|| self.no_parameter("reduction", "a reduction"))?,
                })
            }
            "reshape" => {
                let to = self.parameters["to"].as_array().and_then(|to| {
                    to.iter().map(|extent| extent.as_i64().map(|extent| extent as isize)).collect()
                });
                Operation::Reshape(to.ok_or_else(|| self.no_parameter("to", "a list of whole numbers"))?)
            }
            "resample" => Operation::Resize(self.resize2d()?),
            "sgd" => Operation::Sgd(Sgd {
                lr: self.single("lr")?,
                momentum: self.single("momentum")?,
                dampening: self.single("dampening")?,
                nesterov: self.flag("nesterov")?,
                weight_decay: self.single("weight_decay")?,
            }),
            "adam" => Operation::Adam(Adam {
                lr: self.single("lr")?,
                beta1: self.single("beta1")?,
                beta2: self.single("beta2")?,
                eps: self.single("eps")?,
                weight_decay: self.single("weight_decay")?,
                amsgrad: self.flag("amsgrad")?,
            }),
            "rmsprop" => Operation::RmsProp(RmsProp {
                lr: self.single("lr")?,
                alpha: self.single("alpha")?,
                eps: self.single("eps")?,
                weight_decay: self.single("weight_decay")?,
                momentum: self.single("momentum")?,
                centered: self.flag("centered")?,
            }),
            "lamb" => Operation::Lamb(Lamb {
                lr: self.single("lr")?,
                beta1: self.single("beta1")?,
                beta2: self.single("beta2")?,
                eps: self.single("eps")?,
                weight_decay: self.single("weight_decay")?,
            }),
            "adamw" => Operation::AdamW(AdamW {
                lr: self.single("lr")?,
                beta1: self.single("beta1")?,
                beta2: self.single("beta2")?,
                eps: self.single("eps")?,
                weight_decay: self.single("weight_decay")?,
            }),
            _ => return Err(self.no_parameter("op", "an operation that the vocabulary has")),
        })
    }

    fn single(&self, name: &str) -> Result<f32, GoldenError> {
        Ok(self.number(name)? as f32)
    }

    fn text(&self, name: &str) -> Result<&str, GoldenError> {
        self.parameters[name].as_str().ok_or_else(|| self.no_parameter(name, "a text"))
    }

    fn unary(&self, plain: UnaryOp) -> Result<UnaryOp, GoldenError> {
        let number = |name| self.single(name);
        Ok(match plain {
            UnaryOp::LeakyRelu { .. } => UnaryOp::LeakyRelu { slope: number("slope")? },
            UnaryOp::Clamp { .. } => UnaryOp::Clamp { min: number("min")?, max: number("max")? },
            UnaryOp::AddScalar { .. } => UnaryOp::AddScalar { value: number("value")? },
            UnaryOp::MulScalar { .. } => UnaryOp::MulScalar { value: number("value")? },
            UnaryOp::HardSigmoid { .. } => {
                UnaryOp::HardSigmoid { slope: number("slope")?, offset: number("offset")? }
            }
            UnaryOp::Elu { .. } => UnaryOp::Elu { alpha: number("alpha")? },
            UnaryOp::Selu { .. } => UnaryOp::Selu { alpha: number("alpha")?, gamma: number("gamma")? },
            UnaryOp::Celu { .. } => UnaryOp::Celu { alpha: number("alpha")? },
            UnaryOp::ThresholdedRelu { .. } => UnaryOp::ThresholdedRelu { threshold: number("threshold")? },
            UnaryOp::Shrink { .. } => UnaryOp::Shrink { bias: number("bias")?, lambda: number("lambda")? },
            plain => plain,
        })
    }

    fn conv2d(&self) -> Result<Conv2d, GoldenError> {
        Ok(Conv2d {
            stride: self.pair("stride")?,
            padding: self.pair("padding")?,
            dilation: self.pair("dilation")?,
            groups: self.count("groups")?,
        })
    }

    fn pool2d(&self) -> Result<Pool2d, GoldenError> {
        Ok(Pool2d {
            kernel: self.pair("kernel")?,
            stride: self.pair("stride")?,
            padding: self.pair("padding")?,
            dilation: self.pair("dilation")?,
            ceil_mode: self.flag("ceil_mode")?,
            count_include_pad: self.flag("count_include_pad")?,
            divisor_override: self.count("divisor_override").ok(),
        })
    }

    /// Bilinear and bicubic by areas unless corners are aligned, nearest by the element before.
    fn resize2d(&self) -> Result<Resize2d, GoldenError> {
        let (interpolation, coordinates) = match self.text("mode")? {
            "nearest" => (Interpolation::Nearest(Rounding::Floor), Coordinates::Asymmetric),
            "bilinear" => (Interpolation::Linear, Coordinates::HalfPixel),
            "bicubic" => (Interpolation::Cubic { a: -0.75, exclude_outside: false }, Coordinates::HalfPixel),
            _ => return Err(self.no_parameter("mode", "`nearest`, `bilinear` or `bicubic`")),
        };
        let aligned = self.flag("align_corners")?;
        let coordinates = if aligned { Coordinates::AlignCorners } else { coordinates };
        Ok(Resize2d { size: self.pair("size")?, scale: None, interpolation, coordinates })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn case(parameters: serde_json::Value) -> Case {
        let op = parameters["op"].as_str().expect("op").to_owned();
        Case { name: "small".to_owned(), op, parameters, tensors: BTreeMap::new() }
    }

    #[test]
    fn parameters_become_a_value() {
        let found = case(serde_json::json!({"op": "leaky_relu", "slope": 0.5})).operation().expect("known");
        assert_eq!(found, Operation::Op(Op::Unary(UnaryOp::LeakyRelu { slope: 0.5 })));
        let pad = serde_json::json!({"op": "pad", "before": [1, 0], "after": [0, 2], "value": 3});
        let padding = vec![(1, 0), (0, 2)];
        assert_eq!(case(pad).operation().expect("known"), Operation::Op(Op::Pad { padding, value: 3.0 }));
        assert_eq!(case(serde_json::json!({"op": "maximum"})).operands(), ["a", "b"]);
    }

    #[test]
    fn what_is_unknown_is_an_error() {
        for parameters in [
            serde_json::json!({"op": "no_such_operation"}),
            serde_json::json!({"op": "leaky_relu"}),
            serde_json::json!({"op": "resample", "size": [1, 2], "mode": "area", "align_corners": false}),
        ] {
            let error = case(parameters).operation().expect_err("not known").to_string();
            assert!(error.contains("small"), "{error}");
        }
    }
}
