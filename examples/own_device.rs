//! The engine on the application's own wgpu device, reading and writing the application's own buffers.
//!
//! `cargo run --release --example own_device`

use tilewright::{Context, ContextOptions, DType, Layout, Tensor, ops::Conv2d};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The application's side: it has its own instance, device, queue and a buffer with an image in it.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters.into_iter().next().ok_or("there is no adapter: run `make setup`")?;
    // Subgroups and the adapter's own limits let the engine take its quicker kernels.
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("the application"),
        required_features: adapter.features() & wgpu::Features::SUBGROUP,
        required_limits: adapter.limits(),
        ..Default::default()
    }))?;
    let (height, width) = (6usize, 8usize);
    let image: Vec<f32> =
        (0..height * width).map(|i| if i % width < width / 2 { 0.0 } else { 1.0 }).collect();
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("the application's image"),
        size: (image.len() * 4) as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&image));

    // The engine's side: no second device, no copy of the image.
    let context = Context::from_device(device.clone(), queue.clone(), &ContextOptions::default());
    let x = Tensor::from_parts(
        &context,
        context.wrap(buffer)?,
        &[1, 1, height, width],
        DType::F32,
        Layout::RowMajor,
    )?;
    let sobel =
        Tensor::from_slice(&context, &[-1.0f32, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0], &[1, 1, 3, 3])?;
    let edges = x.conv2d(&sobel, None, &Conv2d { padding: [0, 1], ..Conv2d::default() })?;

    // Back on the application's side: after a flush, the result's buffer may be used by its own commands.
    context.flush()?;
    let readback = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("the application's readback"),
        size: (edges.count() * 4) as u64,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(edges.buffer().raw(), 0, &readback, 0, Some(readback.size()));
    queue.submit([encoder.finish()]);
    readback.slice(..).map_async(wgpu::MapMode::Read, |outcome| outcome.expect("the buffer can be mapped"));
    device.poll(wgpu::PollType::wait_indefinitely())?;
    let values: Vec<f32> = bytemuck::pod_collect_to_vec(&readback.slice(..).get_mapped_range()?);
    for row in values.chunks_exact(width) {
        println!("{}", row.iter().map(|v| format!("{v:5.1}")).collect::<String>());
    }
    // The step from 0 to 1 in the middle: 1 + 2 + 1 on both sides of it. (The right border is a step back to 0.)
    let expected = [0.0, 0.0, 0.0, 4.0, 4.0, 0.0, 0.0, -4.0];
    if values.chunks_exact(width).any(|row| row != expected) {
        return Err("the edges are wrong".into());
    }
    println!("the vertical edge is where it should be");
    Ok(())
}
