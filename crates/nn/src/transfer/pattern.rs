//! Paths by pattern.

use std::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// A pattern of paths: `*` stands for any letters, dots among them, and `?` for one letter. What matches a part of a path up
/// to a dot takes everything below it: `layer1` and `layer1.*` both take `layer1.0.conv1.weight`, `*.bn?` takes
/// `layer1.0.bn1.bias`.
///
/// ```
/// use tilewright_nn::PathPattern;
/// let pattern: PathPattern = "layer1.*.conv1".parse()?;
/// assert!(pattern.matches("layer1.0.conv1.weight"));
/// assert!(!pattern.matches("layer10.0.conv1.weight"));
/// # Ok::<(), tilewright_nn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

impl PathPattern {
    /// Whether it takes `path`.
    pub fn matches(&self, path: &str) -> bool {
        let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| glob(self.0.as_bytes(), &path.as_bytes()[..end]))
    }

    /// [`Error::Pattern`] if it takes none of `paths`: a misspelt pattern is not to do nothing.
    ///
    /// # Errors
    /// As said.
    pub fn require<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut parts: Vec<&str> = Vec::new();
        for path in paths {
            if self.matches(path) {
                return Ok(());
            }
            let part = path.split('.').next().unwrap_or(path);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        let reason = format!("no path matches it; the network's parts are: {}", parts.join(", "));
        Err(Error::Pattern { pattern: self.0.clone(), reason })
    }
}

impl FromStr for PathPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() || text.contains(char::is_whitespace) {
            let reason =
                "it must be a path such as layer1.0.conv1, with * for any letters and ? for one".to_owned();
            return Err(Error::Pattern { pattern: text.to_owned(), reason });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether all of `text` is what `pattern` says. Only the last `*` is ever taken back: an earlier one could not do better.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&letter) if letter == b'?' || letter == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&letter| letter == b'*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        for (pattern, path, taken) in [
            ("layer1", "layer1.0.conv1.weight", true),
            ("layer1.*", "layer1.0.conv1.weight", true),
            ("layer1", "layer10.0.conv1.weight", false),
            ("layer1.*", "layer1", false),
            ("*.bn?", "layer1.0.bn1.bias", true),
            ("*.bn?", "layer1.0.bn10.bias", false),
            ("*bias", "fc.bias", true),
            ("*bias", "fc.bias_mask", false),
            ("*", "fc.bias", true),
            ("l*1*w*t", "layer1.0.conv1.weight", true),
            ("fc.weight", "fc.weight", true),
            ("fc.weight.x", "fc.weight", false),
            ("??.weight", "fc.weight", true),
        ] {
            assert_eq!(pattern.parse::<PathPattern>().unwrap().matches(path), taken, "{pattern} {path}");
        }
    }

    #[test]
    fn what_matches_nothing_is_said() {
        assert!(matches!("".parse::<PathPattern>(), Err(Error::Pattern { .. })));
        assert!(matches!("a b".parse::<PathPattern>(), Err(Error::Pattern { .. })));
        let pattern: PathPattern = "layr1".parse().unwrap();
        pattern.require(["layr1.x"]).unwrap();
        let said =
            pattern.require(["layer1.0.weight", "layer1.0.bias", "fc.weight"]).unwrap_err().to_string();
        assert!(said.contains("layr1") && said.contains("layer1, fc"), "{said}");
    }
}
