//! The parameters of a node, read by name and type.

use std::collections::BTreeMap;

use crate::decode;
use crate::error::{Error, Result};
use crate::external::External;
use crate::proto::AttributeProto;
use crate::tensor::HostTensor;

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// FLOAT.
    Float(f32),
    /// INT.
    Int(i64),
    /// STRING.
    String(String),
    /// TENSOR.
    Tensor(HostTensor),
    /// FLOATS.
    Floats(Vec<f32>),
    /// INTS.
    Ints(Vec<i64>),
    /// STRINGS.
    Strings(Vec<String>),
    /// In a function's body, the attribute of the call that is meant; in a loaded model it has been replaced.
    Reference(String),
    /// What is not read here: graphs (those of If are the node's bodies), sparse tensors, tensors of strings.
    Unread(String),
}

impl Attribute {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "a float",
            Self::Int(_) => "an integer",
            Self::String(_) => "a string",
            Self::Tensor(_) => "a tensor",
            Self::Floats(_) => "floats",
            Self::Ints(_) => "integers",
            Self::Strings(_) => "strings",
            Self::Reference(_) => "a reference outside of a function",
            Self::Unread(_) => "of a kind that is not read",
        }
    }

    /// From the file. An unknown kind is kept as such: whether anybody wants it is the operator's question.
    pub(crate) fn decode(node: &str, proto: AttributeProto, external: &External) -> Result<Self> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if !proto.ref_attr_name.is_empty() {
            return Ok(Self::Reference(proto.ref_attr_name));
        }
        Ok(match (proto.r#type, proto.t) {
            (1, _) => Self::Float(proto.f),
            (2, _) => Self::Int(proto.i),
            (3, _) => Self::String(text(proto.s)),
            (4, Some(tensor)) => {
                let place = format!("attribute `{}` of {node}", proto.name);
                match decode::tensor(&place, tensor, external) {
                    Err(error @ Error::ElementType { .. }) => Self::Unread(error.to_string()),
                    decoded => Self::Tensor(decoded?),
                }
            }
            (6, _) => Self::Floats(proto.floats),
            (7, _) => Self::Ints(proto.ints),
            (8, _) => Self::Strings(proto.strings.into_iter().map(text).collect()),
            (5 | 10, _) => Self::Unread("a graph".to_owned()),
            (kind, _) => Self::Unread(format!("attribute type {kind}")),
        })
    }
}

/// The parameters of a node by name.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    node: String,
    by_name: BTreeMap<String, Attribute>,
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $kind:ident, $type:ty, $what:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`Error::Attribute`] if it has another type.
        pub fn $name(&self, name: &str) -> Result<Option<$type>> {
            match self.by_name.get(name) {
                None => Ok(None),
                Some(Attribute::$kind(value)) => Ok(Some(value)),
                Some(other) => Err(self.wrong(name, format!("is {} and must be {}", other.kind(), $what))),
            }
        }
    };
}

impl Attributes {
    pub(crate) fn new(node: String, by_name: BTreeMap<String, Attribute>) -> Self {
        Self { node, by_name }
    }

    /// The parameter of that name, whatever its type.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.by_name.get(name)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    getter!(
        /// A float, if it is there.
        float_ref, Float, &f32, "a float"
    );
    getter!(
        /// An integer, if it is there.
        int_ref, Int, &i64, "an integer"
    );
    getter!(
        /// A string, if it is there.
        string, String, &str, "a string"
    );
    getter!(
        /// A tensor, if it is there.
        tensor, Tensor, &HostTensor, "a tensor"
    );
    getter!(
        /// Floats, if they are there.
        floats, Floats, &[f32], "floats"
    );
    getter!(
        /// Integers, if they are there.
        ints, Ints, &[i64], "integers"
    );

    /// A float, or what an absent one means.
    ///
    /// # Errors
    /// [`Error::Attribute`] if it has another type.
    pub fn float(&self, name: &str, default: f32) -> Result<f32> {
        Ok(self.float_ref(name)?.copied().unwrap_or(default))
    }

    /// An integer, or what an absent one means.
    ///
    /// # Errors
    /// [`Error::Attribute`] if it has another type.
    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.int_ref(name)?.copied().unwrap_or(default))
    }

    /// An integer that is 0 or 1.
    ///
    /// # Errors
    /// [`Error::Attribute`] if it is another or has another type.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.int(name, i64::from(default))? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.wrong(name, format!("is {other} and must be 0 or 1"))),
        }
    }

    /// The same parameters of a node that errors name `node`, each as `change` makes it; `None` takes one away.
    pub(crate) fn changed(
        &self,
        node: String,
        change: impl Fn(&str, &Attribute) -> Option<Attribute>,
    ) -> Self {
        let by_name = self.by_name.iter();
        let by_name = by_name.filter_map(|(name, value)| Some((name.clone(), change(name, value)?)));
        Self { node, by_name: by_name.collect() }
    }

    /// What is wrong with a parameter.
    #[must_use]
    pub fn wrong(&self, name: &str, reason: String) -> Error {
        Error::Attribute { node: self.node.clone(), attribute: name.to_owned(), reason }
    }
}
