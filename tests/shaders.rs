//! Every kernel file, and every specialisation that the launchers use, is valid on every backend, without a GPU.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

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
    let mut widths: Choice = known
        .iter()
        .filter(|constant| constant.kind == "alias")
        .filter_map(|constant| {
            let other = match (constant.name, constant.value) {
                ("Numbers", _) => "vec2<f32>",
                (_, "vec4<f32>") => "f32",
                (_, "vec4<i32>") => "i32",
                (_, "vec4<u32>") => "u32",
                ("Element", "f32") => "vec4<f32>",
                ("FROM" | "TO", "f32") => "i32",
                ("Operand" | "Output", "f32") => "f16",
                ("Operand", "f16") => "f32",
                ("Image", _) => "texture_storage_2d_array<r32float, write>",
                _ => return None,
            };
            Some((constant.name, Value::Type(other)))
        })
        .collect();
    if widths.contains_key("Numbers") {
        widths.insert("WIDTH", Value::U32(2));
    }
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

/// Metal's matrices are of 8 × 8, of either type, and it loads them from arrays of scalars. naga takes a pointer to anything,
/// and for vec4s writes a text that Metal's compiler refuses; so the text is looked at.
#[test]
fn matrices_of_8_by_8_are_emitted_as_metal_has_them() {
    let mut cases = Cases::new();
    for stem in ["matmul_cooperative", "conv2d_cooperative"] {
        let known = constants(shaders::kernel(stem).unwrap().text);
        let flags: Vec<_> = known.iter().filter(|constant| constant.kind == "bool").collect();
        for turned in (0..1_u32 << flags.len()).step_by(5) {
            for (operand, scalar) in [("f16", "half"), ("f32", "float")] {
                let mut kernel = Specialisation::new(stem)
                    .with_u32("EDGE", 8)
                    .with_type("Operand", operand)
                    .with_fragment("cooperative", "simdgroup");
                for (at, flag) in flags.iter().enumerate() {
                    kernel = kernel.with_bool(flag.name, (turned >> at) & 1 == 1);
                }
                let outcome = emit(stem, &kernel.wgsl().unwrap())
                    .map_err(|error| error.to_string())
                    .and_then(|emitted| as_metal_has_them(&emitted.msl, scalar));
                cases.check(format!("{stem} {operand} {turned:b}"), outcome);
            }
        }
    }
    // The test tells a text that loads from vec4s.
    let text = emit("16", shaders::kernel("matmul_cooperative").unwrap().text).unwrap().msl;
    assert!(as_metal_has_them(&text.replace("16x16", "8x8"), "half").unwrap_err().contains("a_tile"));
    let probe = Specialisation::new("probe_cooperative_matrix")
        .with_u32("EDGE", 8)
        .with_type("MatrixA", "coop_mat8x8<f16, A>")
        .with_type("MatrixB", "coop_mat8x8<f16, B>")
        .with_type("MatrixC", "coop_mat8x8<f32, C>");
    let text = emit("probe", &probe.wgsl().unwrap()).unwrap().msl;
    cases.check("probe", as_metal_has_them(&text, "half"));
    cases.finish();
}

/// Whether matrices of `scalar` are 8 × 8 and every tile that they are loaded from or stored to is of scalars.
fn as_metal_has_them(msl: &str, scalar: &str) -> Result<(), String> {
    let load = format!("simdgroup_{scalar}8x8 NagaCooperativeLoad(const threadgroup {scalar}* ptr");
    let parts = [&load, "simdgroup_float8x8 NagaCooperativeMultiplyAdd(", "simdgroup_store("];
    if let Some(part) = parts.into_iter().find(|part| !msl.contains(*part)) {
        return Err(format!("it has no `{part}`"));
    }
    if msl.contains("16x16") {
        return Err("it has matrices of 16 × 16".to_owned());
    }
    let operand = format!("typedef {scalar} Operand;");
    for (tile, element) in [("a_tile", scalar), ("b_tile", scalar), ("c_tile", "float")] {
        // `threadgroup type_10& a_tile`, where `struct type_10 { half inner[1536]; };`, or an alias of half.
        let declared = msl.split("threadgroup ").find_map(|rest| {
            let (ty, rest) = rest.split_once("& ")?;
            rest.starts_with(tile).then_some(ty)
        });
        let ty = declared.ok_or_else(|| format!("no argument is {tile}"))?;
        let body = msl.split_once(&format!("struct {ty} {{")).map(|(_, rest)| rest.trim_start());
        let fits = body.is_some_and(|body| {
            body.starts_with(&format!("{element} inner["))
                || (tile != "c_tile" && msl.contains(&operand) && body.starts_with("Operand inner["))
        });
        if !fits {
            return Err(format!("{tile} is not of scalars: {:?}", body.and_then(|body| body.lines().next())));
        }
    }
    Ok(())
}

#[test]
fn every_header_says_formula_and_limits() {
    for source in kernels() {
        let header: String = source.text.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(header.contains("Limits:"), "the header of {} states no limits", source.stem);
        assert!(header.contains("Threads:"), "the header of {} does not say what a thread does", source.stem);
    }
}

/// The functions of a text that begin in the first column, by name.
fn functions(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next()) else { continue };
        let body: Vec<_> =
            std::iter::once(line).chain(lines.by_ref().take_while(|line| *line != "}")).collect();
        found.push((name, body.join("\n")));
    }
    found
}

/// A file stands as it is, so that there is nothing to include. What several files repeat is held together here.
#[test]
fn what_files_repeat_is_the_same_in_all_of_them() {
    let shared = [
        ("quotient", 10),
        ("rounded_quotient", 4),
        ("finite", 3),
        ("nearest", 2),
        ("keep_a", 3),
        ("keep_b", 3),
        ("a_by_rows", 3),
        ("b_by_rows", 2),
        ("multiply_add", 3),
        ("store_c", 3),
        ("kept_c", 3),
    ];
    for (name, least) in shared {
        let texts: Vec<_> = kernels()
            .iter()
            .flat_map(|source| {
                functions(source.text).into_iter().map(|(name, text)| (source.stem, name, text))
            })
            .filter(|(_, found, _)| *found == name)
            .collect();
        assert!(texts.len() >= least, "`{name}` is in {} files", texts.len());
        // Of one signature: `quotient` takes its magic number as a vec2 or as two numbers.
        let mut known: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for (stem, _, text) in &texts {
            let (first, body) = text.split_once('\n').unwrap();
            let (other, expected) = *known.entry(first).or_insert((stem, body));
            assert_eq!(body, expected, "`{name}` of {stem} and of {other} differ");
        }
        assert!(known.len() <= 2, "`{name}` has {} signatures", known.len());
    }
}

/// The same of functions that fragments have before the one of the slot, and of kernels that have them too.
#[test]
fn what_fragments_repeat_is_the_same_in_all_of_them() {
    let shared = [
        ("power_of_two", 15),
        ("scaled_exp", 6),
        ("pow_exp", 2),
        ("exp_below_zero", 12),
        ("log_of_parts", 8),
        ("natural_log", 7),
        ("logistic", 4),
        ("tanh_of_softplus", 2),
        ("signed_pow", 2),
        ("reduced", 5),
    ];
    for (name, least) in shared {
        let texts: Vec<_> = fragments()
            .iter()
            .chain(kernels())
            .flat_map(|fragment| functions(fragment.text).into_iter().map(move |found| (fragment, found)))
            .filter(|(_, (found, _))| *found == name)
            .collect();
        assert!(texts.len() >= least, "`{name}` is in {} fragments", texts.len());
        let (first, (_, expected)) = &texts[0];
        for (fragment, (_, text)) in &texts {
            assert_eq!(text, expected, "`{name}` of {} and of {} differ", fragment.stem, first.stem);
        }
    }
}

/// A kernel of two operands may have an activation behind it: both fragments stand in one text.
#[test]
fn no_function_is_in_a_binary_and_in_a_unary_fragment() {
    let names = |family: &str| -> BTreeSet<&str> {
        let texts = fragments().iter().filter(|fragment| fragment.family == family);
        texts.flat_map(|fragment| functions(fragment.text)).map(|(name, _)| name).collect()
    };
    let (binary, unary) = (names("binary"), names("unary"));
    assert!(binary.len() > 3 && unary.len() > 10, "{binary:?} {unary:?}");
    let both: Vec<_> = binary.intersection(&unary).collect();
    assert!(both.is_empty(), "{both:?}");
}

/// WGSL refuses an infinity or a NaN that is a constant, also as its bits, and naga hands a `let` of a literal on as the
/// literal: they come from a `var` or from the uniform.
#[test]
fn no_infinity_is_a_constant() {
    for source in kernels().iter().chain(fragments()) {
        let named = source.text.lines().find(|line| {
            let line = line.trim_start();
            line.starts_with("let infinity = 0x") || line.starts_with("let nan = 0x")
        });
        let found = named.or_else(|| source.text.lines().find(|line| line.contains("bitcast<f32>(0x7f")));
        assert!(found.is_none(), "{}: {}", source.stem, found.unwrap());
    }
    // What the rule is for.
    let text = |bits: &str| {
        let head =
            "@group(0) @binding(0) var<storage, read_write> y: array<f32>; @compute @workgroup_size(1)";
        emit(
            "rule",
            &format!("{head} fn main() {{ {bits} infinity = 0x7f800000u; y[0] = bitcast<f32>(infinity); }}"),
        )
    };
    let literal = "as_type<float>(2139095040u)";
    assert!(text("let").unwrap().msl.contains(literal) && !text("var").unwrap().msl.contains(literal));
}

/// A convolution's extents and parameters come first in each of its kernels' uniforms, as one struct of one text.
#[test]
fn every_convolution_has_the_same_geometry() {
    let geometry = |text: &'static str| {
        let (_, rest) = text.split_once("struct Geometry {")?;
        rest.split_once('}').map(|(body, _)| body)
    };
    let mut texts = kernels().iter().filter_map(|source| Some((source, geometry(source.text)?)));
    let (_, expected) = texts.next().unwrap();
    let mut count = 1;
    for (source, text) in texts {
        assert_eq!(text, expected, "the geometry of {}", source.stem);
        assert!(source.text.contains("struct Params {\n    geometry: Geometry,"), "{}", source.stem);
        count += 1;
    }
    assert!(count >= 20, "{count} kernels have a geometry");
    let layouts = all_params();
    let lanes = layouts.iter().find(|layout| layout.stems.contains(&"conv2d_lanes")).unwrap();
    // What is nested is compared member by member too.
    assert!(
        lanes.leaves().contains(&("geometry.padding".to_owned(), 56, "[u32; 2]")),
        "{:?}",
        lanes.leaves()
    );
}

#[test]
fn host_and_shader_agree_on_params() {
    let mut cases = Cases::new();
    let all = all_params();
    for source in kernels() {
        let (module, _) = parse(source.stem, source.text).unwrap();
        let reflection = reflect(source.stem, &module).unwrap();
        let found: Vec<_> =
            reflection.params.iter().map(|m| (m.name.clone(), m.offset as usize, m.kind)).collect();
        let host = all.iter().find(|layout| layout.stems.contains(&source.stem));
        let outcome = match host {
            None if found.is_empty() => Ok(()),
            None => Err("no launcher declares its Params".to_owned()),
            Some(layout) if layout.leaves() == found => Ok(()),
            Some(layout) => Err(format!("host {:?}, shader {found:?}", layout.leaves())),
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
