//! burn on wgpu as a peer: reads one request a line as JSON on standard input, answers one line on standard output.
//!
//! - `{"hello": {"device": "auto" | "cpu" | "discrete" | "integrated"}}` → `{"version": …, "device": …}`
//! - `{"prepare": {"work": {"kind": "gemm", "m": …} | {"kind": "conv", …}, "a": FILE, "b": FILE}}` → `{"ready": true}`;
//!   FILE holds the operand's f32, little-endian, row-major
//! - `{"run": N}` → `{"seconds": […]}`: N runs, each with a final sync; operands and results stay on the device
//! - `{"read": FILE}` → `{"shape": […]}`: runs once and writes the result's f32
//!
//! What fails is `{"error": …}`. burn may also panic; the harness sees the process end and starts another.

use std::{
    error::Error,
    fs,
    io::{self, BufRead, Write},
    time::Instant,
};

use burn::tensor::{
    Device, DeviceKind, Tensor, TensorData, module::conv2d, ops::ConvOptions, wgpu::WgpuBackend,
};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Hello { device: String },
    Prepare { work: Work, a: String, b: String },
    Run(usize),
    Read(String),
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Work {
    Gemm { m: usize, n: usize, k: usize },
    Conv { x: [usize; 4], w: [usize; 4], stride: usize, padding: usize, groups: usize },
}

/// A work with its operands on the device.
enum Ready {
    Gemm { a: Tensor<2>, b: Tensor<2> },
    Conv { x: Tensor<4>, w: Tensor<4>, options: ConvOptions<2> },
}

/// A result of either rank.
enum Output {
    Matrix(Tensor<2>),
    Image(Tensor<4>),
}

impl Ready {
    fn new(work: &Work, a: Vec<f32>, b: Vec<f32>, device: &Device) -> Self {
        match *work {
            Work::Gemm { m, n, k } => Self::Gemm {
                a: Tensor::from_data(TensorData::new(a, [m, k]), device),
                b: Tensor::from_data(TensorData::new(b, [k, n]), device),
            },
            Work::Conv { x, w, stride, padding, groups } => Self::Conv {
                x: Tensor::from_data(TensorData::new(a, x), device),
                w: Tensor::from_data(TensorData::new(b, w), device),
                options: ConvOptions::new([stride; 2], [padding; 2], [1; 2], groups),
            },
        }
    }

    fn run(&self) -> Output {
        match self {
            Self::Gemm { a, b } => Output::Matrix(a.clone().matmul(b.clone())),
            Self::Conv { x, w, options } => {
                Output::Image(conv2d(x.clone(), w.clone(), None, options.clone()))
            }
        }
    }
}

fn read_f32(path: &str) -> Outcome<Vec<f32>> {
    let bytes = fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

fn open(kind: &str) -> Outcome<Device> {
    let kind = match kind {
        "cpu" => DeviceKind::Cpu,
        "discrete" => DeviceKind::DiscreteGpu(0),
        "integrated" => DeviceKind::IntegratedGpu(0),
        _ => DeviceKind::DefaultDevice,
    };
    Ok(Device::wgpu_options().graphics_api(WgpuBackend::Vulkan).device_kind(kind).init()?)
}

fn answer(request: Request, device: &mut Option<Device>, ready: &mut Option<Ready>) -> Outcome<Value> {
    match request {
        Request::Hello { device: kind } => {
            let opened = open(&kind)?;
            let name = opened.identity().map(|identity| identity.name);
            *device = Some(opened);
            Ok(json!({"version": env!("BURN_VERSION"), "device": name}))
        }
        Request::Prepare { work, a, b } => {
            let device = device.as_ref().ok_or("say hello first")?;
            *ready = None;
            *ready = Some(Ready::new(&work, read_f32(&a)?, read_f32(&b)?, device));
            device.sync()?;
            Ok(json!({"ready": true}))
        }
        Request::Run(count) => {
            let (device, ready) = device.as_ref().zip(ready.as_ref()).ok_or("prepare a work first")?;
            let mut seconds = Vec::with_capacity(count);
            for _ in 0..count {
                device.sync()?;
                let begun = Instant::now();
                let output = ready.run();
                device.sync()?;
                seconds.push(begun.elapsed().as_secs_f64());
                drop(output);
            }
            Ok(json!({"seconds": seconds}))
        }
        Request::Read(path) => {
            let data = match ready.as_ref().ok_or("prepare a work first")?.run() {
                Output::Matrix(y) => y.try_into_data()?,
                Output::Image(y) => y.try_into_data()?,
            };
            let values = data.try_to_vec::<f32>().map_err(|error| format!("{error:?}"))?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            fs::write(path, bytes)?;
            Ok(json!({"shape": data.shape().to_vec()}))
        }
    }
}

fn main() -> Outcome<()> {
    let (mut device, mut ready) = (None, None);
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let outcome = serde_json::from_str(&line?)
            .map_err(Into::into)
            .and_then(|request| answer(request, &mut device, &mut ready));
        let answer = outcome.unwrap_or_else(|error| json!({"error": error.to_string()}));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
