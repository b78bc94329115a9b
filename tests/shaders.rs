//! Every kernel file, and every specialisation that the launchers use, is valid on every backend, without a GPU.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;

use common::Cases;
use tilewright::{
    kernels::all_params,
    shaders::{
        self, Specialisation, Value, constants, emit, fragments, kernels, parse, reflect, specialise_text,
    },
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

/// A choice of values for `// @const` lines.
type Choice = BTreeMap<&'static str, Value>;

/// The file's own values; each flag turned alone and with each other; each rank and step; the aliases' other widths.
fn choices(source: &shaders::Source) -> Vec<Choice> {
    let known = constants(source.text);
    let flags: Vec<_> = known.iter().filter(|constant| constant.kind == "bool").collect();
    let turned = |at: usize| (flags[at].name, Value::Bool(flags[at].value != "true"));
    let mut choices = vec![Choice::new()];
    for first in 0..flags.len() {
        choices.push([turned(first)].into());
        choices.extend((first + 1..flags.len()).map(|second| [turned(first), turned(second)].into()));
    }
    for (name, values) in [("RANK", &[1, 2, 3, 5, 6, 7, 8][..]), ("STEP", &[4])] {
        if let Some(constant) = known.iter().find(|constant| constant.name == name && constant.kind == "u32")
        {
            choices.extend(values.iter().map(|&value| [(constant.name, Value::U32(value))].into()));
        }
    }
    let widths: Choice = known
        .iter()
        .filter(|constant| constant.kind == "alias")
        .filter_map(|constant| {
            let other = match (constant.name, constant.value) {
                (_, "vec4<f32>") => "f32",
                (_, "vec4<i32>") => "i32",
                (_, "vec4<u32>") => "u32",
                ("Element", "f32") => "vec4<f32>",
                ("FROM" | "TO", "f32") => "i32",
                ("Operand" | "Output", "f32") => "f16",
                ("Image", _) => "texture_storage_2d_array<r32float, write>",
                _ => return None,
            };
            Some((constant.name, Value::Type(other)))
        })
        .collect();
    if !widths.is_empty() {
        choices.push(widths);
    }
    choices
}

#[test]
fn every_pair_of_flags_is_valid_on_every_backend() {
    let mut cases = Cases::new();
    for source in kernels() {
        for choice in choices(source) {
            let name = format!("{} {choice:?}", source.stem);
            let text = specialise_text(source.stem, source.text, &choice, &BTreeMap::new());
            let outcome = text
                .map_err(|error| error.to_string())
                .and_then(|text| emit(source.stem, &text).map(drop).map_err(|error| error.to_string()));
            cases.check(name, outcome);
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
