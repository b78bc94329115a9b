//! What a network costs, counted and not measured.

use tilewright_graph::Graph;
use tilewright_nn::{Entry as State, INPUT, ParameterStore, capture};
use tilewright_ops::DType;
use tilewright_runtime::Context;

use crate::registry::{Entry, Error, Network, Options, Task, build};

/// A network without auxiliary heads for one image of its own size, as libraries count it.
pub struct Facts {
    /// Its row of the table.
    pub entry: &'static Entry,
    /// Classes: ImageNet's 1000, 10 for small images as CIFAR's, the 21 of Pascal VOC for segmentation, the 80 of COCO
    /// for detection.
    pub classes: usize,
    /// Numbers that training changes.
    pub parameters: usize,
    /// Floating-point operations of one inference: a multiplication with its addition counts as two.
    pub flops: u64,
    /// What it computes, as it was captured.
    pub graph: Graph,
    /// Names and shapes of its state dict in order; a counter has no extents.
    pub state: Vec<(String, Vec<usize>)>,
}

/// Makes the network without numbers, and counts.
///
/// # Errors
/// What the network or the device says of its sizes.
pub fn facts(entry: &'static Entry, context: &Context) -> Result<Facts, Error> {
    let classes = match entry.task {
        Task::Segmentation => 21,
        Task::Detection => 80,
        Task::Classification if entry.image[1] < 64 => 10,
        Task::Classification => 1000,
    };
    let store = ParameterStore::shapes_only(context);
    let options = Options::new(entry.image, classes).auxiliary(false);
    let Network { module, .. } = build(entry.name, &store, options)?;
    let [channels, height, width] = entry.image;
    let graph = capture(&*module, &store, &[(INPUT, &[1, channels, height, width], DType::F32)])?;
    let flops = graph.summary().map_err(tilewright_nn::Error::from)?.flops;
    let state = store.entries().into_iter().map(|entry| match entry {
        State::Parameter(tensor) | State::Buffer(tensor) => {
            (tensor.path().to_owned(), tensor.shape().to_vec())
        }
        State::Counter(path, _) => (path.clone(), Vec::new()),
    });
    Ok(Facts { entry, classes, parameters: store.parameter_count(), flops, state: state.collect(), graph })
}
