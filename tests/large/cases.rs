//! Operations on tensors of some 10 KB to 50 KB.

use tilewright::{
    DType,
    ops::{
        AdaptiveAvgPool2d, Attention, BatchNorm, BinaryOp, Conv2d, ConvTranspose2d, CrossEntropy, CumSum,
        Dropout, FakeQuantize, Gradient, LogSoftmax, MatMul, Moments, Nms, Op, Pool2d, PoolKind, Pooling,
        ReduceOp, Reduction, RoiAlign, RoiPool, ScatterReduction, SliceRange, Softmax, TopK, UnaryOp,
    },
};

/// How the results in slices compare with those of the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Same {
    /// Bit for bit.
    Bits,
    /// Sums of so many terms, perhaps in another order or by another kernel.
    Sums(usize),
    /// It cannot run in slices: a typed error.
    Refused,
}

/// An operation and the shapes of its operands. Operands whose type the facts say is i32 hold small indices.
pub struct Case {
    pub op: Op,
    pub shapes: Vec<Vec<usize>>,
    pub same: Same,
}

fn case(op: Op, shapes: &[&[usize]], same: Same) -> Case {
    Case { op, shapes: shapes.iter().map(|shape| shape.to_vec()).collect(), same }
}

const IMAGE: &[usize] = &[2, 6, 22, 25];

fn conv(op: Conv2d, shapes: &[&[usize]], bias: bool, residual: bool, pool: Option<Pooling>) -> Case {
    let activation = bias.then_some(UnaryOp::Relu);
    let terms = shapes[1][1..].iter().product();
    case(Op::Conv2d { op, bias, residual, activation, pool }, shapes, Same::Sums(terms))
}

pub fn convolutions() -> Vec<Case> {
    let plain = Conv2d::default();
    let same = Conv2d { padding: [1, 1], ..plain };
    let strided = Conv2d { stride: [2, 3], padding: [2, 1], ..plain };
    let dilated = Conv2d { padding: [3, 0], dilation: [3, 2], ..plain };
    let wide = Conv2d { padding: [5, 4], ..plain };
    let grouped = Conv2d { padding: [1, 1], groups: 2, ..plain };
    let depthwise = Conv2d { stride: [2, 1], padding: [1, 1], groups: 6, ..plain };
    let max = Some(Pooling { kind: PoolKind::Max, pool: Pool2d::new([2, 2]) });
    let overlapping = Pool2d { stride: [2, 2], padding: [1, 1], ..Pool2d::new([3, 3]) };
    let average = Some(Pooling { kind: PoolKind::Average, pool: overlapping });
    let one: &[usize] = &[1, 6, 41, 33];
    let y: &[usize] = &[2, 8, 22, 25];
    let by_input = |op, x_shape| Op::Gradient(Gradient::Conv2dInput { op, x_shape });
    let by_weight = |op, weight_shape| Op::Gradient(Gradient::Conv2dWeight { op, weight_shape });
    let back = |op| Op::ConvTranspose2d(op);
    let transposed =
        ConvTranspose2d { stride: [2, 3], padding: [1, 2], output_padding: [1, 0], ..Default::default() };
    let close = ConvTranspose2d { padding: [2, 1], dilation: [2, 1], ..Default::default() };
    let apart = ConvTranspose2d { stride: [3, 2], groups: 2, ..Default::default() };
    vec![
        conv(plain, &[IMAGE, &[8, 6, 3, 3]], false, false, None),
        conv(same, &[IMAGE, &[8, 6, 3, 3], &[8], y], true, true, None),
        conv(same, &[&[1, 6, 22, 25], &[8, 6, 3, 3], &[8], &[1, 8, 22, 25]], true, true, None),
        conv(strided, &[one, &[8, 6, 4, 3], &[8]], true, false, None),
        conv(Conv2d { stride: [4, 4], ..plain }, &[one, &[8, 6, 3, 2]], false, false, None),
        conv(dilated, &[one, &[5, 6, 3, 3]], false, false, None),
        conv(wide, &[one, &[5, 6, 3, 2], &[5]], true, false, None),
        conv(grouped, &[one, &[8, 3, 3, 3], &[8]], true, false, None),
        conv(depthwise, &[one, &[6, 1, 3, 3], &[6]], true, false, None),
        conv(plain, &[one, &[16, 6, 1, 1], &[16]], true, false, None),
        conv(same, &[IMAGE, &[8, 6, 3, 3], &[8]], true, false, max),
        conv(same, &[one, &[8, 6, 3, 3], &[8]], true, false, average),
        // A weight beyond the binding.
        conv(same, &[&[1, 32, 5, 5], &[40, 32, 3, 3], &[40]], true, false, None),
        conv(grouped, &[&[1, 32, 5, 5], &[64, 16, 3, 3]], false, false, None),
        case(back(transposed), &[one, &[6, 5, 3, 4]], Same::Sums(36)),
        case(back(close), &[one, &[6, 5, 3, 2]], Same::Sums(36)),
        case(back(apart), &[&[1, 6, 19, 17], &[6, 4, 2, 3]], Same::Sums(18)),
        case(by_input(strided, [1, 6, 41, 33]), &[&[1, 8, 21, 11], &[8, 6, 4, 3]], Same::Sums(64)),
        case(by_input(same, [2, 6, 22, 25]), &[y, &[8, 6, 3, 3]], Same::Sums(72)),
        case(by_weight(same, [8, 6, 3, 3]), &[y, IMAGE], Same::Sums(1100)),
        case(by_weight(strided, [8, 6, 4, 3]), &[&[1, 8, 21, 11], one], Same::Sums(231)),
        case(Op::Gradient(Gradient::Conv2dBias), &[y], Same::Sums(1100)),
        case(Op::Im2col { op: same, kernel: [3, 2] }, &[&[2, 6, 10, 9]], Same::Bits),
        case(
            Op::Gradient(Gradient::Im2col { op: same, kernel: [3, 2], x_shape: [2, 6, 10, 9] }),
            &[&[2, 36, 100]],
            Same::Bits,
        ),
    ]
}

pub fn products() -> Vec<Case> {
    let product = |op, bias, residual, activation| Op::MatMul { op, bias, residual, activation };
    let relu = Some(UnaryOp::Relu);
    let linear = MatMul { transpose_right: true, ..MatMul::default() };
    let left = MatMul { transpose_left: true, ..MatMul::default() };
    let attention = |causal, mask| Op::Attention { op: Attention { scale: 0.4, causal }, mask };
    let (q, k): (&[usize], &[usize]) = (&[2, 4, 90, 16], &[2, 4, 60, 16]);
    vec![
        case(product(linear, true, false, relu), &[&[2, 150], &[70, 150], &[70]], Same::Sums(150)),
        case(attention(false, true), &[q, k, k, &[2, 1, 90, 60]], Same::Sums(60)),
        case(attention(true, false), &[k, k, k], Same::Sums(60)),
        case(product(MatMul::default(), true, false, None), &[&[2, 150], &[150, 70], &[70]], Same::Sums(150)),
        case(
            product(MatMul::default(), true, true, relu),
            &[&[70, 60], &[60, 80], &[80], &[70, 80]],
            Same::Sums(60),
        ),
        case(product(left, false, false, None), &[&[60, 70], &[60, 80]], Same::Sums(60)),
        case(
            product(MatMul::default(), false, false, None),
            &[&[3, 4, 20, 30], &[4, 30, 10]],
            Same::Sums(30),
        ),
        case(product(linear, false, false, None), &[&[5, 40, 20], &[30, 20]], Same::Sums(20)),
        // Only what is summed over is long.
        case(product(linear, true, false, relu), &[&[1, 3000], &[2, 3000], &[2]], Same::Sums(3000)),
    ]
}

pub fn windows() -> Vec<Case> {
    let pool = Pool2d { stride: [2, 3], padding: [1, 1], ..Pool2d::new([3, 2]) };
    let ceil = Pool2d { ceil_mode: true, count_include_pad: false, ..pool };
    let close = Pool2d { stride: [1, 1], padding: [1, 1], count_include_pad: false, ..Pool2d::new([3, 3]) };
    let dilated = Pool2d { dilation: [2, 3], ceil_mode: true, ..Pool2d::new([3, 2]) };
    let one: [usize; 4] = [1, 6, 40, 34];
    let adaptive = AdaptiveAvgPool2d { output: [7, 5] };
    let global = AdaptiveAvgPool2d { output: [1, 1] };
    let y = |pool: Pool2d| pool.output_shape(one).unwrap();
    let max = |pool, indices| Op::MaxPool2d { pool, indices };
    let back = |gradient| Op::Gradient(gradient);
    let (x_shape, plane): (_, &[usize]) = (one, &[1, 6, 30, 34]);
    let smaller = [1, 6, 30, 34];
    let found = pool.output_shape(smaller).unwrap();
    let align = RoiAlign { output: [3, 2], spatial_scale: 4.0, sampling_ratio: 2, aligned: false };
    let roi_pool = RoiPool { output: [3, 2], spatial_scale: 4.0 };
    let (rois, bins): (&[usize], &[usize]) = (&[80, 5], &[80, 6, 3, 2]);
    vec![
        case(max(pool, false), &[&one], Same::Bits),
        case(max(ceil, false), &[&one], Same::Bits),
        case(max(close, false), &[&one], Same::Bits),
        case(max(dilated, false), &[&one], Same::Bits),
        case(max(ceil, true), &[plane], Same::Bits),
        // An index is one of the whole plane.
        case(max(ceil, true), &[&one], Same::Refused),
        case(Op::AvgPool2d(pool), &[&one], Same::Sums(6)),
        case(Op::AvgPool2d(ceil), &[&one], Same::Sums(6)),
        case(Op::AvgPool2d(close), &[IMAGE], Same::Sums(9)),
        case(Op::SumPool2d(ceil), &[&one], Same::Sums(6)),
        case(Op::AdaptiveAvgPool2d(adaptive), &[plane], Same::Sums(60)),
        case(Op::AdaptiveAvgPool2d(global), &[&one], Same::Sums(1360)),
        case(Op::AdaptiveAvgPool2d(global), &[&[8, 12, 9, 10]], Same::Sums(90)),
        case(back(Gradient::MaxPool2d { pool, x_shape: smaller }), &[&found, &found], Same::Sums(6)),
        case(back(Gradient::AvgPool2d { pool: ceil, x_shape }), &[&y(ceil)], Same::Sums(6)),
        case(back(Gradient::AvgPool2d { pool: close, x_shape }), &[&y(close)], Same::Sums(9)),
        case(back(Gradient::SumPool2d { pool, x_shape }), &[&y(pool)], Same::Sums(6)),
        case(Op::RoiAlign(align), &[&smaller, &[700, 5]], Same::Bits),
        case(Op::RoiPool(roi_pool), &[&smaller, &[700, 5]], Same::Bits),
        case(back(Gradient::RoiAlign { op: align, x_shape: smaller }), &[rois, bins], Same::Sums(80)),
        case(back(Gradient::RoiPool { op: roi_pool, x_shape: smaller }), &[rois, bins, bins], Same::Sums(80)),
        case(
            back(Gradient::AdaptiveAvgPool2d { pool: adaptive, x_shape: smaller }),
            &[&[1, 6, 7, 5]],
            Same::Sums(4),
        ),
    ]
}

pub fn training() -> Vec<Case> {
    let (op, c): (_, &[usize]) = (BatchNorm::default(), &[6]);
    let relu = Some(UnaryOp::Relu);
    let loss = |reduction| CrossEntropy { label_smoothing: 0.1, reduction, ..CrossEntropy::default() };
    let (none, sum, mean) = (loss(Reduction::None), loss(Reduction::Sum), loss(Reduction::Mean));
    let (logits, planes): (&[usize], &[usize]) = (&[300, 10], &[2, 5, 20, 17]);
    let labels: &[usize] = &[2, 20, 17];
    let entropy = |op, weights| Op::CrossEntropy { op, weights };
    let back = |gradient| Op::Gradient(gradient);
    vec![
        case(Op::BatchNorm { op, activation: relu }, &[IMAGE, c, c, c, c], Same::Bits),
        case(Op::BatchNorm { op, activation: None }, &[&[100, 60], &[60], &[60], &[60], &[60]], Same::Bits),
        case(Op::BatchNormTrain { op, activation: relu }, &[&[2, 6, 12, 13], c, c, c, c], Same::Sums(312)),
        case(
            back(Gradient::BatchNormTrain { activation: relu }),
            &[&[2, 6, 12, 13], c, c, c, &[2, 6, 12, 13], c, c],
            Same::Sums(312),
        ),
        case(back(Gradient::BatchNormAgain { activation: relu }), &[IMAGE, c, c, c, c, c], Same::Bits),
        case(
            back(Gradient::BatchNorm { op, activation: None }),
            &[&[2, 6, 12, 13], c, c, c, &[2, 6, 12, 13]],
            Same::Sums(312),
        ),
        case(entropy(none, true), &[logits, &[300], &[10]], Same::Sums(10)),
        case(entropy(none, false), &[planes, labels], Same::Sums(10)),
        case(entropy(sum, true), &[logits, &[300], &[10]], Same::Sums(300)),
        case(entropy(mean, false), &[logits, &[300]], Same::Refused),
        case(
            back(Gradient::CrossEntropy { op: none, weights: false }),
            &[planes, labels, labels],
            Same::Sums(10),
        ),
        case(
            back(Gradient::CrossEntropy { op: sum, weights: true }),
            &[logits, &[300], &[], &[10]],
            Same::Sums(10),
        ),
        case(Op::Dropout { op: Dropout { p: 0.4 }, seed: 5, stream: 6 }, &[IMAGE], Same::Refused),
    ]
}

pub fn elementwise() -> Vec<Case> {
    let add = |activation| Op::Binary { op: BinaryOp::Add, activation };
    let mul = Gradient::Binary { op: BinaryOp::Mul, wants: [true, true] };
    let div = Gradient::Binary { op: BinaryOp::Div, wants: [false, true] };
    vec![
        case(Op::Unary(UnaryOp::Gelu), &[IMAGE], Same::Bits),
        case(Op::Unary(UnaryOp::Relu), &[&[4099]], Same::Bits),
        case(add(None), &[IMAGE, &[6, 1, 1]], Same::Bits),
        case(add(None), &[&[6, 1, 25], IMAGE], Same::Bits),
        case(add(Some(UnaryOp::Relu)), &[IMAGE, IMAGE], Same::Bits),
        case(add(None), &[&[90, 1], &[1, 80]], Same::Bits),
        case(Op::Where, &[&[22, 25], IMAGE, &[]], Same::Bits),
        case(Op::Cast(DType::F16), &[IMAGE], Same::Bits),
        case(Op::Cast(DType::I32), &[IMAGE], Same::Bits),
        case(Op::Gradient(Gradient::Unary(UnaryOp::Tanh)), &[IMAGE, IMAGE], Same::Bits),
        case(Op::Gradient(mul), &[IMAGE, &[6, 1, 1], IMAGE], Same::Bits),
        case(Op::Gradient(div), &[IMAGE, IMAGE, IMAGE], Same::Bits),
    ]
}

pub fn reductions() -> Vec<Case> {
    let reduce = |op, axes, keepdim| Op::Reduce { op, axes, keepdim };
    let argmax = |axes| Op::Argmax { axes, keepdim: false };
    let topk = TopK { k: 3, axis: 2, largest: false };
    let taken: &[usize] = &[2, 6, 3, 25];
    let back = |gradient| Op::Gradient(gradient);
    vec![
        case(reduce(ReduceOp::Mean, vec![2, 3], true), &[IMAGE], Same::Sums(550)),
        case(reduce(ReduceOp::Sum, vec![1], false), &[IMAGE], Same::Sums(6)),
        case(reduce(ReduceOp::Sum, vec![0, 2], false), &[IMAGE], Same::Sums(44)),
        case(reduce(ReduceOp::Max, vec![], false), &[IMAGE], Same::Bits),
        case(reduce(ReduceOp::Min, vec![], true), &[IMAGE], Same::Bits),
        case(reduce(ReduceOp::Mean, vec![], false), &[IMAGE], Same::Sums(6600)),
        case(reduce(ReduceOp::Prod, vec![3], false), &[IMAGE], Same::Sums(25)),
        case(argmax(vec![1]), &[IMAGE], Same::Bits),
        case(argmax(vec![]), &[IMAGE], Same::Refused),
        case(Op::Softmax(Softmax { axis: 1 }), &[IMAGE], Same::Sums(6)),
        case(Op::Softmax(Softmax { axis: 1 }), &[&[90, 70]], Same::Sums(70)),
        case(Op::LogSoftmax(LogSoftmax { axis: 3 }), &[IMAGE], Same::Sums(25)),
        case(Op::TopK(topk), &[IMAGE], Same::Bits),
        case(Op::Nms(Nms { iou_threshold: 0.1 }), &[&[40, 70, 4], &[40, 70]], Same::Bits),
        case(Op::CumSum(CumSum { axis: 3, exclusive: true, reverse: true }), &[IMAGE], Same::Bits),
        case(Op::CumSum(CumSum { axis: 0, ..CumSum::default() }), &[IMAGE], Same::Bits),
        case(Op::Moments(Moments { axes: vec![2, 3] }), &[IMAGE], Same::Sums(550)),
        case(Op::Moments(Moments { axes: vec![] }), &[&[9000]], Same::Refused),
        case(Op::Standardize, &[IMAGE, &[2, 6, 1, 1], &[2, 6, 1, 1], &[2, 6, 1, 1]], Same::Bits),
        case(Op::Standardize, &[IMAGE, &[1, 6, 22, 1], &[1, 6, 22, 1], &[1, 6, 22, 1]], Same::Bits),
        case(Op::FakeQuantize(FakeQuantize::i8()), &[IMAGE, &[], &[]], Same::Bits),
        case(Op::FakeQuantize(FakeQuantize::weight(1)), &[IMAGE, &[6], &[6]], Same::Bits),
        case(
            back(Gradient::FakeQuantize { op: FakeQuantize::weight(2), wants: [true; 2] }),
            &[IMAGE, &[22], &[22], IMAGE],
            Same::Bits,
        ),
        case(back(Gradient::TopK { op: topk, shape: IMAGE.to_vec() }), &[taken, taken], Same::Bits),
        case(back(Gradient::Softmax(Softmax { axis: 1 })), &[IMAGE, IMAGE], Same::Sums(6)),
        case(back(Gradient::LogSoftmax(LogSoftmax { axis: 3 })), &[IMAGE, IMAGE], Same::Sums(25)),
    ]
}

pub fn movements() -> Vec<Case> {
    let full = IMAGE.iter().map(|&extent| SliceRange::full(extent));
    let mut stepped: Vec<_> = full.clone().collect();
    (stepped[1], stepped[2]) = (SliceRange::new(1, 5), SliceRange { start: 1, end: 22, step: 3 });
    let mut cropped: Vec<_> = full.collect();
    (cropped[2], cropped[3]) = (SliceRange::new(3, 21), SliceRange::new(0, 20));
    let mut row = cropped.clone();
    row[2] = SliceRange::new(7, 8);
    let border = vec![(0, 0), (1, 0), (4, 2), (3, 1)];
    let back = |ranges: &Vec<SliceRange>| {
        Op::Gradient(Gradient::Slice { shape: IMAGE.to_vec(), ranges: ranges.clone() })
    };
    let add = ScatterReduction::Add;
    let scatter_elements = |axis| Op::ScatterElements { axis, reduction: add };
    let scatter_nd = Op::ScatterNd { batch: 0, reduction: add };
    vec![
        case(Op::Reshape(vec![12, 550]), &[IMAGE], Same::Bits),
        case(Op::Permute(vec![3, 1, 0, 2]), &[IMAGE], Same::Bits),
        case(Op::Permute(vec![1, 0]), &[&[90, 71]], Same::Bits),
        case(Op::Slice(stepped.clone()), &[IMAGE], Same::Bits),
        case(Op::Slice(cropped.clone()), &[IMAGE], Same::Bits),
        case(Op::Slice(row), &[IMAGE], Same::Bits),
        case(back(&stepped), &[&[2, 4, 7, 25]], Same::Bits),
        case(back(&cropped), &[&[2, 6, 18, 20]], Same::Bits),
        case(Op::Concat { axis: 1 }, &[IMAGE, &[2, 1, 22, 25], IMAGE], Same::Bits),
        case(Op::Concat { axis: 2 }, &[IMAGE, &[2, 6, 1, 25]], Same::Bits),
        case(Op::Split { axis: 3, parts: vec![1, 20, 4] }, &[IMAGE], Same::Bits),
        case(Op::Pad { padding: border, value: 0.5 }, &[IMAGE], Same::Bits),
        case(Op::Pad { padding: vec![(3000, 1)], value: 1.0 }, &[&[2000]], Same::Bits),
        case(Op::Expand(vec![2, 6, 22, 25]), &[&[6, 1, 25]], Same::Bits),
        case(Op::Resample { axis: 2 }, &[IMAGE, &[45, 2, 2], &[30, 1, 2]], Same::Sums(2)),
        case(Op::Gather { axis: 0 }, &[&[50, 80], &[7, 9]], Same::Bits),
        case(Op::Gather { axis: 2 }, &[IMAGE, &[30, 2]], Same::Bits),
        case(Op::GatherElements { axis: 2 }, &[IMAGE, &[2, 6, 30, 25]], Same::Bits),
        case(Op::GatherElements { axis: 0 }, &[&[4, 70, 40], &[90, 60, 2]], Same::Bits),
        case(Op::GatherNd { batch: 1 }, &[&[4, 30, 20], &[4, 70, 40, 1]], Same::Bits),
        case(scatter_elements(1), &[IMAGE, &[2, 2, 22, 25], &[2, 2, 22, 25]], Same::Bits),
        case(scatter_nd, &[&[90, 70], &[40, 1], &[40, 70]], Same::Refused),
    ]
}
