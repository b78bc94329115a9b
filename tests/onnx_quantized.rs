//! Graphs of bytes written as ONNX and read again compute the same numbers. With `TILEWRIGHT_ONNX_EXPORTS=FOLDER` the files and
//! their answers are left there, for `tests/onnx/check_export.py` to run them in ONNX Runtime.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[allow(dead_code)]
#[path = "common/exported.rs"]
mod exported;

use common::{context, random};
use exported::{answers, keep};
use tilewright::{
    Context, Conv2dCall, DType, MatMulCall, Tensor,
    graph::{Compiled, Graph, Options, ValueId, capture, quantize::Calibration, quantize::Scheme},
    onnx::{Error, Import, Model, export},
    ops::{
        AdaptiveAvgPool2d, Conv2d, MatMul, Op, Pool2d, QConv2d, Quantized, Steps, UnaryOp,
        quantized::{Addend, Residual, average_multipliers},
    },
    tensor::Epilogue,
};

fn floats(context: &Context, seed: u64, shape: &[usize], size: f32) -> Tensor {
    let values = random(seed, shape.iter().product(), -size, size);
    Tensor::from_slice(context, &values, shape).unwrap()
}

/// Whole numbers from −`size` to `size`.
fn integers(seed: u64, count: usize, size: f32) -> Vec<i32> {
    random(seed, count, -size, size).iter().map(|number| number.round() as i32).collect()
}

/// Writes the graph as it is and as the passes leave it, reads both, and compares bits.
fn comes_back(name: &str, graph: &Graph, x: &Tensor) -> Model {
    let expected = answers(graph, &Options::default(), &[x]);
    let optimised = Compiled::new(graph, &Options::default()).unwrap();
    let mut models = vec![];
    for (form, graph) in [("captured", graph), ("optimised", optimised.graph())] {
        let bytes = export(graph, name).unwrap();
        let model = Model::from_bytes(&bytes).unwrap();
        let imported = Import::new(&model).graph(x.context()).unwrap();
        let found = answers(&imported.graph, &Options::default(), &[x]);
        let wanted = graph.outputs().iter().zip(&expected);
        for ((output, _), (found, expected)) in graph.outputs().iter().zip(found.iter().zip(&expected)) {
            let unequal = found.iter().zip(expected).filter(|(a, b)| a != b).count();
            assert_eq!(unequal, 0, "{form} `{output}`: {unequal} of {} differ", expected.len());
        }
        let outputs: Vec<_> =
            wanted.map(|((name, id), y)| (name.clone(), graph[*id].shape.clone(), y.clone())).collect();
        keep(&format!("{name}-{form}"), &bytes, &[("x", x)], &outputs);
        models.push(model);
    }
    models.swap_remove(1)
}

/// A graph in bytes by hand: x of f32, and each value as f32 again.
struct Bytes {
    graph: Graph,
    context: Context,
}

impl Bytes {
    fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.graph.constant(tensor)
    }

    fn numbers(&mut self, values: &[i32]) -> ValueId {
        let tensor = Tensor::from_slice(&self.context, values, &[values.len()]).unwrap();
        self.constant(tensor)
    }

    fn push(&mut self, name: &str, op: Quantized, inputs: &[ValueId]) -> ValueId {
        let y = self.graph.push(name, Op::Quantized(op), inputs).unwrap();
        let real = self.graph.push(format!("{name}/real"), Op::Cast(DType::F32), &[y]).unwrap();
        self.graph.output(name, real).unwrap();
        y
    }

    fn quantize(&mut self, name: &str, x: ValueId, dtype: DType, zero: i32) -> ValueId {
        let scale = self.constant(Tensor::from_slice(&self.context.clone(), &[0.02f32], &[]).unwrap());
        let zero = self.constant(Tensor::from_slice(&self.context.clone(), &[zero], &[]).unwrap());
        self.push(name, Quantized::Quantize { dtype, axis: None }, &[x, scale, zero])
    }
}

#[test]
fn every_operation_on_bytes_comes_back() {
    let context = context();
    let x = floats(&context, 1, &[2, 3, 8, 9], 2.0);
    let mut graph = Graph::new(&context);
    let input = graph.input("x", x.shape(), DType::F32);
    let mut b = Bytes { graph, context: context.clone() };
    let (signed, unsigned) =
        (b.quantize("signed", input, DType::I8, -7), b.quantize("unsigned", input, DType::U8, 117));
    let conv = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let weights: Vec<i8> = integers(2, 5 * 3 * 9, 127.0).iter().map(|&number| number as i8).collect();
    let weight = b.constant(Tensor::from_slice(&context, &weights, &[5, 3, 3, 3]).unwrap());
    let words: Vec<u8> = integers(3, 3 * 9, 127.0).iter().map(|&number| (number + 128) as u8).collect();
    let filters = b.constant(Tensor::from_slice(&context, &words, &[3, 1, 3, 3]).unwrap());
    let bias = b.numbers(&integers(4, 5, 9000.0));
    let by: Vec<f32> = random(5, 5, 0.001, 0.004);
    let multiplier = b.constant(Tensor::from_slice(&context, &by, &[5]).unwrap());
    let zeros = b.numbers(&[128, 120, 131]);
    let alike = b.numbers(&[127; 3]);
    let three = b.constant(Tensor::from_slice(&context, &by[..3], &[3]).unwrap());
    let steps = Steps::new(DType::I8, -12);
    let convolution =
        |op: QConv2d, weight_zero, bias, residual| Quantized::Conv2d { op, weight_zero, bias, residual };
    let plain = QConv2d { conv, x_zero: -7, y: Some(steps) };
    let clamped = QConv2d { y: Some(Steps { high: 60, ..steps.relu() }), ..plain };
    let y = b.push("conv", convolution(plain, false, true, None), &[signed, weight, bias, multiplier]);
    let r = b.push("relu", convolution(clamped, false, false, None), &[signed, weight, multiplier]);
    let sums = QConv2d { y: None, ..plain };
    b.push("sums", convolution(sums, false, true, None), &[signed, weight, bias]);
    let depthwise = QConv2d {
        conv: Conv2d { groups: 3, stride: [2, 1], ..conv },
        x_zero: 117,
        y: Some(Steps::new(DType::U8, 30)),
    };
    b.push("depthwise", convolution(depthwise, true, false, None), &[unsigned, filters, zeros, three]);
    b.push(
        "depthwise sums",
        convolution(QConv2d { y: None, ..depthwise }, true, false, None),
        &[unsigned, filters, alike],
    );
    let residual = Some(Residual { zero_point: -12, multiplier: 0.7 });
    b.push("residual", convolution(clamped, false, true, residual), &[signed, weight, bias, multiplier, y]);
    let addends = [Addend { zero_point: -12, multiplier: 0.8 }, Addend { zero_point: -12, multiplier: 1.3 }];
    b.push("add", Quantized::Add { addends, y: steps }, &[y, r]);
    b.push("add relu", Quantized::Add { addends, y: steps.relu() }, &[y, r]);
    let pools = [
        ("mean", Pool2d::new([2, 3])),
        ("mean padded", Pool2d { padding: [1, 1], stride: [2, 2], ..Pool2d::new([3, 3]) }),
        ("mean inside", Pool2d { padding: [1, 1], count_include_pad: false, ..Pool2d::new([3, 3]) }),
    ];
    for (name, pool) in pools {
        let table = average_multipliers(&pool, 1.7);
        let table = b.constant(Tensor::from_slice(&context, &table, &[table.len()]).unwrap());
        b.push(name, Quantized::AvgPool2d { pool, x_zero: -7, y: steps }, &[signed, table]);
    }
    for (name, pool) in [("max", Pool2d::new([2, 2])), ("max padded", pools[1].1)] {
        b.push(name, Quantized::MaxPool2d(pool), &[unsigned]);
    }
    let two = Quantized::Mul { zeros: [-12, -7], multiplier: 0.02, y: steps.relu() };
    b.push("mul", two, &[r, y]);
    for (name, from, dtype) in [("table", signed, DType::I8), ("table of u8", unsigned, DType::I8)] {
        let entries: Vec<i8> = integers(7, 256, 127.0).iter().map(|&number| number as i8).collect();
        let table = b.constant(Tensor::from_slice(&context, &entries, &[256]).unwrap());
        b.push(name, Quantized::Lookup { dtype }, &[from, table]);
    }
    let places = b.numbers(&[0, 0, 1, 7, 3]);
    b.push("nearest", Quantized::Gather { axis: 2 }, &[signed, places]);
    let model = comes_back("bytes", &b.graph, &x);
    let of = |operator: &str| model.nodes().iter().filter(|node| node.op_type == operator).count();
    assert_eq!((of("QLinearConv"), of("ConvInteger"), of("MaxPool"), of("AveragePool")), (3, 2, 2, 3));
    same_operations(&model, &b.graph);
}

/// Read again, a model has the operations of the graph that it was written from.
fn same_operations(model: &Model, graph: &Graph) {
    let imported = Import::new(model).graph(graph.context()).unwrap();
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    let count = |graph: &Graph, op: &str| graph.nodes().iter().filter(|node| node.op.name() == op).count();
    for op in [
        "qconv2d",
        "qadd",
        "qmul",
        "qmax_pool2d",
        "qavg_pool2d",
        "quantize",
        "dequantize",
        "conv2d",
        "matmul",
    ] {
        assert_eq!(count(compiled.graph(), op), count(graph, op), "{op}");
    }
    for op in ["maximum", "minimum", "clamp", "avg_pool2d"] {
        assert_eq!(count(compiled.graph(), op), 0, "{op}");
    }
}

/// What has no form in ONNX is an error that names the node.
#[test]
fn what_cannot_be_written_is_refused() {
    let context = context();
    let pool = Pool2d::new([2, 2]);
    let table = average_multipliers(&pool, 0.5);
    let means = Quantized::AvgPool2d { pool, x_zero: 0, y: Steps::new(DType::I8, 0) };
    let mut other = table.clone();
    other[2] *= 1.5;
    for (zero, table, part) in
        [(0, other, "are not those of a mean"), (128, table, "a zero point that is no number of its type")]
    {
        let mut graph = Graph::new(&context);
        let x = graph.input("x", &[1, 2, 4, 4], DType::F32);
        let [scale, zero] = [
            Tensor::from_slice(&context, &[0.1f32], &[]).unwrap(),
            Tensor::from_slice(&context, &[zero], &[]).unwrap(),
        ]
        .map(|tensor| graph.constant(tensor));
        let table = graph.constant(Tensor::from_slice(&context, &table, &[5]).unwrap());
        let quantize = Op::Quantized(Quantized::Quantize { dtype: DType::I8, axis: None });
        let x = graph.push("first", quantize, &[x, scale, zero]).unwrap();
        let y = graph.push("mean", Op::Quantized(means.clone()), &[x, table]).unwrap();
        graph.output("y", y).unwrap();
        let error = export(&graph, "refused").unwrap_err();
        assert!(matches!(error, Error::Export { .. }) && error.to_string().contains(part), "{error}");
    }
}

/// A network after its conversion: convolutions, a residual, poolings, a linear layer.
#[test]
fn a_converted_network_comes_back() {
    let context = context();
    let input = [2, 3, 16, 16];
    let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let first = (floats(&context, 1, &[8, 3, 3, 3], 0.4), floats(&context, 2, &[8], 0.2));
    let second = floats(&context, 3, &[8, 8, 3, 3], 0.2);
    let linear = (floats(&context, 7, &[10, 8], 0.5), floats(&context, 8, &[10], 0.3));
    let graph = capture(&context, &[("x", &input, DType::F32)], |inputs| {
        let conv = |x: &Tensor, w: &Tensor, bias: Option<&Tensor>, relu: Option<UnaryOp>| {
            let epilogue = Epilogue { bias, residual: None, activation: relu };
            x.conv2d_with(w, &Conv2dCall::new(same).with_epilogue(epilogue))
        };
        let x = conv(&inputs[0], &first.0, Some(&first.1), Some(UnaryOp::Relu))?;
        let x = x.max_pool2d_values(&Pool2d::new([2, 2]))?;
        let y = conv(&x, &second, None, None)?.add(&x)?.relu()?;
        let y = y.adaptive_avg_pool2d(AdaptiveAvgPool2d { output: [1, 1] })?.reshape(&[2, 8])?;
        let op = MatMul { transpose_right: true, ..MatMul::default() };
        let epilogue = Epilogue { bias: Some(&linear.1), ..Epilogue::default() };
        let y = y.matmul_with(&linear.0, &MatMulCall::new(op).with_epilogue(epilogue))?;
        Ok::<_, tilewright::tensor::Error>(vec![("logits".to_owned(), y)])
    })
    .unwrap();
    let mut calibration = Calibration::new(&graph, Scheme::default()).unwrap();
    for seed in 0..4 {
        calibration.observe(&[&floats(&context, 100 + seed, &input, 1.0)]).unwrap();
    }
    let (graph, _) = calibration.convert().unwrap();
    let model = comes_back("converted", &graph, &floats(&context, 200, &input, 1.0));
    same_operations(&model, &graph);
}
