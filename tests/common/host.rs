//! Tensors that are laid out on the host: on the device a change of layout is a kernel, another one for many a shape, which
//! takes longer to compile than what a test is about.

use tilewright::{Context, Element, Layout, Tensor};

/// Where element `at` of a row-major N C H W tensor lies in a channels-last one.
fn place(at: usize, [_, c, h, w]: [usize; 4]) -> usize {
    let (plane, pixels) = (at / (h * w), h * w);
    (plane / c * pixels + at % pixels) * c + plane % c
}

/// A channels-last tensor of row-major values; one without four axes has one layout only.
pub fn channels_last<T: Element>(context: &Context, values: &[T], shape: &[usize]) -> Tensor {
    let Ok(four) = <[usize; 4]>::try_from(shape) else {
        return Tensor::from_slice(context, values, shape).unwrap();
    };
    let mut turned = vec![T::zeroed(); values.len()];
    values.iter().enumerate().for_each(|(at, value)| turned[place(at, four)] = *value);
    let buffer = context.upload(bytemuck::cast_slice(&turned)).unwrap();
    Tensor::from_parts(context, buffer, shape, T::DTYPE, Layout::ChannelsLast).unwrap()
}

/// A random channels-last tensor in −1..1, with the numbers it holds in row-major order.
pub fn random_channels_last(context: &Context, seed: u64, shape: &[usize]) -> (Tensor, Vec<f32>) {
    let values = super::random(seed, shape.iter().product(), -1.0, 1.0);
    (channels_last(context, &values, shape), values)
}

/// The elements of a tensor in row-major order.
pub fn numbers<T: Element>(tensor: &Tensor) -> Vec<T> {
    assert_eq!(tensor.dtype(), T::DTYPE);
    let mut lie: Vec<T> = bytemuck::pod_collect_to_vec(&tensor.context().read(tensor.buffer()).unwrap());
    lie.truncate(tensor.count());
    match (tensor.layout(), <[usize; 4]>::try_from(tensor.shape())) {
        (Layout::ChannelsLast, Ok(shape)) => (0..lie.len()).map(|at| lie[place(at, shape)]).collect(),
        _ => lie,
    }
}
