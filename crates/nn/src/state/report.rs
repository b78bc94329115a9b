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
    /// What every name in the file began with, and was taken off: `module.` of PyTorch's `DataParallel`, `_orig_mod.` of its
    /// `torch.compile`. Empty where nothing was.
    pub stripped: String,
}

impl LoadReport {
    /// Whether every name fits.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.misshaped.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String], others: &[String]| {
            let (shown, more) = (names.len().min(8), names.len().saturating_sub(8));
            let near = |name: &String| match nearest(name, others) {
                Some(near) => format!("{name} (near: {near})"),
                None => name.clone(),
            };
            let shown = names[..shown].iter().map(near).collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{shown} and {more} more") } else { shown }
        };
        write!(f, "{} tensors fit", self.loaded.len())?;
        if !self.missing.is_empty() {
            write!(f, "; missing: {}", list(&self.missing, &self.unexpected))?;
        }
        if !self.unexpected.is_empty() {
            write!(f, "; unexpected: {}", list(&self.unexpected, &self.missing))?;
        }
        for Misshaped { name, found, expected } in &self.misshaped {
            write!(f, "; `{name}` has shape {found:?} where the network has {expected:?}")?;
        }
        if !self.stripped.is_empty() {
            write!(f, "; every name began with `{}`, which was taken off", self.stripped)?;
        }
        Ok(())
    }
}

/// The name among `others` that differs from `name` by the fewest letters, if more than half of them stay.
fn nearest<'a>(name: &str, others: &'a [String]) -> Option<&'a String> {
    let closest =
        others.iter().map(|other| (distance(name, other), other)).min_by_key(|(distance, _)| *distance);
    closest.filter(|(distance, other)| 2 * distance < name.len().max(other.len())).map(|(_, other)| other)
}

/// Levenshtein's distance: letters that are put in, taken out or changed.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let changed = before + usize::from(letter != *other);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("fc.weight", "fc.weights", 1)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn a_name_is_listed_with_its_nearest() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let report = LoadReport {
            missing: names(&["layer1.0.conv1.weight", "x"]),
            unexpected: names(&["head.bias", "layer1.0.conv_1.weight"]),
            stripped: "module.".to_owned(),
            ..LoadReport::default()
        };
        assert_eq!(
            report.to_string(),
            "0 tensors fit; missing: layer1.0.conv1.weight (near: layer1.0.conv_1.weight), x; unexpected: head.bias, \
             layer1.0.conv_1.weight (near: layer1.0.conv1.weight); every name began with `module.`, which was taken off"
        );
    }
}
