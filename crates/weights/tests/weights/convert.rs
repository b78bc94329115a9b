//! Conversion to safetensors: types, names, and whole or not at all.

use std::fs;

use safetensors::{Dtype, SafeTensors};
use tilewright_nn::StateFile;
use tilewright_weights::{Options, Renames, convert, sha256};

use super::{fixture, open};

#[test]
fn every_type_is_written_as_it_is_but_f64() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("types.safetensors");
    let converted = convert(&fixture("types.pt"), &output, &Options::default()).unwrap();
    assert!(converted.notes.iter().any(|note| note.contains("1 tensors are F64")), "{:?}", converted.notes);
    let bytes = fs::read(&output).unwrap();
    assert_eq!(converted.bytes, bytes.len() as u64);
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let said = &metadata.metadata().as_ref().unwrap()["tilewright"];
    assert!(said.contains("types.pt") && said.contains(&sha256(&fixture("types.pt")).unwrap()), "{said}");
    let (written, source) = (SafeTensors::deserialize(&bytes).unwrap(), open("types.pt"));
    assert_eq!(written.names().len(), source.entries().count());
    for (name, _, shape) in source.entries() {
        let (tensor, array) = (written.tensor(name).unwrap(), source.array(name).unwrap().unwrap());
        assert_eq!(tensor.shape(), shape, "{name}");
        if name == "f64" {
            let rounded = array.bytes.as_chunks::<8>().0.iter().map(|&one| f64::from_le_bytes(one) as f32);
            let rounded: Vec<u8> = rounded.flat_map(f32::to_le_bytes).collect();
            assert_eq!((tensor.dtype(), tensor.data()), (Dtype::F32, &rounded[..]));
        } else {
            assert_eq!(tensor.data(), array.bytes, "{name}");
            assert_eq!(tensor.dtype().to_string(), array.element.name(), "{name}");
        }
    }
    // The engine's own reader takes all of it.
    assert_eq!(StateFile::open(&output).unwrap().read_all().unwrap().tensors.len(), written.names().len());
}

#[test]
fn names_change_as_they_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (output, map) = (folder.path().join("out.safetensors"), folder.path().join("map.txt"));
    fs::write(&map, "# names\nstem.conv.* backbone.*\nhead.bias -  # no bias\nhead.weight fc.weight\n")
        .unwrap();
    let mut renames = Renames::strip(Some("module."));
    renames.read(&map).unwrap();
    let options = Options { renames: renames.clone(), ..Options::default() };
    let converted = convert(&fixture("checkpoint.pt"), &output, &options).unwrap();
    let names: Vec<_> = converted.tensors.iter().map(|row| row.name.as_str()).collect();
    assert!(names.contains(&"backbone.weight") && names.contains(&"fc.weight"), "{names:?}");
    assert!(names.contains(&"stem.bn.running_var") && !names.iter().any(|name| name.contains("bias-")));
    assert!(!names.iter().any(|name| name.starts_with("module.") || name.contains("head")), "{names:?}");

    // What does not fit is said, and the file that was there stays.
    let before = fs::read(&output).unwrap();
    for (strip, rules, said) in [
        (Some("other."), "", "no name begins with `other.`"),
        (None, "none.weight x", "no name fits `none.weight`"),
        (None, "module.head.bias module.head.weight", "would both be called `module.head.weight`"),
    ] {
        let mut renames = Renames::strip(strip);
        fs::write(&map, rules).unwrap();
        renames.read(&map).unwrap();
        let options = Options { renames, ..Options::default() };
        let error = convert(&fixture("checkpoint.pt"), &output, &options).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    fs::write(&map, "one\n").unwrap();
    assert!(renames.read(&map).unwrap_err().to_string().contains("line 1 is `one`"));
    assert_eq!(fs::read(&output).unwrap(), before);
}

#[test]
fn nothing_is_left_of_a_conversion_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("x.pt"), folder.path().join("out/x.safetensors"));
    // A byte of a storage: only its checksum shows it.
    let mut bytes = fs::read(fixture("types.pt")).unwrap();
    let at = bytes.windows(7).position(|part| part == b"/data/0").unwrap();
    // PyTorch puts each member's bytes at a multiple of 64.
    let at = (at + 11).next_multiple_of(64);
    bytes[at] ^= 1;
    fs::write(&input, &bytes).unwrap();
    let error = convert(&input, &output, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
    assert_eq!(fs::read_dir(folder.path().join("out")).map(Iterator::count).unwrap_or(0), 0);
}
