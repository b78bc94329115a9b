//! Where a network's values come from: a file, a state dict, a part of either.

use std::{borrow::Cow, sync::Arc};

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

    /// What was taken off every name, as [`Unwrapped`] does; empty where nothing was.
    fn stripped(&self) -> &str {
        ""
    }
}

/// What PyTorch's wrappers put before every name: `DataParallel` and `DistributedDataParallel`, and `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// Another source without the prefixes that PyTorch's wrappers gave all of its names: `module.` and `_orig_mod.`, in any
/// order and number. A name is also found with them.
pub struct Unwrapped<S> {
    source: S,
    prefix: String,
}

impl<S: StateSource> Unwrapped<S> {
    /// `source` as the wrapped network's own.
    pub fn new(source: S) -> Self {
        let mut prefix = String::new();
        let names = source.names();
        while let Some(wrapper) = WRAPPERS.into_iter().find(|wrapper| {
            let inside =
                |name: &&str| name.strip_prefix(&*prefix).is_some_and(|name| name.starts_with(wrapper));
            !names.is_empty() && names.iter().all(inside)
        }) {
            prefix.push_str(wrapper);
        }
        Self { source, prefix }
    }

    /// `name` as the source has it.
    fn own(&self, name: &str) -> String {
        if self.source.shape(name).is_some() { name.to_owned() } else { format!("{}{name}", self.prefix) }
    }
}

impl<S: StateSource> StateSource for Unwrapped<S> {
    fn label(&self) -> String {
        self.source.label()
    }

    fn names(&self) -> Vec<&str> {
        self.source.names().into_iter().filter_map(|name| name.strip_prefix(&*self.prefix)).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.source.shape(&self.own(name))
    }

    fn tensor(&self, name: &str) -> Result<Option<Cow<'_, HostTensor>>> {
        self.source.tensor(&self.own(name))
    }

    fn stripped(&self) -> &str {
        if self.prefix.is_empty() { self.source.stripped() } else { &self.prefix }
    }
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

macro_rules! pointer {
    ($($pointer:ty),*) => {$(
        impl<S: StateSource + ?Sized> StateSource for $pointer {
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

            fn stripped(&self) -> &str {
                (**self).stripped()
            }
        }
    )*};
}

pointer!(&S, Arc<S>);
