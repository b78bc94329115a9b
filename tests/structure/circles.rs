//! Files that need each other.

use std::collections::BTreeMap;

use super::{arrows::Arrows, modules::Crate};

/// The circles among `files` files: the strongly connected components of more than one file (Tarjan 1972).
pub fn circles(files: usize, arrows: &Arrows) -> Vec<Vec<usize>> {
    let mut search = Search {
        next: vec![Vec::new(); files],
        numbers: BTreeMap::new(),
        low: vec![0; files],
        open: Vec::new(),
        found: Vec::new(),
    };
    for &(from, to) in arrows.keys() {
        search.next[from].push(to);
    }
    (0..files).for_each(|file| search.visit(file));
    search.found.retain(|circle| circle.len() > 1);
    search.found
}

struct Search {
    next: Vec<Vec<usize>>,
    /// The order in which files were met.
    numbers: BTreeMap<usize, usize>,
    /// The lowest number that a file reaches.
    low: Vec<usize>,
    /// Met, and in no component yet.
    open: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search {
    fn visit(&mut self, file: usize) {
        if self.numbers.contains_key(&file) {
            return;
        }
        let number = self.numbers.len();
        self.numbers.insert(file, number);
        self.low[file] = number;
        self.open.push(file);
        for to in self.next[file].clone() {
            self.visit(to);
            if self.open.contains(&to) {
                self.low[file] = self.low[file].min(self.low[to]);
            }
        }
        if self.low[file] == number {
            let start = self.open.iter().position(|&other| other == file).unwrap_or(0);
            let mut component = self.open.split_off(start);
            component.sort_unstable();
            self.found.push(component);
        }
    }
}

/// What ties the files of a circle to each other, an arrow to a line.
pub fn report(tree: &Crate, circle: &[usize], arrows: &Arrows) -> String {
    let mut text = format!("a circle of {} files:\n", circle.len());
    for ((from, to), names) in arrows {
        if circle.contains(from) && circle.contains(to) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            text += &format!("  {} → {}: {}\n", tree.files[*from], tree.files[*to], names.join(", "));
        }
    }
    text
}
