//! The modules of a crate: which file each lies in, and what each name in it stands for.

use std::collections::BTreeMap;

use syn::{Attribute, Item, ItemUse, UseTree, visit::Visit};

/// The sources of a crate by path, from the folder of its root file.
pub type Sources = BTreeMap<String, String>;

/// What a name in a module stands for.
#[derive(Clone, Debug)]
pub enum Name {
    /// Something that the module defines.
    Item,
    /// A module below it.
    Module(usize),
    /// Brought in by `use`.
    Use(Vec<String>),
}

/// One module, a file's own or one between braces.
pub struct Module {
    pub parent: Option<usize>,
    /// Number of the file it lies in.
    pub file: usize,
    pub names: BTreeMap<String, Name>,
    /// Modules whose names are all brought in.
    pub globs: Vec<Vec<String>>,
    /// Its items, without those of tests.
    pub items: Vec<Item>,
}

/// All modules below one root file; the root is the first.
pub struct Crate {
    pub files: Vec<String>,
    pub modules: Vec<Module>,
    /// `mod name;`: the file it stands in, the file it names.
    pub children: Vec<(usize, usize, String)>,
}

/// `#[cfg(test)]` and `#[cfg(all(test, …))]`.
pub fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let text = list.tokens.to_string().replace(' ', "");
        text == "test" || text.starts_with("all(test,")
    })
}

pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The paths of a `use`, each with the name it brings in; `*` stands for all.
pub fn leaves(tree: &UseTree, before: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), found),
        UseTree::Name(name) if name.ident == "self" => {
            found.push((before.to_vec(), before.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => found.push((with(&name.ident), name.ident.to_string())),
        UseTree::Rename(rename) => found.push((with(&rename.ident), rename.rename.to_string())),
        UseTree::Glob(_) => found.push((before.to_vec(), "*".to_owned())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, found)),
    }
}

impl Crate {
    /// Reads the modules below `root`, a key of `sources`.
    ///
    /// # Panics
    /// If a file does not parse or is not there.
    pub fn parse(root: &str, sources: &Sources) -> Self {
        let mut found = Self { files: Vec::new(), modules: Vec::new(), children: Vec::new() };
        found.file(None, root, "", sources);
        found
    }

    /// Reads a file; its child modules lie in `folder`, from the root's folder, with a slash at its end.
    fn file(&mut self, parent: Option<usize>, path: &str, folder: &str, sources: &Sources) -> usize {
        let text = sources.get(path).unwrap_or_else(|| panic!("there is no {path}"));
        let items = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}")).items;
        self.files.push(path.to_owned());
        self.module(parent, self.files.len() - 1, folder, items, sources)
    }

    fn module(
        &mut self,
        parent: Option<usize>,
        file: usize,
        folder: &str,
        items: Vec<Item>,
        sources: &Sources,
    ) -> usize {
        let at = self.modules.len();
        let names = BTreeMap::new();
        self.modules.push(Module { parent, file, names, globs: Vec::new(), items: Vec::new() });
        let mut kept = Vec::new();
        for mut item in items {
            if for_tests(attributes(&item)) {
                continue;
            }
            if let Item::Mod(child) = &mut item {
                let name = child.ident.to_string();
                let below = format!("{folder}{name}/");
                let child = match child.content.take() {
                    Some((_, items)) => self.module(Some(at), file, &below, items, sources),
                    None => {
                        let flat = format!("{folder}{name}.rs");
                        let path = if sources.contains_key(&flat) { flat } else { format!("{below}mod.rs") };
                        let child = self.file(Some(at), &path, &below, sources);
                        self.children.push((file, self.modules[child].file, name.clone()));
                        child
                    }
                };
                self.modules[at].names.insert(name, Name::Module(child));
                continue;
            }
            for name in defined(&item) {
                self.modules[at].names.insert(name, Name::Item);
            }
            kept.push(item);
        }
        for item in &kept {
            if let Item::Use(item) = item {
                self.bring_in(at, item);
            }
        }
        // A function's own `use`, taken as if it stood outside.
        let mut inside = Uses(Vec::new());
        kept.iter().filter(|item| !matches!(item, Item::Use(_))).for_each(|item| inside.visit_item(item));
        inside.0.iter().for_each(|item| self.bring_in(at, item));
        self.modules[at].items = kept;
        at
    }

    fn bring_in(&mut self, at: usize, item: &ItemUse) {
        let mut found = Vec::new();
        leaves(&item.tree, &[], &mut found);
        for (path, name) in found {
            if name == "*" {
                self.modules[at].globs.push(path);
            } else {
                self.modules[at].names.entry(name).or_insert(Name::Use(path));
            }
        }
    }
}

struct Uses(Vec<ItemUse>);

impl Visit<'_> for Uses {
    fn visit_item_use(&mut self, item: &ItemUse) {
        self.0.push(item.clone());
    }
}

/// The names that an item gives its module.
fn defined(item: &Item) -> Vec<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => match &item.ident {
            Some(ident) => ident,
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    vec![ident.to_string()]
}
