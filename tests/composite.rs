//! Operations that are composed of others: against PyTorch forward and backward, against finite differences, captured, and
//! with operands that do not fit.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "composite/arrangements.rs"]
mod arrangements;
mod common;
#[path = "composite/formulas.rs"]
mod formulas;
#[path = "composite/layers.rs"]
mod layers;

use common::{Cases, close, context, contexts_for_numbers, random};
use formulas::run;
use tilewright::{
    Context, DType, Tensor, Var,
    autograd::{Error, GradientCheck, check_gradients},
    graph::{Compiled, Options, capture},
    ops::{CumSum, Pool2d, Reduction, ShapeError, TapTable},
    tensor::{
        Error as TensorError,
        composite::{Conv3d, DepthOrder, LocalResponseNorm, Pool3d},
    },
};
use tilewright_reference::golden::{self, Case};

fn cases() -> Vec<Case> {
    let families = [("composite", 50), ("layers", 60), ("arrangements", 80), ("attention", 6)];
    let read = families.map(|(family, least)| {
        let cases = golden::family(family).unwrap();
        assert!(cases.len() >= least, "{family}: {} cases, at least {least} expected", cases.len());
        cases
    });
    read.into_iter().flatten().collect()
}

fn tensor(context: &Context, case: &Case, role: &str) -> Tensor {
    let (values, shape) = case.f32(role).unwrap();
    Tensor::from_slice(context, values, shape).unwrap()
}

/// As in tests/pytorch.rs.
fn against_pytorch(context: &Context, case: &Case) -> Result<(), String> {
    let text = |error: Error| error.to_string();
    let mut leaves: Vec<(String, Var)> = vec![];
    let y = run(case, &mut |role| {
        let leaf = Var::leaf(tensor(context, case, role));
        leaves.push((role.to_owned(), leaf.clone()));
        leaf
    })
    .map_err(text)?;
    let (expected, shape) = case.f32("y").unwrap();
    if y.shape() != shape {
        return Err(format!("shape {:?}, expected {shape:?}", y.shape()));
    }
    let found: Vec<f32> = y.tensor().to_vec().unwrap();
    close(&found, expected, 1e-5, 2e-6).map_err(|error| format!("forward: {error}"))?;
    let gradients = y.backward_with(&tensor(context, case, "grad_y")).map_err(text)?;
    for (role, leaf) in &leaves {
        let (expected, _) = case.f32(&format!("grad_{role}")).unwrap();
        // Where nothing depends on it, PyTorch gives zeros.
        let Some(gradient) = gradients.get(leaf) else {
            if expected.iter().all(|&number| number == 0.0) {
                continue;
            }
            return Err(format!("`{role}` got no gradient"));
        };
        close(&gradient.to_vec().unwrap(), expected, 1e-4, 1e-5)
            .map_err(|error| format!("grad_{role}: {error}"))?;
    }
    Ok(())
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let (golden, mut cases) = (cases(), Cases::new());
    for context in contexts_for_numbers() {
        for case in &golden {
            let name = format!("{} ({:?})", case.name, context.mode());
            cases.check(name, against_pytorch(&context, case));
        }
    }
    cases.finish();
}

/// Each is written down as its steps and gives what it gave eagerly.
#[test]
fn all_can_be_captured() {
    let (context, mut checks) = (context(), Cases::new());
    for case in &cases() {
        let outcome = captured(&context, case);
        checks.check(&case.name, outcome);
    }
    checks.finish();
}

fn captured(context: &Context, case: &Case) -> Result<(), String> {
    let text = |error: TensorError| error.to_string();
    let eager: Vec<f32> = run::<Tensor>(case, &mut |role| tensor(context, case, role))
        .and_then(|y| y.to_vec())
        .map_err(text)?;
    let role = if case.has("scores") { "scores" } else { "x" };
    let x = tensor(context, case, role);
    let graph = capture(context, &[(role, x.shape(), DType::F32)], |inputs| {
        let y = run::<Tensor>(case, &mut |asked| {
            if asked == role { inputs[0].clone() } else { tensor(context, case, asked) }
        })?;
        Ok::<_, TensorError>(vec![("y".to_owned(), y)])
    })
    .map_err(|error| error.to_string())?;
    let compiled = Compiled::new(&graph, &Options::default()).map_err(|error| error.to_string())?;
    let outputs = compiled.run(&[&x]).map_err(|error| error.to_string())?;
    close(&outputs[0].to_vec().map_err(text)?, &eager, 1e-5, 2e-6)
}

/// What PyTorch was not asked about: backward rules as a whole, where the functions are smooth.
#[test]
fn gradients_match_finite_differences() {
    let (context, mut cases) = (context(), Cases::new());
    let input = |seed: u64, shape: &[usize], low: f32, high: f32| {
        (random(seed, shape.iter().product(), low, high), shape.to_vec())
    };
    let mut check = |name: &str, inputs: &[(Vec<f32>, Vec<usize>)], function: &Function| {
        cases.check(name, check_gradients(&context, inputs, GradientCheck::default(), function));
    };
    let x = input(1, &[2, 4, 3, 3], -1.0, 1.0);
    let [weight, bias] = [2, 3].map(|seed| input(seed, &[4], 0.5, 1.5));
    let affine = [x.clone(), weight.clone(), bias.clone()];
    check("group_norm", &affine, &|v| v[0].group_norm(2, Some(&v[1]), Some(&v[2]), 1e-2));
    check("instance_norm", &affine, &|v| v[0].instance_norm(Some(&v[1]), Some(&v[2]), 1e-2));
    let rows = [x.clone(), input(4, &[3], 0.5, 1.5), input(5, &[3], -1.0, 1.0)];
    check("layer_norm", &rows, &|v| Ok(v[0].layer_norm(3, Some(&v[1]), Some(&v[2]), 1e-2)?.y));
    check("layer_norm mean", &rows[..1], &|v| Ok(v[0].layer_norm(1, None, None, 1e-2)?.mean));
    check("batch_norm_biased", &affine, &|v| {
        let still = Var::constant(v[1].tensor().clone());
        Ok(v[0].batch_norm_biased([&v[1], &v[2], &still, &still], 1e-2, 0.9)?.y)
    });
    let only = std::slice::from_ref(&x);
    check("moments", only, &|v| Ok(v[0].moments(&[0, 2])?.1));
    check("standardize", only, &|v| Ok(v[0].standardize(&[1, 3], 1e-2)?.y));
    check("mean_variance_norm", only, &|v| v[0].mean_variance_norm(&[2, 3]));
    check("local_response_norm", only, &|v| {
        v[0].local_response_norm(&LocalResponseNorm { alpha: 0.5, ..LocalResponseNorm::new(3) })
    });
    check("lp_normalize", only, &|v| v[0].lp_normalize(2, 1));
    check("log_sum_exp", only, &|v| v[0].log_sum_exp(&[1, 2], true));
    check("l2_norm", only, &|v| v[0].l2_norm(&[3], false));
    check("sum_of_squares", only, &|v| v[0].sum_of_squares(&[], false));
    let positive = [input(6, &[3, 5], 0.5, 1.5)];
    check("l1_norm", &positive, &|v| v[0].l1_norm(&[1], false));
    check("log_sum", &positive, &|v| v[0].log_sum(&[0], true));
    check("cumsum", only, &|v| v[0].cumsum(&CumSum { axis: 1, exclusive: true, reverse: true }));
    check("repeat", only, &|v| v[0].repeat(&[1, 2, 1, 3]));
    check("depth_to_space", only, &|v| v[0].depth_to_space(2, DepthOrder::Dcr));
    check("space_to_depth", only, &|v| v[0].depth_to_space(2, DepthOrder::Crd)?.space_to_depth(3));
    let volume = [
        input(7, &[1, 2, 3, 4, 3], -1.0, 1.0),
        input(8, &[2, 1, 2, 2, 3], -1.0, 1.0),
        input(9, &[2], -1.0, 1.0),
    ];
    check("conv3d", &volume, &|v| {
        let padding = [(1, 0), (0, 2), (1, 1)];
        v[0].conv3d(&v[1], Some(&v[2]), &Conv3d { padding, groups: 2, ..Conv3d::default() })
    });
    let pooling =
        Pool3d { padding: [(1, 0), (0, 1), (1, 1)], count_include_pad: false, ..Pool3d::new([2; 3]) };
    check("avg_pool3d", &volume[..1], &move |v| v[0].avg_pool3d(&pooling));
    let windows = Pool2d { count_include_pad: false, ..Pool2d::new([2, 2]) };
    let border = [(1, 0), (0, 2)];
    check("avg_pool2d_bordered", only, &move |v| v[0].avg_pool2d_bordered(border, &windows));
    // Far enough apart that a step changes no winner.
    let apart = [((0..36).map(|at| ((at * 7) % 36) as f32 * 0.1).collect(), vec![1, 1, 3, 4, 3])];
    check("max_pool3d", &apart, &|v| v[0].max_pool3d(&Pool3d::new([2; 3])));
    check("nll_loss", &[input(10, &[3, 4], -1.0, 1.0)], &|v| {
        let context = v[0].tensor().context();
        let labels = Tensor::from_slice(context, &[2i32, 0, 3], &[3])?;
        let weights = Tensor::from_slice(context, &[0.5f32, 1.0, 2.0, 1.5], &[4])?;
        v[0].nll_loss(&labels, Some(&weights), Some(0), Reduction::Mean)
    });
    cases.finish();
}

type Function = dyn Fn(&[Var]) -> Result<Var, Error>;

/// Lines that are one sum, and longer ones, up to blocks of blocks.
#[test]
fn running_sums_of_long_lines() {
    let (context, mut cases) = (context(), Cases::new());
    for extent in [0, 1, 255, 256, 257, 2048, 2049, 5000, 70_001] {
        // Whole numbers, whose sums are exact.
        let values: Vec<f32> = (0..2 * extent).map(|at| ((at * 37) % 11) as f32 - 5.0).collect();
        let x = Tensor::from_slice(&context, &values, &[2, extent]).unwrap();
        for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
            let found = x.cumsum(&CumSum { axis: 1, exclusive, reverse }).unwrap().to_vec::<f32>().unwrap();
            let mut expected = vec![0.0; values.len()];
            for row in 0..2 {
                let mut sum = 0.0;
                for step in 0..extent {
                    let at = row * extent + if reverse { extent - 1 - step } else { step };
                    expected[at] = if exclusive { sum } else { sum + values[at] };
                    sum += values[at];
                }
            }
            cases.check(format!("{extent} {exclusive} {reverse}"), close(&found, &expected, 0.0, 0.0));
        }
    }
    cases.finish();
}

#[test]
fn places_of_extremes() {
    for context in contexts_for_numbers() {
        let values = [3.0f32, 1.0, 3.0, 1.0, 2.0, 2.0, 2.0, 0.0];
        let x = Tensor::from_slice(&context, &values, &[2, 4]).unwrap();
        let places = |y: Result<Tensor, TensorError>| y.unwrap().to_vec::<i32>().unwrap();
        assert_eq!(places(x.argmin(&[1], false)), [1, 3]);
        assert_eq!(places(x.argmax_last(1, false)), [2, 2]);
        assert_eq!(places(x.argmin_last(1, true)), [3, 3]);
        assert_eq!(places(x.argmin_last(0, true)), [1, 0, 1, 1]);
        let hard = x.hardmax(1).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(hard, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    }
}

/// Any axes, one alone included: here each is turned around or stays.
#[test]
fn any_axes_are_drawn_by_tables() {
    let context = context();
    let turned = |extent: usize| Some(TapTable::gather(&(0..extent).rev().collect::<Vec<_>>()));
    let shape = [2, 3, 2, 2];
    let values: Vec<f32> = (0..24).map(|at| at as f32).collect();
    let x = Tensor::from_slice(&context, &values, &shape).unwrap();
    for turn in [[true, false, false, true], [false, true, true, true], [true; 4], [false; 4]] {
        let tables: Vec<_> = turn.iter().zip(shape).map(|(&turn, n)| turned(n).filter(|_| turn)).collect();
        let found = x.resample_axes(&tables).unwrap().to_vec::<f32>().unwrap();
        let place = |at: usize, axis: usize, stride: usize| {
            let index = at / stride % shape[axis];
            if turn[axis] { (shape[axis] - 1 - index) * stride } else { index * stride }
        };
        let from = |at| place(at, 0, 12) + place(at, 1, 4) + place(at, 2, 2) + place(at, 3, 1);
        let expected: Vec<f32> = (0..24).map(|at| values[from(at)]).collect();
        assert_eq!(found, expected, "{turn:?}");
    }
    let line = x.reshape(&[24]).unwrap();
    let found = line.resample_axes(&[turned(24)]).unwrap().to_vec::<f32>().unwrap();
    assert!(found.iter().eq(values.iter().rev()));
    let short = line.resample_axes(&[]);
    assert!(matches!(short, Err(TensorError::Shape(ShapeError::Parameter { .. }))));
}

/// A score of −∞ is no NaN unless it is a label's, and a label that is no class counts for nothing.
#[test]
fn labels_choose_and_do_not_multiply() {
    let context = context();
    let scores = [-1.0, f32::NEG_INFINITY, -2.0, -0.5];
    let scores = Tensor::from_slice(&context, &scores, &[2, 2]).unwrap();
    let labels = Tensor::from_slice(&context, &[0i32, 7], &[2]).unwrap();
    let losses = scores.nll_loss(&labels, None, None, Reduction::None).unwrap();
    assert_eq!(losses.to_vec::<f32>().unwrap(), [1.0, 0.0]);
}

#[test]
fn operands_that_do_not_fit_are_typed_errors() {
    let context = context();
    let tensor = |shape: &[usize]| Tensor::ones(&context, shape).unwrap();
    let (x, five) = (tensor(&[2, 6, 3, 3]), tensor(&[1, 2, 3, 3, 3]));
    let shape = |outcome: Result<Tensor, TensorError>| match outcome {
        Err(TensorError::Shape(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was computed"),
    };
    let rank = |outcome| assert!(matches!(shape(outcome), ShapeError::Rank { .. }));
    let parameter = |outcome| assert!(matches!(shape(outcome), ShapeError::Parameter { .. }));
    let operand = |outcome| assert!(matches!(shape(outcome), ShapeError::Operand { .. }));
    let axis = |outcome| assert!(matches!(shape(outcome), ShapeError::Axis { .. }));
    axis(x.layer_norm(4, None, None, 0.0).map(|normed| normed.y));
    operand(x.layer_norm(3, Some(&tensor(&[4])), None, 0.0).map(|normed| normed.y));
    operand(tensor(&[1, 3]).layer_norm(1, Some(&tensor(&[2, 3])), None, 0.0).map(|normed| normed.y));
    parameter(x.group_norm(4, None, None, 0.0));
    parameter(x.group_norm(0, None, None, 0.0));
    operand(x.group_norm(3, Some(&tensor(&[3])), None, 0.0));
    rank(tensor(&[6]).group_norm(3, None, None, 0.0));
    rank(tensor(&[2, 6]).instance_norm(None, None, 0.0));
    operand(x.instance_norm(None, Some(&tensor(&[1])), 0.0));
    let (six, one) = (tensor(&[6]), tensor(&[1]));
    operand(x.batch_norm_biased([&six, &six, &six, &one], 0.0, 0.9).map(|normed| normed.y));
    operand(x.batch_norm_biased([&one, &six, &six, &six], 0.0, 0.9).map(|normed| normed.y));
    rank(tensor(&[6]).local_response_norm(&LocalResponseNorm::new(3)));
    parameter(x.local_response_norm(&LocalResponseNorm::new(0)));
    parameter(x.lp_normalize(3, 0));
    axis(x.lp_normalize(2, 4));
    axis(x.cumsum(&CumSum { axis: 4, ..CumSum::default() }));
    axis(x.argmax_last(4, false));
    axis(x.hardmax(4));
    rank(x.conv3d(&five, None, &Conv3d::default()));
    rank(five.conv3d(&x, None, &Conv3d::default()));
    let weight = tensor(&[2, 2, 3, 1, 1]);
    operand(five.conv3d(&weight, Some(&tensor(&[3])), &Conv3d::default()));
    parameter(five.conv3d(&weight, None, &Conv3d { stride: [0, 1, 1], ..Conv3d::default() }));
    parameter(five.conv3d(&weight, None, &Conv3d { dilation: [2, 1, 1], ..Conv3d::default() }));
    rank(x.max_pool3d(&Pool3d::new([2; 3])));
    rank(x.avg_pool3d(&Pool3d::new([2; 3])));
    parameter(five.max_pool3d(&Pool3d::new([0; 3])));
    assert!(five.max_pool3d(&Pool3d::new([4; 3])).is_err());
    parameter(x.depth_to_space(4, DepthOrder::Dcr));
    parameter(x.space_to_depth(2));
    parameter(x.space_to_depth(0));
    rank(five.space_to_depth(1));
    parameter(x.repeat(&[2, 2]));
    let labels = Tensor::from_slice(&context, &[0i32; 4], &[4]).unwrap();
    operand(tensor(&[3, 5]).nll_loss(&labels, None, None, Reduction::Sum));
    operand(tensor(&[4, 5]).nll_loss(&labels, Some(&tensor(&[4])), None, Reduction::Sum));
    rank(tensor(&[4]).nll_loss(&labels, None, None, Reduction::Sum));
    let floats = tensor(&[4, 5]).nll_loss(&tensor(&[4]), None, None, Reduction::Sum);
    assert!(matches!(floats, Err(TensorError::DType { .. })));
    assert!(matches!(labels.cumsum(&CumSum::default()), Err(TensorError::DType { .. })));
}

/// What takes no gradient, and parameters that no size holds.
#[test]
fn classes_and_sizes() {
    let context = context();
    let classes = Tensor::from_slice(&context, &[2i32, 0, -1, 3], &[2, 2]).unwrap();
    let hot = classes.one_hot(3).unwrap();
    assert_eq!(hot.shape(), [2, 2, 3]);
    let expected = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(hot.to_vec::<f32>().unwrap(), expected);
    assert_eq!(classes.flip(&[1]).unwrap().to_vec::<i32>().unwrap(), [0, 2, 3, -1]);
    assert_eq!(classes.roll(&[1], &[0]).unwrap().to_vec::<i32>().unwrap(), [-1, 3, 2, 0]);
    let x = Tensor::ones(&context, &[2, 6, 3, 3]).unwrap();
    assert_eq!(x.argsort(1, true).unwrap().to_vec::<i32>().unwrap()[..10], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let indices = Tensor::from_slice(&context, &[0i32; 108], &[2, 6, 3, 3]).unwrap();
    let line = Tensor::ones(&context, &[2, 4, 5]).unwrap();
    let most = usize::MAX;
    let wrong: Vec<(&str, Result<Tensor, TensorError>)> = vec![
        ("one_hot of numbers", x.one_hot(3)),
        ("one_hot", classes.one_hot(most)),
        ("stack of nothing", Tensor::stack(&[], 0)),
        ("stack axis", Tensor::stack(&[&x], 5)),
        ("stack shapes", Tensor::stack(&[&x, &line], 0)),
        ("unbind", x.unbind(4).map(|_| x.clone())),
        ("chunk of 0", x.chunk(0, 1).map(|_| x.clone())),
        ("flip twice", x.flip(&[1, 1])),
        ("flip axis", x.flip(&[4])),
        ("roll", x.roll(&[1], &[])),
        ("roll axis", x.roll(&[isize::MIN], &[4])),
        ("repeat_interleave", x.repeat_interleave(most, 1)),
        ("repeat_interleave axis", x.repeat_interleave(1, 4)),
        ("tile", x.tile(&[most, 2])),
        ("pixel_shuffle", x.pixel_shuffle(2)),
        ("channel_shuffle", x.channel_shuffle(4)),
        ("channel_shuffle by 0", x.channel_shuffle(0)),
        ("conv1d", x.conv1d(&line, None, &tilewright::tensor::composite::Conv1d::default())),
        ("max_pool1d", x.max_pool1d(&tilewright::tensor::composite::Pool1d::new(2))),
        ("max_pool1d of 0", line.max_pool1d(&tilewright::tensor::composite::Pool1d::new(0))),
        ("adaptive_max_pool2d", x.adaptive_max_pool2d([1 << 31, 1]).map(|(y, _)| y)),
        ("adaptive_max_pool2d to nothing", x.adaptive_max_pool2d([0, 1]).map(|(y, _)| y)),
        ("max_unpool2d", x.max_unpool2d(&indices, &Pool2d::new([2, 2]), Some([most, 2]))),
        ("max_unpool2d padding", {
            let pool = Pool2d { padding: [most, 0], ..Pool2d::new([2, 2]) };
            x.max_unpool2d(&indices, &pool, None)
        }),
        ("max_unpool2d indices", x.max_unpool2d(&classes, &Pool2d::new([2, 2]), None)),
        ("pad_mode", x.pad_mode(&[(0, 0); 3], tilewright::ops::BorderMode::Reflect)),
        ("pad_mode too far", x.pad_mode(&[(3, 0); 4], tilewright::ops::BorderMode::Reflect)),
        ("affine_grid", line.affine_grid(&[2, 3], false)),
        ("affine_grid size", line.affine_grid(&[most, 2], false)),
        ("embedding", line.embedding(&classes, None)),
        ("embedding padding", Tensor::ones(&context, &[3, 2]).unwrap().embedding(&classes, Some(3))),
        ("index_select", x.index_select(0, &classes)),
        ("norm", x.norm(f32::NAN, &[], false)),
        ("var", Tensor::ones(&context, &[0, 2]).unwrap().var(&[0], 1, false)),
        ("sort", x.sort(4, false).map(|(y, _)| y)),
    ];
    for (name, outcome) in wrong {
        let typed = matches!(outcome, Err(TensorError::Shape(_) | TensorError::DType { .. }));
        assert!(typed, "{name}: {:?}", outcome.map(|y| y.shape().to_vec()));
    }
    // One value has no unbiased variance.
    let one = Tensor::ones(&context, &[1, 2]).unwrap().var(&[0], 1, false).unwrap();
    assert!(one.to_vec::<f32>().unwrap().iter().all(|x| x.is_nan()));
}
