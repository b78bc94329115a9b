//! The loader and the host's operators on damaged files: a typed error or a model, no panic, no more memory than the file
//! has reason for.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tilewright_onnx::host::Call;
use tilewright_onnx::{Dim, Error, HostTensor, Import, Model};
use tilewright_runtime::Context;

/// Remembers the largest single allocation of the process.
struct Watching;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes unchanged to the system's allocator; only a number is noted on the way.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LARGEST.fetch_max(new_size, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The widest number takes 16 bytes, a vector may double, and the test data themselves are below a megabyte.
const LARGEST_ALLOWED: usize = 4 * 16 * tilewright_onnx::host::LIMIT;

/// Models of many operators, small enough to be read thousands of times: one made by hand, ONNX's own, and those that peers
/// answered.
static MODELS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let cases = common::cases("node").into_iter().chain(common::cases("simple"));
    let files = cases.map(|case| std::fs::read(case.model).unwrap()).filter(|bytes| bytes.len() < 20_000);
    let peers = common::peers().into_iter().chain(common::quantized());
    let peers = peers.map(|path| std::fs::read(path).unwrap());
    std::iter::once(common::encoded(&common::sample())).chain(files).chain(peers).collect()
});

fn read(bytes: &[u8]) {
    match Model::from_bytes(bytes) {
        Ok(model) => {
            fold(&model);
            import(&model);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= LARGEST_ALLOWED, "an allocation of {largest} bytes for a file of {}", bytes.len());
}

/// Computes what follows from constants; inputs of an open or small shape are given as zeros of their type.
fn fold(model: &Model) {
    let weights = model.initializers().iter();
    let mut values: HashMap<String, HostTensor> =
        weights.map(|(name, tensor)| (name.clone(), HostTensor::clone(tensor))).collect();
    for input in model.inputs() {
        let extents: Vec<i64> = input
            .shape
            .iter()
            .flatten()
            .map(|dim| match dim {
                tilewright_onnx::Dim::Extent(extent) if *extent < 9 => *extent as i64,
                _ => 2,
            })
            .collect();
        let (Some(dtype), count) = (input.dtype, extents.iter().product::<i64>()) else { continue };
        if (0..5000).contains(&count) {
            let zeros = tilewright_onnx::Numbers::Integers(vec![0; count as usize]);
            let shape: Vec<usize> = extents.iter().map(|&extent| extent as usize).collect();
            let zeros = tilewright_onnx::Data::from_numbers(dtype, &zeros);
            values.insert(input.name.clone(), HostTensor::new(&shape, zeros).unwrap());
        }
    }
    for node in model.nodes() {
        let operands: Vec<_> =
            (0..node.inputs.len()).map(|at| node.input(at).and_then(|name| values.get(name))).collect();
        match Call::new(node, operands).evaluate() {
            Some(Ok(results)) => {
                values.extend(node.outputs.iter().cloned().zip(results));
            }
            Some(Err(error)) => assert!(!matches!(error, Error::Decode { .. }), "{error}"),
            None => {}
        }
    }
}

static CONTEXT: LazyLock<Context> = LazyLock::new(|| Context::new().unwrap());

/// Makes the graph, with the inputs of integers as constants where their shape is small.
fn import(model: &Model) {
    let mut import = Import::new(model);
    for input in model.inputs() {
        let extent = |dim: &Dim| if let Dim::Extent(extent) = dim { *extent } else { 2 };
        let shape: Vec<usize> = input.shape.iter().flatten().map(extent).collect();
        let count = shape.iter().fold(1_usize, |count, &extent| count.saturating_mul(extent.max(1)));
        import = import.shape(&input.name, &shape);
        if let Some(dtype) = input.dtype.filter(|dtype| !dtype.is_float() && count < 5000) {
            let ones = tilewright_onnx::Numbers::Integers(vec![1; shape.iter().product()]);
            let value = HostTensor::new(&shape, tilewright_onnx::Data::from_numbers(dtype, &ones)).unwrap();
            import = import.constant(&input.name, value);
        }
    }
    if let Err(error) = import.graph(&CONTEXT) {
        assert!(!error.to_string().is_empty());
    }
}

fn cases() -> ProptestConfig {
    // `PROPTEST_CASES` asks for more.
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn changed_bytes(
        at in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = at.get(&MODELS).clone();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        read(&bytes);
    }

    #[test]
    fn cut_and_joined(
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
        start in any::<prop::sample::Index>(),
    ) {
        let (first, second) = (first.get(&MODELS), second.get(&MODELS));
        let head = &first[..end.index(first.len())];
        read(head);
        read(&[head, &second[start.index(second.len())..]].concat());
        // Two whole models one behind the other merge into one, as protobuf says.
        read(&[&first[..], &second[..]].concat());
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }
}

#[test]
fn whole_models_are_read() {
    for bytes in MODELS.iter() {
        read(bytes);
    }
}

#[test]
fn deep_nesting_is_an_error() {
    // A graph attribute inside a node inside a graph …, deeper than any stack should go.
    let mut inner = vec![];
    for _ in 0..2000 {
        let wrap = |tag: u8, body: &[u8]| {
            let mut bytes = vec![tag];
            prost::encoding::encode_varint(body.len() as u64, &mut bytes);
            bytes.extend_from_slice(body);
            bytes
        };
        // GraphProto.node, NodeProto.attribute, AttributeProto.g.
        inner = wrap(0x0a, &wrap(0x2a, &wrap(0x32, &inner)));
    }
    let mut model = vec![0x3a];
    prost::encoding::encode_varint(inner.len() as u64, &mut model);
    model.extend_from_slice(&inner);
    assert!(matches!(Model::from_bytes(&model), Err(Error::Decode { .. })));
}
