//! Functions of one's own: the example's, which is another crate's, on every road.

use tilewright::{
    DType, Function, Layout, Tensor, Var,
    autograd::{Error, check},
    graph::{Compiled, Options, capture},
    onnx,
    ops::{
        Op, ShapeError,
        op::{Accepts, Gives, Input, Output, Preference},
    },
    shaders::Specialisation,
    tensor::{
        self,
        function::{Backward, Host, Kernel, Params, Saves},
    },
};

use super::{common::own_contexts, context, leaf, own_context, sum};

#[allow(dead_code)]
#[path = "../../examples/custom_op.rs"]
mod custom_op;

use custom_op::{ScaledMish, ScaledMishBackward};

fn shapes(draw: &mut check::Draw) -> Vec<Vec<usize>> {
    let x: Vec<usize> = (0..[2, 4][draw.below(2)]).map(|_| draw.below(9)).collect();
    vec![x.clone(), vec![x[1]]]
}

#[test]
fn the_examples_kernels_agree_with_their_reference() {
    let (mish, options) = (ScaledMish { factor: 1.5 }.op(), check::Options::default());
    for context in own_contexts() {
        check::forward(&context, &mish, &options, shapes).unwrap();
        check::gradients(&context, &mish, &options, shapes).unwrap();
        let backward = ScaledMishBackward { factor: 1.5 }.op();
        let three = |draw: &mut check::Draw| {
            let mut all = shapes(draw);
            all.push(all[0].clone());
            all
        };
        check::forward(&context, &backward, &options, three).unwrap();
        // Beyond one row of the grid, and large numbers, for which exp overflows.
        let wide = check::Options { cases: 1, range: (-120.0, 120.0), ..options };
        check::forward(&context, &mish, &wide, |_| vec![vec![3, 1 << 21], vec![1 << 21]]).unwrap();
        let result = check::gradients(&context, &backward, &options, three);
        assert!(matches!(result, Err(Error::NoGradient { op: "scaled_mish_backward" })));
    }
}

/// A function that is wrong in one of several ways.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    Forward,
    Gradient,
    ParamsName,
    ParamsType,
    ParamsMissing,
    Bindings,
    Text,
    Constant,
    NoBackward,
    Unsaved,
    Shapes,
    Many,
}

impl Function for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn operands(&self) -> Vec<Input> {
        let x = Input::f32("x").lies(Preference::Alike);
        if *self == Self::Bindings { vec![x, Input::f32("more")] } else { vec![x] }
    }

    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        let count = if *self == Self::Shapes { 2 } else { 1 };
        Ok(vec![operands[0].to_vec(); count])
    }

    fn kernel(&self, operands: &[&[usize]], _: &[Vec<usize>]) -> tensor::Result<Kernel> {
        let text = "const WIDE: u32 = 1u; // @const words
struct Params { count: u32, factor: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.count) { y[id.x] = x[id.x] * params.factor; }
}";
        let text = if *self == Self::Text { "fn main() { nonsense; }" } else { text };
        let source = Specialisation::of_text("broken", text);
        let source = if *self == Self::Constant { source.with_u32("NARROW", 2) } else { source };
        let count = operands[0].iter().product::<usize>() as u32;
        let params = match self {
            Self::ParamsName => Params::new().u32("number", count).f32("factor", 2.0),
            Self::ParamsType => Params::new().u32("count", count).u32("factor", 2),
            Self::ParamsMissing => Params::new().u32("count", count),
            Self::Forward => Params::new().u32("count", count).f32("factor", 2.001),
            _ => Params::new().u32("count", count).f32("factor", 2.0),
        };
        let groups = if *self == Self::Many { u64::MAX } else { u64::from(count.div_ceil(32)) };
        Ok(Kernel { source, params, groups })
    }

    fn reference(&self, operands: &[Host<'_>]) -> Vec<Vec<f64>> {
        vec![operands[0].values.iter().map(|x| 2.0 * x).collect()]
    }

    fn saves(&self) -> Option<Saves> {
        Some(Saves::nothing())
    }

    fn backward(&self, back: &Backward<'_>) -> tensor::Result<Vec<Option<Tensor>>> {
        match self {
            Self::NoBackward => Ok(vec![]),
            Self::Unsaved => Ok(vec![Some(back.operand(0)?.clone())]),
            Self::Gradient => Ok(vec![Some(back.gradient()?.scale(2.01)?)]),
            _ => Ok(vec![Some(back.gradient()?.scale(2.0)?)]),
        }
    }
}

#[test]
fn what_does_not_hold_together_is_a_typed_error() {
    let (context, options) = (context(), check::Options { cases: 2, ..check::Options::default() });
    let shape = |_: &mut check::Draw| vec![vec![2, 3, 4, 5]];
    let forward = |broken: Broken| check::forward(&context, &broken.op(), &options, shape);
    let gradients = |broken: Broken| check::gradients(&context, &broken.op(), &options, shape);
    assert!(forward(Broken::Gradient).is_ok() && gradients(Broken::Forward).is_ok());
    for (broken, words) in [
        (Broken::Forward, "draw 0 of shapes [[2, 3, 4, 5]]: result 0, element 0 is"),
        (Broken::ParamsName, "count: u32 at 0, factor: f32 at 4, and its `Params` has number: u32 at 0"),
        (Broken::ParamsType, "factor: u32 at 4"),
        (Broken::ParamsMissing, "its `Params` has count: u32 at 0"),
        (Broken::Text, "nonsense"),
        (Broken::Constant, "no `@const NARROW`; it has: WIDE"),
        (Broken::Shapes, "one shape for each of its `results`"),
        (Broken::Many, "the number of workgroups"),
    ] {
        let error = forward(broken).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("broken"), "{broken:?}: {error}");
    }
    for (broken, words) in [
        (Broken::Gradient, "the gradient of operand 0"),
        (Broken::NoBackward, "the rule gave 0 gradients for 1 inputs"),
        (Broken::Unsaved, "name it in `Function::saves`"),
    ] {
        let error = gradients(broken).unwrap_err().to_string();
        assert!(error.contains(words), "{broken:?}: {error}");
    }
    let x = leaf(&[1.0], &[1]);
    let error = Var::run(&Broken::Bindings.op(), &[&x, &x]).unwrap_err().to_string();
    assert!(error.contains("`y` of its kernel, buffer 1, must be an operand"), "{error}");
    let error = Var::run(&Broken::Forward.op(), &[]).unwrap_err().to_string();
    assert!(error.contains("broken"), "{error}");
    let whole = Tensor::from_slice(&context, &[1i32], &[1]).unwrap();
    let error = Tensor::run(&Broken::Forward.op(), &[&whole]).unwrap_err();
    assert!(matches!(error, tensor::Error::DType { op: "broken", operand: "x", .. }), "{error}");
    let mish = ScaledMish { factor: 1.0 }.op();
    let error = Tensor::run(&mish, &[x.tensor(), x.tensor()]).unwrap_err();
    assert!(matches!(error, tensor::Error::Shape(ShapeError::Rank { op: "scaled_mish", .. })), "{error}");
}

#[test]
fn it_goes_through_layers_checkpoints_capture_and_a_plan() {
    let context = own_context();
    let mish = ScaledMish { factor: 0.5 }.op();
    let numbers: Vec<f32> = (0..2 * 3 * 5 * 4).map(|i| ((i * 13 + 5) % 23) as f32 / 6.0 - 1.8).collect();
    let x = Tensor::from_slice(&context, &numbers, &[2, 3, 5, 4]).unwrap();
    let scale = Tensor::from_slice(&context, &[0.5f32, -1.0, 2.0], &[3]).unwrap();
    // The gradient is the same checkpointed, and nothing but the operands is saved without.
    let run = |checkpointed: bool| {
        let (x, scale) = (Var::leaf(x.clone()), Var::leaf(scale.clone()));
        let inner = mish.clone();
        let part = move |inputs: &[Var]| -> Result<Vec<Var>, Error> {
            Ok(vec![Var::run_one(&inner, &[&inputs[0], &inputs[1]])?])
        };
        let y = if checkpointed {
            tilewright::autograd::checkpoint(&[&x, &scale], part).unwrap()
        } else {
            part(&[x.clone(), scale.clone()]).unwrap()
        };
        let loss = sum(&y[0].mul(&y[0]).unwrap());
        let node = loss.tape().unwrap().nodes[2].clone();
        assert_eq!((node.op, node.held), (if checkpointed { "checkpoint" } else { "scaled_mish" }, 480 + 12));
        let gradients = loss.backward().unwrap();
        [&x, &scale].map(|leaf| gradients.get(leaf).unwrap().to_vec::<f32>().unwrap())
    };
    assert_eq!(run(true), run(false));

    // Twice the same is one node; another factor is another operation.
    assert_eq!(mish, ScaledMish { factor: 0.5 }.op());
    assert_ne!(mish, ScaledMish { factor: 0.25 }.op());
    assert_ne!(mish, ScaledMishBackward { factor: 0.5 }.op());
    let twice = |x: &Tensor| -> tensor::Result<Tensor> {
        let other = ScaledMish { factor: 0.25 }.op();
        let once = Tensor::run_one(&mish, &[x, &scale])?.add(&Tensor::run_one(&mish, &[x, &scale])?)?;
        once.add(&Tensor::run_one(&other, &[x, &scale])?)?.relu()
    };
    let port: &[(&str, &[usize], DType)] = &[("x", &[2, 3, 5, 4], DType::F32)];
    let graph =
        capture(&context, port, |inputs| Ok::<_, tensor::Error>(vec![("y".to_owned(), twice(&inputs[0])?)]))
            .unwrap();
    let named = |graph: &tilewright::graph::Graph| {
        graph.nodes().iter().filter(|node| node.op.name() == "scaled_mish").count()
    };
    assert_eq!(named(&graph), 3);
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    assert_eq!(named(compiled.graph()), 2);
    let mut session = compiled.session().unwrap();
    let eager = twice(&x.to_layout(Layout::ChannelsLast).unwrap()).unwrap().to_vec::<f32>().unwrap();
    for _ in 0..2 {
        session.write(0, &numbers).unwrap();
        session.execute().unwrap();
        assert_eq!(session.read::<f32>(0).unwrap(), eager);
    }
    assert_eq!(graph.summary().unwrap().nodes[0].flops, 12 * 120);
    // ONNX has no operator for it, and says so.
    let error = onnx::export(&graph, "network").unwrap_err();
    assert!(matches!(error, onnx::Error::Export { .. }), "{error}");
    assert!(error.to_string().contains("scaled_mish"), "{error}");
}

/// Results of another type and number than the operands.
#[derive(Debug)]
struct Signs;

impl Function for Signs {
    fn name(&self) -> &'static str {
        "signs"
    }

    fn operands(&self) -> Vec<Input> {
        vec![Input::f32("x"), Input::f32("threshold").accepts(Accepts::Only(DType::I32))]
    }

    fn results(&self) -> Vec<Output> {
        vec![Output { name: "signs", gives: Gives::As(1) }, Output::f32("doubled")]
    }

    fn shapes(&self, operands: &[&[usize]]) -> Result<Vec<Vec<usize>>, ShapeError> {
        Ok(vec![operands[0].to_vec(); 2])
    }

    fn kernel(&self, operands: &[&[usize]], _: &[Vec<usize>]) -> tensor::Result<Kernel> {
        let text = "@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> threshold: array<i32>;
@group(0) @binding(2) var<storage, read_write> signs: array<i32>;
@group(0) @binding(3) var<storage, read_write> doubled: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    signs[group.x] = select(-1, 1, x[group.x] >= f32(threshold[0]));
    doubled[group.x] = x[group.x] * 2.0;
}";
        let groups = operands[0].iter().product::<usize>() as u64;
        Ok(Kernel { source: Specialisation::of_text("signs", text), params: Params::new(), groups })
    }

    fn reference(&self, operands: &[Host<'_>]) -> Vec<Vec<f64>> {
        let (x, threshold) = (operands[0].values, operands[1].values[0]);
        let signs = x.iter().map(|&x| if x >= threshold { 1.0 } else { -1.0 });
        vec![signs.collect(), x.iter().map(|x| 2.0 * x).collect()]
    }

    fn saves(&self) -> Option<Saves> {
        Some(Saves::nothing().and_results([1]))
    }

    fn backward(&self, back: &Backward<'_>) -> tensor::Result<Vec<Option<Tensor>>> {
        // The result stands in for the operand: only its shape is read.
        assert_eq!(back.result(1)?.shape(), back.shapes[0]);
        Ok(vec![back.gradients[1].as_ref().map(|gradient| gradient.scale(2.0)).transpose()?, None])
    }

    fn bytes(&self, operands: &[&[usize]], _: &[Vec<usize>]) -> Option<u64> {
        Some(12 * operands[0].iter().product::<usize>() as u64)
    }
}

#[test]
fn several_results_of_several_types() {
    let (context, options) = (context(), check::Options::default());
    let shapes = |draw: &mut check::Draw| vec![vec![draw.below(7), 3], vec![1]];
    check::forward(&context, &Signs.op(), &options, shapes).unwrap();
    check::gradients(&context, &Signs.op(), &options, shapes).unwrap();
    let op: Op = Signs.op();
    let shapes: [&[usize]; 2] = [&[5], &[1]];
    assert_eq!(op.facts().bytes(&[(shapes[0], DType::F32), (shapes[1], DType::I32)]).unwrap(), 60);
    let threshold = Var::constant(Tensor::from_slice(&context, &[1i32], &[1]).unwrap());
    let x = Var::leaf(Tensor::from_slice(&context, &[0.5f32, 1.0], &[2]).unwrap());
    let results = Var::run(&op, &[&x, &threshold]).unwrap();
    assert_eq!(results[0].tensor().to_vec::<i32>().unwrap(), [-1, 1]);
    assert!(!results[0].needs_gradient() && results[1].needs_gradient());
}
