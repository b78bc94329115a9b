//! Every command in the Markdown files: those of the program are parsed by the program's own parser, the quick ones run, and
//! of all others the targets, files and flags that they name exist. `tests/commands.txt` lists each with what is done for
//! it; `TILEWRIGHT_WRITE_DOCS=1` (or `make quotes`) writes the list anew.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "../../../tests/common/markdown.rs"]
mod markdown;
#[path = "commands/written.rs"]
mod written;

use std::{collections::BTreeMap, env, fs, path::Path, process::Command};

use clap::{CommandFactory, Parser, error::ErrorKind};
use common::{floats, folder, golden, text, write_npy};
use markdown::{documents, root, walk};
use tilewright_cli::commands::Cli;
use written::{Written, commands, is_variable, split};

/// Commands that take long, and the test that runs them on something small.
const ELSEWHERE: [(&str, &str); 21] = [
    ("detect", "crates/cli/tests/detect.rs"),
    ("darknet convert", "crates/cli/tests/detect.rs"),
    ("infer resnet20 --weights quantised.safetensors", "crates/cli/tests/quantize.rs"),
    ("segment", "crates/cli/tests/segment.rs"),
    ("classify", "crates/cli/tests/vision.rs"),
    ("features", "crates/cli/tests/vision.rs"),
    ("embed", "crates/cli/tests/vision.rs"),
    ("similar", "crates/cli/tests/vision.rs"),
    ("train", "crates/cli/tests/train.rs"),
    ("profile", "crates/cli/tests/networks.rs"),
    ("memory", "crates/cli/tests/networks.rs"),
    ("tune", "crates/cli/tests/measuring.rs"),
    ("quantize", "crates/cli/tests/quantize.rs"),
    ("convert", "crates/cli/tests/faces/weights.rs"),
    ("fetch", "crates/cli/tests/faces/weights.rs"),
    ("devices --probe", "crates/cli/tests/measuring.rs"),
    ("kernels roofline", "crates/cli/tests/measuring.rs"),
    ("kernels compile-time", "crates/cli/tests/measuring.rs"),
    ("kernels bench suite", "crates/cli/tests/measuring.rs"),
    ("kernels bench memory", "crates/cli/tests/faces.rs"),
    ("kernels bench", "crates/cli/tests/faces.rs"),
];

/// Commands of others.
const FOREIGN: [&str; 3] = ["sudo apt-get", "python -m tf2onnx.convert", "dot -Tsvg"];

/// What stands for something else in the documents, and what it is here.
const STAND_INS: [(&str, &str); 8] = [
    ("MODEL.onnx", "model.onnx"),
    ("MODEL", "resnet20"),
    ("resnet18", "resnet20"),
    ("1x3x224x224", "1x3x8x8"),
    ("STEM", "unary"),
    ("NAME=VALUE", "WORKGROUP=128"),
    ("SLOT=FRAGMENT", "unary=gelu"),
    ("FILE", "file.svg"),
];

/// What was done for a command, or what is wrong with it.
type Outcome = Result<String, String>;

/// Parses with the program's parser. A command that is only named (`kernels bench`) may lack arguments.
fn parse(arguments: &[String], whole: bool) -> Result<bool, String> {
    match Cli::try_parse_from([&["tilewright".to_owned()], arguments].concat()) {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                if !whole =>
            {
                Ok(false)
            }
            _ => Err(error.to_string().lines().next().unwrap_or("").to_owned()),
        },
    }
}

/// Every flag of the program, whatever the command.
fn flags() -> Vec<String> {
    fn of(command: &clap::Command, flags: &mut Vec<String>) {
        flags.extend(
            command
                .get_arguments()
                .filter_map(|argument| argument.get_long().map(|name| format!("--{name}"))),
        );
        command.get_subcommands().for_each(|sub| of(sub, flags));
    }
    let mut flags = vec!["--help".to_owned()];
    of(&Cli::command(), &mut flags);
    flags
}

/// `--flag`s that a comment behind a command mentions are flags of that very command.
fn check_comment(arguments: &[String], comment: &str) -> Result<(), String> {
    let words = comment.split(|c: char| c.is_whitespace() || ",;:`()".contains(c));
    for flag in words.filter(|word| word.starts_with("--") && word.len() > 2) {
        let with = |more: &[&str]| {
            let more: Vec<String> = more.iter().map(|&word| word.to_owned()).collect();
            Cli::try_parse_from([&["tilewright".to_owned()], arguments, &more[..]].concat())
        };
        let unknown = |outcome: Result<Cli, clap::Error>| {
            outcome.is_err_and(|error| error.kind() == ErrorKind::UnknownArgument)
        };
        if unknown(with(&[flag])) && unknown(with(&[flag, "1"])) {
            return Err(format!("the comment's `{flag}` is no flag of this command"));
        }
    }
    Ok(())
}

/// A script, or another program of this repository: it exists, and its text has the flags.
fn check_script(path: &str, arguments: &[String]) -> Outcome {
    let file = root().join(path);
    let mut known = fs::read_to_string(&file).map_err(|_| format!("there is no {path}"))?;
    if path == "benches/peers/run.sh" {
        known += &fs::read_to_string(root().join("benches/peers/harness.py")).unwrap();
    }
    for flag in arguments.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
        if !known.contains(&format!("\"{flag}\"")) && !known.contains(&format!("{flag})")) {
            return Err(format!("{path} has no {flag}"));
        }
    }
    Ok(format!("{path} and its flags exist"))
}

fn check_make(arguments: &[String]) -> Outcome {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for target in arguments.iter().filter(|word| !word.starts_with('-') && !word.contains('=')) {
        if !makefile.lines().any(|line| line.starts_with(&format!("{target}:"))) {
            return Err(format!("the Makefile has no target {target}"));
        }
    }
    for (name, _) in arguments.iter().filter_map(|word| word.split_once('=')) {
        if !makefile.contains(&format!("$({name})")) {
            return Err(format!("the Makefile has no variable {name}"));
        }
    }
    Ok("the target exists".to_owned())
}

/// The names that cargo is given exist.
fn check_cargo(arguments: &[String]) -> Outcome {
    let mut packages = vec![root(), root().join("shaders")];
    packages.extend(fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()));
    let has = |folder: &str, name: &str| {
        let at = |package: &Path, end: &str| package.join(folder).join(format!("{name}{end}")).exists();
        packages.iter().any(|package| at(package, ".rs") || at(package, "/main.rs"))
    };
    let own = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    for pair in arguments[..own].windows(2) {
        let [flag, value] = pair else { continue };
        let exists = match flag.as_str() {
            "--test" => has("tests", value),
            "--bench" => has("benches", value),
            "--example" => {
                has("examples", value)
                    && fs::read_to_string(root().join("scripts/examples.sh"))
                        .unwrap()
                        .contains(&format!("run {value}"))
            }
            "--bin" => value == "tilewright",
            "-p" | "--package" => packages.iter().any(|package| {
                let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
                manifest.lines().any(|line| line == format!("name = \"{value}\""))
            }),
            _ => true,
        };
        if !exists {
            return Err(format!("there is no `{flag} {value}`"));
        }
    }
    if arguments.windows(2).any(|pair| pair[0] == "--example") {
        return Ok("run by scripts/examples.sh".to_owned());
    }
    Ok("the names exist".to_owned())
}

/// What the quick commands need, in one folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = folder();
        let at = |name: &str| place.path().join(name);
        let images: Vec<f32> = (0..2 * 3 * 8 * 8).map(|i| (i % 17) as f32 / 17.0).collect();
        write_npy(&at("x.npy"), "<f4", &[2, 3, 8, 8], &floats(&images));
        write_npy(&at("t.npy"), "<i8", &[2], &[3_i64, 5].map(i64::to_le_bytes).concat());
        fs::copy(golden("resnet20_weights.safetensors"), at("W.safetensors")).unwrap();
        let place = Self(place);
        place
            .run(&["export", "resnet20", "--input", "2x3x8x8", "--output", "model.onnx"].map(str::to_owned))
            .unwrap();
        place
    }

    /// Runs a command with what stands in for its placeholders.
    fn run(&self, arguments: &[String]) -> Outcome {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|word| match STAND_INS.iter().find(|(name, _)| word == name) {
                Some((_, here)) => (*here).to_owned(),
                None => word.clone(),
            })
            .collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tilewright"));
        command.current_dir(self.0.path()).env("TILEWRIGHT_CACHE", text(&self.0.path().join("cache")));
        let output = command.args(&arguments).output().unwrap();
        if output.status.success() {
            return Ok("run".to_owned());
        }
        Err(format!("`{}` fails: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn check_program(arguments: &[String], written: &Written, place: &Place) -> Outcome {
    let complete = parse(arguments, written.whole)?;
    check_comment(arguments, &written.comment)?;
    let said = arguments.join(" ");
    if let Some((command, test)) = ELSEWHERE.iter().find(|(command, _)| said.starts_with(command)) {
        let text = fs::read_to_string(root().join(test)).map_err(|_| format!("there is no {test}"))?;
        for word in command.split(' ') {
            if !text.contains(&format!("\"{word}\"")) {
                return Err(format!("{test} runs no `{word}`"));
            }
        }
        return Ok(format!("parsed; run by {test}"));
    }
    if complete { place.run(arguments) } else { Ok("parsed, a name".to_owned()) }
}

fn check(written: &Written, place: &Place, flags: &[String]) -> Outcome {
    let words: Vec<_> = written.words.iter().skip_while(|word| is_variable(word)).cloned().collect();
    let said = words.join(" ");
    if FOREIGN.iter().any(|command| said.starts_with(command)) {
        return Ok("of others, not run".to_owned());
    }
    let Some((first, rest)) = words.split_first() else { return Ok("variables".to_owned()) };
    match first.as_str() {
        "tilewright" => check_program(rest, written, place),
        "make" => check_make(rest),
        "cargo" => {
            let outcome = check_cargo(rest)?;
            let own = rest.iter().position(|word| word == "--").map(|at| &rest[at + 1..]);
            match own.filter(|own| !own.is_empty() && rest.iter().any(|word| word == "--bin")) {
                Some(own) => check_program(own, written, place),
                None => Ok(outcome),
            }
        }
        "scripts/with-mesa22.sh" => {
            let behind = Written { words: rest.to_vec(), ..written.clone() };
            if rest.is_empty() || rest[0] == "COMMAND" {
                check_script(first, &[])
            } else {
                check(&behind, place, flags)
            }
        }
        flag if flag.starts_with("--") => {
            let scripts =
                ["benches/peers/harness.py", "scripts/figures.py", "scripts/measure.py", "scripts/setup.sh"];
            let known = flags.iter().any(|known| known == flag)
                || scripts.iter().any(|script| check_script(script, &words[..1]).is_ok())
                || flag == "--inputs-as-nchw";
            if known { Ok("a flag".to_owned()) } else { Err(format!("nothing here has a flag {flag}")) }
        }
        python if python.ends_with("python") || python.ends_with("python3") => match rest.split_first() {
            Some((script, arguments)) => check_script(script, arguments),
            None => Ok("a name".to_owned()),
        },
        path => check_script(path, rest),
    }
}

#[test]
fn every_command_in_the_documents_works() {
    let (place, flags) = (Place::new(), flags());
    let mut list: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    for written in commands() {
        let said = written.words.join(" ");
        match list.get(&said) {
            // Once is enough, unless it is a sentence's name and now a block's whole command.
            Some(done) if done != "parsed, a name" && written.comment.is_empty() => {}
            _ => match check(&written, &place, &flags) {
                Ok(done) => drop(list.insert(said, done)),
                Err(fault) => faults.push(format!("{}: `{said}`: {fault}", written.document)),
            },
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    assert!(list.values().filter(|done| *done == "run").count() >= 8, "{list:#?}");
    let path = root().join("tests/commands.txt");
    let lines: Vec<_> = list.iter().map(|(said, done)| format!("{said:<100} | {done}")).collect();
    let wanted = format!(
        "Commands in the Markdown files, and what crates/cli/tests/commands.rs does for each.\n\n{}\n",
        lines.join("\n")
    );
    if env::var_os("TILEWRIGHT_WRITE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = wanted
        .lines()
        .find(|line| !found.lines().any(|known| known == *line))
        .or_else(|| found.lines().find(|line| !wanted.lines().any(|known| known == *line)));
    assert_eq!(
        differs, None,
        "tests/commands.txt lists other commands than the documents; `make quotes` writes it"
    );
}

#[test]
fn every_variable_in_the_documents_is_read_somewhere() {
    let mut files = Vec::new();
    walk(&root(), &mut files, &|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name == "Makefile" || [".rs", ".sh", ".py"].iter().any(|end| name.ends_with(end))
    });
    let all: String = files.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut found = 0;
    for document in documents() {
        for word in document.text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        {
            if word.starts_with("TILEWRIGHT_") && word.len() > "TILEWRIGHT_".len() {
                found += 1;
                assert!(all.contains(word), "{}: nothing reads {word}", document.name);
            }
        }
    }
    assert!(found > 10);
}

#[test]
fn a_renamed_flag_target_or_test_is_a_fault() {
    let words = |line: &str| split(line).0;
    assert!(parse(&words("kernels show unary --emit msl"), true).is_ok());
    assert!(parse(&words("kernels show unary --language msl"), true).is_err());
    assert!(parse(&words("kernels bench"), true).is_err());
    assert_eq!(parse(&words("kernels bench"), false), Ok(false));
    assert!(check_comment(&words("devices --probe"), " --fresh measures again").is_ok());
    assert!(check_comment(&words("devices --probe"), " --anew measures again").is_err());
    assert!(check_make(&words("no-such-target")).is_err());
    assert!(check_cargo(&words("test --test no_such_test")).is_err());
    assert!(check_script("scripts/figures.py", &words("--no-such-flag")).is_err());
    assert_eq!(split("a \"b c\" [d] # e").0, ["a", "b c", "d"]);
}
