//! What goes into the program and comes out of it: every declared output in its type, inputs of any type without loss.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{fs, path::Path};

use common::{
    floats, folder, golden,
    onnx::{self, BOOL, DOUBLE, FLOAT, FLOAT16, INT8, INT32, INT64, UINT8, UINT64},
    read_array, read_npz, run_badly, run_well, text, write_npy, write_npy_in,
};

/// Runs `infer` with inputs `name=file`, and gives the output file.
fn infer(model: &Path, inputs: &[(&str, &Path)]) -> std::path::PathBuf {
    let output = model.with_extension("npz");
    let inputs: Vec<String> = inputs.iter().map(|(name, path)| format!("{name}={}", text(path))).collect();
    let mut arguments = vec!["infer", text(model), "--output", text(&output)];
    arguments.extend(inputs.iter().flat_map(|input| ["--input", input]));
    run_well(&arguments);
    output
}

fn int64(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// r = Relu(x); x itself; an initializer of every type; the shape of x, and its size.
fn known_outputs() -> Vec<u8> {
    let constants: [(&str, u8, Vec<u8>); 6] = [
        ("wide", INT64, int64(&[16_777_217, i64::MIN])),
        ("unsigned", UINT64, [u64::MAX, 0].map(u64::to_le_bytes).concat()),
        ("bytes", UINT8, vec![255, 0]),
        ("truth", BOOL, vec![1, 0]),
        (
            "half",
            FLOAT16,
            [half::f16::from_f32(1.5), half::f16::NEG_INFINITY].map(half::f16::to_le_bytes).concat(),
        ),
        ("double", DOUBLE, [0.1f64, 1e300].map(f64::to_le_bytes).concat()),
    ];
    let nodes = [
        onnx::node("Relu", &["x"], "r", None),
        onnx::node("Shape", &["x"], "shape", None),
        onnx::node("Size", &["x"], "size", None),
    ];
    let mut outputs: Vec<_> =
        constants.iter().map(|(name, dtype, _)| onnx::value(name, *dtype, &[2])).collect();
    outputs.insert(0, onnx::value("shape", INT64, &[2]));
    outputs.insert(3, onnx::value("r", FLOAT, &[2, 3]));
    outputs.push(onnx::value("size", INT64, &[]));
    outputs.push(onnx::value("x", FLOAT, &[2, 3]));
    let constants: Vec<_> =
        constants.iter().map(|(name, dtype, raw)| onnx::initializer(name, *dtype, &[2], raw)).collect();
    onnx::model(&nodes, &constants, &[onnx::value("x", FLOAT, &[2, 3])], &outputs)
}

fn check_known(output: &Path, x: &[f32]) {
    let archive = zip::ZipArchive::new(fs::File::open(output).unwrap()).unwrap();
    let names: Vec<_> = (0..archive.len()).map(|at| archive.name_for_index(at).unwrap().to_owned()).collect();
    let order = ["shape", "wide", "unsigned", "r", "bytes", "truth", "half", "double", "size", "x"];
    assert_eq!(names, order.map(|name| format!("{name}.npy")));
    assert_eq!(read_array::<i64>(output, "shape"), ("'<i8'".into(), vec![2], vec![2, 3]));
    assert_eq!(read_array::<i64>(output, "wide").2, [16_777_217, i64::MIN]);
    assert_eq!(read_array::<u64>(output, "unsigned"), ("'<u8'".into(), vec![2], vec![u64::MAX, 0]));
    assert_eq!(read_array::<u8>(output, "bytes"), ("'|u1'".into(), vec![2], vec![255, 0]));
    assert_eq!(read_array::<bool>(output, "truth"), ("'|b1'".into(), vec![2], vec![true, false]));
    let half = vec![half::f16::from_f32(1.5), half::f16::NEG_INFINITY];
    assert_eq!(read_array::<half::f16>(output, "half"), ("'<f2'".into(), vec![2], half));
    assert_eq!(read_array::<f64>(output, "double"), ("'<f8'".into(), vec![2], vec![0.1, 1e300]));
    assert_eq!(read_array::<i64>(output, "size"), ("'<i8'".into(), vec![], vec![6]));
    assert_eq!(read_array::<f32>(output, "x"), ("'<f4'".into(), vec![2, 3], x.to_vec()));
    let relu: Vec<f32> = x.iter().map(|x| x.max(0.0)).collect();
    assert_eq!(read_array::<f32>(output, "r").2, relu);
}

#[test]
fn every_declared_output_comes_out_in_order_and_of_its_type() {
    let folder = folder();
    let [model, x, again] = ["m.onnx", "x.npy", "again.onnx"].map(|name| folder.path().join(name));
    fs::write(&model, known_outputs()).unwrap();
    let values = [-1.0, 2.0, -3.0, 4.0, 5.0, -6.0];
    write_npy(&x, "<f4", &[2, 3], &floats(&values));
    check_known(&infer(&model, &[("x", &x)]), &values);
    // And after a way through `export`, which passes x through and keeps what is known.
    for raw in [&[][..], &["--raw"]] {
        run_well(&[&["export", text(&model), "--output", text(&again)], raw].concat());
        check_known(&infer(&again, &[("x", &x)]), &values);
    }
}

#[test]
fn a_name_of_two_outputs_is_refused_before_the_run() {
    let folder = folder();
    let [model, x, y] = ["m.onnx", "x.npy", "y.npz"].map(|name| folder.path().join(name));
    let nodes = [onnx::node("Abs", &["x"], "y", None)];
    let output = onnx::value("y", FLOAT, &[2]);
    fs::write(&model, onnx::model(&nodes, &[], &[onnx::value("x", FLOAT, &[2])], &[output.clone(), output]))
        .unwrap();
    write_npy(&x, "<f4", &[2], &floats(&[-1.0, 2.0]));
    let words = ["infer", text(&model), "--input", text(&x), "--output", text(&y)];
    run_badly(&words, &["m.onnx", "the output `y` twice", "a name of its own"]);
}

/// int64, bool and float16 are other types on the device; a file that was exported declares them again.
#[test]
fn an_exported_network_has_the_types_that_were_declared() {
    let folder = folder();
    let [model, i, h, again] =
        ["m.onnx", "i.npy", "h.npy", "again.onnx"].map(|name| folder.path().join(name));
    let nodes = [
        onnx::node("Cast", &["i"], "float", Some(("to", FLOAT))),
        onnx::node("Abs", &["float"], "size", None),
        onnx::node("Less", &["float", "size"], "less", None),
        onnx::node("Identity", &["i"], "same", None),
        onnx::node("Neg", &["h"], "minus", None),
    ];
    let inputs = [onnx::value("i", INT64, &[2]), onnx::value("h", FLOAT16, &[2])];
    let outputs = [
        onnx::value("minus", FLOAT16, &[2]),
        onnx::value("less", BOOL, &[2]),
        onnx::value("same", INT64, &[2]),
        onnx::value("i", INT64, &[2]),
    ];
    fs::write(&model, onnx::model(&nodes, &[], &inputs, &outputs)).unwrap();
    run_well(&["export", text(&model), "--output", text(&again)]);
    write_npy(&i, "<i8", &[2], &int64(&[-5, 7]));
    write_npy(&h, "<f2", &[2], &[1.5, -2.0].map(|x| half::f16::from_f32(x).to_le_bytes()).concat());
    for model in [&model, &again] {
        let output = infer(model, &[("i", &i), ("h", &h)]);
        let minus = vec![half::f16::from_f32(-1.5), half::f16::from_f32(2.0)];
        assert_eq!(read_array::<half::f16>(&output, "minus"), ("'<f2'".into(), vec![2], minus));
        assert_eq!(read_array::<bool>(&output, "less"), ("'|b1'".into(), vec![2], vec![true, false]));
        for name in ["same", "i"] {
            assert_eq!(read_array::<i64>(&output, name), ("'<i8'".into(), vec![2], vec![-5, 7]), "{name}");
        }
    }
}

#[test]
fn a_network_without_inputs_runs() {
    let folder = folder();
    let model = folder.path().join("m.onnx");
    let constants = [
        onnx::initializer("a", FLOAT, &[1, 1, 3, 3], &floats(&[1.0; 9])),
        onnx::initializer("w", FLOAT, &[1, 1, 2, 2], &floats(&[0.5; 4])),
    ];
    // A convolution is the device's, also of constants.
    let nodes = [onnx::node("Conv", &["a", "w"], "y", None)];
    let outputs = [onnx::value("y", FLOAT, &[1, 1, 2, 2]), onnx::value("a", FLOAT, &[1, 1, 3, 3])];
    fs::write(&model, onnx::model(&nodes, &constants, &[], &outputs)).unwrap();
    let output = infer(&model, &[]);
    assert_eq!(read_npz::<f32>(&output, "y"), [2.0; 4]);
    assert_eq!(read_npz::<f32>(&output, "a"), [1.0; 9]);
    // Nothing to run at all.
    fs::write(&model, onnx::model(&[], &constants, &[], &outputs[1..])).unwrap();
    assert_eq!(read_npz::<f32>(&infer(&model, &[]), "a"), [1.0; 9]);
    let said = run_well(&["profile", text(&model), "--repeat", "1"]);
    assert!(said.contains("0.000 ms in 0 launches") && !said.contains("-0"), "{said}");
    let extra = folder.path().join("x.npy");
    write_npy(&extra, "<f4", &[1], &floats(&[1.0]));
    let arguments = ["infer", text(&model), "--input", text(&extra), "--output", text(&output)];
    run_badly(&arguments, &["no input number 1", "it has none"]);
    let arguments = ["infer", "resnet20", "--weights", "none", "--output", text(&output)];
    run_badly(&arguments, &["--input", "resnet20", "none was given"]);
}

#[test]
fn inputs_of_any_type_are_taken_where_no_value_changes() {
    let folder = folder();
    let [model, x] = ["m.onnx", "x.npy"].map(|name| folder.path().join(name));
    for (dtype, name) in
        [(FLOAT, "<f4"), (FLOAT16, "<f2"), (INT8, "|i1"), (UINT8, "|u1"), (INT32, "<i4"), (INT64, "<i8")]
    {
        let node = onnx::node("Identity", &["x"], "y", None);
        let ports = [dtype; 2];
        let [input, output] = [onnx::value("x", ports[0], &[2, 2]), onnx::value("y", ports[1], &[2, 2])];
        fs::write(&model, onnx::model(&[node], &[], &[input], &[output])).unwrap();
        // 0, 1, 100 and 2 in every type of NumPy's that the input can hold, in both orders.
        let values = [0i64, 1, 100, 2];
        let floats = matches!(dtype, FLOAT | FLOAT16);
        let mut kinds: Vec<(&str, Vec<Vec<u8>>)> = vec![
            ("|u1", values.iter().map(|&x| vec![x as u8]).collect()),
            ("|i1", values.iter().map(|&x| vec![x as u8]).collect()),
            ("<u2", values.iter().map(|&x| (x as u16).to_le_bytes().to_vec()).collect()),
            ("<i4", values.iter().map(|&x| (x as i32).to_le_bytes().to_vec()).collect()),
            (">i4", values.iter().map(|&x| (x as i32).to_be_bytes().to_vec()).collect()),
            ("<i8", values.iter().map(|&x| x.to_le_bytes().to_vec()).collect()),
            ("<u8", values.iter().map(|&x| x.to_le_bytes().to_vec()).collect()),
        ];
        if floats {
            kinds.push(("<f8", values.iter().map(|&x| (x as f64).to_le_bytes().to_vec()).collect()));
            kinds.push(("<f4", values.iter().map(|&x| (x as f32).to_le_bytes().to_vec()).collect()));
            let half = |&x: &i64| half::f16::from_f64(x as f64).to_le_bytes().to_vec();
            kinds.push(("<f2", values.iter().map(half).collect()));
        }
        for (kind, elements) in kinds {
            for fortran in [false, true] {
                let order = if fortran { [0, 2, 1, 3] } else { [0, 1, 2, 3] };
                write_npy_in(&x, kind, fortran, &[2, 2], &order.map(|at| elements[at].clone()).concat());
                let output = infer(&model, &[("x", &x)]);
                let case = format!("{kind} for {name}, Fortran {fortran}");
                let found: Vec<i64> = match name {
                    "<f4" => read_npz::<f32>(&output, "y").into_iter().map(|x| x as i64).collect(),
                    "<f2" => {
                        read_npz::<half::f16>(&output, "y").into_iter().map(|x| x.to_f32() as i64).collect()
                    }
                    "|i1" => read_npz::<i8>(&output, "y").into_iter().map(i64::from).collect(),
                    "|u1" => read_npz::<u8>(&output, "y").into_iter().map(i64::from).collect(),
                    "<i4" => read_npz::<i32>(&output, "y").into_iter().map(i64::from).collect(),
                    _ => read_npz::<i64>(&output, "y"),
                };
                assert_eq!(found, values, "{case}");
            }
        }
    }
}

#[test]
fn what_would_change_is_refused_by_input_value_and_limit() {
    let folder = folder();
    let [model, x, y] = ["m.onnx", "x.npy", "y.npz"].map(|name| folder.path().join(name));
    for (dtype, kind, bytes, said) in [
        (FLOAT, "<f8", 0.1f64.to_le_bytes().to_vec(), "element 0 is 0.1; float32 rounds it"),
        (FLOAT, "<i4", 16_777_217i32.to_le_bytes().to_vec(), "element 0 is 16777217; float32"),
        (FLOAT16, "<f4", 1e5f32.to_le_bytes().to_vec(), "element 0 is 100000; float16"),
        (UINT8, "<i8", 256i64.to_le_bytes().to_vec(), "element 0 is 256; uint8 has 0 to 255"),
        (INT8, "|u1", vec![128], "int8 has -128 to 127"),
        (INT32, "<i8", (1i64 << 33).to_le_bytes().to_vec(), "int32 has -2147483648 to 2147483647"),
        (
            INT64,
            "<i8",
            (1i64 << 33).to_le_bytes().to_vec(),
            "element 0 is 8589934592; devices have whole numbers of 32 bits",
        ),
        (INT64, "<u8", u64::MAX.to_le_bytes().to_vec(), "element 0 is 18446744073709551615"),
        (BOOL, "|u1", vec![2], "element 0 is 2; 0 and 1 are truth values"),
        (INT64, "<f4", 1f32.to_le_bytes().to_vec(), "int64 is wanted, and the file has float32"),
        (FLOAT, "<V2", vec![0, 0], "bfloat16"),
        (FLOAT, "<c8", vec![0; 8], "<c8"),
        (FLOAT, "|S4", vec![65; 4], "|S4"),
    ] {
        let node = onnx::node("Identity", &["x"], "y", None);
        let [input, output] = ["x", "y"].map(|name| onnx::value(name, dtype, &[1]));
        fs::write(&model, onnx::model(&[node], &[], &[input], &[output])).unwrap();
        write_npy(&x, kind, &[1], &bytes);
        let input = format!("x={}", text(&x));
        let error =
            run_badly(&["infer", text(&model), "--input", &input, "--output", text(&y)], &["x.npy", said]);
        assert!(error.contains("input `x`") || error.contains("NumPy's type"), "{error}");
        assert!(!y.exists());
    }
}

/// N = 0 through convolution, activation, pooling, a linear layer and softmax.
#[test]
fn an_empty_batch_runs_through_every_layer() {
    let folder = folder();
    let [model, x] = ["m.onnx", "x.npy"].map(|name| folder.path().join(name));
    let constants = [
        onnx::initializer("w", FLOAT, &[4, 3, 2, 2], &floats(&[0.5; 48])),
        onnx::initializer("m", FLOAT, &[4, 5], &floats(&[0.1; 20])),
        // As PyTorch's `x.view(x.size(0), -1)` is exported.
        onnx::initializer("rows", INT64, &[2], &int64(&[0, -1])),
    ];
    let nodes = [
        onnx::node("Conv", &["x", "w"], "c", None),
        onnx::node("Relu", &["c"], "r", None),
        onnx::node("GlobalMaxPool", &["r"], "most", None),
        onnx::node("GlobalAveragePool", &["r"], "g", None),
        onnx::node("Add", &["g", "most"], "s", None),
        onnx::node("Reshape", &["s", "rows"], "f", None),
        onnx::node("MatMul", &["f", "m"], "l", None),
        onnx::node("Softmax", &["l"], "p", None),
        onnx::node("ArgMax", &["p"], "best", Some(("axis", 1))),
        onnx::node("Transpose", &["r"], "t", None),
    ];
    let inputs = [onnx::value("x", FLOAT, &[0, 3, 6, 6])];
    let outputs = [
        onnx::value("p", FLOAT, &[0, 5]),
        onnx::value("best", INT64, &[0, 1]),
        onnx::value("t", FLOAT, &[5, 5, 4, 0]),
    ];
    fs::write(&model, onnx::model(&nodes, &constants, &inputs, &outputs)).unwrap();
    write_npy(&x, "<f4", &[0, 3, 6, 6], &[]);
    let output = infer(&model, &[("x", &x)]);
    assert_eq!(read_array::<f32>(&output, "p"), ("'<f4'".into(), vec![0, 5], vec![]));
    assert_eq!(read_array::<i64>(&output, "best"), ("'<i8'".into(), vec![0, 1], vec![]));
    assert_eq!(read_array::<f32>(&output, "t"), ("'<f4'".into(), vec![5, 5, 4, 0], vec![]));
}

#[test]
fn weights_of_a_wrapper_are_told() {
    let folder = folder();
    let [weights, x, y] = ["w.safetensors", "x.npy", "y.npz"].map(|name| folder.path().join(name));
    let good = tilewright_nn::StateDict::read(&golden("resnet20_weights.safetensors")).unwrap();
    let named = |(name, value): (String, tilewright_nn::HostTensor)| (format!("module.{name}"), value);
    let tensors = good.tensors.into_iter().map(named).collect();
    tilewright_nn::StateDict { tensors, metadata: None }.write(&weights).unwrap();
    write_npy(&x, "|u1", &[1, 3, 32, 32], &[7; 3 * 32 * 32]);
    let arguments =
        ["infer", "resnet20", "--weights", text(&weights), "--input", text(&x), "--output", text(&y)];
    let said = common::run(&arguments);
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && error.contains("begins with `module.`"), "{error}");
    assert_eq!(read_array::<f32>(&y, "output").1, [1, 10]);
}
