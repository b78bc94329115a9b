//! What a NaN or an infinity came from, in words.

use std::fmt;

use crate::leaf::LeafId;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anomaly {
    /// The operation that made it, or that was given it.
    pub op: &'static str,
    /// Whether it was found on the way back.
    pub backward: bool,
    /// Where: forward the number of the operation since the looking began, backward its number on the tape, from 1 as
    /// [`crate::Var::tape`] counts.
    pub place: u64,
    /// Operations on the tape, on the way back.
    pub of: Option<u64>,
    /// The shapes of the operation's operands.
    pub operands: Vec<Vec<usize>>,
    /// The shapes of its results.
    pub results: Vec<Vec<usize>>,
    /// The value that is not finite.
    pub value: Culprit,
    /// Elements of it that are NaN.
    pub nan: usize,
    /// Elements of it that are infinite.
    pub infinite: usize,
    /// Its elements.
    pub count: usize,
    /// Where the first of them lies.
    pub first: Vec<usize>,
    /// The leaf that the value or gradient belongs to.
    pub leaf: Option<LeafId>,
    /// The leaf's name: a parameter's path, where it is known ([`Anomaly::named`]).
    pub name: Option<String>,
}

/// Which value of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// An operand, which the operation was given so.
    Operand(usize),
    /// A result.
    Result(usize),
    /// The gradient of an operand.
    Gradient(usize),
}

impl Anomaly {
    /// With the name that `name` has for its leaf.
    #[must_use]
    pub fn named(mut self, name: impl FnOnce(LeafId) -> Option<String>) -> Self {
        self.name = self.leaf.and_then(name).or(self.name);
        self
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaf = match (&self.name, self.leaf) {
            (Some(name), _) => format!(" (`{name}`)"),
            (None, Some(_)) => " (a leaf)".to_owned(),
            (None, None) => String::new(),
        };
        let way = if self.backward { "the backward rule of " } else { "" };
        write!(f, "{way}`{}`, operation {}", self.op, self.place)?;
        if let Some(of) = self.of {
            write!(f, " of {of} on the tape")?;
        }
        write!(f, ", {:?} → {:?}: ", self.operands, self.results)?;
        match self.value {
            Culprit::Operand(at) => write!(f, "its operand {at}{leaf} came with")?,
            Culprit::Result(at) => write!(f, "its result {at} is the first to have")?,
            Culprit::Gradient(at) => {
                write!(f, "the gradient of its operand {at}{leaf} is the first to have")?
            }
        }
        let Self { nan, infinite, count, first, .. } = self;
        write!(f, " {nan} NaN and {infinite} infinite among {count} numbers, the first at {first:?}")
    }
}
