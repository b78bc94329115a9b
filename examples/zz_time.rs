use std::time::Instant;
use tilewright::graph::*;
use tilewright::*;
fn main() {
    let name = std::env::args().nth(1).unwrap_or("resnet18".into());
    let size: usize = std::env::args().nth(2).and_then(|s| s.parse().ok()).unwrap_or(224);
    let context = Context::new().unwrap();
    let t = Instant::now();
    let store = ParameterStore::new(&context, 3);
    let network = zoo::build(
        &name,
        &store,
        zoo::Options { image: [3, size, size], classes: 1000, shortcut: zoo::Shortcut::Projection },
    )
    .unwrap();
    context.synchronize().unwrap();
    println!("build {:?}", t.elapsed());
    let t = Instant::now();
    let graph = capture(&context, &[("input", &[1, 3, size, size], DType::F32)], |inputs| {
        let y = network.module.forward(&Var::constant(inputs[0].clone()), &Pass::eval())?;
        Ok::<_, tilewright::nn::Error>(vec![("output".into(), y.tensor().clone())])
    })
    .unwrap();
    println!("capture {:?}", t.elapsed());
    let t = Instant::now();
    let compiled = Compiled::new(&graph, &Options::default()).unwrap();
    println!("compile {:?} pipelines {:?}", t.elapsed(), context.pipeline_report());
    println!(
        "{:?} {:?} hoisted {} launches {} ratio {}",
        compiled.passes(),
        compiled.plan().memory(),
        compiled.plan().hoisted(),
        compiled.plan().len(),
        compiled.plan().memory().ratio()
    );
    compiled.write(0, &vec![0.5f32; 3 * size * size]).unwrap();
    let mut times = Vec::new();
    let mut submit = Vec::new();
    for _ in 0..12 {
        let t = Instant::now();
        compiled.execute().unwrap();
        submit.push(t.elapsed().as_secs_f64() * 1e6);
        compiled.read::<f32>(0).unwrap();
        times.push(t.elapsed().as_secs_f64() * 1e3);
    }
    println!("first {:.1} ms", times[0]);
    times.sort_by(f64::total_cmp);
    submit.sort_by(f64::total_cmp);
    println!(
        "median {:.1} min {:.1} ms; submit median {:.0} µs min {:.0}",
        times[6], times[0], submit[6], submit[0]
    );
    context.start_profile().unwrap();
    compiled.execute().unwrap();
    println!("{}", context.finish_profile().unwrap());
}
