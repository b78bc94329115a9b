//! `tilewright kernels list`.

use serde_json::json;
use tilewright_shaders::{kernels, parse, reflect};

use crate::{commands::output::print_json, error::Result};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut rows = Vec::new();
    for source in kernels() {
        let (module, _) = parse(source.stem, source.text)?;
        let reflection = reflect(source.stem, &module)?;
        let buffers = reflection.bindings.iter().filter(|b| b.kind.is_buffer()).count();
        let formula = source.text.lines().next().unwrap_or_default().trim_start_matches("//").trim();
        let lines = source.text.lines().count();
        rows.push((source, reflection, buffers, lines, formula));
    }
    if arguments.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(source, reflection, buffers, lines, formula)| {
                json!({"family": source.family, "stem": source.stem, "workgroup_size": reflection.workgroup_size,
                       "workgroup_bytes": reflection.workgroup_bytes, "storage_buffers": buffers, "lines": lines,
                       "formula": formula})
            })
            .collect();
        print_json(&rows);
        return Ok(());
    }
    let mut family = "";
    for (source, _, _, lines, formula) in &rows {
        if source.family != family {
            family = source.family;
            println!("{family}");
        }
        println!("  {:<34} {lines:>4} lines  {formula}", source.stem);
    }
    Ok(())
}
