//! Which file names something of which other file.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::modules::{Crate, Name, for_tests, leaves};

/// From file, to file: the names that the first takes from the second.
pub type Arrows = BTreeMap<(usize, usize), BTreeSet<String>>;

/// Where a path ends.
enum End {
    /// In this file.
    File(usize),
    Module(usize),
    /// In another crate, or in a local variable.
    Outside,
}

/// The arrows of a crate. A module's `mod child;` is one, as is every name that a path leads to: to the file that defines
/// it, and to each file that hands it on by `use`; but the root, which hands on what the crate offers, only gives what it
/// defines itself.
pub fn arrows(tree: &Crate) -> Arrows {
    let mut found = Arrows::new();
    for (from, to, name) in &tree.children {
        found.entry((*from, *to)).or_default().insert(format!("mod {name}"));
    }
    for (at, module) in tree.modules.iter().enumerate() {
        let mut paths = Paths { tree, at, found: BTreeSet::new(), handed_on: Vec::new() };
        module.items.iter().for_each(|item| paths.visit_item(item));
        let mut touch = |file: usize, name: &str| {
            if file != module.file {
                found.entry((module.file, file)).or_default().insert(name.to_owned());
            }
        };
        for path in &paths.found {
            let mut through = Vec::new();
            let end = resolve(tree, at, path, &mut through, 0);
            let name = path.last().map_or("", String::as_str);
            through.iter().for_each(|&file| touch(file, name));
            if let End::File(file) = end {
                touch(file, name);
            }
        }
        paths.handed_on.iter().for_each(|(file, name)| touch(*file, name));
        for path in &module.globs {
            match resolve(tree, at, path, &mut Vec::new(), 0) {
                End::Module(target) => touch(tree.modules[target].file, "*"),
                End::File(file) => touch(file, path.last().map_or("", String::as_str)),
                End::Outside => {}
            }
        }
    }
    found
}

/// Follows a path from a module; `through` collects the files that hand it on.
fn resolve(tree: &Crate, from: usize, path: &[String], through: &mut Vec<usize>, depth: usize) -> End {
    // A `use` that leads to itself.
    if depth > 16 {
        return End::Outside;
    }
    let mut at = from;
    let mut rest = path;
    let mut anchored = false;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => at = 0,
            "self" => {}
            "super" => match tree.modules[at].parent {
                Some(parent) => at = parent,
                None => return End::Outside,
            },
            _ => break,
        }
        anchored = true;
        rest = after;
    }
    while let Some((first, after)) = rest.split_first() {
        match tree.modules[at].names.get(first) {
            Some(Name::Module(child)) => at = *child,
            Some(Name::Item) => return End::File(tree.modules[at].file),
            Some(Name::Use(path)) => {
                // The same name, brought in from a crate that has it: `use half; half::f16`.
                if path.first() == Some(first) && path.len() == 1 {
                    return End::Outside;
                }
                if at != 0 && (at != from || anchored) {
                    through.push(tree.modules[at].file);
                }
                match resolve(tree, at, path, through, depth + 1) {
                    End::Module(module) => at = module,
                    other => return other,
                }
            }
            None => match by_glob(tree, at, first, through, depth) {
                // What no parser sees: a macro defines it.
                End::Outside if anchored => return End::File(tree.modules[at].file),
                end => {
                    if at != 0 && (at != from || anchored) {
                        through.push(tree.modules[at].file);
                    }
                    match end {
                        End::Module(module) => at = module,
                        other => return other,
                    }
                }
            },
        }
        anchored = true;
        rest = after;
    }
    End::Module(at)
}

/// A name that a `use path::*` of the module may bring in.
fn by_glob(tree: &Crate, at: usize, name: &str, through: &mut Vec<usize>, depth: usize) -> End {
    for glob in &tree.modules[at].globs {
        let End::Module(target) = resolve(tree, at, glob, &mut Vec::new(), depth + 1) else { continue };
        if target != at && tree.modules[target].names.contains_key(name) {
            let path = ["self".to_owned(), name.to_owned()];
            return resolve(tree, target, &path, through, depth + 1);
        }
    }
    End::Outside
}

/// Every path of a module's items.
struct Paths<'a> {
    tree: &'a Crate,
    at: usize,
    found: BTreeSet<Vec<String>>,
    /// Modules that the module hands on by `pub use`: their files, and the names they get.
    handed_on: Vec<(usize, String)>,
}

impl Paths<'_> {
    /// The paths in a macro's argument, which no parser knows: identifiers with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.keep(&path);
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.keep(&path);
                    path.clear();
                    self.tokens(group.stream());
                }
                _ => colons = 0,
            }
        }
        self.keep(&path);
    }

    /// A single name in a macro's argument may be anything.
    fn keep(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.found.insert(path.to_vec());
        }
    }
}

impl Visit<'_> for Paths<'_> {
    fn visit_item(&mut self, item: &syn::Item) {
        if !for_tests(super::modules::attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        let mut found = Vec::new();
        leaves(&item.tree, &[], &mut found);
        let public = !matches!(item.vis, syn::Visibility::Inherited);
        for (path, name) in found {
            if name == "*" {
                continue;
            }
            // A module is only a way to something, unless it is handed on.
            match resolve(self.tree, self.at, &path, &mut Vec::new(), 0) {
                End::Module(module) if public => {
                    self.handed_on.push((self.tree.modules[module].file, name));
                }
                _ => _ = self.found.insert(path),
            }
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if path.leading_colon.is_none() {
            self.found.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &syn::Visibility) {}

    fn visit_attribute(&mut self, attribute: &syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, called: &syn::Macro) {
        visit::visit_macro(self, called);
        self.tokens(called.tokens.clone());
    }
}
