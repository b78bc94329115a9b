//! Regions that the model is run on: RoiAlign with as many samples as each region has pixels, and MaxRoiPool.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{encoded, int, ints, model, node, value};
use tilewright_graph::{Compiled, Options};
use tilewright_onnx::proto::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};
use tilewright_onnx::{Data, ElementType, HostTensor, Import, Model};
use tilewright_ops::{RoiAlign, RoiPool};
use tilewright_runtime::Context;
use tilewright_tensor::Tensor;

const X: [usize; 4] = [2, 3, 7, 6];

/// Regions of images 0 and 1: inside, overhanging, small, and of no extent.
const ROIS: [[f32; 5]; 4] = [
    [0.0, 1.0, 0.5, 5.0, 6.0],
    [1.0, -2.0, -3.0, 4.0, 9.0],
    [1.0, 2.0, 2.0, 2.3, 2.4],
    [0.0, 3.0, 3.0, 3.0, 3.0],
];

fn loaded(opset: i64, node: NodeProto, input: Vec<ValueInfoProto>) -> Model {
    let graph =
        GraphProto { node: vec![node], input, output: vec![value("y", &[])], ..GraphProto::default() };
    Model::from_bytes(&encoded(&model(graph, opset))).unwrap()
}

fn run(model: &Model, inputs: &[&HostTensor]) -> Vec<f32> {
    let context = Context::new().unwrap();
    let imported = Import::new(model).graph(&context).unwrap();
    let compiled = Compiled::new(&imported.graph, &Options::default()).unwrap();
    imported.run(&compiled, inputs).unwrap()[0].1.to_f32()
}

fn images() -> Vec<f32> {
    (0..X.iter().product()).map(|at| ((at * 7919 + 13) % 31) as f32 - 15.0).collect()
}

/// The images and the regions as the operations of the vocabulary take them.
fn there() -> [Tensor; 2] {
    let context = Context::new().unwrap();
    let x = Tensor::from_slice(&context, &images(), &X).unwrap();
    [x, Tensor::from_slice(&context, ROIS.as_flattened(), &[4, 5]).unwrap()]
}

fn near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-4 + 1e-5 * expected.abs(), "{found}, not {expected}");
    }
}

#[test]
fn adaptive_samples_of_regions_at_run_time() {
    let x = HostTensor::new(&X, Data::F32(images())).unwrap();
    let corners = ROIS.iter().flat_map(|roi| roi[1..].to_vec()).collect();
    let corners = HostTensor::new(&[4, 4], Data::F32(corners)).unwrap();
    let numbers = ROIS.iter().map(|roi| roi[0] as i64).collect();
    let numbers = HostTensor::new(&[4], Data::I64(numbers)).unwrap();
    for (opset, aligned) in [(10, false), (16, true)] {
        let mut align = node("RoiAlign", "align", &["x", "rois", "image"], &["y"]);
        align.attribute = vec![int("output_height", 2), int("output_width", 3)];
        let mut image = value("image", &[4]);
        image.r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = ElementType::I64.number();
        let extents = X.map(|extent| extent as i64);
        let model = loaded(opset, align, vec![value("x", &extents), value("rois", &[4, 4]), image]);
        let op = RoiAlign { output: [2, 3], spatial_scale: 1.0, sampling_ratio: 0, aligned };
        let [x_there, rois] = there();
        let expected = x_there.roi_align(&rois, &op).unwrap().to_vec::<f32>().unwrap();
        near(&run(&model, &[&x, &corners, &numbers]), &expected);
    }
}

#[test]
fn largest_elements_of_regions() {
    let x = HostTensor::new(&X, Data::F32(images())).unwrap();
    let rois = HostTensor::new(&[4, 5], Data::F32(ROIS.concat())).unwrap();
    let extents = X.map(|extent| extent as i64);
    let ports = || vec![value("x", &extents), value("rois", &[4, 5])];
    let pool = |attributes: Vec<AttributeProto>| {
        let mut pool = node("MaxRoiPool", "pool", &["x", "rois"], &["y"]);
        pool.attribute = attributes;
        pool
    };
    let model = loaded(11, pool(vec![ints("pooled_shape", &[3, 2])]), ports());
    let op = RoiPool { output: [3, 2], spatial_scale: 1.0 };
    let [x_there, rois_there] = there();
    let expected = x_there.roi_pool(&rois_there, &op).unwrap().0.to_vec::<f32>().unwrap();
    near(&run(&model, &[&x, &rois]), &expected);
    for shape in [&[3][..], &[3, -2], &[0, 2]] {
        let model = loaded(11, pool(vec![ints("pooled_shape", shape)]), ports());
        let context = Context::new().unwrap();
        let error = Import::new(&model).graph(&context).err().unwrap().to_string();
        assert!(error.contains("pool"), "{error}");
    }
}
