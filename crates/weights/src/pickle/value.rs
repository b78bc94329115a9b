//! What a pickle says, as data.

use crate::{element::Element, error::Fault};

/// A value: a small one itself, or the place of a larger one in a [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Node(u32),
}

/// A value that has parts.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A whole number beyond 64 bits, as it stands.
    Long(Vec<u8>),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    /// A class or function by its module and name. Nothing looks for it.
    Global(String),
    Object(Object),
    Storage(Storage),
    Tensor(Tensor),
    /// An array that NumPy's rebuilding has begun; `BUILD` fills it.
    Shell,
    Dtype(Dtype),
    /// Data of a known class that no weights depend on: a date, a path.
    Opaque,
}

/// An instance of a class of which nothing is known but what was kept.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// The class, by module and name.
    pub class: String,
    /// Its attributes, if it has any.
    pub state: Value,
    /// Its entries, where it is a kind of dict.
    pub pairs: Vec<(Value, Value)>,
}

/// A storage of a PyTorch file, by key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Storage {
    pub key: String,
    /// The type that the storage's class says; none for bytes.
    pub element: Option<StorageElement>,
    /// Elements; bytes where the type is none.
    pub count: u64,
    /// Where it is a part of another: the first element.
    pub begin: u64,
}

/// The type of a storage's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageElement {
    Plain(Element),
    /// Whole numbers with a scale and a zero point beside them.
    Quantized(Element),
    /// One that is known and not read.
    Other(&'static str),
}

/// Where a tensor's bytes are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Storage(Storage),
    /// In the pickle itself: the node that holds them.
    Inline(u32),
    /// Wherever they come from.
    Given,
}

/// A tensor: a view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub data: Data,
    pub element: StorageElement,
    pub shape: Vec<usize>,
    /// In elements.
    pub strides: Vec<usize>,
    /// The first element.
    pub offset: usize,
    pub big_endian: bool,
    pub scales: Option<Scales>,
}

/// How a quantised tensor's whole numbers are numbers: (q − zero) · scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scales {
    Tensor {
        scale: f64,
        zero: i64,
    },
    /// Tensors of scales and zero points, one for each index of an axis.
    Axis {
        scales: u32,
        zeros: u32,
        axis: usize,
    },
}

/// An element type of NumPy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dtype {
    /// As `f4`.
    pub name: String,
    pub big_endian: bool,
}

impl Dtype {
    /// From a name as `<f4`.
    pub fn parse(name: &str) -> Self {
        let big_endian = name.starts_with('>');
        Self { name: name.trim_start_matches(['<', '>', '=', '|']).to_owned(), big_endian }
    }

    /// The type as it is here.
    pub fn element(&self) -> Result<Element, Fault> {
        Ok(match self.name.as_str() {
            "f8" => Element::F64,
            "f4" => Element::F32,
            "f2" => Element::F16,
            "i8" => Element::I64,
            "i4" => Element::I32,
            "i2" => Element::I16,
            "i1" => Element::I8,
            "u8" => Element::U64,
            "u4" => Element::U32,
            "u2" => Element::U16,
            "u1" => Element::U8,
            "b1" => Element::Bool,
            other => {
                return Err(Fault::Unsupported(format!(
                    "it has an array of NumPy's type {other}, no numbers"
                )));
            }
        })
    }
}

/// A whole array of NumPy, in C's order or in Fortran's.
pub(crate) fn strided(dtype: &Dtype, shape: Vec<usize>, fortran: bool) -> Result<Tensor, Fault> {
    let element = StorageElement::Plain(dtype.element()?);
    let mut strides = vec![1; shape.len()];
    let mut stride = 1_usize;
    let axes: Vec<usize> =
        if fortran { (0..shape.len()).collect() } else { (0..shape.len()).rev().collect() };
    for axis in axes {
        strides[axis] = stride;
        stride = stride
            .checked_mul(shape[axis].max(1))
            .ok_or_else(|| Fault::damaged(format!("an array has the shape {shape:?}")))?;
    }
    let big_endian = dtype.big_endian;
    Ok(Tensor { data: Data::Given, element, shape, strides, offset: 0, big_endian, scales: None })
}

/// All values of a pickle that have parts. They refer to each other by place, so that neither a circle nor any depth matters
/// when they are dropped.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    nodes: Vec<Node>,
}

/// The most values with parts that are kept. A large detector's checkpoint has some ten thousand.
const MOST_NODES: usize = 4 << 20;

impl Heap {
    /// Keeps a node.
    pub fn put(&mut self, node: Node) -> Result<Value, Fault> {
        if self.nodes.len() >= MOST_NODES {
            return Err(Fault::Limit { what: "its pickle's number of values", limit: MOST_NODES as u64 });
        }
        self.nodes.push(node);
        Ok(Value::Node((self.nodes.len() - 1) as u32))
    }

    /// The node of a value, if it has one.
    pub fn get(&self, value: Value) -> Option<&Node> {
        match value {
            Value::Node(at) => self.nodes.get(at as usize),
            _ => None,
        }
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, value: Value) -> Option<&mut Node> {
        match value {
            Value::Node(at) => self.nodes.get_mut(at as usize),
            _ => None,
        }
    }

    /// Every storage that the pickle names.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Storage(storage) => Some(storage),
            _ => None,
        })
    }

    pub fn text(&self, value: Value) -> Option<&str> {
        match self.get(value)? {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Text, or bytes of a `str` of Python 2.
    pub fn name(&self, value: Value) -> Option<String> {
        match self.get(value)? {
            Node::Text(text) => Some(text.clone()),
            Node::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The elements of a tuple or list.
    pub fn items(&self, value: Value) -> Option<&[Value]> {
        match self.get(value)? {
            Node::Tuple(items) | Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a dict, or of an object that is a kind of one.
    pub fn pairs(&self, value: Value) -> Option<&[(Value, Value)]> {
        match self.get(value)? {
            Node::Dict(pairs) => Some(pairs),
            Node::Object(object) if !object.pairs.is_empty() => Some(&object.pairs),
            _ => None,
        }
    }

    /// The last value under a key of a dict.
    pub fn entry(&self, value: Value, key: &str) -> Option<Value> {
        let found = |pair: &&(Value, Value)| self.name(pair.0).is_some_and(|name| name == key);
        self.pairs(value)?.iter().rev().find(found).map(|pair| pair.1)
    }

    pub fn global(&self, value: Value) -> Option<&str> {
        match self.get(value)? {
            Node::Global(name) => Some(name),
            _ => None,
        }
    }

    /// What a value is, for messages.
    pub fn kind(&self, value: Value) -> String {
        match value {
            Value::None => "None".to_owned(),
            Value::Bool(_) => "a truth value".to_owned(),
            Value::Int(_) => "a whole number".to_owned(),
            Value::Float(_) => "a number".to_owned(),
            Value::Node(_) => match self.get(value) {
                None => "nothing".to_owned(),
                Some(Node::Long(_)) => "a long whole number".to_owned(),
                Some(Node::Bytes(_)) => "bytes".to_owned(),
                Some(Node::Text(_)) => "text".to_owned(),
                Some(Node::List(items)) => format!("a list of {}", items.len()),
                Some(Node::Tuple(items)) => format!("a tuple of {}", items.len()),
                Some(Node::Dict(pairs)) => format!("a dict of {}", pairs.len()),
                Some(Node::Global(name)) => format!("the name `{name}`"),
                Some(Node::Object(object)) => format!("an object of `{}`", object.class),
                Some(Node::Storage(_)) => "a storage".to_owned(),
                Some(Node::Tensor(_)) => "a tensor".to_owned(),
                Some(Node::Shell) => "an array without contents".to_owned(),
                Some(Node::Dtype(dtype)) => format!("NumPy's type {}", dtype.name),
                Some(Node::Opaque) => "an opaque value".to_owned(),
            },
        }
    }
}
