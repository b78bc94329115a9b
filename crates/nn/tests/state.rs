//! Where a network's first values come from: drawn, a file, a part of one.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use tilewright_nn::{
    Error, HostTensor, ParameterStore, Prefixed, Result, StateDict, StateFile, StateSource,
    init::Init,
    layers::{BatchNorm2d, Conv2d, Conv2dOptions, Linear},
    narrow_i64,
};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

fn build(store: &ParameterStore) -> Result<()> {
    let root = store.root();
    Conv2d::new(&(&root / "conv"), 3, 8, [3, 3], Conv2dOptions::default())?;
    BatchNorm2d::new(&(&root / "bn"), 8)?;
    Linear::new(&(&root / "fc"), 8, 2)?;
    Ok(())
}

fn built(context: &Context, seed: u64) -> ParameterStore {
    let store = ParameterStore::new(context, seed);
    build(&store).unwrap();
    store
}

fn write(path: &Path, context: &Context, seed: u64) -> StateDict {
    let mut state = StateDict::of(&built(context, seed)).unwrap();
    state.tensors.insert("bn.num_batches_tracked".to_owned(), HostTensor::I64(vec![1 << 40], vec![]));
    state.write(path).unwrap();
    state
}

/// Counts which tensors are read.
struct Counting<S>(S, AtomicUsize);

impl<S: StateSource> StateSource for Counting<S> {
    fn label(&self) -> String {
        self.0.label()
    }

    fn names(&self) -> Vec<&str> {
        self.0.names()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.shape(name)
    }

    fn tensor(&self, name: &str) -> Result<Option<std::borrow::Cow<'_, HostTensor>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.tensor(name)
    }
}

#[test]
fn numbers_are_drawn_when_they_are_read_and_are_the_same_in_any_order() {
    let context = Context::new().unwrap();
    let (a, b) = (built(&context, 1), built(&context, 1));
    // Backwards in one, forwards in the other; set before they were drawn, they are what was set.
    let ones = Tensor::ones(&context, &[8]).unwrap();
    a.parameter("conv.bias").unwrap().set(ones).unwrap();
    for parameter in a.parameters().iter().rev() {
        parameter.tensor().unwrap();
    }
    let (mut a, b) = (StateDict::of(&a).unwrap(), StateDict::of(&b).unwrap());
    assert_eq!(a.tensors["conv.bias"], HostTensor::F32(vec![1.0; 8], vec![8]));
    let drawn = Init::DEFAULT_WEIGHT.values(&[8, 3, 3, 3], 1, "conv.weight");
    assert_eq!(a.tensors["conv.weight"], HostTensor::F32(drawn, vec![8, 3, 3, 3]));
    a.tensors.insert("conv.bias".to_owned(), b.tensors["conv.bias"].clone());
    assert_eq!(a, b);
    assert_ne!(a, StateDict::of(&built(&context, 2)).unwrap());
    // What an optimizer changes first, it draws first.
    let store = built(&context, 1);
    let mut seen = None;
    store
        .parameter("fc.weight")
        .unwrap()
        .update(|value| {
            seen = Some(value.to_vec::<f32>()?);
            Ok(())
        })
        .unwrap();
    assert_eq!(HostTensor::F32(seen.unwrap(), vec![2, 8]), b.tensors["fc.weight"]);
}

#[test]
fn a_network_takes_its_values_from_a_file() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    let state = write(&path, &context, 1);
    assert_eq!(StateDict::read(&path).unwrap(), state);
    let source = Arc::new(Counting(StateFile::open(&path).unwrap(), AtomicUsize::new(0)));
    let store = ParameterStore::from_state(&context, 2, source.clone());
    build(&store).unwrap();
    let report = store.finish_loading().unwrap();
    assert_eq!(report.loaded.len(), state.tensors.len());
    assert_eq!(source.1.load(Ordering::Relaxed), state.tensors.len(), "each tensor is read once");
    assert_eq!(StateDict::of(&store).unwrap(), state);
    // Who reads before loading is finished has the same.
    let early = ParameterStore::from_state(&context, 2, Arc::new(StateFile::open(&path).unwrap()));
    build(&early).unwrap();
    let weight = early.parameter("fc.weight").unwrap().tensor().unwrap().to_vec::<f32>().unwrap();
    assert_eq!(HostTensor::F32(weight, vec![2, 8]), state.tensors["fc.weight"]);
    // Loading is over: what is made later is drawn.
    Linear::new(&(store.root() / "late"), 2, 2).unwrap();
    assert_eq!(store.finish_loading().unwrap().loaded.len(), 0);
    // The older way into a network that is there gives the same.
    let store = built(&context, 3);
    state.load_into(&store, "state").unwrap();
    assert_eq!(StateDict::of(&store).unwrap(), state);
}

#[test]
fn what_does_not_fit_is_reported_and_drawn_for_transfer_learning() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    let mut state = write(&path, &context, 1);
    state.tensors.remove("conv.bias");
    // Other writers leave counters out.
    state.tensors.remove("bn.num_batches_tracked");
    state.tensors.insert("fc.weight".to_owned(), HostTensor::F32(vec![0.0; 24], vec![3, 8]));
    state.tensors.insert("head.weight".to_owned(), HostTensor::F32(vec![0.0], vec![1]));
    state.write(&path).unwrap();
    let open = || Arc::new(StateFile::open(&path).unwrap());
    let store = ParameterStore::from_state(&context, 2, open());
    build(&store).unwrap();
    let error = store.finish_loading().unwrap_err();
    assert!(matches!(&error, Error::StateDict { .. }), "{error}");
    let said = error.to_string();
    for part in
        ["w.safetensors", "missing: conv.bias", "unexpected: head.weight", "`fc.weight`", "[3, 8]", "[2, 8]"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let store = ParameterStore::from_state(&context, 2, open());
    build(&store).unwrap();
    let report = store.finish_loading_matching().unwrap();
    let (missing, misshaped) = (report.missing, report.misshaped);
    assert_eq!((missing, misshaped.len()), (vec!["conv.bias".to_owned()], 1));
    let (loaded, drawn) = (StateDict::of(&store).unwrap(), StateDict::of(&built(&context, 2)).unwrap());
    for (name, value) in &loaded.tensors {
        let from = if name == "conv.bias" || name == "fc.weight" { &drawn } else { &state };
        let from = from.tensors.get(name).unwrap_or(&HostTensor::I64(vec![0], vec![])).clone();
        assert_eq!(*value, from, "{name}");
    }
}

#[test]
fn several_threads_fill_a_large_network_with_the_same_numbers() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    // Beyond the size at which threads help, with a last part that is small.
    let sizes = [1024, 700, 3, 1];
    let build = |store: &ParameterStore| {
        for (at, pair) in sizes.windows(2).enumerate() {
            Linear::new(&(store.root() / "large" / at), pair[0] * 3, pair[1] * 3).unwrap();
        }
    };
    let drawn = |fill: bool| {
        let store = ParameterStore::new(&context, 9);
        build(&store);
        if fill {
            store.fill().unwrap();
        }
        StateDict::of(&store).unwrap()
    };
    let state = drawn(true);
    assert!(state == drawn(false));
    state.write(&path).unwrap();
    let store = ParameterStore::from_state(&context, 1, Arc::new(StateFile::open(&path).unwrap()));
    build(&store);
    // A file that changes under its reader is an error of the file, whichever thread meets it.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    assert!(matches!(store.finish_loading(), Err(Error::File { .. })));
    state.write(&path).unwrap();
    let store = ParameterStore::from_state(&context, 1, Arc::new(StateFile::open(&path).unwrap()));
    build(&store);
    store.finish_loading().unwrap();
    assert!(StateDict::of(&store).unwrap() == state);
}

#[test]
fn a_part_of_a_file_is_a_source() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    let state = write(&path, &context, 1);
    let named = |name: &String| format!("backbone.{name}");
    let tensors = state.tensors.iter().map(|(name, value)| (named(name), value.clone())).collect();
    StateDict { tensors, metadata: None }.write(&path).unwrap();
    let source = Prefixed::new(StateFile::open(&path).unwrap(), "backbone.");
    let store = ParameterStore::from_state(&context, 2, Arc::new(source));
    build(&store).unwrap();
    store.finish_loading().unwrap();
    assert_eq!(StateDict::of(&store).unwrap(), state);
}

#[test]
fn element_types_are_converted_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("types.safetensors");
    let numbers = [1.5f32, -2.0];
    let halves: Vec<u8> = numbers.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect();
    let brains: Vec<u8> = numbers.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes()).collect();
    let ints: Vec<u8> = [7i32, -8].iter().flat_map(|x| x.to_le_bytes()).collect();
    let doubles: Vec<u8> = [1f64, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let wide: Vec<u8> = [1f64, 1e300].iter().flat_map(|x| x.to_le_bytes()).collect();
    let bytes = vec![1, 2];
    let views = [
        ("half", Dtype::F16, &halves),
        ("brain", Dtype::BF16, &brains),
        ("int", Dtype::I32, &ints),
        ("double", Dtype::F64, &doubles),
        ("wide", Dtype::F64, &wide),
        ("eighth", Dtype::F8_E4M3, &bytes),
        ("byte", Dtype::I8, &bytes),
    ]
    .map(|(name, dtype, bytes)| (name, TensorView::new(dtype, vec![2], bytes).unwrap()));
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let file = StateFile::open(&path).unwrap();
    let read = |name| file.tensor(name).unwrap().unwrap();
    assert_eq!(read("half"), HostTensor::F32(numbers.to_vec(), vec![2]));
    assert_eq!(read("brain"), HostTensor::F32(numbers.to_vec(), vec![2]));
    assert_eq!(read("int"), HostTensor::I64(vec![7, -8], vec![2]));
    assert_eq!(file.tensor("none").unwrap(), None);
    assert_eq!(read("double"), HostTensor::F32(vec![1.0, 2.0], vec![2]));
    assert_eq!(read("byte"), HostTensor::I64(bytes.iter().map(|&byte| i64::from(byte as i8)).collect(), vec![2]));
    assert!(matches!(file.tensor("eighth"), Err(Error::StateDictType { .. })));
    assert!(matches!(file.read_all(), Err(Error::StateDictType { .. })));
    let error = file.tensor("wide").unwrap_err().to_string();
    assert!(error.contains("`wide`: element 1 is 1e300") && error.contains("3.4e38"), "{error}");
}

/// What PyTorch's DataParallel and torch.compile write: the network's names behind a prefix, or two.
#[test]
fn prefixes_of_wrappers_are_taken_off_and_said() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    let state = write(&path, &context, 1);
    for prefix in ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."] {
        let named = |(name, value): (&String, &HostTensor)| (format!("{prefix}{name}"), value.clone());
        let wrapped = StateDict { tensors: state.tensors.iter().map(named).collect(), metadata: None };
        wrapped.write(&path).unwrap();
        let store = ParameterStore::from_state(&context, 2, Arc::new(StateFile::open(&path).unwrap()));
        build(&store).unwrap();
        let report = store.finish_loading().unwrap();
        assert_eq!((&*report.stripped, report.loaded.len()), (prefix, state.tensors.len()));
        assert!(report.to_string().contains(&format!("every name began with `{prefix}`")), "{report}");
        assert_eq!(StateDict::of(&store).unwrap(), state);
        let store = built(&context, 3);
        assert_eq!(wrapped.load_into(&store, "state").unwrap().stripped, prefix);
        assert_eq!(StateDict::of(&store).unwrap(), state);
        // One name without it: no wrapper wrote that.
        let mut mixed = wrapped.clone();
        mixed.tensors.insert("more".to_owned(), HostTensor::F32(vec![0.0], vec![1]));
        let error = mixed.load_into(&built(&context, 3), "state").unwrap_err().to_string();
        assert!(error.contains("missing: ") && error.contains("unexpected: "), "{error}");
        let near = format!("conv.weight (near: {prefix}conv.weight)");
        assert!(prefix != "module." || error.contains(&near), "{error}");
    }
}

/// A network with a part called `module` keeps its names.
#[test]
fn a_part_called_as_a_wrapper_is_keeps_its_name() {
    let context = Context::new().unwrap();
    let make = |store: &ParameterStore| Linear::new(&(store.root() / "module" / "fc"), 2, 2).unwrap();
    let store = ParameterStore::new(&context, 1);
    make(&store);
    let state = StateDict::of(&store).unwrap();
    let source = Arc::new(state.clone());
    let store = ParameterStore::from_state(&context, 2, source);
    make(&store);
    let report = store.finish_loading().unwrap();
    assert_eq!((&*report.stripped, report.loaded.len()), ("", 2));
    assert_eq!(StateDict::of(&store).unwrap(), state);
}

#[test]
fn a_counter_of_one_axis_is_a_counter() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    let mut state = write(&path, &context, 1);
    let key = "bn.num_batches_tracked".to_owned();
    assert!(state.tensors.insert(key.clone(), HostTensor::I64(vec![17], vec![1])).is_some());
    state.write(&path).unwrap();
    let store = ParameterStore::from_state(&context, 2, Arc::new(StateFile::open(&path).unwrap()));
    build(&store).unwrap();
    assert!(store.finish_loading().unwrap().is_clean());
    assert_eq!(StateDict::of(&store).unwrap().tensors[&key], HostTensor::I64(vec![17], vec![]));
    let store = built(&context, 3);
    assert!(state.load_into(&store, "state").unwrap().is_clean());
    assert_eq!(StateDict::of(&store).unwrap().tensors[&key], HostTensor::I64(vec![17], vec![]));
}

#[test]
fn damaged_files_are_refused_at_the_door() {
    let (context, folder) = (Context::new().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("w.safetensors");
    write(&path, &context, 1);
    let good = fs::read(&path).unwrap();
    let header = u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let mut promises = good.clone();
    promises[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut garbage = good.clone();
    garbage[8..20].fill(b'x');
    let longer = [&good[..], &[0]].concat();
    for bytes in
        [&[][..], &good[..4], &good[..8 + header / 2], &good[..good.len() - 1], &promises, &garbage, &longer]
    {
        fs::write(&path, bytes).unwrap();
        let error = StateFile::open(&path).unwrap_err();
        assert!(matches!(&error, Error::Format { .. }), "{} bytes: {error}", bytes.len());
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(StateFile::open(&path), Err(Error::File { .. })));
}

#[test]
fn whole_numbers_keep_their_value_or_are_refused() {
    let ends = [i64::from(i32::MIN), -1, 0, i64::from(i32::MAX)];
    assert_eq!(narrow_i64("labels", &ends).unwrap(), [i32::MIN, -1, 0, i32::MAX]);
    for beyond in [i64::MAX, i64::MIN, 1 << 31, -(1 << 31) - 1] {
        let error = narrow_i64("labels", &[3, beyond]).unwrap_err();
        assert!(matches!(&error, Error::Int64 { index: 1, value, .. } if *value == beyond), "{error}");
    }
}
