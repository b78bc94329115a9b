//! Elements of one byte, and tensors whose numbers stand for real ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Cases, contexts, random};
use tilewright::{
    DType, Layout, Tensor,
    graph::{Compiled, Options, capture},
    ops::{Quantization, SliceRange},
    tensor::Error,
};

/// Around every edge of a word, of a vec4 of words and of a workgroup.
const COUNTS: [usize; 12] = [0, 1, 3, 4, 5, 15, 16, 17, 255, 256, 257, 1031];

#[test]
fn bytes_come_back_as_they_went() {
    for context in contexts() {
        for count in COUNTS {
            let signed: Vec<i8> = (0..count).map(|at| (at * 37) as u8 as i8).collect();
            let unsigned: Vec<u8> = (0..count).map(|at| (at * 37) as u8).collect();
            let a = Tensor::from_slice(&context, &signed, &[count]).unwrap();
            let b = Tensor::from_slice(&context, &unsigned, &[count]).unwrap();
            assert_eq!((a.to_vec::<i8>().unwrap(), b.to_vec::<u8>().unwrap()), (signed, unsigned), "{count}");
            assert!(a.to_vec::<u8>().is_err());
        }
    }
}

#[test]
fn casts_widen_and_wrap() {
    let mut cases = Cases::new();
    for context in contexts() {
        for count in COUNTS {
            let bytes: Vec<i8> = (0..count).map(|at| (at * 91 + 5) as u8 as i8).collect();
            let words: Vec<i32> = (0..count as i32).map(|at| at.wrapping_mul(2_654_435) - 70_000).collect();
            let x = Tensor::from_slice(&context, &bytes, &[count]).unwrap();
            let w = Tensor::from_slice(&context, &words, &[count]).unwrap();
            let mut check = |name: &str, same: bool| {
                let outcome = if same { Ok(()) } else { Err("another number".to_owned()) };
                cases.check(format!("{name} of {count}, {:?}", context.mode()), outcome);
            };
            let signed: Vec<i32> = bytes.iter().map(|&byte| i32::from(byte)).collect();
            let low: Vec<u8> = words.iter().map(|&word| word as u8).collect();
            let unsigned: Vec<i32> = low.iter().map(|&byte| i32::from(byte)).collect();
            let floats: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte)).collect();
            check("i8 to i32", x.cast(DType::I32).unwrap().to_vec::<i32>().unwrap() == signed);
            check("i8 to f32", x.cast(DType::F32).unwrap().to_vec::<f32>().unwrap() == floats);
            let there_and_back = x.cast(DType::F16).unwrap().cast(DType::I8).unwrap();
            check("i8 to f16 to i8", there_and_back.to_vec::<i8>().unwrap() == bytes);
            let y = w.cast(DType::U8).unwrap();
            check("i32 to u8", y.to_vec::<u8>().unwrap() == low);
            check("u8 to i32", y.cast(DType::I32).unwrap().to_vec::<i32>().unwrap() == unsigned);
            let again = y.cast(DType::I8).unwrap().cast(DType::U8).unwrap();
            check("u8 to i8 to u8", again.to_vec::<u8>().unwrap() == low);
        }
        // As ONNX Runtime and PyTorch have it: towards zero, then the low 8 bits.
        let x = Tensor::from_slice(&context, &[300.7f32, -1.5, 127.9, -129.0], &[4]).unwrap();
        assert_eq!(x.cast(DType::I8).unwrap().to_vec::<i8>().unwrap(), [44, -1, 127, 127]);
        assert_eq!(x.cast(DType::U8).unwrap().to_vec::<u8>().unwrap(), [44, 255, 127, 127]);
    }
    cases.finish();
}

#[test]
fn bytes_are_moved() {
    for context in contexts() {
        let bytes: Vec<i8> = (0..2 * 3 * 5 * 7).map(|at| (at * 31) as u8 as i8).collect();
        let x = Tensor::from_slice(&context, &bytes, &[2, 3, 5, 7]).unwrap();
        let turned = x.permute(&[3, 0, 2, 1]).unwrap().permute(&[1, 3, 2, 0]).unwrap();
        assert_eq!(turned.to_vec::<i8>().unwrap(), bytes);
        let last = x.to_layout(Layout::ChannelsLast).unwrap();
        assert_eq!((last.dtype(), last.to_vec::<i8>().unwrap()), (DType::I8, bytes.clone()));
        let parts = x.split(2, &[2, 3]).unwrap();
        assert_eq!(Tensor::concat(&[&parts[0], &parts[1]], 2).unwrap().to_vec::<i8>().unwrap(), bytes);
        assert_eq!(x.reshape(&[6, 35]).unwrap().to_vec::<i8>().unwrap(), bytes);
        let error = x.relu().unwrap_err().to_string();
        assert!(error.contains("relu") && error.contains("i8") && error.contains("f32"), "{error}");
    }
}

/// The definition, in f64.
fn expected(x: f32, scale: f32, zero_point: i32, (low, high): (i32, i32)) -> i32 {
    let steps = f64::from(x / scale).round_ties_even();
    (steps + f64::from(zero_point)).clamp(f64::from(low), f64::from(high)) as i32
}

#[test]
fn quantize_is_onnxs() {
    for context in contexts() {
        let mut values = random(3, 4 * 6, -20.0, 20.0);
        values[..6].copy_from_slice(&[12.65, 0.25, 0.75, 1e10, f32::INFINITY, f32::NEG_INFINITY]);
        let x = Tensor::from_slice(&context, &values, &[4, 6]).unwrap();
        let whole = Quantization::per_tensor(0.1, 3).unwrap();
        let channels = Quantization::per_channel(0, vec![0.1, 0.5, 0.02, 0.25], vec![0, -7, 5, 100]).unwrap();
        for quantization in [whole, channels] {
            let q = x.quantize(&quantization, DType::I8).unwrap();
            assert_eq!(q.quantization(), Some(&quantization));
            let of = |at: usize| quantization.axis().map_or(0, |_| at / 6);
            let number = |at: usize| {
                let (scale, zero) = (quantization.scale()[of(at)], quantization.zero_point()[of(at)]);
                expected(values[at], scale, zero, (-128, 127))
            };
            let numbers: Vec<i32> = (0..values.len()).map(number).collect();
            let found: Vec<i32> = q.to_vec::<i8>().unwrap().into_iter().map(i32::from).collect();
            assert_eq!(found, numbers);
            let back = q.dequantize().unwrap().to_vec::<f32>().unwrap();
            for (at, value) in back.into_iter().enumerate() {
                let (scale, zero) = (quantization.scale()[of(at)], quantization.zero_point()[of(at)]);
                assert_eq!(value, (numbers[at] - zero) as f32 * scale, "{at}");
            }
        }
        let pixels = Quantization::per_tensor(0.1, 128).unwrap();
        let q = x.quantize(&pixels, DType::U8).unwrap().to_vec::<u8>().unwrap();
        let numbers: Vec<u8> = values.iter().map(|&x| expected(x, 0.1, 128, (0, 255)) as u8).collect();
        assert_eq!(q, numbers);
    }
}

#[test]
fn a_scale_is_part_of_the_type() {
    for context in contexts() {
        let bytes: Vec<i8> = (0..24).collect();
        let x = Tensor::from_slice(&context, &bytes, &[2, 3, 4]).unwrap();
        assert!(matches!(x.dequantize(), Err(Error::NotQuantized { .. })));
        let per_channel = Quantization::per_channel(1, vec![1.0, 2.0, 3.0], vec![0; 3]).unwrap();
        let q = x.with_quantization(per_channel.clone()).unwrap();
        assert_eq!(q.permute(&[2, 0, 1]).unwrap().quantization().unwrap().axis(), Some(2));
        let part = [SliceRange::new(0, 1), SliceRange::full(3), SliceRange::full(4)];
        assert_eq!(q.slice(&part).unwrap().quantization(), Some(&per_channel));
        let across = [SliceRange::full(2), SliceRange::new(0, 2), SliceRange::full(4)];
        assert!(matches!(q.slice(&across), Err(Error::Quantized { op: "slice", .. })));
        assert!(matches!(q.reshape(&[24]), Err(Error::Quantized { op: "reshape", .. })));
        assert!(matches!(q.cast(DType::F32), Err(Error::Quantized { op: "cast", .. })));
        assert!(matches!(Tensor::concat(&[&q, &x], 0), Err(Error::Quantized { .. })));
        assert_eq!(q.without_quantization().cast(DType::I32).unwrap().to_vec::<i32>().unwrap()[23], 23);
        let whole = Quantization::per_tensor(0.5, 1).unwrap();
        let q = x.with_quantization(whole.clone()).unwrap();
        assert_eq!(q.reshape(&[24]).unwrap().quantization(), Some(&whole));
        assert!(x.with_quantization(Quantization::per_tensor(1.0, 200).unwrap()).is_err());
    }
}

#[test]
fn quantising_can_be_captured() {
    for context in contexts() {
        let values = random(9, 30, -4.0, 4.0);
        let x = Tensor::from_slice(&context, &values, &[5, 6]).unwrap();
        let quantization = Quantization::per_tensor(0.05, -4).unwrap();
        let graph = capture(&context, &[("x", &[5, 6], DType::F32)], |inputs| {
            let q = inputs[0].quantize(&quantization, DType::I8)?.permute(&[1, 0])?;
            Ok::<_, Error>(vec![("q".to_owned(), q.clone()), ("y".to_owned(), q.dequantize()?)])
        })
        .unwrap();
        let compiled = Compiled::new(&graph, &Options::default()).unwrap();
        let found = compiled.run(&[&x]).unwrap();
        let eager = x.quantize(&quantization, DType::I8).unwrap().permute(&[1, 0]).unwrap();
        assert_eq!(found[0].to_vec::<i8>().unwrap(), eager.to_vec::<i8>().unwrap());
        assert_eq!(found[1].to_vec::<f32>().unwrap(), eager.dequantize().unwrap().to_vec::<f32>().unwrap());
    }
}
