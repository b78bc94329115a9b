//! The operation of a golden case, by its name and parameters.

use tilewright::{
    Tensor,
    ops::{CumSum, Pool2d, Reduction},
    tensor::composite::{Conv3d, DepthOrder, LocalResponseNorm, Operand, Pool3d, *},
};
use tilewright_reference::golden::Case;

use super::layers;
use crate::common::close;

/// What a case computes, for tensors and variables alike: the formula is one.
pub fn run<V: Operand>(case: &Case, leaf: &mut dyn FnMut(&str) -> V) -> Result<V, V::Error> {
    let number = |name: &str| case.number(name).unwrap() as f32;
    let (axes, keepdim) = (case.counts("axes"), case.flag("keepdim"));
    let over = || (axes.as_deref().unwrap(), keepdim.as_ref().copied().unwrap());
    match case.op.as_str() {
        "layer_norm" => {
            let x = leaf("x");
            let factors = case.has("weight").then(|| (leaf("weight"), leaf("bias")));
            let (weight, bias) = factors.unzip();
            let first = case.count("first").unwrap();
            Ok(layer_norm::layer_norm(&x, first, weight.as_ref(), bias.as_ref(), number("eps"))?.y)
        }
        "group_norm" => {
            let (x, weight, bias) = (leaf("x"), leaf("weight"), leaf("bias"));
            let groups = case.count("groups").unwrap();
            group_norm::group_norm(&x, groups, Some(&weight), Some(&bias), number("eps"))
        }
        "instance_norm" => {
            let (x, weight, bias) = (leaf("x"), leaf("weight"), leaf("bias"));
            instance_norm::instance_norm(&x, Some(&weight), Some(&bias), number("eps"))
        }
        "batch_norm_biased" => {
            let (x, weight, bias) = (leaf("x"), leaf("weight"), leaf("bias"));
            let constant = |role| x.values(case.f32(role).unwrap().0, &[weight.shape()[0]]);
            let (mean, var) = (constant("running_mean")?, constant("running_var")?);
            let operands = [&weight, &bias, &mean, &var];
            let normed = batch_norm_biased::batch_norm_biased(&x, operands, number("eps"), number("kept"))?;
            for (role, found) in [("new_mean", &normed.running_mean), ("new_var", &normed.running_var)] {
                if !found.tensor().is_symbolic() {
                    let found: Vec<f32> = found.tensor().to_vec()?;
                    close(&found, case.f32(role).unwrap().0, 1e-5, 1e-6).unwrap();
                }
            }
            Ok(normed.y)
        }
        "mean_variance_norm" => mean_variance_norm::mean_variance_norm(&leaf("x"), axes.as_deref().unwrap()),
        "standardize" => Ok(moments::standardize(&leaf("x"), axes.as_deref().unwrap(), number("eps"))?.y),
        "local_response_norm" => {
            let size = case.count("size").unwrap();
            let op = LocalResponseNorm { size, alpha: number("alpha"), beta: number("beta"), k: number("k") };
            local_response_norm::local_response_norm(&leaf("x"), &op)
        }
        "lp_normalize" => {
            let (p, axis) = (case.count("p").unwrap(), case.count("axis").unwrap());
            lp_normalize::lp_normalize(&leaf("x"), p, axis)
        }
        "l1_norm" => norm::l1_norm(&leaf("x"), over().0, over().1),
        "l2_norm" => norm::l2_norm(&leaf("x"), over().0, over().1),
        "sum_of_squares" => norm::sum_of_squares(&leaf("x"), over().0, over().1),
        "log_sum_exp" => log_sum_exp::log_sum_exp(&leaf("x"), over().0, over().1),
        "log_sum" => log_sum::log_sum(&leaf("x"), over().0, over().1),
        "cumsum" => {
            let flag = |name| case.flag(name).unwrap();
            let (axis, exclusive, reverse) =
                (case.count("axis").unwrap(), flag("exclusive"), flag("reverse"));
            leaf("x").cumsum(&CumSum { axis, exclusive, reverse })
        }
        "conv3d" => {
            let (x, weight, bias) = (leaf("x"), leaf("weight"), leaf("bias"));
            let op = Conv3d {
                stride: three(case, "stride"),
                padding: three(case, "padding").map(|pad| (pad, pad)),
                dilation: three(case, "dilation"),
                groups: case.count("groups").unwrap(),
            };
            conv3d::conv3d(&x, &weight, Some(&bias), &op)
        }
        "max_pool3d" => pool3d::max_pool3d(&leaf("x"), &pool(case)),
        "avg_pool3d" => pool3d::avg_pool3d(&leaf("x"), &pool(case)),
        "max_pool2d_bordered" | "avg_pool2d_bordered" => {
            let [top, bottom, left, right] = case.counts("border").unwrap()[..] else { panic!("four") };
            let windows = Pool2d {
                stride: case.pair("stride").unwrap(),
                ceil_mode: case.flag("ceil_mode").unwrap(),
                count_include_pad: case.flag("count_include_pad").unwrap_or(true),
                ..Pool2d::new(case.pair("kernel").unwrap())
            };
            let (x, border) = (leaf("x"), [(top, bottom), (left, right)]);
            if case.op.starts_with("max") {
                return bordered_pool2d::max_pool2d_bordered(&x, border, &windows);
            }
            bordered_pool2d::avg_pool2d_bordered(&x, border, &windows)
        }
        "depth_to_space" => {
            let order = if case.flag("crd").unwrap() { DepthOrder::Crd } else { DepthOrder::Dcr };
            depth_to_space::depth_to_space(&leaf("x"), case.count("block").unwrap(), order)
        }
        "space_to_depth" => depth_to_space::space_to_depth(&leaf("x"), case.count("block").unwrap()),
        "repeat" => repeat::repeat(&leaf("x"), &case.counts("repeats").unwrap()),
        "nll_loss" => {
            let scores = leaf("scores");
            let context = scores.tensor().context();
            let (labels, shape) = case.i32("labels").unwrap();
            let labels = Tensor::from_slice(context, labels, shape)?;
            let weights = case.f32("weights").ok();
            let weights =
                weights.map(|(values, shape)| Tensor::from_slice(context, values, shape)).transpose()?;
            let ignored = case.count("ignore_index").ok().map(|index| index as i64);
            let word = case.parameters["reduction"].as_str();
            let reduction = Reduction::ALL.into_iter().find(|r| Some(r.name()) == word).unwrap();
            nll_loss::nll_loss(&scores, &labels, weights.as_ref(), ignored, reduction)
        }
        _ => layers::run(case, leaf),
    }
}

fn three(case: &Case, name: &str) -> [usize; 3] {
    case.counts(name).unwrap().try_into().unwrap()
}

fn pool(case: &Case) -> Pool3d {
    Pool3d {
        stride: three(case, "stride"),
        padding: three(case, "padding").map(|pad| (pad, pad)),
        ceil_mode: case.flag("ceil_mode").unwrap(),
        count_include_pad: case.flag("count_include_pad").unwrap_or(true),
        ..Pool3d::new(three(case, "kernel"))
    }
}
