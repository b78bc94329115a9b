//! What a file of weights holds: each tensor's name, type, shape and the SHA-256 of its elements, a line each.
//!
//! `cargo run -p tilewright-weights --example read_weights -- FILE [KEY]`; `scripts/compare_weights.py` holds it against the
//! libraries that write such files.

use std::{env, path::Path, process::ExitCode};

use tilewright_weights::{Error, WeightFile, sha256_of};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(path) = arguments.first() else {
        eprintln!("usage: read_weights FILE [KEY]");
        return ExitCode::FAILURE;
    };
    match read(Path::new(path), arguments.get(1).map(String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(path: &Path, key: Option<&str>) -> Result<(), Error> {
    let file = WeightFile::open(path, key)?;
    for note in file.notes() {
        eprintln!("note: {note}");
    }
    for (name, element, shape) in file.entries() {
        if let Some(array) = file.array(name)? {
            println!("{name}\t{element}\t{shape:?}\t{}", sha256_of(&array.bytes));
        }
    }
    Ok(())
}
