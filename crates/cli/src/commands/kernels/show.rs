//! `tilewright kernels show`.

use std::collections::BTreeMap;

use tilewright_shaders::{Value, constants, emit, fragment, fragments, kernel, kernels, specialise_text};

use crate::{error::Error, error::Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    /// The file as it stands.
    File,
    /// What the device receives.
    Wgsl,
    /// Vulkan's words, in hexadecimal.
    Spirv,
    /// Metal's text.
    Msl,
    /// Direct3D 12's text.
    Hlsl,
}

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The kernel's stem, as `kernels list` prints it.
    stem: String,
    /// Gives an `@const` another value; may be repeated.
    #[arg(long = "const", value_name = "NAME=VALUE")]
    consts: Vec<String>,
    /// Fills an `@slot` with a fragment; may be repeated.
    #[arg(long = "slot", value_name = "SLOT=FRAGMENT")]
    slots: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value = "file")]
    emit: Language,
}

fn pair<'a>(argument: &'static str, text: &'a str) -> Result<(&'a str, &'a str)> {
    let reason = || format!("`{text}` is not NAME=VALUE");
    text.split_once('=').ok_or_else(|| Error::Argument { argument, reason: reason() })
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let source = kernel(&arguments.stem).ok_or_else(|| {
        let near: Vec<_> = kernels()
            .iter()
            .map(|source| source.stem)
            .filter(|stem| stem.contains(&arguments.stem))
            .collect();
        let near =
            if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
        let reason =
            format!("no kernel is called `{}`{near}; `tilewright kernels list` names them", arguments.stem);
        Error::Argument { argument: "STEM", reason }
    })?;
    let known = constants(source.text);
    let mut consts = BTreeMap::new();
    for text in &arguments.consts {
        let (name, value) = pair("--const", text)?;
        let fault = |reason| Error::Argument { argument: "--const", reason };
        let constant = known.iter().find(|constant| constant.name == name).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|constant| constant.name).collect();
            fault(format!("`{}` has no `{name}`; it has: {}", source.stem, names.join(", ")))
        })?;
        let value = match constant.kind {
            "u32" => value.parse().map(Value::U32).map_err(|_| fault(format!("`{value}` is not a u32")))?,
            "bool" => {
                value.parse().map(Value::Bool).map_err(|_| fault(format!("`{value}` is not a bool")))?
            }
            _ => {
                let types = ["f32", "f16", "i32", "u32"];
                let found = types.into_iter().find(|kind| *kind == value);
                Value::Type(
                    found.ok_or_else(|| fault(format!("`{value}` is not one of {}", types.join(", "))))?,
                )
            }
        };
        consts.insert(constant.name, value);
    }
    let mut slots = BTreeMap::new();
    for text in &arguments.slots {
        let (slot, name) = pair("--slot", text)?;
        let found = fragment(slot, name).ok_or_else(|| {
            let names: Vec<_> = fragments().iter().filter(|f| f.family == slot).map(|f| f.stem).collect();
            let reason = format!("the slot `{slot}` has no fragment `{name}`; it has: {}", names.join(", "));
            Error::Argument { argument: "--slot", reason }
        })?;
        slots.insert(found.family, found.text);
    }
    if arguments.emit == Language::File && consts.is_empty() && slots.is_empty() {
        print!("{}", source.text);
        return Ok(());
    }
    let wgsl = specialise_text(source.stem, source.text, &consts, &slots)?;
    match arguments.emit {
        Language::File | Language::Wgsl => print!("{wgsl}"),
        Language::Spirv => {
            for words in emit(source.stem, &wgsl)?.spirv.chunks(8) {
                let line: Vec<_> = words.iter().map(|word| format!("{word:08x}")).collect();
                println!("{}", line.join(" "));
            }
        }
        Language::Msl => print!("{}", emit(source.stem, &wgsl)?.msl),
        Language::Hlsl => match emit(source.stem, &wgsl)?.hlsl {
            Some(hlsl) => print!("{hlsl}"),
            None => {
                let reason = "there are no cooperative matrices in it; spirv and msl have them".to_owned();
                return Err(Error::Argument { argument: "--emit hlsl", reason });
            }
        },
    }
    Ok(())
}
