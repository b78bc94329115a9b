//! `tilewright train` on pictures: folders, tables, weights that it begins from, and everything that changes how it trains.

use std::{fs, path::Path};

use tilewright_nn::StateFile;

use crate::common::{floats, folder, run_badly, run_well, text, write_images, write_npy};

/// Pictures of two colours in a folder for each, of several sizes.
fn write_pictures(folder: &Path, of_each: u32) {
    for (class, colour) in [("red", [220, 40, 30]), ("blue", [30, 60, 210])] {
        fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..of_each {
            let (width, height) = (12 + at % 5, 10 + at % 7);
            let picture = image::RgbImage::from_fn(width, height, |x, y| {
                image::Rgb(
                    colour.map(|level: u8| level.saturating_add(((x * 7 + y * 13 + at * 5) % 40) as u8)),
                )
            });
            picture.save(folder.join(class).join(format!("{at:02}.png"))).unwrap();
        }
    }
}

fn last_line(output: &Path) -> serde_json::Value {
    let text = fs::read_to_string(output.join("metrics.jsonl")).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// What lies in the metadata of a safetensors file, by its own description.
fn metadata(path: &Path) -> serde_json::Value {
    let bytes = fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    serde_json::from_str(header["__metadata__"]["tilewright"].as_str().unwrap()).unwrap()
}

fn base<'a>(data: &'a Path, output: &'a Path) -> Vec<&'a str> {
    let (data, output) = (text(data), text(output));
    vec![
        "train",
        "--data",
        data,
        "--output",
        output,
        "--image-size",
        "12",
        "--batch-size",
        "4",
        "--lr",
        "0.02",
    ]
}

#[test]
fn a_folder_of_pictures_and_what_is_kept_of_it() {
    let folder = folder();
    let (data, output) = (folder.path().join("data"), folder.path().join("out"));
    write_pictures(&data, 12);
    fs::write(data.join("red/broken.png"), "no picture").unwrap();
    let arguments =
        [&base(&data, &output)[..], &["--epochs", "3", "--augment", "--color-jitter", "0.1"]].concat();
    run_badly(&arguments, &["broken.png"]);
    assert!(!output.join("model.safetensors").exists());
    fs::remove_dir_all(&output).unwrap();
    let said = run_well(&[&arguments[..], &["--skip-unreadable"]].concat());
    // Two of twelve and two of twelve are held out by default.
    assert!(said.contains("20 training images, 4 test images"), "{said}");
    let last = last_line(&output);
    assert!(last["test_accuracy"].as_f64().unwrap() > 0.9, "{last}");
    let known = metadata(&output.join("model.safetensors"));
    assert_eq!(known["classes"], serde_json::json!(["blue", "red"]));
    assert_eq!((&known["model"], &known["task"]), (&"small_cnn".into(), &"classification".into()));
    assert_eq!(known["image"], serde_json::json!([3, 12, 12]));
    assert!(output.join("predictions.png").exists() && output.join("confusion_matrix.png").exists());
    // Folders of their own to judge by.
    fs::remove_file(data.join("red/broken.png")).unwrap();
    let split = folder.path().join("split");
    fs::create_dir(&split).unwrap();
    fs::rename(&data, split.join("train")).unwrap();
    write_pictures(&split.join("val"), 3);
    let said = run_well(&[&base(&split, &output)[..], &["--epochs", "1", "--grey"]].concat());
    assert!(said.contains("24 training images, 6 test images"), "{said}");
    fs::rename(split.join("val/red"), split.join("val/green")).unwrap();
    run_badly(&base(&split, &output), &["`green`", "blue, red"]);
}

/// GoogLeNet learns by its auxiliary heads where they are asked for, and where weights bring them.
#[test]
fn auxiliary_heads_are_trained() {
    let folder = folder();
    let (data, first, second) = ["data", "first", "second"].map(|name| folder.path().join(name)).into();
    write_pictures(&data, 4);
    let run = |output: &Path, more: &[&str]| {
        let (data, output) = (text(&data).to_owned(), text(output).to_owned());
        let arguments = ["train", "--model", "googlenet", "--data", &data, "--output", &output];
        let sizes = ["--image-size", "32", "--batch-size", "4", "--epochs", "1", "--lr", "0.01"];
        run_well(&[&arguments[..], &sizes, more].concat())
    };
    run(&first, &["--auxiliary"]);
    let weights = first.join("model.safetensors");
    run(&second, &["--weights", text(&weights)]);
    let heads = [&weights, &second.join("model.safetensors")].map(|path| {
        let file = StateFile::open(path).unwrap();
        let head = |name| file.tensor(name).unwrap().unwrap();
        ["aux1.fc2.weight", "aux2.conv.conv.weight"].map(head)
    });
    assert!(heads[0][0] != heads[1][0] && heads[0][1] != heads[1][1], "the heads go on learning");
    // Each of their parameters has a gradient.
    let [x, target, output] = ["x.npy", "t.npy", "g.safetensors"].map(|name| folder.path().join(name));
    write_npy(&x, "<f4", &[2, 3, 32, 32], &floats(&vec![0.5; 2 * 3 * 32 * 32]));
    write_npy(&target, "<i4", &[2], &[0, 0, 0, 0, 1, 0, 0, 0]);
    let files = ["--input", text(&x), "--target", text(&target), "--output", text(&output)];
    run_well(&[&["grad", "googlenet", "--weights", text(&weights)], &files[..]].concat());
    assert!(StateFile::open(&output).unwrap().tensor("aux2.fc2.bias").unwrap().is_some());
    let none = [&base(&data, &first)[..], &["--auxiliary"]].concat();
    run_badly(&none, &["small_cnn has no auxiliary heads"]);
}

#[test]
fn a_table_of_several_classes() {
    let folder = folder();
    let (data, output) = (folder.path().join("labels.csv"), folder.path().join("out"));
    write_pictures(folder.path(), 8);
    let mut table = "path,red,any\n".to_owned();
    for at in 0..8 {
        table.push_str(&format!("red/{at:02}.png,1,1\nblue/{at:02}.png,0,1\n"));
    }
    fs::write(&data, table).unwrap();
    run_well(&[&base(&data, &output)[..], &["--epochs", "4"]].concat());
    let last = last_line(&output);
    assert!(last["test_accuracy"].as_f64().unwrap() > 0.9, "{last}");
    let first = fs::read_to_string(output.join("metrics.jsonl")).unwrap();
    assert!(first.lines().next().unwrap().contains("test_exact"), "{first}");
    assert_eq!(metadata(&output.join("model.safetensors"))["task"], "multi-label");
    fs::write(&data, "path,label\nred/00.png,red\nblue/00.png,5 legs\n").unwrap();
    let named = [&base(&data, &output)[..], &["--class-names", "red,blue"]].concat();
    run_badly(&named, &["labels.csv, line 3", "5 legs", "red, blue"]);
}

#[test]
fn a_run_begins_from_weights() {
    let folder = folder();
    let (data, first, second) = ["data", "first", "second"].map(|name| folder.path().join(name)).into();
    write_pictures(&data, 8);
    run_well(
        &[&base(&data, &first)[..], &["--epochs", "1", "--mean", "0.5,0.5,0.5", "--std", "0.2,0.2,0.2"]]
            .concat(),
    );
    let weights = first.join("model.safetensors");
    let from = ["--weights", text(&weights), "--epochs", "2"];
    // A third class.
    let other = folder.path().join("other");
    write_pictures(&other, 6);
    fs::create_dir(other.join("grey")).unwrap();
    for at in 0..6 {
        let picture = image::GrayImage::from_pixel(12, 12, image::Luma([100 + at]));
        picture.save(other.join(format!("grey/{at}.png"))).unwrap();
    }
    run_badly(&[&base(&other, &second)[..], &from].concat(), &["--weights", "fc.weight", "--head new"]);
    assert!(!second.exists());
    let frozen =
        [&base(&other, &second)[..], &from, &["--head", "new", "--freeze", "conv*", "--freeze", "bn*"]]
            .concat();
    let said = run_well(&frozen);
    assert!(said.contains("new: fc.weight, fc.bias; left out of the file: fc.bias, fc.weight"), "{said}");
    let tensors = |path: &Path| tilewright_nn::StateDict::read(path).unwrap().tensors;
    let (before, after) = (tensors(&weights), tensors(&second.join("model.safetensors")));
    for (name, value) in &after {
        assert_eq!(before[name] == *value, !name.starts_with("fc."), "{name}");
    }
    // The pictures are normalised as they were.
    assert_eq!(metadata(&second.join("model.safetensors"))["std"], serde_json::json!([0.2, 0.2, 0.2]));
    let freed = [&frozen[..], &["--unfreeze", "conv2@2", "--track-statistics"]].concat();
    run_well(&freed);
    let after = tensors(&second.join("model.safetensors"));
    assert!(
        before["conv1.weight"] == after["conv1.weight"] && before["conv2.weight"] != after["conv2.weight"]
    );
    assert_ne!(before["bn1.running_mean"], after["bn1.running_mean"]);
    for (extra, parts) in [
        (&["--freeze", "layer9"][..], &["layer9", "conv1, bn1, conv2, bn2, fc"][..]),
        (&["--lr-scale", "head=2"], &["head", "conv1"]),
        (&["--freeze", "*"], &["frozen", "epoch 1"]),
        (&["--weights", text(&data)], &["data"]),
    ] {
        run_badly(&[&base(&data, &second)[..], extra].concat(), parts);
    }
}

#[test]
fn what_changes_how_it_trains_and_goes_on_from_a_checkpoint() {
    let folder = folder();
    write_images(folder.path(), 96, 20, 8);
    let output = folder.path().join("out");
    let data = ["train", "--data", text(folder.path()), "--output", text(&output), "--batch-size", "8"];
    let options = [
        "--accumulate",
        "3",
        "--precision",
        "f16",
        "--schedule",
        "step",
        "--lr-scale",
        "fc=2",
        "--decay",
        "bn*=0",
        "--decay-matrices-only",
        "--ema",
        "0.5",
        "--clip-norm",
        "5",
        "--evaluate-every",
        "2",
        "--per-class",
        "12",
        "--epochs",
        "3",
    ];
    let all = [&data[..], &options].concat();
    run_well(&all);
    let last = last_line(&output);
    // The loss scale starts at 2¹⁶, which may be too large for the first gradients, and halves then.
    assert!(last["skipped_steps"].as_u64().unwrap() <= 2, "{last}");
    assert!(last["test_accuracy"].as_f64().unwrap() > 0.5, "{last}");
    let lines = fs::read_to_string(output.join("metrics.jsonl")).unwrap();
    let tested: Vec<bool> = lines.lines().take(3).map(|line| line.contains("test_loss")).collect();
    assert_eq!(tested, [false, true, true]);
    let whole = fs::read(output.join("model.safetensors")).unwrap();
    run_well(&[&all[..], &["--resume"]].concat());
    assert!(fs::read(output.join("model.safetensors")).unwrap() == whole);
    let other = [&data[..], &options[2..], &["--accumulate", "2", "--resume"]].concat();
    run_badly(&other, &["cannot resume", "3 batches a step", "2 batches a step"]);
    // Nothing changes, so that the loss does not fall.
    let early = ["--epochs", "30", "--lr", "0", "--early-stop", "2", "--freeze-statistics", "bn*"];
    let said = run_well(&[&data[..], &early].concat());
    assert!(said.contains("stopped after epoch 3"), "{said}");
    let said = run_well(&[&data[..], &early, &["--resume"]].concat());
    assert!(said.contains("stopped after epoch 3"), "{said}");
}

#[test]
fn a_folder_of_masks() {
    let folder = folder();
    let (data, output) = (folder.path().join("data"), folder.path().join("out"));
    for part in ["images", "masks"] {
        fs::create_dir_all(data.join(part)).unwrap();
    }
    for at in 0..10u32 {
        let (width, height) = (20 + at % 3, 18 + at % 4);
        let inside = |x: u32, y: u32| x.abs_diff(6 + at % 8) < 5 && y.abs_diff(8) < 5;
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([if inside(x, y) { 220 } else { 40 } + (x * 5 % 20) as u8; 3])
        });
        picture.save(data.join(format!("images/{at}.png"))).unwrap();
        let mask = image::GrayImage::from_fn(width, height, |x, y| image::Luma([7 * u8::from(inside(x, y))]));
        mask.save(data.join(format!("masks/{at}.png"))).unwrap();
    }
    let base = [&base(&data, &output)[..], &["--model", "unet_bn_16", "--image-size", "16", "--epochs", "3"]]
        .concat();
    let base: Vec<&str> =
        base.iter().enumerate().filter(|(at, _)| !(5..7).contains(at)).map(|(_, a)| *a).collect();
    run_badly(&base, &["--class-names", "ground"]);
    run_badly(
        &[&base[..], &["--class-names", "ground,cell"]].concat(),
        &["masks/0.png", "7 in row", "instances"],
    );
    let model = base.iter().position(|word| *word == "unet_bn_16").unwrap();
    let mut other = [&base[..], &["--masks", "instances"]].concat();
    run_well(&[&other[..], &["--augment"]].concat());
    let last = last_line(&output);
    assert!(
        last["test_accuracy"].as_f64().unwrap() > 0.6 && last["test_mean_iou"].as_f64().is_some(),
        "{last}"
    );
    let known = metadata(&output.join("model.safetensors"));
    assert_eq!(
        (&known["task"], &known["classes"]),
        (&"segmentation".into(), &serde_json::json!(["ground", "object"]))
    );
    other[model] = "small_cnn";
    run_badly(&other, &["--model", "classification", "segmentation"]);
    other[model] = "unet_bn_16";
    fs::remove_dir_all(&output).unwrap();
    image::GrayImage::new(4, 5).save(data.join("masks/3.png")).unwrap();
    run_badly(&other, &["masks/3.png", "5×4", "images/3.png", "21×20"]);
    assert!(!output.exists());
}
