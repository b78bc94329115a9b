//! Every kernel file, and every specialisation that the launchers use, is valid on every backend, without a GPU.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::Cases;
use tilewright::{
    kernels::all_params,
    shaders::{self, Specialisation, emit, fragments, kernels, parse, reflect},
};

#[test]
fn every_file_stands_as_it_is() {
    let mut cases = Cases::new();
    for source in kernels() {
        cases.check(
            source.stem,
            emit(source.stem, source.text).map(|emitted| assert!(!emitted.spirv.is_empty())),
        );
    }
    cases.finish();
}

#[test]
fn every_file_specialises_with_its_own_values() {
    let mut cases = Cases::new();
    for source in kernels() {
        let text = Specialisation::new(source.stem).wgsl().unwrap();
        cases.check(source.stem, emit(source.stem, &text).map(drop));
    }
    cases.finish();
}

#[test]
fn every_fragment_fits_every_slot_of_its_name() {
    let mut cases = Cases::new();
    for fragment in fragments() {
        let slot = format!("// @slot {}\n", fragment.family);
        let users: Vec<_> = kernels().iter().filter(|source| source.text.contains(&slot)).collect();
        assert!(!users.is_empty(), "no kernel has the slot `{}`", fragment.family);
        for user in users {
            let text =
                Specialisation::new(user.stem).with_fragment(fragment.family, fragment.stem).wgsl().unwrap();
            let name = format!("{} in {}", fragment.stem, user.stem);
            cases.check(name, emit(user.stem, &text).map(drop));
        }
    }
    cases.finish();
}

#[test]
fn every_header_says_formula_and_limits() {
    for source in kernels() {
        let header: String = source.text.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(header.contains("Limits:"), "the header of {} states no limits", source.stem);
        assert!(header.contains("Threads:"), "the header of {} does not say what a thread does", source.stem);
    }
}

#[test]
fn host_and_shader_agree_on_params() {
    let mut cases = Cases::new();
    let all = all_params();
    for source in kernels() {
        let (module, _) = parse(source.stem, source.text).unwrap();
        let reflection = reflect(source.stem, &module).unwrap();
        let found: Vec<_> =
            reflection.params.iter().map(|m| (m.name.as_str(), m.offset as usize, m.kind)).collect();
        let host = all.iter().find(|layout| layout.stems.contains(&source.stem));
        let outcome = match host {
            None if found.is_empty() => Ok(()),
            None => Err("no launcher declares its Params".to_owned()),
            Some(layout) if layout.members == found => Ok(()),
            Some(layout) => Err(format!("host {:?}, shader {found:?}", layout.members)),
        };
        cases.check(source.stem, outcome);
    }
    for layout in &all {
        for stem in layout.stems {
            assert!(shaders::kernel(stem).is_some(), "a launcher is for `{stem}`, which is no kernel");
        }
    }
    cases.finish();
}
