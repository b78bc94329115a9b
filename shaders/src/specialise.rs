//! A specialisation: which file, which constants, which fragments. It is also the key of the pipeline cache.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    const_expr::{Scope, evaluate},
    source, unroll,
};

/// The value given to a `// @const` line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// Replaces a `const NAME: u32`.
    U32(u32),
    /// Replaces a `const NAME: bool`.
    Bool(bool),
    /// Replaces an `alias NAME`.
    Type(&'static str),
}

/// A kernel file with its constants and fragments chosen. Two equal values give the same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Specialisation {
    stem: &'static str,
    /// The text, where it is not one of this crate's files.
    own: Option<&'static str>,
    consts: BTreeMap<&'static str, Value>,
    fragments: BTreeMap<&'static str, &'static str>,
}

/// Why a kernel could not be specialised. Each names the kernel and what it does have.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SpecialiseError {
    #[error("no kernel is called `{stem}`; `tilewright kernels list` names them all")]
    UnknownKernel { stem: String },
    #[error("kernel `{stem}` has no `@const {name}`; it has: {known}")]
    UnknownConst { stem: String, name: String, known: String },
    #[error("kernel `{stem}`: `@const {name}` is `{declared}` and cannot take {value:?}")]
    WrongType { stem: String, name: String, declared: String, value: Value },
    #[error("kernel `{stem}` has no `@slot {slot}`; it has: {known}")]
    UnknownSlot { stem: String, slot: String, known: String },
    #[error("no fragment `{name}` for the slot `{slot}`; there are: {known}")]
    UnknownFragment { slot: String, name: String, known: String },
    #[error("kernel `{stem}`: {reason}")]
    Malformed { stem: String, reason: String },
}

impl Specialisation {
    /// The kernel `stem` with the values that stand in its file.
    pub fn new(stem: &'static str) -> Self {
        Self { stem, own: None, consts: BTreeMap::new(), fragments: BTreeMap::new() }
    }

    /// A kernel of another crate: `text` follows the rules of this crate's files (`include_str!`), and `name` is what errors and
    /// profiles call it. Its entry point is `main`.
    pub fn of_text(name: &'static str, text: &'static str) -> Self {
        Self { own: Some(text), ..Self::new(name) }
    }

    /// Gives `const name: u32` another value.
    pub fn with_u32(mut self, name: &'static str, value: u32) -> Self {
        self.consts.insert(name, Value::U32(value));
        self
    }

    /// Gives `const name: bool` another value.
    pub fn with_bool(mut self, name: &'static str, value: bool) -> Self {
        self.consts.insert(name, Value::Bool(value));
        self
    }

    /// Gives `alias name` another type.
    pub fn with_type(mut self, name: &'static str, value: &'static str) -> Self {
        self.consts.insert(name, Value::Type(value));
        self
    }

    /// Fills `slot` with `shaders/fragments/<slot>/<name>.wgsl`.
    pub fn with_fragment(mut self, slot: &'static str, name: &'static str) -> Self {
        self.fragments.insert(slot, name);
        self
    }

    /// The kernel's stem.
    pub fn stem(&self) -> &'static str {
        self.stem
    }

    /// The values that differ from the file's own.
    pub fn consts(&self) -> &BTreeMap<&'static str, Value> {
        &self.consts
    }

    /// The WGSL text that the device receives.
    pub fn wgsl(&self) -> Result<String, SpecialiseError> {
        let file = || source::kernel(self.stem).map(|source| source.text);
        let text = self
            .own
            .or_else(file)
            .ok_or_else(|| SpecialiseError::UnknownKernel { stem: self.stem.to_owned() })?;
        let mut bodies = BTreeMap::new();
        for (&slot, &name) in &self.fragments {
            let fragment = source::fragment(slot, name).ok_or_else(|| {
                let known: Vec<_> = source::fragments()
                    .iter()
                    .filter(|fragment| fragment.family == slot)
                    .map(|fragment| fragment.stem)
                    .collect();
                SpecialiseError::UnknownFragment {
                    slot: slot.to_owned(),
                    name: name.to_owned(),
                    known: known.join(", "),
                }
            })?;
            bodies.insert(slot, fragment.text);
        }
        specialise_text(self.stem, text, &self.consts, &bodies)
    }
}

impl std::fmt::Display for Specialisation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.stem)?;
        for (name, value) in &self.consts {
            match value {
                Value::U32(value) => write!(f, " {name}={value}")?,
                Value::Bool(value) => write!(f, " {name}={value}")?,
                Value::Type(value) => write!(f, " {name}={value}")?,
            }
        }
        for (slot, name) in &self.fragments {
            write!(f, " {slot}={name}")?;
        }
        Ok(())
    }
}

/// One `// @const` line of a kernel file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constant<'a> {
    /// Its name.
    pub name: &'a str,
    /// `u32`, `bool` or `alias`.
    pub kind: &'a str,
    /// The value that stands in the file.
    pub value: &'a str,
    /// What the file says of it.
    pub meaning: &'a str,
}

/// The `// @const` lines of a text.
pub fn constants(text: &str) -> Vec<Constant<'_>> {
    let of = |line| {
        let Declaration { name, kind, value, tail, .. } = declaration(line)?;
        let (_, meaning) = tail.split_once("@const")?;
        Some(Constant { name, kind, value, meaning: meaning.trim() })
    };
    text.lines().filter_map(of).collect()
}

/// Specialises any text that follows the rules of this crate; `stem` names it in errors.
pub fn specialise_text(
    stem: &str,
    text: &str,
    consts: &BTreeMap<&'static str, Value>,
    fragments: &BTreeMap<&'static str, &str>,
) -> Result<String, SpecialiseError> {
    let malformed = |reason| SpecialiseError::Malformed { stem: stem.to_owned(), reason };
    let text = fill_slots(stem, text, fragments)?;
    let (text, scope) = set_consts(stem, &text, consts)?;
    unroll::unroll(&text, &scope).map_err(malformed)
}

fn fill_slots(
    stem: &str,
    text: &str,
    fragments: &BTreeMap<&'static str, &str>,
) -> Result<String, SpecialiseError> {
    let mut out = String::with_capacity(text.len());
    let mut known = Vec::new();
    let mut skipping = false;
    for line in text.lines() {
        if let Some(slot) = line.trim().strip_prefix("// @slot ") {
            let slot = slot.trim();
            known.push(slot);
            if let Some(body) = fragments.get(slot) {
                skipping = true;
                out.push_str(body);
            }
        } else if line.trim() == "// @end" {
            skipping = false;
        } else if !skipping {
            out.push_str(line);
            out.push('\n');
        }
    }
    for slot in fragments.keys() {
        if !known.contains(slot) {
            return Err(SpecialiseError::UnknownSlot {
                stem: stem.to_owned(),
                slot: (*slot).to_owned(),
                known: known.join(", "),
            });
        }
    }
    Ok(out)
}

/// One `const NAME: TYPE = VALUE;` or `alias NAME = TYPE;` line.
struct Declaration<'a> {
    indent_and_keyword: &'a str,
    name: &'a str,
    kind: &'a str,
    value: &'a str,
    tail: &'a str,
}

fn declaration(line: &str) -> Option<Declaration<'_>> {
    let keyword = ["const ", "alias "].into_iter().find(|k| line.starts_with(k))?;
    let (head, rest) = line.split_once('=')?;
    let (value, tail) = rest.split_once(';')?;
    let head = &head[keyword.len()..];
    let (name, kind) = head.split_once(':').unwrap_or((head, "alias"));
    Some(Declaration {
        indent_and_keyword: keyword,
        name: name.trim(),
        kind: kind.trim(),
        value: value.trim(),
        tail,
    })
}

fn set_consts(
    stem: &str,
    text: &str,
    consts: &BTreeMap<&'static str, Value>,
) -> Result<(String, Scope), SpecialiseError> {
    let mut out = String::with_capacity(text.len());
    let mut scope = Scope::new();
    let mut known = Vec::new();
    for line in text.lines() {
        let Some(found) = declaration(line) else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut value = found.value.to_owned();
        if found.tail.contains("@const") {
            known.push(found.name.to_owned());
            if let Some(chosen) = consts.get(found.name) {
                value = match (chosen, found.kind) {
                    (Value::U32(value), "u32") => format!("{value}u"),
                    (Value::Bool(value), "bool") => value.to_string(),
                    (Value::Type(value), "alias") => (*value).to_owned(),
                    (chosen, declared) => {
                        return Err(SpecialiseError::WrongType {
                            stem: stem.to_owned(),
                            name: found.name.to_owned(),
                            declared: declared.to_owned(),
                            value: chosen.clone(),
                        });
                    }
                };
            }
        }
        if found.kind == "u32"
            && let Ok(number) = evaluate(&value, &scope)
        {
            scope.insert(found.name.to_owned(), number);
        }
        let kind = if found.kind == "alias" { String::new() } else { format!(": {}", found.kind) };
        out.push_str(&format!("{}{}{kind} = {value};{}\n", found.indent_and_keyword, found.name, found.tail));
    }
    for name in consts.keys() {
        if !known.iter().any(|found| found == name) {
            return Err(SpecialiseError::UnknownConst {
                stem: stem.to_owned(),
                name: (*name).to_owned(),
                known: known.join(", "),
            });
        }
    }
    Ok((out, scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "const N: u32 = 2u; // @const rows\nconst M: u32 = N * 2u;\nalias T = f32; // @const element\n\
                        // @slot op\nfn op(x: f32) -> f32 { return x; }\n// @end\n// @unroll\nfor (var i = 0u; i < M; i++) { f(i); }\n";

    fn run(
        consts: &[(&'static str, Value)],
        slots: &[(&'static str, &str)],
    ) -> Result<String, SpecialiseError> {
        specialise_text("t", TEXT, &consts.iter().cloned().collect(), &slots.iter().copied().collect())
    }

    #[test]
    fn constants_reach_derived_bounds() {
        let out = run(&[("N", Value::U32(3)), ("T", Value::Type("f16"))], &[]).expect("specialises");
        assert_eq!(out.matches("const i: u32 =").count(), 6);
        assert!(out.contains("alias T = f16;") && out.contains("const N: u32 = 3u;"));
    }

    #[test]
    fn slots_are_replaced_whole() {
        let out = run(&[], &[("op", "fn op(x: f32) -> f32 { return -x; }\n")]).expect("specialises");
        assert!(out.contains("return -x;") && !out.contains("return x;"));
    }

    #[test]
    fn unknown_names_and_wrong_types_are_errors() {
        assert!(matches!(run(&[("K", Value::U32(1))], &[]), Err(SpecialiseError::UnknownConst { .. })));
        assert!(matches!(run(&[("M", Value::U32(1))], &[]), Err(SpecialiseError::UnknownConst { .. })));
        assert!(matches!(run(&[("N", Value::Bool(true))], &[]), Err(SpecialiseError::WrongType { .. })));
        assert!(matches!(run(&[], &[("po", "")]), Err(SpecialiseError::UnknownSlot { .. })));
        assert!(matches!(Specialisation::new("nope").wgsl(), Err(SpecialiseError::UnknownKernel { .. })));
        let bad = Specialisation::new("unary").with_fragment("unary", "nope").wgsl();
        assert!(matches!(bad, Err(SpecialiseError::UnknownFragment { .. })));
    }
}
