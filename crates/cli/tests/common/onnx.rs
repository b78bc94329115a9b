//! The few parts of ONNX's format that a small model needs.

/// A number of a message.
pub fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

/// Bytes, a text or a message within a message.
pub fn part(field: u8, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    assert!(bytes.len() < 1 << 14, "two bytes of length");
    let length = [(bytes.len() & 127) as u8 | 128, (bytes.len() >> 7) as u8];
    [&[field << 3 | 2], &length[..], bytes].concat()
}

pub const FLOAT: u8 = 1;
pub const UINT8: u8 = 2;
pub const INT8: u8 = 3;
pub const INT32: u8 = 6;
pub const INT64: u8 = 7;
pub const BOOL: u8 = 9;
pub const FLOAT16: u8 = 10;
pub const DOUBLE: u8 = 11;
pub const UINT64: u8 = 13;

pub fn value(name: &str, dtype: u8, shape: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&extent| part(1, number(1, extent))).collect();
    let tensor = [number(1, dtype), part(2, dims)].concat();
    [part(1, name), part(2, part(1, tensor))].concat()
}

/// A tensor with its elements as they lie in memory.
pub fn initializer(name: &str, dtype: u8, shape: &[u8], raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&extent| number(1, extent)).collect();
    [dims, number(2, dtype), part(8, name), part(9, raw)].concat()
}

/// A node with one result and at most one attribute, an integer.
pub fn node(op: &str, inputs: &[&str], output: &str, attribute: Option<(&str, u8)>) -> Vec<u8> {
    let mut bytes: Vec<u8> = inputs.iter().flat_map(|input| part(1, input)).collect();
    bytes.extend([part(2, output), part(4, op)].concat());
    if let Some((name, value)) = attribute {
        bytes.extend(part(5, [part(1, name), number(3, value), vec![20 << 3 & 127 | 128, 1, 2]].concat()));
    }
    bytes
}

pub fn model(
    nodes: &[Vec<u8>],
    initializers: &[Vec<u8>],
    inputs: &[Vec<u8>],
    outputs: &[Vec<u8>],
) -> Vec<u8> {
    let all =
        |field, parts: &[Vec<u8>]| -> Vec<u8> { parts.iter().flat_map(|bytes| part(field, bytes)).collect() };
    let graph =
        [all(1, nodes), part(2, "graph"), all(5, initializers), all(11, inputs), all(12, outputs)].concat();
    [number(1, 8), part(8, [part(1, ""), number(2, 17)].concat()), part(7, graph)].concat()
}
