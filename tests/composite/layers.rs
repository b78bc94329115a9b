//! The layers of golden cases, by name and parameters; what is none of them is in `arrangements`.

use tilewright::{
    Tensor,
    ops::{BorderMode, Pool2d},
    tensor::composite::{
        Conv1d, ConvTranspose1d, ConvTranspose3d, GridSample, Operand, Outside, Pool1d, Sampling, *,
    },
};
use tilewright_reference::golden::Case;

use super::arrangements;

/// What a case computes, for tensors and variables alike.
pub fn run<V: Operand>(case: &Case, leaf: &mut dyn FnMut(&str) -> V) -> Result<V, V::Error> {
    let count = |name: &str| case.count(name).unwrap();
    match case.op.as_str() {
        "conv1d" => {
            let (x, weight) = (leaf("x"), leaf("weight"));
            let bias = case.has("bias").then(|| leaf("bias"));
            let op = Conv1d {
                stride: count("stride"),
                padding: count("padding"),
                dilation: count("dilation"),
                groups: count("groups"),
            };
            conv1d::conv1d(&x, &weight, bias.as_ref(), &op)
        }
        "conv_transpose1d" => {
            let (x, weight) = (leaf("x"), leaf("weight"));
            let bias = case.has("bias").then(|| leaf("bias"));
            let op = ConvTranspose1d {
                stride: count("stride"),
                padding: count("padding"),
                output_padding: count("output_padding"),
                dilation: count("dilation"),
                groups: count("groups"),
            };
            conv_transpose1d::conv_transpose1d(&x, &weight, bias.as_ref(), &op)
        }
        "conv_transpose3d" => {
            let three = |name: &str| case.counts(name).unwrap().try_into().unwrap();
            let op = ConvTranspose3d {
                stride: three("stride"),
                dilation: three("dilation"),
                groups: count("groups"),
            };
            conv_transpose3d::conv_transpose3d(&leaf("x"), &leaf("weight"), &op)
        }
        "max_pool1d" => pool1d::max_pool1d(&leaf("x"), &windows(case)),
        "avg_pool1d" => pool1d::avg_pool1d(&leaf("x"), &windows(case)),
        "lp_pool1d" => pool1d::lp_pool1d(&leaf("x"), count("p") as u32, &windows(case)),
        "adaptive_avg_pool1d" => pool1d::adaptive_avg_pool1d(&leaf("x"), count("output")),
        "adaptive_max_pool1d" => pool1d::adaptive_max_pool1d(&leaf("x"), count("output")),
        "batch_norm" => {
            let (x, weight, bias) = (leaf("x"), leaf("weight"), leaf("bias"));
            let still = |role: &str| x.values(case.f32(role).unwrap().0, weight.shape());
            let (mean, var) = (still("running_mean")?, still("running_var")?);
            let (eps, momentum) = (case.number("eps").unwrap() as f32, 0.1);
            let op = tilewright::ops::BatchNorm { eps, momentum };
            let op = tilewright::ops::Op::BatchNormTrain { op, activation: None };
            V::apply_one(&op, &[&x, &weight, &bias, &mean, &var])
        }
        "adaptive_max_pool2d" => {
            let (y, indices) =
                adaptive_max_pool2d::adaptive_max_pool2d(&leaf("x"), case.pair("output").unwrap())?;
            if !indices.is_symbolic() {
                assert_eq!(indices.to_vec::<i32>()?, case.i32("indices").unwrap().0, "{}", case.name);
            }
            Ok(y)
        }
        "max_unpool2d" => {
            let pair = |name: &str| case.pair(name).unwrap();
            let pool =
                Pool2d { stride: pair("stride"), padding: pair("padding"), ..Pool2d::new(pair("kernel")) };
            let x = leaf("x");
            let indices = integers(&x, case)?;
            max_unpool2d::max_unpool2d(&x, &indices, &pool, case.pair("output").ok())
        }
        "resize_area" => resize_area::resize_area(&leaf("x"), case.pair("size").unwrap()),
        "pad_mode" => {
            let (before, after) = (case.counts("before").unwrap(), case.counts("after").unwrap());
            let padding: Vec<_> = before.into_iter().zip(after).collect();
            let word = case.parameters["mode"].as_str();
            let modes = [BorderMode::Reflect, BorderMode::Replicate, BorderMode::Circular];
            let mode = modes.into_iter().find(|mode| Some(mode.name()) == word).unwrap();
            pad_mode::pad_mode(&leaf("x"), &padding, mode)
        }
        "grid_sample" => {
            let word = |name: &str| case.parameters[name].as_str().unwrap();
            let sampling = match word("mode") {
                "nearest" => Sampling::Nearest,
                "bilinear" => Sampling::Linear,
                "bicubic" => Sampling::Cubic,
                other => panic!("{other}"),
            };
            let outside = match word("outside") {
                "zeros" => Outside::Zeros,
                "border" => Outside::Border,
                "reflection" => Outside::Reflection,
                other => panic!("{other}"),
            };
            let align_corners = case.flag("align_corners").unwrap();
            let op = GridSample { sampling, outside, align_corners };
            grid_sample::grid_sample(&leaf("x"), &leaf("grid"), &op)
        }
        "affine_grid" => {
            let size = case.counts("size").unwrap();
            affine_grid::affine_grid(&leaf("x"), &size, case.flag("align_corners").unwrap())
        }
        "attention" => {
            let (x, key, value) = (leaf("x"), leaf("key"), leaf("value"));
            let added = case.has("added").then(|| leaf("added"));
            let context = x.tensor().context();
            let allowed = case.f32("allowed").ok();
            let allowed =
                allowed.map(|(mask, shape)| Tensor::from_slice(context, mask, shape)).transpose()?;
            let mask = match (&allowed, &added) {
                (Some(allowed), _) => Some(AttentionMask::Allowed(allowed)),
                (None, added) => added.as_ref().map(AttentionMask::Added),
            };
            let op = AttentionOptions {
                causal: case.flag("causal").unwrap_or(false),
                scale: case.number("scale").ok().map(|scale| scale as f32),
            };
            scaled_dot_product_attention::scaled_dot_product_attention(&x, &key, &value, mask, &op)
        }
        _ => arrangements::run(case, leaf),
    }
}

/// The indices of a case.
pub fn integers<V: Operand>(like: &V, case: &Case) -> Result<Tensor, tilewright::tensor::Error> {
    let (indices, shape) = case.i32("indices").unwrap();
    Tensor::from_slice(like.tensor().context(), indices, shape)
}

fn windows(case: &Case) -> Pool1d {
    Pool1d {
        stride: case.count("stride").unwrap(),
        padding: case.count("padding").unwrap_or(0),
        ceil_mode: case.flag("ceil_mode").unwrap_or(false),
        count_include_pad: case.flag("count_include_pad").unwrap_or(true),
        ..Pool1d::new(case.count("kernel").unwrap())
    }
}
