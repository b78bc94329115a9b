//! What a pickle's calls mean for data.

use super::{
    globals::{Known, dtype, known, storage},
    value::{Data, Dtype, Heap, Node, Object, Scales, Storage, StorageElement, Tensor, Value, strided},
};
use crate::error::Fault;

/// How many axes a tensor may have; PyTorch's own limit is 64.
const MOST_AXES: usize = 64;

/// `REDUCE`: a function of the list with its arguments.
pub(super) fn call(heap: &mut Heap, function: Value, arguments: Value) -> Result<Value, Fault> {
    let Some(name) = heap.global(function).map(str::to_owned) else {
        return Err(Fault::Call { name: heap.kind(function) });
    };
    let Some(arguments) = heap.items(arguments).map(<[Value]>::to_vec) else {
        return Err(Fault::damaged(format!("the arguments of `{name}` are {}", heap.kind(arguments))));
    };
    let Some(known) = known(&name) else { return Err(Fault::Call { name }) };
    let argument = |at: usize| arguments.get(at).copied().unwrap_or(Value::None);
    match known {
        Known::Dict => {
            let mut pairs = Vec::new();
            for &argument in &arguments {
                if let Some(given) = heap.pairs(argument) {
                    pairs.extend_from_slice(given);
                }
                for &item in heap.items(argument).unwrap_or_default() {
                    if let Some(&[key, value]) = heap.items(item) {
                        pairs.push((key, value));
                    }
                }
            }
            heap.put(Node::Dict(pairs))
        }
        Known::List => {
            let items = heap.items(argument(0)).unwrap_or_default().to_vec();
            heap.put(Node::List(items))
        }
        Known::First if arguments.is_empty() => heap.put(Node::Bytes(Vec::new())),
        Known::First => Ok(argument(0)),
        Known::Encode => {
            let text = heap.text(argument(0)).unwrap_or_default();
            // Only latin-1 is written so: each character is a byte.
            let bytes = text.chars().map(|character| u8::try_from(u32::from(character)));
            let bytes = bytes.collect::<Result<Vec<u8>, _>>();
            let bytes = bytes.map_err(|_| Fault::damaged("bytes in its pickle are no latin-1"))?;
            heap.put(Node::Bytes(bytes))
        }
        Known::RebuildTensor => {
            let tensor = tensor(heap, &name, &arguments, None)?;
            // Of version 2: bits that say that the numbers are to be negated or conjugated when they are read.
            if let Some(pairs) = heap.pairs(argument(6)) {
                if pairs.iter().any(|pair| pair.1 == Value::Bool(true)) {
                    let reason =
                        "its values are to be negated or conjugated when they are read; save x.resolve_neg()";
                    return Err(Fault::Unsupported(format!("it has a tensor that is not read: {reason}")));
                }
            }
            heap.put(Node::Tensor(tensor))
        }
        Known::RebuildTensorV3 => {
            let element = heap.global(argument(6)).and_then(dtype);
            let element = element.ok_or_else(|| {
                Fault::Unsupported(format!("a tensor's type is {}", heap.kind(argument(6))))
            })?;
            let tensor = tensor(heap, &name, &arguments, Some(element))?;
            heap.put(Node::Tensor(tensor))
        }
        Known::RebuildQTensor => {
            let mut tensor = tensor(heap, &name, &arguments, None)?;
            tensor.scales = Some(scales(heap, argument(4))?);
            heap.put(Node::Tensor(tensor))
        }
        Known::RebuildFromType => {
            let inner = heap.global(argument(0)).map(str::to_owned).unwrap_or_default();
            if super::globals::known(&inner).is_none() || inner == name {
                return Err(Fault::Call { name: inner });
            }
            call(heap, argument(0), argument(2))
        }
        Known::NumpyScalar => {
            let (Some(Node::Dtype(dtype)), Value::Node(at)) = (heap.get(argument(0)).cloned(), argument(1))
            else {
                // A scalar of a type that is no number: text, or an object.
                return heap.put(Node::Opaque);
            };
            match dtype.element() {
                Ok(_) => heap.put(Node::Tensor(inline(at, strided(&dtype, Vec::new(), false)?))),
                Err(_) => heap.put(Node::Opaque),
            }
        }
        Known::NumpyReconstruct => heap.put(Node::Shell),
        Known::NumpyDtype => {
            let name = heap.name(argument(0)).unwrap_or_default();
            heap.put(Node::Dtype(Dtype::parse(&name)))
        }
        Known::Reconstructor => object(heap, argument(0)),
        Known::Opaque => heap.put(Node::Opaque),
    }
}

/// `NEWOBJ`: an object of a class, of which only what the pickle says of it is known.
pub(super) fn object(heap: &mut Heap, class: Value) -> Result<Value, Fault> {
    let Some(class) = heap.global(class).map(str::to_owned) else {
        return Err(Fault::damaged(format!("its pickle makes an object of {}", heap.kind(class))));
    };
    heap.put(Node::Object(Object { class, state: Value::None, pairs: Vec::new() }))
}

/// `BUILD`: attributes for an object, contents for an array of NumPy.
pub(super) fn build(heap: &mut Heap, value: Value, state: Value) -> Result<(), Fault> {
    let kind = heap.kind(value);
    let filled = match heap.get(value) {
        Some(Node::Shell) => array(heap, state)?,
        Some(Node::Dtype(dtype)) => {
            let order = heap.items(state).and_then(|items| items.get(1)).and_then(|&order| heap.name(order));
            let big_endian = order.map_or(dtype.big_endian, |order| order == ">");
            Node::Dtype(Dtype { name: dtype.name.clone(), big_endian })
        }
        Some(Node::Object(object)) => Node::Object(Object { state, ..object.clone() }),
        // Attributes of a container or a tensor, such as a state dict's `_metadata`.
        Some(Node::Dict(_) | Node::List(_) | Node::Tensor(_) | Node::Opaque) => return Ok(()),
        _ => return Err(Fault::damaged(format!("its pickle gives attributes to {kind}"))),
    };
    if let Some(node) = heap.get_mut(value) {
        *node = filled;
    }
    Ok(())
}

/// A storage, by what PyTorch keeps of it in the pickle: `('storage', class, key, location, count, view)`.
pub(super) fn persistent(heap: &mut Heap, id: Value) -> Result<Value, Fault> {
    let items = heap.items(id).unwrap_or_default().to_vec();
    let said = items.first().and_then(|&what| heap.name(what)).unwrap_or_default();
    match (said.as_str(), &items[..]) {
        // A class with its source text, which is left alone.
        ("module", [_, class, ..]) => Ok(*class),
        ("storage", [_, class, key, _, count, rest @ ..]) => {
            let class = heap.global(*class).unwrap_or_default().to_owned();
            let Some(element) = storage(&class) else {
                return Err(Fault::Unsupported(format!(
                    "it has a storage of the class `{class}`, which is not known"
                )));
            };
            let (Some(key), Some(count)) = (heap.name(*key), whole(*count)) else {
                return Err(Fault::damaged("a storage in its pickle has no key or no length"));
            };
            let begin = match rest.first().and_then(|&view| heap.items(view)) {
                None => 0,
                Some(view) => view.get(1).and_then(|&begin| whole(begin)).ok_or_else(|| {
                    Fault::damaged("a view of a storage in its pickle has no first element")
                })?,
            };
            heap.put(Node::Storage(Storage { key, element, count: count as u64, begin: begin as u64 }))
        }
        _ => Err(Fault::Unsupported(format!("its pickle refers to {} outside of it", heap.kind(id)))),
    }
}

/// A number of elements, or a place among them.
fn whole(value: Value) -> Option<usize> {
    match value {
        Value::Int(value) => usize::try_from(value).ok(),
        _ => None,
    }
}

fn wholes(heap: &Heap, value: Value) -> Option<Vec<usize>> {
    heap.items(value)?.iter().map(|&item| whole(item)).collect()
}

/// A view of a storage from `(storage, offset, size, stride, …)`.
fn tensor(
    heap: &Heap,
    name: &str,
    arguments: &[Value],
    element: Option<StorageElement>,
) -> Result<Tensor, Fault> {
    let wrong = |what: &str| Fault::damaged(format!("`{name}` is given {what}"));
    let &[storage, offset, shape, strides, ..] = arguments else { return Err(wrong("too little")) };
    let Some(Node::Storage(storage)) = heap.get(storage) else { return Err(wrong(&heap.kind(storage))) };
    let offset = whole(offset).ok_or_else(|| wrong("an offset that is no place"))?;
    let (Some(shape), Some(strides)) = (wholes(heap, shape), wholes(heap, strides)) else {
        return Err(wrong("a shape or strides that are none"));
    };
    if shape.len() != strides.len() || shape.len() > MOST_AXES {
        return Err(wrong(&format!("{} extents and {} strides", shape.len(), strides.len())));
    }
    let element = element.or(storage.element).ok_or_else(|| wrong("bytes without a type"))?;
    let data = Data::Storage(storage.clone());
    Ok(Tensor { data, element, shape, strides, offset, big_endian: false, scales: None })
}

/// `(torch.per_tensor_affine, scale, zero)` or `(torch.per_channel_affine, scales, zeros, axis)`.
fn scales(heap: &Heap, value: Value) -> Result<Scales, Fault> {
    let items = heap.items(value).unwrap_or_default();
    let scheme = items.first().and_then(|&scheme| heap.global(scheme)).unwrap_or_default();
    match (scheme, items) {
        ("torch.per_tensor_affine", &[_, Value::Float(scale), Value::Int(zero), ..]) => {
            Ok(Scales::Tensor { scale, zero })
        }
        ("torch.per_channel_affine", &[_, Value::Node(scales), Value::Node(zeros), Value::Int(axis), ..])
            if axis >= 0 =>
        {
            Ok(Scales::Axis { scales, zeros, axis: axis as usize })
        }
        _ => Err(Fault::Unsupported(format!("it has a tensor quantised by `{scheme}`, which is not read"))),
    }
}

/// An array of NumPy from `(version, shape, dtype, fortran, bytes)`.
fn array(heap: &Heap, state: Value) -> Result<Node, Fault> {
    let wrong = || Fault::damaged(format!("an array of NumPy in its pickle is made of {}", heap.kind(state)));
    let Some(&[_, shape, dtype, fortran, data]) = heap.items(state) else { return Err(wrong()) };
    let (Some(shape), Some(Node::Dtype(dtype))) = (wholes(heap, shape), heap.get(dtype)) else {
        return Err(wrong());
    };
    let (Ok(_), Value::Node(at)) = (dtype.element(), data) else {
        // Texts or objects: no weights.
        return Ok(Node::Opaque);
    };
    if shape.len() > MOST_AXES {
        return Err(wrong());
    }
    let fortran = fortran == Value::Bool(true) || fortran == Value::Int(1);
    Ok(Node::Tensor(inline(at, strided(dtype, shape, fortran)?)))
}

/// An array whose bytes are in a node of the pickle.
fn inline(at: u32, tensor: Tensor) -> Tensor {
    Tensor { data: Data::Inline(at), ..tensor }
}
