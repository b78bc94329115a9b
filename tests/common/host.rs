//! Channels-last tensors that are laid out on the host: on the device that is a kernel, another one for many a shape, which
//! takes longer to compile than what a test is about.

use tilewright::{Context, DType, Layout, Tensor};

/// Where element `at` of a row-major N C H W tensor lies in a channels-last one.
fn place(at: usize, [_, c, h, w]: [usize; 4]) -> usize {
    let (plane, pixels) = (at / (h * w), h * w);
    (plane / c * pixels + at % pixels) * c + plane % c
}

/// A random channels-last tensor in −1..1, with the numbers it holds in row-major order.
pub fn random_channels_last(context: &Context, seed: u64, shape: &[usize; 4]) -> (Tensor, Vec<f32>) {
    let values = super::random(seed, shape.iter().product(), -1.0, 1.0);
    let mut turned = vec![0.0; values.len()];
    values.iter().enumerate().for_each(|(at, value)| turned[place(at, *shape)] = *value);
    let tensor = Tensor::empty(context, shape, DType::F32, Layout::ChannelsLast).unwrap();
    if !turned.is_empty() {
        context.write(tensor.buffer(), bytemuck::cast_slice(&turned)).unwrap();
    }
    (tensor, values)
}

/// The numbers of an f32 tensor in row-major order.
pub fn numbers(tensor: &Tensor) -> Vec<f32> {
    assert_eq!(tensor.dtype(), DType::F32);
    let mut lie: Vec<f32> = bytemuck::pod_collect_to_vec(&tensor.context().read(tensor.buffer()).unwrap());
    lie.truncate(tensor.count());
    match (tensor.layout(), <[usize; 4]>::try_from(tensor.shape())) {
        (Layout::ChannelsLast, Ok(shape)) => (0..lie.len()).map(|at| lie[place(at, shape)]).collect(),
        _ => lie,
    }
}
