//! Schedules, plateaus, clipping and averages of `nn::optim` against PyTorch.

use std::sync::Arc;

use tilewright::{
    Context, Tensor,
    autograd::Gradients,
    nn::{
        Checkpoint, Error, HostTensor, Parameter, ParameterStore, Pass, StateDict, TrainingState,
        init::Init,
        optim::{
            Adam, Aim, Anneal, Averaging, Buffers, Clip, Ema, EmaOptions, Lamb, OneCycle, Optimizer, Plateau,
            PlateauOptions, RmsProp, Schedule, Threshold, Warmup, clip_grad_norm,
        },
    },
    ops,
};
use tilewright_reference::golden::{self, Case};

use crate::common::{Cases, close, context, contexts_for_numbers, random};

const LR: f32 = 0.1;

fn goldens() -> Vec<Case> {
    golden::family("schedules").unwrap()
}

fn milestones(case: &Case) -> Vec<u64> {
    case.counts("milestones").unwrap().into_iter().map(|step| step as u64).collect()
}

fn schedule(case: &Case) -> Option<Schedule> {
    let number = |name| case.number(name).unwrap();
    let whole = |name| number(name) as u64;
    let after = |then| {
        let (steps, start_factor) = (whole("steps"), number("start_factor"));
        Schedule::Warmup { steps, start_factor, then: Box::new(then) }
    };
    let multi_step = || Schedule::MultiStep { lr: LR, milestones: milestones(case), gamma: number("gamma") };
    let exponential = || Schedule::Exponential { lr: LR, gamma: number("gamma") };
    Some(match case.op.as_str() {
        "step" => Schedule::Step { lr: LR, every: whole("every"), gamma: number("gamma") as f32 },
        "exponential" => exponential(),
        "multi_step" => multi_step(),
        "warmup_exponential" => after(exponential()),
        "warmup_multi_step" => after(multi_step()),
        "polynomial" => {
            Schedule::Polynomial { lr: LR, min_lr: 0.0, steps: whole("steps"), power: number("power") }
        }
        "cosine" => {
            Schedule::Cosine { lr: LR, min_lr: number("min_lr") as f32, warmup: 0, steps: whole("steps") }
        }
        "restarts" => {
            let (period, factor) = (whole("period"), whole("factor"));
            Schedule::CosineRestarts { lr: LR, min_lr: number("min_lr") as f32, period, factor }
        }
        "one_cycle" => Schedule::OneCycle(OneCycle {
            max_lr: LR,
            steps: whole("steps"),
            pct_start: number("pct_start"),
            anneal: if case.parameters["anneal"] == "cos" { Anneal::Cos } else { Anneal::Linear },
            div_factor: number("div_factor"),
            final_div_factor: number("final_div_factor"),
            three_phase: case.flag("three_phase").unwrap(),
        }),
        _ => return None,
    })
}

#[test]
fn every_rate_is_pytorchs() {
    let (mut cases, mut seen) = (Cases::new(), 0);
    for case in goldens() {
        let Some(schedule) = schedule(&case) else { continue };
        schedule.check().unwrap();
        let (expected, _) = case.f32("lr").unwrap();
        let found: Vec<f32> = (0..expected.len() as u64).map(|step| schedule.at(step)).collect();
        cases.check(&case.name, close(&found, expected, 2e-6, 1e-9));
        seen += 1;
    }
    assert!(seen >= 24, "{seen} schedules");
    cases.finish();
}

#[test]
fn a_plateau_is_pytorchs() {
    let (mut cases, mut seen) = (Cases::new(), 0);
    for case in goldens().iter().filter(|case| case.op == "plateau") {
        let number = |name| case.number(name).unwrap();
        let threshold = number("threshold");
        let options = PlateauOptions {
            aim: if case.parameters["mode"] == "max" { Aim::Max } else { Aim::Min },
            factor: number("factor"),
            patience: number("patience") as u64,
            threshold: match case.parameters["threshold_mode"] == "rel" {
                true => Threshold::Relative(threshold),
                false => Threshold::Absolute(threshold),
            },
            cooldown: number("cooldown") as u64,
            min_lr: number("min_lr"),
            eps: number("eps"),
        };
        let mut plateau = Plateau::new(f64::from(LR), options).unwrap();
        let (metrics, _) = case.f32("metrics").unwrap();
        let mut found = Vec::new();
        for &metric in metrics {
            found.push(plateau.lr() as f32);
            // Halfway it goes on from what a checkpoint would keep.
            let mut other = Plateau::new(1.0, options).unwrap();
            other.set_state(plateau.state());
            plateau = other;
            plateau.observe(f64::from(metric));
        }
        cases.check(&case.name, close(&found, case.f32("lr").unwrap().0, 1e-6, 0.0));
        seen += 1;
    }
    assert_eq!(seen, 9);
    for wrong in [
        PlateauOptions { factor: 1.0, ..PlateauOptions::default() },
        PlateauOptions { min_lr: f64::NAN, ..PlateauOptions::default() },
    ] {
        assert!(matches!(Plateau::new(0.1, wrong), Err(Error::Option { .. })));
    }
    cases.finish();
}

/// A parameter of each shape, and gradients of these values.
fn leaves(context: &Context, values: &[(&[f32], &[usize])]) -> (Vec<Arc<Parameter>>, Gradients) {
    let store = ParameterStore::new(context, 1);
    let mut gradients = Gradients::default();
    for (at, (values, shape)) in values.iter().enumerate() {
        let parameter = store.root().parameter(&format!("p{at}"), shape, Init::Constant(0.0)).unwrap();
        gradients.insert_id(parameter.id(), Tensor::from_slice(context, values, shape).unwrap());
    }
    (store.parameters(), gradients)
}

#[test]
fn clipping_is_pytorchs() {
    let (mut cases, mut seen) = (Cases::new(), 0);
    for context in contexts_for_numbers() {
        for case in goldens().iter().filter(|case| case.op.starts_with("clip_")) {
            let count = if case.op == "clip_norm" { 3 } else { 1 };
            let values: Vec<_> = (0..count).map(|at| case.f32(&format!("g{at}")).unwrap()).collect();
            let (parameters, mut gradients) = leaves(&context, &values);
            let clip = match case.op.as_str() {
                "clip_value" => Clip::Value(case.number("most").unwrap() as f32),
                _ => Clip::Norm {
                    max_norm: case.number("max_norm").unwrap() as f32,
                    norm_type: case.number("norm_type").map_or(f32::INFINITY, |kind| kind as f32),
                    error_if_nonfinite: true,
                },
            };
            let norm = clip.apply(&parameters, &mut gradients).unwrap();
            assert_eq!(norm.is_some(), case.has("norm"));
            if let Some(norm) = norm {
                let found = norm.to_vec::<f32>().unwrap();
                cases.check(
                    format!("{} norm", case.name),
                    close(&found, case.f32("norm").unwrap().0, 1e-5, 0.0),
                );
            }
            for (at, parameter) in parameters.iter().enumerate() {
                let found: Vec<f32> = gradients.get_id(parameter.id()).unwrap().to_vec().unwrap();
                let (expected, _) = case.f32(&format!("clipped{at}")).unwrap();
                cases.check(format!("{} {at}", case.name), close(&found, expected, 1e-5, 1e-10));
            }
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen}");
    cases.finish();
}

#[test]
fn a_norm_that_is_no_number_is_seen_or_spreads() {
    let context = context();
    for (bad, after) in [(f32::NAN, f32::NAN), (f32::INFINITY, 0.0)] {
        let values = [1.0, bad, 2.0];
        let (parameters, mut gradients) = leaves(&context, &[(&values, &[3]), (&[4.0], &[1])]);
        let error = clip_grad_norm(&parameters, &mut gradients, 1.0, 2.0, true).unwrap_err();
        assert!(matches!(error, Error::NonFiniteNorm { .. }), "{error}");
        assert_eq!(gradients.len(), 2, "the gradients stay");
        clip_grad_norm(&parameters, &mut gradients, 1.0, 2.0, false).unwrap();
        let found: Vec<f32> = gradients.get_id(parameters[1].id()).unwrap().to_vec().unwrap();
        assert!(found[0] == after || (found[0].is_nan() && after.is_nan()), "{found:?}");
    }
    let (parameters, mut none) = (leaves(&context, &[(&[1.0], &[1])]).0, Gradients::default());
    assert!(clip_grad_norm(&parameters, &mut none, 1.0, 2.0, true).unwrap().is_none());
    for wrong in [Clip::norm(-1.0), Clip::norm(f32::NAN), Clip::Value(-0.5)] {
        assert!(matches!(wrong.apply(&parameters, &mut none), Err(Error::Option { .. })), "{wrong:?}");
    }
}

/// Other gradients than the parameters', such as those of an input, are left alone and count for nothing.
#[test]
fn only_the_parameters_gradients_are_clipped() {
    let context = context();
    let (parameters, mut gradients) = leaves(&context, &[(&[3.0], &[1]), (&[400.0], &[1]), (&[4.0], &[1])]);
    let chosen = [parameters[0].clone(), parameters[2].clone()];
    let norm = clip_grad_norm(&chosen, &mut gradients, 2.5, 2.0, false).unwrap().unwrap();
    assert!((norm.item().unwrap() - 5.0).abs() < 1e-5);
    let found = parameters.iter().map(|p| gradients.get_id(p.id()).unwrap().to_vec::<f32>().unwrap()[0]);
    let found: Vec<f32> = found.collect();
    assert!(close(&found, &[1.5, 400.0, 2.0], 1e-5, 0.0).is_ok(), "{found:?}");
}

#[test]
fn averages_are_pytorchs() {
    let mut cases = Cases::new();
    let context = context();
    for case in goldens().iter().filter(|case| case.op == "average") {
        let (start, shape) = case.f32("start").unwrap();
        let store = ParameterStore::new(&context, 1);
        let parameter = store.root().parameter("weight", shape, Init::Constant(0.0)).unwrap();
        let put =
            |values: &[f32]| parameter.set(Tensor::from_slice(&context, values, shape).unwrap()).unwrap();
        put(start);
        let decay = case.number("decay").unwrap();
        let averaging = match case.flag("exponential").unwrap() {
            true => Averaging::Exponential { decay, warmup: Warmup::None },
            false => Averaging::Equal,
        };
        let options = EmaOptions { averaging, buffers: Buffers::Copied };
        let mut ema = Ema::new(&store, options).unwrap();
        if averaging == Averaging::Equal {
            ema.update().unwrap();
        }
        let weights = case.f32("weights").unwrap().0.chunks_exact(start.len());
        for (at, (weight, expected)) in
            weights.zip(case.f32("averages").unwrap().0.chunks_exact(start.len())).enumerate()
        {
            put(weight);
            ema.update().unwrap();
            let averaged = ema.averaged(|| parameter.tensor().unwrap().to_vec::<f32>().unwrap()).unwrap();
            cases.check(format!("{} {at}", case.name), close(&averaged, expected, 1e-5, 1e-6));
            assert_eq!(parameter.tensor().unwrap().to_vec::<f32>().unwrap(), weight, "the weights are back");
        }
    }
    cases.finish();
}

#[test]
fn an_average_warms_up() {
    let with = |warmup| EmaOptions {
        averaging: Averaging::Exponential { decay: 0.95, warmup },
        buffers: Buffers::default(),
    };
    assert_eq!(with(Warmup::None).keep(0), 0.95);
    let ratio = with(Warmup::Ratio);
    assert_eq!([0, 8, 1000].map(|n| ratio.keep(n)), [0.1, 0.5, 0.95]);
    let power = with(Warmup::Power { gamma: 1.0, power: 2.0 / 3.0 });
    assert_eq!([0, 7].map(|n| power.keep(n)), [0.0, 1.0 - 8f64.powf(-2.0 / 3.0)]);
    assert_eq!(power.keep(1_000_000), 0.95);
    for wrong in
        [EmaOptions::decay(1.5), EmaOptions::decay(f64::NAN), with(Warmup::Power { gamma: 0.0, power: 1.0 })]
    {
        assert!(matches!(wrong.check(), Err(Error::Option { option: "decay" | "gamma", .. })));
    }
}

/// Running statistics are copied or averaged; a checkpoint brings everything back, and another network's is refused.
#[test]
fn averages_of_statistics_and_their_resume() {
    let context = context();
    let make = |width: usize| {
        let store = ParameterStore::new(&context, 1);
        store.root().parameter("weight", &[width], Init::Constant(1.0)).unwrap();
        store.root().buffer("running_mean", &[width], Init::Constant(2.0)).unwrap();
        store
    };
    let value = |state: &StateDict, name: &str| match &state.tensors[name] {
        HostTensor::F32(values, _) => values[0],
        HostTensor::I64(values, _) => panic!("{name} holds {values:?}"),
    };
    for (buffers, mean) in [(Buffers::Copied, 10.0), (Buffers::Averaged, 2.0 * 0.75 + 10.0 * 0.25)] {
        let store = make(3);
        let options = EmaOptions { buffers, ..EmaOptions::decay(0.75) };
        let mut ema = Ema::new(&store, options).unwrap();
        let before = store.parameter("weight").unwrap();
        before.set(Tensor::full(&context, 5.0, &[3]).unwrap()).unwrap();
        let statistics = store.entries().into_iter().find_map(|entry| match entry {
            tilewright::nn::Entry::Buffer(buffer) => Some(buffer),
            _ => None,
        });
        statistics.unwrap().set(Tensor::full(&context, 10.0, &[3]).unwrap()).unwrap();
        ema.update().unwrap();
        let found = ema.state_dict(&store).unwrap();
        assert_eq!(value(&found, "weight"), 2.0);
        assert_eq!(value(&found, "running_mean"), mean);
        assert_eq!(value(&StateDict::of(&store).unwrap(), "weight"), 5.0);

        let mut optimizer = Adam::new(store.parameters(), ops::Adam::default()).unwrap();
        let taken = Checkpoint::capture(&store, &optimizer, TrainingState::default()).unwrap();
        let path = std::env::temp_dir().join(format!("tilewright-ema-{}-{buffers:?}", std::process::id()));
        taken.clone().with_ema(&ema).unwrap().write(&path).unwrap();
        let read = Checkpoint::read(&path);
        std::fs::remove_file(&path).unwrap();
        let read = read.unwrap();
        read.restore(&store, &mut optimizer, "", &path).unwrap();
        let mut other = Ema::new(&store, options).unwrap();
        read.restore_ema(&mut other, &path).unwrap();
        assert_eq!((other.updates(), other.state().unwrap()), (1, ema.state().unwrap()));
        assert!(matches!(taken.restore_ema(&mut other, &path), Err(Error::StateDict { .. })));
        let mut wider = Ema::new(&make(4), options).unwrap();
        assert!(matches!(read.restore_ema(&mut wider, &path), Err(Error::StateDict { .. })));
        assert_eq!((wider.updates(), value(&wider.state().unwrap(), "weight")), (0, 1.0));
    }
}

/// A run that is stopped and goes on from the optimizer's state takes the same steps.
#[test]
fn optimizers_go_on_to_the_same_bits() {
    type Make = fn(Vec<Arc<Parameter>>) -> Box<dyn Optimizer>;
    let makers: [(&str, Make); 5] = [
        ("adam", |p| Box::new(Adam::new(p, ops::Adam::default()).unwrap())),
        ("amsgrad", |p| Box::new(Adam::new(p, ops::Adam { amsgrad: true, ..ops::Adam::default() }).unwrap())),
        ("rmsprop", |p| Box::new(RmsProp::new(p, ops::RmsProp::default()).unwrap())),
        ("rmsprop, all", |p| {
            let op = ops::RmsProp { centered: true, momentum: 0.9, eps: 1e-3, ..ops::RmsProp::default() };
            Box::new(RmsProp::new(p, op).unwrap())
        }),
        ("lamb", |p| Box::new(Lamb::new(p, ops::Lamb::default()).unwrap())),
    ];
    let context = context();
    let step = |parameter: &Arc<Parameter>, optimizer: &mut dyn Optimizer, at: u64| {
        let x =
            tilewright::Var::constant(Tensor::from_slice(&context, &random(at, 6, -1.0, 1.0), &[6]).unwrap());
        let loss = parameter.var(&Pass::train(0, at)).unwrap().mul(&x).unwrap().sum(&[], false).unwrap();
        optimizer.step(&mut loss.backward().unwrap(), 0.01).unwrap();
        parameter.tensor().unwrap().to_vec::<f32>().unwrap()
    };
    for (name, make) in makers {
        let store = ParameterStore::new(&context, 1);
        let parameter = store.root().parameter("weight", &[6], Init::Constant(1.0)).unwrap();
        let mut optimizer = make(store.parameters());
        let start = parameter.tensor().unwrap().to_vec::<f32>().unwrap();
        for at in 0..3 {
            assert_ne!(step(&parameter, &mut *optimizer, at), start, "{name}");
        }
        let (state, middle) = (optimizer.state().unwrap(), parameter.tensor().unwrap().copy().unwrap());
        let straight: Vec<_> = (3..6).map(|at| step(&parameter, &mut *optimizer, at)).collect();
        parameter.set(middle).unwrap();
        let mut again = make(store.parameters());
        again.load_state(&state, "file").unwrap();
        let resumed: Vec<_> = (3..6).map(|at| step(&parameter, &mut *again, at)).collect();
        assert_eq!(straight, resumed, "{name}");
        // A state that lacks a part is refused.
        for missing in state.tensors.keys().filter(|_| state.tensors.len() > 1) {
            let mut cut = state.clone();
            cut.tensors.remove(missing);
            assert!(
                matches!(make(store.parameters()).load_state(&cut, "file"), Err(Error::StateDict { .. })),
                "{name} {missing}"
            );
        }
    }
}
