//! The measured choice: wrong candidates are thrown out, right ones remembered, and no file on disk can do harm.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{fs, path::Path};

use tilewright::{
    kernels::{
        convolution::{self, Conv2dAlgorithm, Conv2dLaunch as Launch, Pass, Problem},
        matmul,
        select::{self, Device},
        tune::{self, Candidate, Samples, contest},
    },
    ops::Conv2d,
    runtime::{Context, ContextOptions, Error, Tuning},
};

fn context(folder: &Path, tuning: Tuning) -> Context {
    let mut options = ContextOptions::from_env().unwrap().with_tuning(tuning);
    options.mode = Default::default();
    options.pipeline_cache = Some(folder.to_owned());
    Context::with_options(&options).expect("an adapter; `make setup` installs one")
}

/// 5 × 7 pixels, strided and padded: nothing is a multiple of any tile.
fn problem() -> Problem {
    let op = Conv2d { stride: [2, 1], padding: [1, 2], ..Conv2d::default() };
    Problem::new(&op, [2, 5, 5, 7], [6, 5, 3, 3]).unwrap()
}

/// The name of the file, which adapter and driver decide.
fn file(folder: &Path) -> std::path::PathBuf {
    let is_it =
        |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("tuning_");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(is_it).unwrap()
}

#[test]
fn a_wrong_candidate_is_thrown_out_however_quick() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path(), Tuning::Off);
    let values: Vec<f32> = (0..1000).map(|i| (i % 17) as f32 - 8.0).collect();
    let output = context.alloc(4000).unwrap();
    let samples = Samples::new(values.len(), |i| (f64::from(values[i]), f64::from(values[i]).abs()));
    let write = |values: Vec<f32>| {
        let (context, output) = (context.clone(), output.clone());
        Box::new(move || context.write(&output, bytemuck::cast_slice(&values)))
    };
    let slowly = |values: Vec<f32>| {
        let run = write(values);
        Box::new(move || {
            std::thread::sleep(std::time::Duration::from_millis(5));
            run()
        })
    };
    let mut last_is_wrong = values.clone();
    last_is_wrong[999] += 0.01;
    let between = (0..1000).find(|at| samples.0.iter().all(|sample| sample.index != *at)).unwrap();
    let mut wrong_between_samples = values.clone();
    wrong_between_samples[between] += 0.5;
    let refuses = || Err(Error::Device("refused".to_owned()));
    let candidates = [
        Candidate { name: "zeros", run: write(vec![0.0; 1000]) },
        Candidate { name: "slow", run: slowly(values.clone()) },
        Candidate { name: "quick", run: write(values.clone()) },
        Candidate { name: "last is wrong", run: write(last_is_wrong) },
        Candidate { name: "wrong between samples", run: write(wrong_between_samples) },
        Candidate { name: "writes half", run: write(values[..500].to_vec()) },
        Candidate { name: "writes nothing", run: Box::new(|| Ok(())) },
        Candidate { name: "fails", run: Box::new(refuses) },
    ];
    let verdict = contest(&context, &output, &samples, &candidates).unwrap();
    let right: Vec<_> = verdict.times.iter().map(|(name, _)| *name).collect();
    assert_eq!(right, ["slow", "quick"], "{verdict:?}");
    assert_eq!(verdict.winner(), Some("quick"));
    assert_eq!(verdict.rejected.len(), 6, "{verdict:?}");
    assert!(verdict.rejected.iter().any(|(name, reason)| *name == "fails" && reason.contains("refused")));
    // Where none is right, none wins.
    let verdict = contest(&context, &output, &samples, &candidates[3..4]).unwrap();
    assert_eq!(verdict.winner(), None);
}

#[test]
fn every_candidate_of_every_pass_passes_the_contest() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path(), Tuning::Measure);
    let depthwise = Conv2d { groups: 12, padding: [1, 1], ..Conv2d::default() };
    let grouped = Conv2d { groups: 3, dilation: [2, 1], ..Conv2d::default() };
    let same = Conv2d { padding: [1, 1], ..Conv2d::default() };
    let problems = [
        problem(),
        Problem::new(&depthwise, [2, 12, 9, 7], [12, 1, 3, 3]).unwrap(),
        Problem::new(&grouped, [1, 6, 9, 7], [9, 2, 3, 2]).unwrap(),
        Problem::new(&Conv2d::default(), [2, 19, 5, 5], [23, 19, 1, 1]).unwrap(),
        Problem::new(&same, [1, 16, 12, 12], [32, 16, 3, 3]).unwrap(),
    ];
    for problem in &problems {
        for pass in Pass::ALL {
            let choice = select::conv2d_for(&context, pass, problem);
            assert!(choice.explain().contains("measured"), "{}", choice.explain());
        }
    }
    for (m, n, k) in [(1, 1, 1), (33, 65, 17), (64, 64, 64), (5, 130, 300)] {
        for (transpose_left, transpose_right) in [(false, false), (true, false), (false, true)] {
            let (left_stride, right_stride) = (m * k, 0);
            let problem = matmul::Problem {
                batches: 3,
                m,
                n,
                k,
                transpose_left,
                transpose_right,
                left_stride,
                right_stride,
                ..matmul::Problem::default()
            };
            let choice = select::matmul_for(&context, &problem);
            assert!(choice.explain().contains("measured"), "{}", choice.explain());
        }
    }
    let remembered = tune::remembered(&context);
    assert!(remembered.len() >= 5 * 3 + 4 * 3, "{}", remembered.len());
    for (key, entry) in remembered {
        assert!(entry.rejected.is_empty(), "{key}: {:?}", entry.rejected);
        assert!(entry.winner.is_some() && entry.milliseconds.len() >= 2, "{key}: {entry:?}");
    }
}

#[test]
fn what_was_measured_is_not_measured_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = context(folder.path(), Tuning::Measure);
    let measured = select::conv2d_for(&first, Pass::Forward, &problem()).algorithm;
    let compiled = first.pipeline_report().0;
    assert!(compiled > 1, "a contest compiles several kernels");
    // A second look costs nothing, nor does one in another run, whether it may measure or not.
    select::conv2d_for(&first, Pass::Forward, &problem());
    assert_eq!(first.pipeline_report().0, compiled);
    for tuning in [Tuning::Measure, Tuning::Cached] {
        let second = context(folder.path(), tuning);
        let choice = select::conv2d_for(&second, Pass::Forward, &problem());
        assert_eq!(choice.algorithm, measured);
        assert!(choice.explain().contains("measured"), "{}", choice.explain());
        assert_eq!((second.pipeline_report().0, second.submissions()), (0, 0));
    }
    // The file decides, and no other knowledge: another winner in it is chosen, and runs.
    let device = Device::of(&first);
    let other = select::conv2d_candidates(&device, Pass::Forward, &problem())
        .into_iter()
        .find(|&algorithm| algorithm != measured && algorithm != Conv2dAlgorithm::Im2col)
        .unwrap();
    let path = file(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let winner = |algorithm: Conv2dAlgorithm| format!("\"winner\": \"{}\"", algorithm.name());
    assert!(text.contains(&winner(measured)), "{text}");
    fs::write(&path, text.replace(&winner(measured), &winner(other))).unwrap();
    let third = context(folder.path(), Tuning::Cached);
    assert_eq!(select::conv2d_for(&third, Pass::Forward, &problem()).algorithm, other);
    // Without the option nothing of it counts.
    let plain = context(folder.path(), Tuning::Off);
    let table = select::conv2d(&device, Pass::Forward, &problem());
    assert_eq!(select::conv2d_for(&plain, Pass::Forward, &problem()), table);
    // Forgotten is forgotten.
    tune::forget(&third).unwrap();
    let fourth = context(folder.path(), Tuning::Cached);
    assert_eq!(select::conv2d_for(&fourth, Pass::Forward, &problem()), table);
}

#[test]
fn a_damaged_or_outdated_file_is_ignored_and_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    select::conv2d_for(&context(folder.path(), Tuning::Measure), Pass::Forward, &problem());
    let path = file(folder.path());
    let whole = fs::read_to_string(&path).unwrap();
    let entry: serde_json::Value = serde_json::from_str(&whole).unwrap();
    // im2col's own matrix product is measured on the way, and has an entry too.
    let is_it = |key: &str| key.starts_with("conv2d ");
    let (_, entry) = entry["entries"].as_object().unwrap().iter().find(|(key, _)| is_it(key)).unwrap();
    let source = entry["source"].as_str().unwrap();
    let winner = entry["winner"].as_str().unwrap();
    let damaged: Vec<Vec<u8>> = vec![
        Vec::new(),
        whole.as_bytes()[..whole.len() / 2].to_vec(),
        vec![0xff; 100],
        whole.replace("\"version\": 1", "\"version\": 0").into(),
        // Other kernels were measured.
        whole.replace(source, "0000000000000000").into(),
        // A name that no algorithm has, and one that cannot run this shape.
        whole.replace(&format!("\"winner\": \"{winner}\""), "\"winner\": \"quickest\"").into(),
        whole.replace(&format!("\"winner\": \"{winner}\""), "\"winner\": \"depthwise\"").into(),
    ];
    for bytes in damaged {
        fs::write(&path, &bytes).unwrap();
        let cached = context(folder.path(), Tuning::Cached);
        let table = select::conv2d(&Device::of(&cached), Pass::Forward, &problem());
        assert_eq!(select::conv2d_for(&cached, Pass::Forward, &problem()), table);
        assert_eq!(fs::read(&path).unwrap(), bytes, "looking changes nothing");
    }
    fs::write(&path, "{ \"version\": 1, ").unwrap();
    let choice = select::conv2d_for(&context(folder.path(), Tuning::Measure), Pass::Forward, &problem());
    assert!(choice.explain().contains("measured"));
    let anew: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(anew["entries"].as_object().unwrap().keys().any(|key| is_it(key)));
}

/// The tuned convolution, as a user calls it, has the untuned one's result.
#[test]
fn a_tuned_convolution_computes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let problem = problem();
    let count = |shape: [usize; 4]| shape.iter().product::<usize>();
    let operand = |count: usize| (0..count).map(|i| (i * 7 % 11) as f32 - 5.0).collect::<Vec<_>>();
    let (x, w) = (operand(count(problem.x_shape)), operand(count(problem.w_shape)));
    let results = [Tuning::Off, Tuning::Measure, Tuning::Cached].map(|tuning| {
        let context = context(folder.path(), tuning);
        let x = context.upload(bytemuck::cast_slice(&x)).unwrap();
        let weight = context.upload(bytemuck::cast_slice(&w)).unwrap();
        let y = context.alloc(count(problem.y_shape) as u64 * 4).unwrap();
        convolution::forward(&context, &Launch::new(&problem, &x, &weight), &y).unwrap();
        bytemuck::pod_collect_to_vec::<u8, f32>(&context.read(&y).unwrap())
    });
    // Small integers: every order of summation is exact.
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}
