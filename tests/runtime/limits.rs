//! What the device binds at once, and parts of buffers.

use tilewright::{
    DType, Tensor,
    ops::Dropout,
    runtime::{Dispatch, Error},
    tensor::Layout,
};

use super::{
    STRAY,
    common::{limited_contexts, own_contexts as contexts},
};

#[test]
fn a_binding_over_the_limit_is_a_typed_error() {
    let context = &limited_contexts(4096)[0];
    let large = Tensor::empty(context, &[1025], tilewright::DType::F32, Default::default()).unwrap();
    // What has to run in one piece names the operation, the shape and the limit.
    let error = large.dropout(&Dropout { p: 0.5 }, 1, 2).unwrap_err().to_string();
    for part in ["dropout", "4096", "4100", "[1025]", "smaller batch"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    let pipeline = context.pipeline_from_wgsl("stray", STRAY).unwrap();
    let buffers = [large.buffer()];
    let launch = Dispatch { op: "mine", params: &[], buffers: &buffers, groups: 1 };
    let error = context.dispatch_pipeline(&pipeline, &launch).unwrap_err();
    assert!(error.is_binding_limit() && error.to_string().contains("[1025]"), "{error}");
    let most = context.limits().max_buffer_size;
    let error = context.alloc(most + 1).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    assert!(!error.is_binding_limit());
}

#[test]
fn a_part_of_a_buffer_is_read_and_bound_where_it_lies() {
    for context in contexts() {
        let values: Vec<u32> = (0..1024).collect();
        let whole = context.upload(bytemuck::cast_slice(&values)).unwrap();
        let alignment = u64::from(context.limits().min_storage_buffer_offset_alignment);
        assert!(context.part(&whole, alignment - 4, 16).is_none(), "between two places");
        assert!(context.part(&whole, 4096, 16).is_none(), "behind the end");
        assert!(context.part(&whole, 0, 0).is_none(), "nothing");
        assert!(context.part(&context.recording().alloc(4096).unwrap(), 0, 16).is_none(), "no memory");
        let part = context.part(&whole, 1024, 2048).unwrap();
        let inner = context.part(&part, 1024, 16).unwrap();
        drop((whole, part));
        let read = |buffer| bytemuck::pod_collect_to_vec::<u8, u32>(&context.read(buffer).unwrap());
        assert_eq!(read(&inner), [512, 513, 514, 515]);
        let x = Tensor::from_parts(&context, inner.clone(), &[4], DType::U32, Layout::RowMajor).unwrap();
        assert_eq!(x.cast(DType::F32).unwrap().to_vec::<f32>().unwrap(), [512.0, 513.0, 514.0, 515.0]);
        let copy = context.alloc(16).unwrap();
        context.copy(&inner, 4, &copy, 0, 12).unwrap();
        assert_eq!(read(&copy)[..3], [513, 514, 515]);
        assert!(context.copy(&inner, 0, &x.buffer().clone(), 8, 4).is_err(), "a copy within one buffer");
    }
}
