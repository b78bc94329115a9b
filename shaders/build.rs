//! Lists every `*.wgsl` file in the family folders, so that adding a kernel is adding a file.

use std::{env, fs, io, io::Write, path::Path};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let root = Path::new(&root);
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut table = fs::File::create(Path::new(&out).join("sources.rs"))?;
    let mut entries = Vec::new();
    println!("cargo::rerun-if-changed=.");
    for family in folders(root)? {
        if family == "fragments" {
            for slot in folders(&root.join("fragments"))? {
                collect(root, &format!("fragments/{slot}"), &slot, true, &mut entries)?;
            }
        } else {
            collect(root, &family, &family, false, &mut entries)?;
        }
    }
    entries.sort();
    for (is_fragment, list) in [(false, "KERNELS"), (true, "FRAGMENTS")] {
        writeln!(table, "static {list}: &[Source] = &[")?;
        for (fragment, family, stem, path) in &entries {
            if *fragment == is_fragment {
                writeln!(
                    table,
                    "    Source {{ family: {family:?}, stem: {stem:?}, text: include_str!({path:?}) }},"
                )?;
            }
        }
        writeln!(table, "];")?;
    }
    Ok(())
}

fn folders(root: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() && !["src", "target", "tests"].contains(&name.as_str()) {
            names.push(name);
        }
    }
    Ok(names)
}

fn collect(
    root: &Path,
    folder: &str,
    family: &str,
    fragment: bool,
    entries: &mut Vec<(bool, String, String, String)>,
) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wgsl") {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            entries.push((fragment, family.to_owned(), stem, path.display().to_string()));
        }
    }
    Ok(())
}
