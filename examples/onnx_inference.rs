//! An ONNX file, compiled once and run: what an application embeds.
//!
//! `cargo run --release --example onnx_inference [MODEL.onnx]`

use tilewright::{
    Context,
    graph::{Compiled, Options},
    onnx::{Import, Model},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "tests/onnx/cases/tiny/model.onnx".to_owned());
    let context = Context::new()?; // or Context::from_device(device, queue, &options): your own device
    let model = Model::load(&path)?;
    let graph = Import::new(&model).graph(&context)?.graph;
    let compiled = Compiled::new(&graph, &Options::default())?;
    let input = &compiled.inputs()[0];
    let mut session = compiled.session()?; // what a request writes to; each thread has one of its own
    session.write(0, &vec![0.5f32; input.shape.iter().product()])?;
    session.execute()?; // one submission; `read` waits for it, `read_async` does not block
    let values = session.read::<f32>(0)?;

    let (output, memory) = (&compiled.outputs()[0], compiled.plan().memory());
    println!("{path}: {} {:?} → {} {:?}", input.name, input.shape, output.name, output.shape);
    println!(
        "{} launches, {} bytes for values ({:.2} of the least)",
        compiled.plan().len(),
        memory.bytes(),
        memory.ratio()
    );
    println!("the first numbers: {:?}", &values[..values.len().min(4)]);
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err("a number is not finite".into()) }
}
