//! Names that tensors get on their way to another file.

use std::{collections::BTreeMap, path::Path};

use crate::error::{Error, Fault, Result};

/// How names change: a prefix goes, then each name is looked up.
#[derive(Clone, Debug, Default)]
pub struct Renames {
    strip: Option<String>,
    rules: Vec<(String, String)>,
}

/// What stands for a name that goes.
const DROP: &str = "-";

impl Renames {
    /// Takes `prefix`, if there is one, off every name that begins with it.
    pub fn strip(prefix: Option<&str>) -> Self {
        Self { strip: prefix.map(str::to_owned), rules: Vec::new() }
    }

    /// Adds the rules of a text file: on each line the name that is and the name that is to be, with a space between them; `-`
    /// leaves the tensor out. Two names that end in `*` rename whatever begins so. Empty lines and what follows `#` are nothing.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Format`] for a line of another form.
    pub fn read(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [] => {}
                [from, to] if from.ends_with('*') == to.ends_with('*') || to == DROP => {
                    self.rules.push((from.to_owned(), to.to_owned()));
                }
                _ => {
                    let reason = format!(
                        "line {} is `{}`; two names are wanted, as `backbone.* *` or `old.weight new.weight`, or a name and `-`",
                        at + 1,
                        line.trim()
                    );
                    return Err(Error::format(path, Fault::State(reason)));
                }
            }
        }
        Ok(())
    }

    /// The new name of each old one; those that go are not there.
    ///
    /// # Errors
    /// [`Fault::State`] for a prefix or a rule that no name fits, and for two tensors of one name.
    pub(crate) fn apply<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, &'a str>, Fault> {
        let mut used = vec![false; self.rules.len()];
        let mut stripped = false;
        let mut renamed = BTreeMap::new();
        for old in names {
            let mut name = old.to_owned();
            if let Some(rest) = self.strip.as_deref().and_then(|prefix| old.strip_prefix(prefix)) {
                stripped = true;
                name = rest.to_owned();
            }
            for ((from, to), used) in self.rules.iter().zip(&mut used) {
                let rest = match from.strip_suffix('*') {
                    Some(prefix) => name.strip_prefix(prefix),
                    None => (name == *from).then_some(""),
                };
                let Some(rest) = rest else { continue };
                *used = true;
                name = if to == DROP { String::new() } else { format!("{}{rest}", to.trim_end_matches('*')) };
                break;
            }
            if name.is_empty() {
                continue;
            }
            if let Some(other) = renamed.insert(name.clone(), old) {
                return Err(Fault::State(format!("`{other}` and `{old}` would both be called `{name}`")));
            }
        }
        if let Some(prefix) = self.strip.as_deref().filter(|_| !stripped) {
            return Err(Fault::State(format!("no name begins with `{prefix}`")));
        }
        if let Some(at) = used.iter().position(|used| !used) {
            let (from, to) = &self.rules[at];
            return Err(Fault::State(format!("no name fits `{from}` of the rule `{from} {to}`")));
        }
        Ok(renamed)
    }
}
