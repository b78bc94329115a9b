//! One list of what is computed: each operation with parameters and operands. The gradient checks, the layouts, the hostile
//! numbers, capture and export go through it, so that what joins it here is met by all of them.
#![allow(dead_code, unused_imports)]

mod captured;
mod elementwise;
mod indexing;
mod movement;
mod products;
mod reduction;
mod var;
mod windows;

use tilewright::{Context, Tensor, Var, autograd, ops::Op};

pub use captured::captured;
pub use var::run;

/// What an operand is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// What flows through a network.
    Data,
    /// What a network learns: a constant of a graph.
    Weight,
    /// What takes no gradient: a constant of a graph.
    Fixed,
    /// Integers, which flow and take no gradient.
    Integers,
}

/// An operand: random numbers of a range.
#[derive(Clone, Debug)]
pub struct Input {
    pub role: Role,
    pub shape: Vec<usize>,
    pub low: f32,
    pub high: f32,
    /// Of i32, where they are given: what indices are.
    pub integers: Option<Vec<i32>>,
}

impl Input {
    fn new(role: Role, shape: &[usize]) -> Self {
        // Positive for log, sqrt and pow, and away from the kinks of relu, relu6 and clamp.
        Self { role, shape: shape.to_vec(), low: 0.8, high: 2.4, integers: None }
    }

    /// Row-major numbers, the same for the same seed. The order of neighbours changes, so that a maximum is not always the
    /// last.
    pub fn values(&self, seed: u64) -> Vec<f32> {
        let values = crate::common::random(seed + 5, self.shape.iter().product(), self.low, self.high);
        let step = 0.13_f32.min((self.high - self.low) / 12.0);
        values.iter().enumerate().map(|(i, value)| value + ((i * 7) % 5) as f32 * step).collect()
    }

    pub fn tensor(&self, context: &Context, seed: u64) -> Tensor {
        if let Some(integers) = &self.integers {
            return Tensor::from_slice(context, integers, &self.shape).unwrap();
        }
        Tensor::from_slice(context, &self.values(seed), &self.shape).unwrap()
    }
}

/// An operand that flows through a network.
fn data(shape: &[usize]) -> Input {
    Input::new(Role::Data, shape)
}

fn weight(shape: &[usize]) -> Input {
    Input::new(Role::Weight, shape)
}

fn fixed(shape: &[usize]) -> Input {
    Input::new(Role::Fixed, shape)
}

/// i32, such as indices.
fn integers(shape: &[usize], values: &[i32]) -> Input {
    Input { integers: Some(values.to_vec()), ..Input::new(Role::Integers, shape) }
}

pub type Function = Box<dyn Fn(&[Var]) -> autograd::Result<Var>>;

/// What is computed of the operands.
pub enum Work {
    /// An operation of a graph.
    Op(Op),
    /// What is no node of a graph: training, losses, random numbers, or several operations under one name.
    Other(Function),
}

/// One entry of the list.
pub struct OpCase {
    pub name: String,
    pub work: Work,
    pub inputs: Vec<Input>,
}

impl OpCase {
    fn op(op: Op, inputs: Vec<Input>) -> Self {
        let name = format!("{op:?}");
        Self { name, work: Work::Op(op), inputs }
    }

    fn other(
        name: &str,
        inputs: Vec<Input>,
        function: impl Fn(&[Var]) -> autograd::Result<Var> + 'static,
    ) -> Self {
        Self { name: name.to_owned(), work: Work::Other(Box::new(function)), inputs }
    }

    /// The operation, if it is one of a graph.
    pub fn graph_op(&self) -> Option<&Op> {
        match &self.work {
            Work::Op(op) => Some(op),
            Work::Other(_) => None,
        }
    }

    /// Of the operands that flow or are learned, in their order; the fixed ones are made beside them.
    ///
    /// # Errors
    /// Those of the operation. `None` where there is no gradient.
    pub fn run(&self, leaves: &[Var]) -> Option<autograd::Result<Var>> {
        // The tests of a binary share one context.
        let context =
            leaves.first().map_or_else(crate::common::context, |leaf| leaf.tensor().context().clone());
        let context = &context;
        let mut leaves = leaves.iter();
        let operands: Vec<Var> = self
            .inputs
            .iter()
            .zip(0..)
            .map(|(input, seed)| match input.role {
                Role::Fixed | Role::Integers => Var::constant(input.tensor(context, seed)),
                _ => leaves.next().cloned().unwrap(),
            })
            .collect();
        match &self.work {
            Work::Op(op) => run(op, &operands),
            Work::Other(function) => Some(function(&operands)),
        }
    }

    /// The operands that take a gradient, with their places.
    pub fn leaves(&self) -> impl Iterator<Item = (u64, &Input)> {
        (0..).zip(&self.inputs).filter(|(_, input)| matches!(input.role, Role::Data | Role::Weight))
    }
}

/// Every operation at least once, each with parameters that are no default, small enough for finite differences.
pub fn all() -> Vec<OpCase> {
    let mut all = elementwise::cases();
    all.extend(products::cases());
    all.extend(windows::cases());
    all.extend(reduction::cases());
    all.extend(movement::cases());
    all.extend(indexing::cases());
    all
}
