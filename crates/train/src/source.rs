//! Where batches come from.

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, Name, Values};
use tilewright_runtime::Context;

use crate::error::Result;

/// Samples that are worked on together: what the module is given and what it should answer, by the names of its ports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Samples in it.
    pub samples: usize,
    /// The module's inputs.
    pub inputs: Vec<(Name, HostTensor)>,
    /// What the task compares the outputs with. Whole numbers become i32 on the device.
    pub targets: Vec<(Name, HostTensor)>,
}

impl Batch {
    /// A batch of `samples` without anything yet.
    pub fn new(samples: usize) -> Self {
        Self { samples, ..Self::default() }
    }

    /// With one more input of the module.
    #[must_use]
    pub fn input(mut self, name: impl Into<Name>, value: HostTensor) -> Self {
        self.inputs.push((name.into(), value));
        self
    }

    /// With one more target.
    #[must_use]
    pub fn target(mut self, name: impl Into<Name>, value: HostTensor) -> Self {
        self.targets.push((name.into(), value));
        self
    }

    /// The target of that name, on the host.
    pub fn find_target(&self, name: &str) -> Option<&HostTensor> {
        self.targets.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The inputs on the device.
    pub(crate) fn upload_inputs(&self, context: &Context) -> Result<Values> {
        upload(&self.inputs, context)
    }

    /// The targets on the device.
    pub(crate) fn upload_targets(&self, context: &Context) -> Result<Values> {
        upload(&self.targets, context)
    }
}

fn upload(values: &[(Name, HostTensor)], context: &Context) -> Result<Values> {
    let upload =
        |(name, value): &(Name, HostTensor)| Ok((name.clone(), Var::constant(value.upload(context, name)?)));
    values.iter().map(upload).collect()
}

/// The batches of an epoch.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Batch>> + 'a>;

/// A source of batches, epoch by epoch: a program's own data, or a [`LoaderSource`](crate::LoaderSource).
pub trait Source {
    /// Batches in an epoch.
    fn batches(&self) -> u64;

    /// Samples in an epoch.
    fn samples(&self) -> u64;

    /// The batches of `epoch`, from number `first` on. They must follow from these two numbers alone: then a run that was
    /// stopped goes on with the batches that it would have had.
    ///
    /// # Errors
    /// What the source cannot do; [`Error::program`](crate::Error::program) takes any error.
    fn epoch(&self, epoch: u64, first: u64) -> Result<Batches<'_>>;
}
