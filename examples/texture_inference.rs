//! A compiled network between two textures of the application: no copy to the host, one submission a frame.
//!
//! The network is one convolution that sharpens; any other with an image at both ends is bound in the same way.
//!
//! `cargo run --release --example texture_inference`

use tilewright::{
    Context, ContextOptions, DType, Tensor,
    graph::{Compiled, Options, capture},
    ops::{Conv2d, TextureInput, TextureOutput},
    tensor,
};

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The application's side: a device, a texture that a camera fills and one that is shown.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters.into_iter().next().ok_or("there is no adapter: run `make setup`")?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("the application"),
        required_features: adapter.features() & wgpu::Features::SUBGROUP,
        required_limits: adapter.limits(),
        ..Default::default()
    }))?;
    let texture = |format, usage| {
        device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d { width: WIDTH, height: HEIGHT, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage,
            view_formats: &[],
        })
    };
    use wgpu::TextureUsages as Usage;
    // Stored as sRGB: the network sees the stored bytes, as in an image file.
    let camera = texture(wgpu::TextureFormat::Rgba8UnormSrgb, Usage::TEXTURE_BINDING | Usage::COPY_DST);
    let shown = texture(wgpu::TextureFormat::Rgba8Unorm, Usage::STORAGE_BINDING | Usage::COPY_SRC);

    // The engine's side.
    let context = Context::from_device(device.clone(), queue.clone(), &ContextOptions::default());
    let shape = [1, 3, HEIGHT as usize, WIDTH as usize];
    let sharpen = [0.0, -1.0, 0.0, -1.0, 5.0, -1.0, 0.0, -1.0, 0.0f32];
    let weight = Tensor::from_slice(&context, &sharpen.repeat(3), &[3, 1, 3, 3])?;
    let graph = capture(&context, &[("image", &shape, DType::F32)], |inputs| {
        let op = Conv2d { padding: [1, 1], groups: 3, ..Conv2d::default() };
        let y = inputs[0].conv2d(&weight, None, &op)?;
        Ok::<_, tensor::Error>(vec![("picture".to_owned(), y)])
    })?;
    let mut network = Compiled::new(&graph, &Options::default())?.session()?;
    network.bind_input_texture(0, &context.wrap_texture(camera.clone())?, &TextureInput::default())?;
    network.bind_output_texture(0, &context.wrap_texture(shown.clone())?, &TextureOutput::default())?;

    // Each frame: the camera writes, the network runs, whatever is submitted next sees the result.
    for frame in 0..3u8 {
        let grey = |x: u32| if x < WIDTH / 2 { 100 + frame } else { 140 + frame };
        let image: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(|i| [grey(i % WIDTH), 128, 128, 255]).collect();
        let layout =
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * WIDTH), rows_per_image: None };
        queue.write_texture(camera.as_image_copy(), &image, layout, camera.size());
        network.execute()?;
        let red = row(&device, &queue, &shown, HEIGHT / 2)?;
        let edge = &red[WIDTH as usize / 2 - 3..WIDTH as usize / 2 + 3];
        println!("frame {frame}, red across the edge: {edge:?}");
        // Away from the edge nothing changes; beside it 40 levels are taken off and put on.
        let [dark, light] = [100 + frame, 140 + frame];
        if edge != [dark, dark, dark - 40, light + 40, light, light] {
            return Err("the edge is wrong".into());
        }
    }
    println!("the edge is sharper in every frame");
    Ok(())
}

/// The red bytes of a row. An application that shows its texture does not need this.
fn row(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    row: u32,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(4 * WIDTH),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let from = wgpu::TexelCopyTextureInfo {
        origin: wgpu::Origin3d { x: 0, y: row, z: 0 },
        ..texture.as_image_copy()
    };
    let layout =
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * WIDTH), rows_per_image: None };
    let mut encoder = device.create_command_encoder(&Default::default());
    let size = wgpu::Extent3d { width: WIDTH, height: 1, depth_or_array_layers: 1 };
    encoder.copy_texture_to_buffer(from, wgpu::TexelCopyBufferInfo { buffer: &buffer, layout }, size);
    queue.submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |outcome| outcome.expect("the buffer can be mapped"));
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let bytes = buffer.slice(..).get_mapped_range()?;
    Ok(bytes.chunks_exact(4).map(|texel| texel[0]).collect())
}
