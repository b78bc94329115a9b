//! Where a network's values come from: a file, a state dict, a part of either.

use std::borrow::Cow;

use crate::{error::Result, state::host_tensor::HostTensor};

/// Tensors by name, read when they are asked for.
pub trait StateSource: Send + Sync {
    /// What it is called in messages: a file's path.
    fn label(&self) -> String;

    /// Every name, sorted.
    fn names(&self) -> Vec<&str>;

    /// The shape of the tensor `name`, if there is one.
    fn shape(&self, name: &str) -> Option<&[usize]>;

    /// The tensor `name`, if there is one.
    ///
    /// # Errors
    /// [`crate::Error::File`] where it cannot be read, [`crate::Error::StateDictType`] for an element type that cannot be
    /// converted.
    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>>;
}

/// The part of another source whose names begin with a prefix, without it: `backbone.` of a detector's file.
pub struct Prefixed<S> {
    source: S,
    prefix: String,
}

impl<S: StateSource> Prefixed<S> {
    /// What `source` has under `prefix`, its last dot included.
    pub fn new(source: S, prefix: impl Into<String>) -> Self {
        Self { source, prefix: prefix.into() }
    }

    fn whole(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl<S: StateSource> StateSource for Prefixed<S> {
    fn label(&self) -> String {
        format!("`{}` of {}", self.prefix, self.source.label())
    }

    fn names(&self) -> Vec<&str> {
        self.source.names().into_iter().filter_map(|name| name.strip_prefix(&*self.prefix)).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.source.shape(&self.whole(name))
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        self.source.tensor(&self.whole(name))
    }
}

impl<S: StateSource + ?Sized> StateSource for &S {
    fn label(&self) -> String {
        (**self).label()
    }

    fn names(&self) -> Vec<&str> {
        (**self).names()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        (**self).shape(name)
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        (**self).tensor(name)
    }
}
