//! Losses that are composed of other operations: against PyTorch, by finite differences, captured, and at the ends.

use tilewright::{
    Context, DType, Tensor, Var,
    autograd::{Error, GradientCheck, check_gradients},
    graph::{Compiled, Options, capture},
    ops::{Reduction, ShapeError},
    tensor::{
        Error as TensorError,
        composite::{Operand, loss::*},
    },
};
use tilewright_reference::golden::{self, Case};

use crate::common::{Cases, close, context, contexts_for_numbers, random};

fn goldens() -> Vec<Case> {
    let cases = golden::family("losses").unwrap();
    assert!(cases.len() >= 148, "{} cases, at least 148 expected", cases.len());
    cases
}

fn reduction(case: &Case) -> Reduction {
    let name = &case.parameters["reduction"];
    Reduction::ALL.into_iter().find(|reduction| name == reduction.name()).unwrap_or_default()
}

/// What a case computes. `operand` gives leaves and constants by their names, those that are not there as nothing.
fn run<V: Operand>(
    case: &Case,
    context: &Context,
    operand: &mut dyn FnMut(&str) -> Option<V>,
) -> Result<V, V::Error> {
    let number = |name: &str| case.number(name).unwrap() as f32;
    let reduction = reduction(case);
    let mut given = |name: &str| operand(name).unwrap();
    let constant = |name: &str| {
        let (values, shape) = case.f32(name).unwrap();
        Tensor::from_slice(context, values, shape).unwrap()
    };
    match case.op.as_str() {
        "mse_loss" => mse_loss(&given("x"), &given("target"), reduction),
        "l1_loss" => l1_loss(&given("x"), &given("target"), reduction),
        "smooth_l1_loss" => smooth_l1_loss(&given("x"), &given("target"), number("beta"), reduction),
        "huber_loss" => huber_loss(&given("x"), &given("target"), number("delta"), reduction),
        "binary_cross_entropy" => {
            let weight = operand("weight");
            let (x, target) = (operand("x").unwrap(), operand("target").unwrap());
            binary_cross_entropy(&x, &target, weight.as_ref(), reduction)
        }
        "binary_cross_entropy_with_logits" => {
            let (weight, pos_weight) = (operand("weight"), operand("pos_weight"));
            let (x, target) = (operand("x").unwrap(), operand("target").unwrap());
            binary_cross_entropy_with_logits(&x, &target, weight.as_ref(), pos_weight.as_ref(), reduction)
        }
        "sigmoid_focal_loss" => {
            let alpha = case.number("alpha").ok().map(|alpha| alpha as f32);
            sigmoid_focal_loss(&given("x"), &given("target"), alpha, number("gamma"), reduction)
        }
        "softmax_focal_loss" => {
            let (labels, shape) = case.i32("labels").unwrap();
            let labels = Tensor::from_slice(context, labels, shape).unwrap();
            let alpha = case.has("alpha").then(|| constant("alpha"));
            let ignored = case.number("ignore_index").ok().map(|index| index as i64);
            softmax_focal_loss(&given("x"), &labels, alpha.as_ref(), number("gamma"), ignored, reduction)
        }
        "kl_div" => {
            let joined = match case.parameters["reduction"] == "batchmean" {
                true => KlReduction::BatchMean,
                false => KlReduction::Each(reduction),
            };
            kl_div(&given("x"), &given("target"), case.flag("log_target").unwrap(), joined)
        }
        "soft_cross_entropy" => {
            let weights = operand("weights");
            let (x, target) = (operand("x").unwrap(), operand("target").unwrap());
            soft_cross_entropy(&x, &target, weights.as_ref(), number("label_smoothing"), reduction)
        }
        "cosine_similarity" => {
            cosine_similarity(&given("x"), &given("other"), case.count("axis").unwrap(), 1e-8)
        }
        "cosine_embedding_loss" => {
            let target = constant("target");
            cosine_embedding_loss(&given("x"), &given("other"), &target, number("margin"), reduction)
        }
        "margin_ranking_loss" => {
            let (x, other, target) = (given("x"), given("other"), given("target"));
            margin_ranking_loss(&x, &other, &target, number("margin"), reduction)
        }
        "hinge_embedding_loss" => {
            hinge_embedding_loss(&given("x"), &given("target"), number("margin"), reduction)
        }
        "triplet_margin_loss" => {
            let swap = case.flag("swap").unwrap();
            let op = TripletMargin { margin: number("margin"), p: number("p"), swap, eps: 1e-6 };
            triplet_margin_loss(&given("x"), &given("near"), &given("far"), &op, reduction)
        }
        "info_nce_loss" => info_nce_loss(&given("x"), &given("other"), number("temperature"), reduction),
        "nt_xent_loss" => nt_xent_loss(&given("x"), &given("other"), number("temperature"), reduction),
        "dice_loss" => dice_loss(&given("x"), &given("target"), number("smooth"), reduction),
        "tversky_loss" => {
            let over_batch = case.flag("over_batch").unwrap();
            let (alpha, beta, smooth) = (number("alpha"), number("beta"), number("smooth"));
            let op = Tversky { alpha, beta, smooth, over_batch };
            tversky_loss(&given("x"), &given("target"), &op, reduction)
        }
        other => panic!("{}: no loss is called {other}", case.name),
    }
}

fn tensor(context: &Context, case: &Case, role: &str) -> Option<Tensor> {
    let (values, shape) = case.f32(role).ok()?;
    Some(Tensor::from_slice(context, values, shape).unwrap())
}

fn against_pytorch(context: &Context, case: &Case) -> Result<(), String> {
    let text = |error: Error| error.to_string();
    let mut leaves: Vec<(String, Var)> = vec![];
    let y = run(case, context, &mut |role| {
        let value = tensor(context, case, role)?;
        if !case.has(&format!("grad_{role}")) {
            return Some(Var::constant(value));
        }
        let leaf = Var::leaf(value);
        leaves.push((role.to_owned(), leaf.clone()));
        Some(leaf)
    })
    .map_err(text)?;
    let (expected, shape) = case.f32("y").unwrap();
    if y.shape() != shape {
        return Err(format!("shape {:?}, expected {shape:?}", y.shape()));
    }
    close(&y.tensor().to_vec().unwrap(), expected, 1e-5, 2e-6)
        .map_err(|error| format!("forward: {error}"))?;
    let gradients = y.backward_with(&tensor(context, case, "grad_y").unwrap()).map_err(text)?;
    for (role, leaf) in &leaves {
        let gradient = gradients.get(leaf).ok_or(format!("`{role}` got no gradient"))?;
        let (expected, _) = case.f32(&format!("grad_{role}")).unwrap();
        close(&gradient.to_vec().unwrap(), expected, 1e-4, 1e-5)
            .map_err(|error| format!("grad_{role}: {error}"))?;
    }
    Ok(())
}

#[test]
fn values_and_gradients_are_pytorchs() {
    let (golden, mut cases) = (goldens(), Cases::new());
    for context in contexts_for_numbers() {
        for case in &golden {
            let name = format!("{} {} ({:?})", case.name, case.parameters, context.mode());
            cases.check(name, against_pytorch(&context, case));
        }
    }
    cases.finish();
}

/// A captured loss gives what it gave eagerly: one case of each, with means.
#[test]
fn all_can_be_captured() {
    let (context, mut checks, mut seen) = (context(), Cases::new(), Vec::new());
    for case in goldens().iter().filter(|case| reduction(case) == Reduction::Mean) {
        if seen.contains(&case.op) {
            continue;
        }
        seen.push(case.op.clone());
        let text = |error: TensorError| error.to_string();
        let outcome = || {
            let eager =
                run::<Tensor>(case, &context, &mut |role| tensor(&context, case, role)).map_err(text)?;
            let x = tensor(&context, case, "x").unwrap();
            let graph = capture(&context, &[("x", x.shape(), DType::F32)], |inputs| {
                let y = run::<Tensor>(case, &context, &mut |role| match role {
                    "x" => Some(inputs[0].clone()),
                    other => tensor(&context, case, other),
                })?;
                Ok::<_, TensorError>(vec![("y".to_owned(), y)])
            })
            .map_err(|error| error.to_string())?;
            let compiled = Compiled::new(&graph, &Options::default()).map_err(|error| error.to_string())?;
            let outputs = compiled.run(&[&x]).map_err(|error| error.to_string())?;
            let expected: Vec<f32> = eager.to_vec().map_err(text)?;
            close(&outputs[0].to_vec().map_err(text)?, &expected, 1e-5, 2e-6)
        };
        checks.check(&case.name, outcome());
    }
    assert!(seen.len() >= 19, "{seen:?}");
    checks.finish();
}

const MEAN: Reduction = Reduction::Mean;

type Function = dyn Fn(&[Var]) -> Result<Var, Error>;

#[test]
fn gradients_match_finite_differences() {
    let (context, mut cases) = (context(), Cases::new());
    let input = |seed: u64, shape: &[usize], low: f32, high: f32| {
        (random(seed, shape.iter().product(), low, high), shape.to_vec())
    };
    let mut check = |name: &str, inputs: &[(Vec<f32>, Vec<usize>)], function: &Function| {
        cases.check(name, check_gradients(&context, inputs, GradientCheck::default(), function));
    };
    // Not within a step of a kink: |x − t| is 0.3 to 0.7, or 1.3 to 1.7.
    let (near, far) = (input(1, &[2, 3], 0.3, 0.7), input(2, &[2, 3], 1.3, 1.7));
    let zero = (vec![0.0; 6], vec![2, 3]);
    for (name, x) in [("below", &near), ("beyond", &far)] {
        let pair = [x.clone(), zero.clone()];
        check(&format!("smooth_l1 {name}"), &pair, &|v| smooth_l1_loss(&v[0], &v[1], 1.0, MEAN));
        check(&format!("huber {name}"), &pair, &|v| huber_loss(&v[0], &v[1], 1.0, MEAN));
        check(&format!("l1 {name}"), &pair, &|v| l1_loss(&v[0], &v[1], MEAN));
    }
    let logits = [input(3, &[2, 4], -2.0, 2.0), input(4, &[2, 4], 0.1, 0.9)];
    check("mse", &logits, &|v| mse_loss(&v[0], &v[1], MEAN));
    check("bce with logits", &logits, &|v| {
        binary_cross_entropy_with_logits(&v[0], &v[1], None, Some(&v[1]), MEAN)
    });
    check("focal 2", &logits, &|v| sigmoid_focal_loss(&v[0], &v[1], Some(0.25), 2.0, MEAN));
    check("focal 1.5", &logits, &|v| sigmoid_focal_loss(&v[0], &v[1], None, 1.5, MEAN));
    check("soft cross entropy", &logits, &|v| soft_cross_entropy(&v[0], &v[1], None, 0.1, MEAN));
    check("kl_div", &logits, &|v| kl_div(&v[0], &v[1], false, KlReduction::BatchMean));
    check("kl_div of logarithms", &logits, &|v| kl_div(&v[0], &v[1], true, KlReduction::BatchMean));
    let probabilities = [input(5, &[2, 4], 0.2, 0.8)];
    check("bce", &probabilities, &|v| {
        let target = v[0].values(&[0.0, 1.0, 0.5, 1.0, 0.0, 0.2, 1.0, 0.9], &[2, 4])?;
        binary_cross_entropy(&v[0], &target, None, MEAN)
    });
    check("softmax focal", &logits[..1], &|v| {
        let labels = Tensor::from_slice(v[0].tensor().context(), &[2i32, 0], &[2])?;
        softmax_focal_loss(&v[0], &labels, None, 1.5, None, MEAN)
    });
    let vectors = [input(6, &[3, 4], -1.0, 1.0), input(7, &[3, 4], -1.0, 1.0), input(8, &[3, 4], -1.0, 1.0)];
    check("cosine", &vectors[..2], &|v| cosine_similarity(&v[0], &v[1], 1, 1e-8));
    check("info_nce", &vectors[..2], &|v| info_nce_loss(&v[0], &v[1], 0.5, MEAN));
    check("nt_xent", &vectors[..2], &|v| nt_xent_loss(&v[0], &v[1], 0.5, MEAN));
    let op = TripletMargin { margin: 5.0, ..TripletMargin::default() };
    check("triplet", &vectors, &move |v| triplet_margin_loss(&v[0], &v[1], &v[2], &op, MEAN));
    let maps = [input(9, &[2, 2, 3], 0.1, 0.9), input(10, &[2, 2, 3], 0.1, 0.9)];
    check("dice", &maps, &|v| dice_loss(&v[0], &v[1], 1.0, MEAN));
    let op = Tversky { alpha: 0.3, beta: 0.7, over_batch: true, ..Tversky::default() };
    check("tversky", &maps, &move |v| tversky_loss(&v[0], &v[1], &op, MEAN));
    cases.finish();
}

#[test]
fn an_empty_batch_has_no_mean_and_a_sum_of_nothing() {
    let context = context();
    let empty = Tensor::zeros(&context, &[0, 3]).unwrap();
    let functions: [&dyn Fn(Reduction) -> Result<Tensor, TensorError>; 5] = [
        &|how| mse_loss(&empty, &empty, how),
        &|how| smooth_l1_loss(&empty, &empty, 1.0, how),
        &|how| binary_cross_entropy_with_logits(&empty, &empty, None, None, how),
        &|how| sigmoid_focal_loss(&empty, &empty, Some(0.25), 2.0, how),
        &|how| kl_div(&empty, &empty, false, KlReduction::Each(how)),
    ];
    for function in functions {
        assert!(function(Reduction::Mean).unwrap().item().unwrap().is_nan());
        assert_eq!(function(Reduction::Sum).unwrap().item().unwrap(), 0.0);
        assert_eq!(function(Reduction::None).unwrap().shape(), [0, 3]);
    }
}

/// A weight of 0 takes a finite loss out; a probability of 0 or 1 has a finite loss.
#[test]
fn weights_of_zero_and_probabilities_at_the_ends() {
    let context = context();
    let tensor = |values: &[f32]| Tensor::from_slice(&context, values, &[values.len()]).unwrap();
    let (x, target) = (tensor(&[100.0, -100.0, 0.0]), tensor(&[0.0, 1.0, 1.0]));
    let weight = tensor(&[0.0, 0.0, 2.0]);
    let loss = binary_cross_entropy_with_logits(&x, &target, Some(&weight), None, Reduction::Sum).unwrap();
    assert!((loss.item().unwrap() - 2.0 * 2f32.ln()).abs() < 1e-6);
    let p = tensor(&[0.0, 1.0, 1.0]);
    let found = binary_cross_entropy(&p, &target, None, Reduction::None).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(found, [0.0, 0.0, 0.0]);
    let wrong = tensor(&[1.0, 0.0, 0.0]);
    let found =
        binary_cross_entropy(&wrong, &target, None, Reduction::None).unwrap().to_vec::<f32>().unwrap();
    assert_eq!(found, [100.0, 100.0, 100.0]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let context = context();
    let tensor = |shape: &[usize]| Tensor::zeros(&context, shape).unwrap();
    let (a, b, mean) = (tensor(&[2, 3]), tensor(&[3]), Reduction::Mean);
    let refused: [Result<Tensor, TensorError>; 9] = [
        mse_loss(&a, &b, mean),
        l1_loss(&a, &b, mean),
        binary_cross_entropy(&a, &a, Some(&tensor(&[4, 2, 3])), mean),
        sigmoid_focal_loss(&a, &b, None, 2.0, mean),
        soft_cross_entropy(&a, &a, Some(&tensor(&[2])), 0.0, mean),
        cosine_embedding_loss(&a, &a, &b, 0.0, mean),
        triplet_margin_loss(&a, &a, &b, &TripletMargin::default(), mean),
        info_nce_loss(&a, &b, 1.0, mean),
        kl_div(&a, &b, false, KlReduction::BatchMean),
    ];
    for outcome in refused {
        let error = outcome.unwrap_err();
        assert!(matches!(error, TensorError::Shape(ShapeError::Operand { .. })), "{error}");
    }
    let parameters: [Result<Tensor, TensorError>; 7] = [
        smooth_l1_loss(&a, &a, -1.0, mean),
        huber_loss(&a, &a, 0.0, mean),
        sigmoid_focal_loss(&a, &a, None, f32::NAN, mean),
        soft_cross_entropy(&a, &a, None, 1.5, mean),
        cosine_embedding_loss(&a, &a, &tensor(&[2]), 2.0, mean),
        info_nce_loss(&a, &a, 0.0, mean),
        triplet_margin_loss(&a, &a, &a, &TripletMargin { p: 0.0, ..TripletMargin::default() }, mean),
    ];
    for outcome in parameters {
        let error = outcome.unwrap_err();
        assert!(matches!(error, TensorError::Shape(ShapeError::Parameter { .. })), "{error}");
    }
    let ranks: [Result<Tensor, TensorError>; 4] = [
        dice_loss(&a, &a, 1.0, mean),
        soft_cross_entropy(&b, &b, None, 0.0, mean),
        nt_xent_loss(&b, &b, 1.0, mean),
        softmax_focal_loss(&b, &b, None, 2.0, None, mean),
    ];
    for outcome in ranks {
        let error = outcome.unwrap_err();
        assert!(matches!(error, TensorError::Shape(ShapeError::Rank { .. })), "{error}");
    }
    assert!(cosine_similarity(&a, &a, 2, 1e-8).unwrap_err().to_string().contains("cosine_similarity"));
}
