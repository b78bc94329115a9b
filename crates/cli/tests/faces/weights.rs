//! `convert`, `fetch`, and weights of PyTorch's own form.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use safetensors::SafeTensors;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::common::{floats, folder, golden, read_npz, run_badly, run_well, text, write_npy};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights/tests/fixtures").join(name)
}

/// Writes a safetensors file of f32 as torch.save would: `{"state_dict": {name: tensor}}` in a pickle of protocol 2, and a
/// member for each storage.
fn write_torch(path: &Path, weights: &SafeTensors<'_>) {
    fn string(pickle: &mut Vec<u8>, text: &str) {
        pickle.push(b'X');
        pickle.extend((text.len() as u32).to_le_bytes());
        pickle.extend(text.as_bytes());
    }
    fn number(pickle: &mut Vec<u8>, value: usize) {
        pickle.push(b'J');
        pickle.extend((value as i32).to_le_bytes());
    }
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut pickle = b"\x80\x02}".to_vec();
    string(&mut pickle, "state_dict");
    pickle.extend(b"}(");
    for (key, (name, tensor)) in weights.iter().enumerate() {
        string(&mut pickle, name);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        string(&mut pickle, "storage");
        pickle.extend(if tensor.dtype() == safetensors::Dtype::I64 {
            b"ctorch\nLongStorage\n".as_slice()
        } else {
            b"ctorch\nFloatStorage\n"
        });
        string(&mut pickle, &key.to_string());
        string(&mut pickle, "cpu");
        number(&mut pickle, tensor.shape().iter().product());
        pickle.extend(b"tQK\x00");
        let mut strides = vec![1; tensor.shape().len()];
        for axis in (1..strides.len()).rev() {
            strides[axis - 1] = strides[axis] * tensor.shape()[axis];
        }
        for numbers in [tensor.shape(), &strides] {
            pickle.push(b'(');
            numbers.iter().for_each(|&value| number(&mut pickle, value));
            pickle.push(b't');
        }
        pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        archive.start_file(format!("w/data/{key}"), options).unwrap();
        archive.write_all(tensor.data()).unwrap();
    }
    pickle.extend(b"us.");
    archive.start_file("w/data.pkl", options).unwrap();
    archive.write_all(&pickle).unwrap();
    archive.finish().unwrap();
}

#[test]
fn weights_of_pytorch_give_what_safetensors_give() {
    let folder = folder();
    let [input, archive, converted, first, second] =
        ["x.npy", "w.pth", "w.safetensors", "a.npz", "b.npz"].map(|name| folder.path().join(name));
    write_npy(&input, "<f4", &[1, 3, 32, 32], &floats(&[0.5; 3 * 32 * 32]));
    let weights = golden("resnet20_weights.safetensors");
    let bytes = fs::read(&weights).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    write_torch(&archive, &tensors);
    let said = run_well(&["convert", text(&archive), "-o", text(&converted), "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["kind"], "PyTorch (zip)");
    assert_eq!(report["tensors"].as_array().unwrap().len(), tensors.len());
    assert!(report["notes"][0].as_str().unwrap().contains("under `state_dict`"), "{said}");
    let again = fs::read(&converted).unwrap();
    let again = SafeTensors::deserialize(&again).unwrap();
    for (name, tensor) in tensors.iter() {
        assert_eq!(again.tensor(name).unwrap().data(), tensor.data(), "{name}");
    }
    for (weights, output) in [(&weights, &first), (&archive, &second)] {
        let arguments = [
            "infer",
            "resnet20",
            "--weights",
            text(weights),
            "--input",
            text(&input),
            "--output",
            text(output),
        ];
        run_well(&arguments);
    }
    assert_eq!(read_npz::<f32>(&first, "output"), read_npz::<f32>(&second, "output"));
}

#[test]
fn convert_says_what_it_did_and_what_it_refuses() {
    let folder = folder();
    let output = folder.path().join("new/out.safetensors");
    let lines = run_well(&["convert", text(&fixture("types.pt")), "-o", text(&output)]);
    assert!(lines.contains("f64 F64 → F32 [3, 2]") && lines.contains("13 tensors"), "{lines}");
    let keras =
        ["convert", text(&fixture("net.keras")), "-o", text(&output), "--layout", "keras"].map(str::to_owned);
    let lines = run_well(&keras.each_ref().map(String::as_str));
    assert!(lines.contains("conv2d_1.weight F32 [3, 2, 3, 2]"), "{lines}");
    fs::remove_file(&output).unwrap();
    for (name, more, parts) in [
        (
            "bad_system.pt",
            &[][..],
            &["bad_system.pt", "`posix.system` called", "nothing in a file of weights is run"],
        ),
        ("two.pt", &[], &["encoder, decoder", "say which", "two.pt"]),
        ("two.pt", &["--key", "none"], &["has no `none`", "encoder", "two.pt"]),
        ("types.pt", &["--prefix-strip", "x."], &["no name begins with `x.`", "types.pt", ""]),
        ("types.pt", &["--layout", "keras"], &["no layers of Keras", "types.pt", ""]),
    ] {
        let path = fixture(name);
        run_badly(&[&["convert", text(&path), "-o", text(&output)], more].concat(), parts);
        assert!(!output.exists());
    }
}

#[test]
fn fetch_says_what_there_is_and_what_it_would_do() {
    let folder = folder();
    let list = run_well(&["fetch", "--list"]);
    assert!(list.contains("resnet50.imagenet1k_v2 (`resnet50`)  https://download.pytorch.org/"), "{list}");
    let json: serde_json::Value = serde_json::from_str(&run_well(&["fetch", "--list", "--json"])).unwrap();
    assert!(json.as_array().unwrap().iter().any(|one| one["name"] == "vgg11_bn.imagenet1k_v1"));
    let dir = text(folder.path());
    run_badly(&["fetch", "resnet51", "--dir", dir], &["no weights are called `resnet51`", "--list"]);
    run_badly(&["fetch", "resnet18", "--offline", "--dir", dir], &["resnet18-f37072fd.pth", dir]);
    // Nobody listens there.
    let url = "http://127.0.0.1:9/x.pth";
    run_badly(&["fetch", "resnet18", "--url", url, "--dir", dir], &[url, "--url"]);
    // A file that is there, and is another.
    fs::copy(fixture("types.pt"), folder.path().join("resnet18-f37072fd.pth")).unwrap();
    run_badly(&["fetch", "resnet18", "--offline", "--dir", dir], &["f37072fd is wanted", "move it away"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
