//! Files that PyTorch and NumPy wrote, against what those libraries say they hold, and files that are refused.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "weights/convert.rs"]
mod convert;
#[path = "weights/fuzz.rs"]
mod fuzz;
#[path = "weights/keras.rs"]
mod keras;

use std::path::{Path, PathBuf};

use tilewright_nn::StateSource;
use tilewright_weights::{Array, Element, Error, Kind, WeightFile};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn open(name: &str) -> WeightFile {
    WeightFile::open(&fixture(name), None).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(name: &str, key: Option<&str>) -> String {
    match WeightFile::open(&fixture(name), key) {
        Ok(_) => panic!("{name} was read"),
        Err(error) => error.to_string(),
    }
}

/// bfloat16 is kept as float32 in what is expected.
fn comparable(array: Array) -> Array {
    if array.element != Element::BF16 {
        return array;
    }
    let bytes = array.bytes.chunks_exact(2).flat_map(|two| [0, 0, two[0], two[1]]).collect();
    Array { element: Element::F32, shape: array.shape, bytes }
}

/// Holds every tensor of a file to the bits that its library says.
fn check(name: &str, kind: Kind) {
    let found = open(name);
    assert_eq!(found.kind(), kind, "{name}");
    holds(&found, name);
}

fn holds(found: &WeightFile, name: &str) {
    let expected = open(&format!("{name}.expected.npz"));
    let names = |file: &WeightFile| file.entries().map(|(name, ..)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(found), names(&expected), "{name}");
    for (tensor, element, shape) in found.entries() {
        let array = found.array(tensor).unwrap().unwrap();
        assert_eq!((array.element, &array.shape[..]), (element, shape), "{name}: {tensor}");
        assert_eq!(comparable(array), expected.array(tensor).unwrap().unwrap(), "{name}: {tensor}");
    }
}

#[test]
fn types() {
    check("types.pt", Kind::TorchZip);
    check("types_legacy.pth", Kind::TorchLegacy);
    check("types_big_endian.pt", Kind::TorchZip);
    let types = open("types.pt");
    let elements: Vec<_> = types.entries().map(|(name, element, _)| (name, element)).collect();
    assert!(elements.contains(&("bf16", Element::BF16)) && elements.contains(&("bool", Element::Bool)));
    assert_eq!(elements.len(), 13);
}

#[test]
fn views() {
    check("views.pt", Kind::TorchZip);
    check("views_legacy.pth", Kind::TorchLegacy);
    check("views_newer.pt", Kind::TorchZip);
    assert_eq!(open("views.pt").shape("windows"), Some(&[10, 5][..]));
}

#[test]
fn training_checkpoints_and_whole_modules() {
    for (zip, legacy) in [("checkpoint.pt", "checkpoint_legacy.pth"), ("module.pt", "module_legacy.pth")] {
        check(zip, Kind::TorchZip);
        check(legacy, Kind::TorchLegacy);
    }
    let notes = open("checkpoint.pt").notes().join("\n");
    assert!(notes.contains("under `state_dict`") && notes.contains("ema"), "{notes}");
    let notes = open("module.pt").notes().join("\n");
    assert!(notes.contains("classes are not run: __main__.Block") && notes.contains("Conv2d"), "{notes}");
    let ema = WeightFile::open(&fixture("checkpoint.pt"), Some("ema")).unwrap();
    assert_eq!(ema.shape("stem.conv.weight"), Some(&[3, 2, 3, 3][..]));
    let state = WeightFile::open(&fixture("checkpoint.pt"), Some("optimizer.state")).map(|_| ());
    assert!(state.unwrap_err().to_string().contains("holds no tensors"));
    check("scripted.pt", Kind::TorchZip);
}

#[test]
fn other_containers() {
    check("list.pt", Kind::TorchZip);
    check("single.pt", Kind::TorchZip);
    check("quantized.pt", Kind::TorchZip);
    check("arrays.pkl", Kind::Pickle);
    check("arrays_2.pkl", Kind::Pickle);
    let labels = open("labels.npz");
    assert_eq!((labels.kind(), labels.entries().count()), (Kind::Npz, 1));
    assert!(labels.notes()[0].contains("`names`: its elements are of NumPy's type <U1"), "{:?}", labels.notes());
    assert!(refused("words.npz", None).contains("no arrays of numbers"));
}

#[test]
fn what_state_dict_is_meant_is_asked() {
    let error = refused("two.pt", None);
    assert!(error.contains("several state dicts: encoder, decoder"), "{error}");
    let all = WeightFile::open(&fixture("two.pt"), Some("*")).unwrap();
    assert_eq!(all.entries().map(|(name, ..)| name).collect::<Vec<_>>(), ["decoder.w", "encoder.w"]);
    let one = WeightFile::open(&fixture("two.pt"), Some("decoder")).unwrap();
    assert_eq!(one.entries().map(|(name, ..)| name).collect::<Vec<_>>(), ["w"]);
    let error = refused("two.pt", Some("model"));
    assert!(error.contains("has no `model`; there is: encoder, decoder"), "{error}");
}

#[test]
fn code_is_refused_by_name_and_not_run() {
    for (name, wanted) in [
        ("bad_system.pt", "`posix.system`"),
        ("bad_system_legacy.pth", "`posix.system`"),
        ("bad_eval.pt", "`__builtin__.eval`"),
        ("bad_later.pt", "`collections.namedtuple`"),
    ] {
        let error = refused(name, None);
        assert!(error.contains(wanted) && error.contains(name), "{error}");
        assert!(!Path::new("it_was_run").exists());
    }
}

#[test]
fn other_files_are_named() {
    for (name, said) in [
        ("complex.pt", "complex64, which is not read"),
        ("protocol_0.pkl", "protocol 0 or 1"),
        ("make_fixtures.py", "neither safetensors"),
    ] {
        let error = refused(name, None);
        assert!(error.contains(said), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pth");
    for (bytes, said) in [
        (&b""[..], "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x1f\x8b\x08\0", "gunzip"),
        (b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "zip archive with neither"),
        (b"\x80\x02I1\n.", "opcode INT at byte 2"),
        (b"\x80\x02P1\n.", "opcode PERSID"),
        (b"\x80\x04\x97.", "opcode NEXT_BUFFER"),
        (b"\x80\x02.", "takes a value where there is none"),
        (b"\x80\x02X\xff\xff\xff\xff", "needs 4294967295 bytes"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "needs 18446744073709551615 bytes"),
        (b"\x80\x02cos\nsystem\n.", "`os.system` called"),
        (b"\x80\x02cm\nf\n)\x81}b.", "no tensors"),
        (b"\x80\x02cm\nf\n)R.", "`m.f` called"),
        (b"\x80\x02K\x01)R.", "a whole number` called"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = WeightFile::open(&path, None).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(matches!(error, Error::Format { .. }));
    }
    assert!(matches!(WeightFile::open(Path::new("none.pth"), None), Err(Error::File { .. })));
    assert!(WeightFile::open(folder.path(), None).is_err());
}
