//! Writes a scale of each channel behind a convolution into its weight and bias.

use tilewright_ops::{BinaryOp, Op, UnaryOp};

use crate::{Graph, Node, Result, Rewriter, ValueId};

/// Folds `conv(x) · s` and `conv(x) / s` where `s` is a constant number or one number for each output channel.
///
/// # Errors
/// None for a graph whose nodes fit their operands.
pub fn fold_scale(graph: &Graph) -> Result<(Graph, usize)> {
    let (makers, uses) = (graph.makers(), graph.uses());
    let mut rewriter = Rewriter::new(graph);
    let mut changed = 0;
    for node in graph.nodes() {
        let Some((conv, scale)) = scaled(graph, &makers, &uses, node) else {
            rewriter.keep(node)?;
            continue;
        };
        let Op::Conv2d { bias, .. } = conv.op else { unreachable!("`scaled` gives convolutions") };
        let name = |part: &str| format!("{}/{part}", node.name);
        let channels = graph[conv.output()].shape[1];
        let (op, as_weight, as_bias) = match scale {
            Scale::Value(value) => (Op::Unary(UnaryOp::MulScalar { value }), None, None),
            Scale::Constant(op, id) => {
                let scale = rewriter.value(id);
                let count: usize = rewriter.graph()[scale].shape.iter().product();
                let column =
                    Op::Reshape(if count == channels { vec![channels, 1, 1, 1] } else { vec![1; 4] });
                let row = Op::Reshape(vec![count]);
                let as_weight = rewriter.push(name("column"), column, &[scale])?;
                let as_bias = rewriter.push(name("row"), row, &[scale])?;
                (Op::Binary { op, activation: None }, Some(as_weight), Some(as_bias))
            }
        };
        let operands = |x: ValueId, scale: Option<ValueId>| [x].into_iter().chain(scale).collect::<Vec<_>>();
        let weight = rewriter.value(conv.inputs[1]);
        let weight = rewriter.push(name("weight"), op.clone(), &operands(weight, as_weight))?;
        let mut inputs = vec![rewriter.value(conv.inputs[0]), weight];
        if bias {
            let bias = rewriter.value(conv.inputs[2]);
            inputs.push(rewriter.push(name("bias"), op, &operands(bias, as_bias))?);
        }
        let y = rewriter.push(conv.name.clone(), conv.op.clone(), &inputs)?;
        rewriter.replace(node.output(), y);
        changed += 1;
    }
    let (new, _) = super::eliminate_dead(&rewriter.finish())?;
    Ok((new, changed))
}

enum Scale {
    Value(f32),
    Constant(BinaryOp, ValueId),
}

type Counts = std::collections::HashMap<ValueId, usize>;

/// The convolution that `node` scales, and by what.
fn scaled<'a>(graph: &'a Graph, makers: &Counts, uses: &Counts, node: &Node) -> Option<(&'a Node, Scale)> {
    let conv_of = |id: ValueId| {
        let conv = &graph.nodes()[*makers.get(&id)?];
        let Op::Conv2d { residual: false, activation: None, pool: None, .. } = conv.op else { return None };
        let known = conv.inputs[1..].iter().all(|&id| graph[id].constant.is_some());
        (known && uses.get(&id) == Some(&1)).then_some(conv)
    };
    match node.op {
        Op::Unary(UnaryOp::MulScalar { value }) => Some((conv_of(node.inputs[0])?, Scale::Value(value))),
        Op::Binary { op: op @ (BinaryOp::Mul | BinaryOp::Div), activation: None } => {
            let pairs = [(node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])];
            let sides = if op == BinaryOp::Mul { &pairs[..] } else { &pairs[..1] };
            sides.iter().find_map(|&(x, scale)| {
                let conv = conv_of(x)?;
                let known = graph[scale].constant.is_some() && graph[node.output()].shape == graph[x].shape;
                let fits = super::fuse_bias::is_per_channel(&graph[scale].shape, &graph[x].shape);
                (known && fits).then_some((conv, Scale::Constant(op, scale)))
            })
        }
        _ => None,
    }
}
