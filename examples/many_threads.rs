//! One compiled network, many threads: each has a session of its own over weights and a plan that all share.
//!
//! `cargo run --release --example many_threads [MODEL.onnx]`

use std::thread;

use tilewright::{
    Context,
    graph::{Compiled, Options, Session},
    onnx::{Import, Model},
};

const THREADS: usize = 4;
const REQUESTS: usize = 25;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "tests/onnx/cases/tiny/model.onnx".to_owned());
    let context = Context::new()?;
    let graph = Import::new(&Model::load(&path)?).graph(&context)?.graph;
    let compiled = Compiled::new(&graph, &Options::default())?;

    let mut alone = compiled.session()?;
    println!("{path}: a session takes {} bytes", alone.replay().bytes());
    let expected = (0..REQUESTS).map(|request| answer(&mut alone, request)).collect::<Result<Vec<_>>>()?;
    let (compiled, expected) = (&compiled, &expected);
    thread::scope(|scope| {
        let serve = move || -> Result<()> {
            let mut session = compiled.session()?; // memory and bind groups: nothing is compiled, no weight is copied
            for (request, expected) in expected.iter().enumerate() {
                if answer(&mut session, request)? != *expected {
                    return Err(format!("request {request} has another's answer").into());
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(serve)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err("a thread panicked".into())))
    })?;
    println!("{THREADS} threads with {REQUESTS} requests each: every answer is that of one thread alone");
    Ok(())
}

/// The first output for an input that `request` fills.
fn answer(session: &mut Session, request: usize) -> Result<Vec<f32>> {
    let count = session.inputs()[0].shape.iter().product();
    session.write(0, &vec![request as f32 / REQUESTS as f32; count])?;
    session.execute()?; // submits and does not wait
    Ok(session.read(0)?) // waits for this session's run alone
}
