//! How a state dict fits a network.

use std::fmt;

/// A tensor whose shape is not the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshaped {
    /// Its name.
    pub name: String,
    /// The shape in the file.
    pub found: Vec<usize>,
    /// The shape in the network.
    pub expected: Vec<usize>,
}

/// How a state dict fits a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names that were loaded.
    pub loaded: Vec<String>,
    /// Names that the network has and the file has not.
    pub missing: Vec<String>,
    /// Names that the file has and the network has not.
    pub unexpected: Vec<String>,
    /// Names whose shapes differ.
    pub misshaped: Vec<Misshaped>,
}

impl LoadReport {
    /// Whether every name fits.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshaped.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            let more = names.len().saturating_sub(8);
            let shown = names[..names.len() - more].join(", ");
            if more > 0 { format!("{shown} and {more} more") } else { shown }
        };
        write!(f, "{} tensors fit", self.loaded.len())?;
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", list(&self.missing))?;
        }
        if !self.unexpected.is_empty() {
            write!(f, "; unexpected: {}", list(&self.unexpected))?;
        }
        for Misshaped { name, found, expected } in &self.misshaped {
            write!(f, "; `{name}` has shape {found:?} where the network has {expected:?}")?;
        }
        Ok(())
    }
}
