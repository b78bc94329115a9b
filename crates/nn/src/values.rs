//! Variables by name: what goes into a module and what comes out of it.

use std::borrow::Cow;

use tilewright_autograd::Var;

use crate::{error::Error, error::Result};

/// The name of a value: most are known when the program is written.
pub type Name = Cow<'static, str>;

/// Variables by name, in the order in which they were added.
///
/// Names are ONNX's and torchvision's: `input` and `output` where there is one of each.
#[derive(Clone, Default)]
pub struct Values {
    entries: Vec<(Name, Var)>,
}

impl Values {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more value; a value of the same name gives way in its place.
    #[must_use]
    pub fn with(mut self, name: impl Into<Name>, value: Var) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds a value and gives the one that had its name.
    pub fn insert(&mut self, name: impl Into<Name>, value: Var) -> Option<Var> {
        let name = name.into();
        match self.entries.iter_mut().find(|(other, _)| *other == name) {
            Some((_, place)) => Some(std::mem::replace(place, value)),
            None => {
                self.entries.push((name, value));
                None
            }
        }
    }

    /// The value of that name.
    ///
    /// # Errors
    /// [`Error::MissingValue`], which lists the names there are.
    pub fn get(&self, name: &str) -> Result<&Var> {
        self.find(name).ok_or_else(|| Error::MissingValue { name: name.to_owned(), there: self.list() })
    }

    /// The value of that name, if there is one: for what may be left out.
    pub fn find(&self, name: &str) -> Option<&Var> {
        self.entries.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The only value.
    ///
    /// # Errors
    /// [`Error::NotOne`] unless there is exactly one.
    pub fn only(&self) -> Result<&Var> {
        match &self.entries[..] {
            [(_, value)] => Ok(value),
            _ => Err(Error::NotOne { names: self.list() }),
        }
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_ref())
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.entries.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn list(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }
}

impl<N: Into<Name>> FromIterator<(N, Var)> for Values {
    fn from_iter<I: IntoIterator<Item = (N, Var)>>(values: I) -> Self {
        values.into_iter().fold(Self::new(), |all, (name, value)| all.with(name, value))
    }
}

impl<N: Into<Name>, const COUNT: usize> From<[(N, Var); COUNT]> for Values {
    fn from(values: [(N, Var); COUNT]) -> Self {
        values.into_iter().collect()
    }
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, value.shape()))).finish()
    }
}
