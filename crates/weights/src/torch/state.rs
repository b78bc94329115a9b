//! Where in a pickle's values the state dict is.

use std::collections::BTreeSet;

use crate::{
    error::Fault,
    pickle::{Heap, Node, Object, Tensor, Value},
};

/// Under which keys training scripts keep the state dict, the likeliest first.
const KEYS: [&str; 13] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "params_ema",
    "ema",
    "ema_state_dict",
    "model_ema",
];

/// The whole of the file, as a key.
const EVERYTHING: &str = "*";

/// How deep modules and dicts may lie in one another.
const DEEPEST: usize = 64;

/// How many values are looked at; a pickle may name one of its values as often as it likes.
const MOST_VALUES: usize = 1 << 20;

/// The tensors of the state dict, by name: what `key` says, or else the value at the top, or what is under one of the usual keys.
pub(super) fn find(
    heap: &Heap,
    root: Value,
    key: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Vec<(String, Tensor)>, Fault> {
    let chosen = match key {
        Some(EVERYTHING) => root,
        Some(key) => follow(heap, root, key)?,
        None if is_state(heap, root) => root,
        None => usual(heap, root, notes)?,
    };
    let mut walk = Walk { heap, found: Vec::new(), left_out: Vec::new(), classes: BTreeSet::new(), seen: 0 };
    walk.collect(chosen, "", 0)?;
    if walk.found.is_empty() {
        let there = keys(heap, chosen);
        let there = if there.is_empty() { heap.kind(chosen) } else { there.join(", ") };
        return Err(Fault::State(format!(
            "it holds no tensors where they were looked for; there is: {there}"
        )));
    }
    if !walk.classes.is_empty() {
        let classes = walk.classes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        notes.push(format!("whole modules are read as data, their classes are not run: {classes}"));
    }
    if !walk.left_out.is_empty() {
        notes.push(format!("left out, for they are no tensors: {}", shortened(&walk.left_out)));
    }
    let mut names = BTreeSet::new();
    if let Some((name, _)) = walk.found.iter().find(|(name, _)| !names.insert(name.clone())) {
        return Err(Fault::State(format!(
            "two tensors are called `{name}`; say which part is meant with a key"
        )));
    }
    Ok(walk.found)
}

fn shortened(names: &[String]) -> String {
    let shown = names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(8);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The names of a dict's entries.
fn keys(heap: &Heap, value: Value) -> Vec<String> {
    heap.pairs(value).unwrap_or_default().iter().filter_map(|pair| heap.name(pair.0)).collect()
}

/// Whether a value is a state dict: a dict with tensors of its own, or a module.
fn is_state(heap: &Heap, value: Value) -> bool {
    if module(heap, value).is_some() {
        return true;
    }
    let named = |pair: &(Value, Value)| {
        heap.name(pair.0).is_some()
            && matches!(heap.get(pair.1), Some(Node::Tensor(tensor)) if !tensor.shape.is_empty())
    };
    heap.pairs(value).is_some_and(|pairs| pairs.iter().any(named))
}

/// The value under one of the usual keys, or the only state dict that there is.
fn usual(heap: &Heap, root: Value, notes: &mut Vec<String>) -> Result<Value, Fault> {
    let candidates: Vec<(String, Value)> = heap
        .pairs(root)
        .unwrap_or_default()
        .iter()
        .filter(|pair| is_state(heap, pair.1))
        .filter_map(|pair| Some((heap.name(pair.0)?, pair.1)))
        .collect();
    let likeliest = KEYS.iter().find_map(|key| candidates.iter().find(|(name, _)| name == key));
    let others = |chosen: &str| {
        let others: Vec<String> = keys(heap, root).into_iter().filter(|name| name != chosen).collect();
        if others.is_empty() {
            String::new()
        } else {
            format!("; beside it, and left out: {}", shortened(&others))
        }
    };
    match (likeliest, &candidates[..]) {
        (Some((name, value)), _) | (None, [(name, value)]) => {
            notes.push(format!("the state dict is under `{name}`{}", others(name)));
            Ok(*value)
        }
        // Tensors in a list, a dict of dicts of dicts, a single one: all that there is.
        (None, []) => Ok(root),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            Err(Fault::State(format!(
                "it holds several state dicts: {}; say which is meant with a key, or `{EVERYTHING}` for all",
                names.join(", ")
            )))
        }
    }
}

/// The value under a key, or under keys with dots between them.
fn follow(heap: &Heap, root: Value, key: &str) -> Result<Value, Fault> {
    let inside = |value| match heap.get(value) {
        Some(Node::Object(object)) if object.pairs.is_empty() => attributes(heap, object),
        _ => value,
    };
    let value = inside(root);
    if let Some(found) = heap.entry(value, key) {
        return Ok(found);
    }
    for (dot, _) in key.match_indices('.') {
        if let Some(found) = heap.entry(value, &key[..dot]) {
            return follow(heap, found, &key[dot + 1..]);
        }
    }
    let there = keys(heap, value);
    let there = if there.is_empty() { heap.kind(root) } else { shortened(&there) };
    Err(Fault::State(format!("it has no `{key}`; there is: {there}")))
}

/// An object's attributes: its state, or the first of the two that `__slots__` make.
fn attributes(heap: &Heap, object: &Object) -> Value {
    match heap.get(object.state) {
        Some(Node::Tuple(parts)) => parts.first().copied().unwrap_or(Value::None),
        _ => object.state,
    }
}

/// The attributes of a module, of PyTorch's own kind or of TorchScript's.
fn module(heap: &Heap, value: Value) -> Option<(&Object, Value)> {
    let Some(Node::Object(object)) = heap.get(value) else { return None };
    let state = attributes(heap, object);
    let known = object.class.starts_with("__torch__.")
        || ["_parameters", "_modules"].iter().any(|part| heap.entry(state, part).is_some());
    known.then_some((object, state))
}

struct Walk<'a> {
    heap: &'a Heap,
    found: Vec<(String, Tensor)>,
    left_out: Vec<String>,
    classes: BTreeSet<String>,
    seen: usize,
}

impl Walk<'_> {
    fn collect(&mut self, value: Value, name: &str, depth: usize) -> Result<(), Fault> {
        self.seen += 1;
        if depth > DEEPEST || self.seen > MOST_VALUES {
            let (what, limit) = if depth > DEEPEST {
                ("the depth of its values", DEEPEST)
            } else {
                ("the number of its values", MOST_VALUES)
            };
            return Err(Fault::Limit { what, limit: limit as u64 });
        }
        let heap = self.heap;
        if let Some((object, state)) = module(heap, value) {
            self.classes.insert(object.class.clone());
            if object.class.starts_with("__torch__.") {
                return self.entries(state, name, depth);
            }
            let skipped = heap.entry(state, "_non_persistent_buffers_set");
            let skipped = skipped.and_then(|skipped| heap.items(skipped)).unwrap_or_default();
            let skipped: Vec<String> = skipped.iter().filter_map(|&name| heap.name(name)).collect();
            for part in ["_parameters", "_buffers", "_modules"] {
                let Some(part) = heap.entry(state, part) else { continue };
                for &(key, value) in heap.pairs(part).unwrap_or_default() {
                    let Some(key) = heap.name(key) else { continue };
                    // A layer without a bias has None for it.
                    if value != Value::None && !skipped.contains(&key) {
                        self.collect(value, &joined(name, &key), depth + 1)?;
                    }
                }
            }
            return Ok(());
        }
        match heap.get(value) {
            Some(Node::Tensor(tensor)) => {
                let name = if name.is_empty() { "tensor" } else { name };
                self.found.push((name.to_owned(), tensor.clone()));
                Ok(())
            }
            Some(Node::List(items) | Node::Tuple(items)) if items.iter().any(|&item| self.leads_on(item)) => {
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(at, &item)| self.collect(item, &joined(name, &at.to_string()), depth + 1))
            }
            _ if heap.pairs(value).is_some() => self.entries(value, name, depth),
            _ => {
                self.left_out.push(if name.is_empty() { heap.kind(value) } else { name.to_owned() });
                Ok(())
            }
        }
    }

    /// Whether a value may hold tensors.
    fn leads_on(&self, value: Value) -> bool {
        matches!(
            self.heap.get(value),
            Some(Node::Tensor(_) | Node::List(_) | Node::Tuple(_) | Node::Dict(_) | Node::Object(_))
        )
    }

    fn entries(&mut self, dict: Value, name: &str, depth: usize) -> Result<(), Fault> {
        for &(key, value) in self.heap.pairs(dict).unwrap_or_default() {
            let key = match key {
                Value::Int(key) => key.to_string(),
                key => self.heap.name(key).unwrap_or_else(|| self.heap.kind(key)),
            };
            self.collect(value, &joined(name, &key), depth + 1)?;
        }
        Ok(())
    }
}

fn joined(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}
