//! `tilewright convert`: a file of weights of another library as safetensors.

use std::path::PathBuf;

use serde_json::json;
use tilewright_weights::{Converted, Layout, Options, Renames};

use super::output::print_json;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file: PyTorch's .pt or .pth, of both forms, NumPy's .npz or .npy, HDF5 or Keras' .keras. What its bytes are counts, not its name.
    input: PathBuf,
    /// Where the weights go, a safetensors file.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Where in the file the state dict is: `ema`, or `state.model` for one in the other, or `*` for all that there is. Without
    /// it the usual places are looked at.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// `keras`: variables of Keras get the names and the layout that PyTorch has (kernels O I H W), by the model's description in
    /// the file.
    #[arg(long, value_enum, default_value = "as-is")]
    layout: LayoutName,
    /// What is taken off the names that begin with it: `module.`.
    #[arg(long, value_name = "PREFIX")]
    prefix_strip: Option<String>,
    /// A text file of names: on each line the old one and the new one, or `-` to leave it out. `backbone.* *` renames all that
    /// begin so.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LayoutName {
    AsIs,
    Keras,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut renames = Renames::strip(arguments.prefix_strip.as_deref());
    if let Some(map) = &arguments.map {
        renames.read(map)?;
    }
    let layout = match arguments.layout {
        LayoutName::AsIs => Layout::AsIs,
        LayoutName::Keras => Layout::Keras,
    };
    let options = Options { key: arguments.key.clone(), layout, renames };
    let converted = tilewright_weights::convert(&arguments.input, &arguments.output, &options)?;
    let (input, output) = (arguments.input.display(), arguments.output.display());
    let Converted { kind, sha256, tensors, notes, bytes } = &converted;
    if arguments.json {
        print_json(&json!({
            "input": arguments.input, "output": arguments.output, "kind": kind, "sha256": sha256, "bytes": bytes,
            "tensors": tensors, "notes": notes,
        }));
        return Ok(());
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    for row in tensors {
        let from = if row.from == row.name { String::new() } else { format!(" (was {})", row.from) };
        let narrowed = if row.dtype == row.written { String::new() } else { format!(" → {}", row.written) };
        println!("{} {}{narrowed} {:?}{from}", row.name, row.dtype, row.shape);
    }
    println!("{} tensors of {input}, {kind} → {output}, {bytes} bytes", tensors.len());
    Ok(())
}
