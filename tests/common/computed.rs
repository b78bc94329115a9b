//! Weights that are not in the repository: Rust and Python compute them from the tensors' names (tests/goldens/resnets.py).

use tilewright::{ParameterStore, Tensor, nn::Entry};

/// The FNV-1a hash of 64 bits.
pub fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The numbers that the tensor `name` has on both sides.
pub fn uniform(name: &str, count: usize, low: f64, high: f64) -> Vec<f32> {
    let seed = fnv1a(name) as u32;
    let number = |index: usize| {
        let mut x = (index as u32).wrapping_mul(0x9e37_79b9).wrapping_add(seed);
        x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
        x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
        x ^= x >> 16;
        (low + (high - low) * (f64::from(x >> 8) / f64::from(1 << 24))) as f32
    };
    (0..count).map(number).collect()
}

/// Gives every tensor of a network the numbers that `numbers` has for its path and shape.
pub fn fill(store: &ParameterStore, numbers: impl Fn(&str, &[usize]) -> Vec<f32>) {
    for entry in store.entries() {
        if let Entry::Parameter(parameter) | Entry::Buffer(parameter) = entry {
            let values = numbers(parameter.path(), parameter.shape());
            let value = Tensor::from_slice(store.context(), &values, parameter.shape()).unwrap();
            parameter.set(value).unwrap();
        }
    }
}

/// Every name and shape in the order of the network, a line each, as PyTorch's state dict has them.
pub fn lines(store: &ParameterStore) -> Vec<String> {
    let line = |entry: &Entry| match entry {
        Entry::Parameter(parameter) | Entry::Buffer(parameter) => {
            format!("{} {:?}\n", parameter.path(), parameter.shape())
        }
        Entry::Counter(path, _) => format!("{path} []\n"),
    };
    store.entries().iter().map(line).collect()
}

/// The hash of such lines.
pub fn digest(lines: &[String]) -> String {
    format!("{:016x}", fnv1a(&lines.concat()))
}
