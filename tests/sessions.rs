//! Many requests at once through one model: whose numbers they get, what memory they take, and who waits for whom.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::{
    collections::HashMap,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use common::{context, contexts, random};
use tilewright::{
    Context, ContextOptions, DType, Tensor,
    graph::{Compiled, Error, Graph, Model, Options, Session, capture},
    ops::{Conv2d, Pool2d},
};

const THREADS: usize = 8;

/// Requests of each thread: more where every case is wanted.
fn requests() -> usize {
    let full = std::env::var("TILEWRIGHT_TEST_SWEEP").is_ok_and(|sweep| sweep == "full");
    if full { 500 } else { 40 }
}

/// Contexts of the test's own, for one that counts what is made.
fn own_contexts() -> Vec<Context> {
    let options = ContextOptions::from_env().unwrap();
    let own = |shared: &Context| Context::with_options(&options.clone().with_mode(shared.mode())).unwrap();
    contexts().iter().map(own).collect()
}

/// The weights of a network of two convolutions, a residual, a pooling and a classifier.
#[derive(Clone)]
struct Weights {
    first: Tensor,
    second: Tensor,
    classes: Tensor,
}

impl Weights {
    fn new(context: &Context) -> Self {
        let tensor = |seed, shape: &[usize]| {
            let values = random(seed, shape.iter().product(), -0.4, 0.4);
            Tensor::from_slice(context, &values, shape).unwrap()
        };
        Self {
            first: tensor(1, &[8, 3, 3, 3]),
            second: tensor(2, &[8, 8, 3, 3]),
            classes: tensor(3, &[8, 5]),
        }
    }

    fn graph(&self, context: &Context, shape: &[usize]) -> Result<Graph, Error> {
        capture(context, &[("image", shape, DType::F32)], |inputs| {
            let op = Conv2d { padding: [1, 1], ..Conv2d::default() };
            let x = inputs[0].conv2d(&self.first, None, &op)?.relu()?;
            let y = x.conv2d(&self.second, None, &op)?.add(&x)?.relu()?;
            let pooled = y.avg_pool2d(&Pool2d::new([2, 2]))?.mean(&[2, 3], false)?;
            Ok::<_, tilewright::tensor::Error>(vec![("classes".to_owned(), pooled.matmul(&self.classes)?)])
        })
    }
}

fn model(context: &Context, most: usize) -> Model {
    let (weights, inner) = (Weights::new(context), context.clone());
    Model::new(context, Options::default(), most, move |shapes| weights.graph(&inner, &shapes[0]))
}

fn shape(batch: usize) -> Vec<usize> {
    vec![batch, 3, 8, 8]
}

fn image(request: usize, batch: usize) -> Vec<f32> {
    random(request as u64, shape(batch).iter().product(), -1.0, 1.0)
}

fn answer(session: &mut Session, values: &[f32]) -> Vec<u32> {
    session.write(0, values).unwrap();
    session.execute().unwrap();
    bits(&session.read(0).unwrap())
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Requests come in two shapes.
fn batch_of(request: usize) -> usize {
    1 + request % 3 % 2
}

#[test]
fn many_threads_get_the_answers_of_one() {
    for context in contexts() {
        let (model, requests) = (model(&context, 2), requests());
        let mut alone = [1, 2].map(|batch| model.session(&[shape(batch)]).unwrap());
        let expected: Vec<_> = (0..THREADS * requests)
            .map(|request| answer(&mut alone[batch_of(request) - 1], &image(request, batch_of(request))))
            .collect();
        assert!(expected.windows(2).all(|pair| pair[0] != pair[1]), "requests must differ");
        let (model, expected, context) = (&model, &expected, &context);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    let mut sessions = [1, 2].map(|batch| model.session(&[shape(batch)]).unwrap());
                    for request in (0..requests).map(|at| at * THREADS + thread) {
                        let batch = batch_of(request);
                        let values = image(request, batch);
                        let session = &mut sessions[batch - 1];
                        // Every way through: a session, one that is awaited, and the model's own.
                        let found = match request / THREADS % 4 {
                            0 => {
                                let x = Tensor::from_slice(context, &values, &shape(batch)).unwrap();
                                bits(&model.run(&[&x]).unwrap()[0].to_vec().unwrap())
                            }
                            1 => {
                                session.write(0, &values).unwrap();
                                session.execute().unwrap();
                                bits(&pollster::block_on(session.read_async(0)).unwrap())
                            }
                            _ => answer(session, &values),
                        };
                        assert_eq!(found, expected[request], "thread {thread}, request {request}");
                    }
                });
            }
        });
        context.synchronize().unwrap();
    }
}

#[test]
fn one_compiled_graph_runs_on_tensors_from_any_thread() {
    for context in contexts() {
        let compiled =
            Compiled::new(&Weights::new(&context).graph(&context, &shape(1)).unwrap(), &Options::default())
                .unwrap();
        let run = |request: usize| {
            let x = Tensor::from_slice(&context, &image(request, 1), &shape(1)).unwrap();
            bits(&compiled.run(&[&x]).unwrap()[0].to_vec().unwrap())
        };
        let expected: Vec<_> = (0..4 * requests()).map(run).collect();
        let (run, expected) = (&run, &expected);
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for request in (thread..expected.len()).step_by(4) {
                        assert_eq!(run(request), expected[request], "request {request}");
                    }
                });
            }
        });
    }
}

#[test]
fn memory_is_the_weights_once_and_a_session_for_each_thread() {
    for context in own_contexts() {
        let shape = [4, 3, 32, 32];
        let graph = Weights::new(&context).graph(&context, &shape).unwrap();
        let compiled = Compiled::new(&graph, &Options::default()).unwrap();
        drop(graph);
        context.trim().unwrap();
        let before = context.memory();
        let weights = before.live;
        let sessions: Vec<_> = (0..THREADS).map(|_| compiled.session().unwrap()).collect();
        let each = sessions[0].replay().bytes();
        let all = weights + THREADS as u64 * each;
        assert_eq!(context.memory().live, all, "{weights} bytes of weights, {each} of each session");
        // What a session has is the plan's pooled memory to the byte, and its input and its output: each rounded up by a
        // quarter at most, with room for a sentinel.
        let ports = 4 * (shape.iter().product::<usize>() + 4 * 5) as u64;
        let least = compiled.plan().memory().bytes() + ports;
        assert!((least..=least + ports / 4 + 2 * 512).contains(&each), "{each} bytes, {least} at least");

        let made = context.memory().allocations;
        thread::scope(|scope| {
            for (thread, mut session) in sessions.into_iter().enumerate() {
                scope.spawn(move || {
                    for request in 0..8 {
                        let seed = (thread * 8 + request) as u64;
                        answer(&mut session, &random(seed, shape.iter().product(), -1.0, 1.0));
                    }
                });
            }
        });
        let after = context.memory();
        assert_eq!(after.allocations, made, "a run allocates nothing");
        assert!(all > before.high_water, "the sessions are the peak, not the making of the plan");
        assert_eq!(after.high_water, all);
        // The sessions are gone, and their memory serves the next ones.
        context.verify_retired().unwrap();
        assert_eq!(context.memory().live, weights);
        let again: Vec<_> = (0..THREADS).map(|_| compiled.session().unwrap()).collect();
        let last = context.memory();
        assert_eq!((last.live, last.allocations, last.high_water), (all, made, all));
        drop(again);
    }
}

#[test]
fn a_session_is_made_without_compiling() {
    let context = own_contexts().swap_remove(0);
    let compiled =
        Compiled::new(&Weights::new(&context).graph(&context, &shape(1)).unwrap(), &Options::default())
            .unwrap();
    answer(&mut compiled.session().unwrap(), &image(0, 1));
    let (pipelines, launched) = (context.pipeline_report().0, context.submissions());
    let session = compiled.session().unwrap();
    assert_eq!(context.pipeline_report().0, pipelines);
    assert_eq!(context.submissions(), launched, "no weight is copied or packed");
    assert_eq!(session.replay().launches().count(), compiled.plan().len());
}

/// A model that plans batches of 2 when it is told to: it says through the first channel that it has begun.
fn model_that_waits(context: &Context) -> (Model, Receiver<()>, std::sync::mpsc::Sender<()>) {
    let (begin, begun) = channel();
    let (go, wait) = channel();
    let (begin, wait) = (Mutex::new(begin), Mutex::new(wait));
    let (weights, inner) = (Weights::new(context), context.clone());
    let model = Model::new(context, Options::default(), 4, move |shapes| {
        if shapes[0][0] == 2 {
            begin.lock().unwrap().send(()).unwrap();
            // Long enough for any machine: what it bounds is a test that fails.
            let told = wait.lock().unwrap().recv_timeout(Duration::from_secs(120));
            told.map_err(|_| Error::Capture("nobody ran meanwhile".to_owned()))?;
        }
        weights.graph(&inner, &shapes[0])
    });
    (model, begun, go)
}

#[test]
fn planning_a_new_shape_blocks_no_known_one() {
    let context = context();
    let (model, begun, go) = model_that_waits(&context);
    let mut session = model.session(&[shape(1)]).unwrap();
    let expected = answer(&mut session, &image(7, 1));
    thread::scope(|scope| {
        let planner =
            scope.spawn(|| model.session(&[shape(2)]).map(|mut new| answer(&mut new, &image(8, 2))));
        begun.recv().unwrap();
        // The plan for batches of 2 is in the making, and will be until all of this has run.
        for _ in 0..20 {
            assert_eq!(answer(&mut session, &image(7, 1)), expected);
            assert_eq!(answer(&mut model.session(&[shape(1)]).unwrap(), &image(7, 1)), expected);
            let x = Tensor::from_slice(&context, &image(7, 1), &shape(1)).unwrap();
            assert_eq!(bits(&model.run(&[&x]).unwrap()[0].to_vec().unwrap()), expected);
        }
        assert_eq!(model.plans(), 1);
        go.send(()).unwrap();
        assert_eq!(planner.join().unwrap().unwrap().len(), 10);
    });
    assert_eq!(model.plans(), 2);
}

#[test]
fn a_shape_that_many_ask_for_is_planned_once() {
    let context = context();
    let made: Arc<Mutex<HashMap<Vec<usize>, usize>>> = Arc::default();
    let (weights, inner, count) = (Weights::new(&context), context.clone(), made.clone());
    let model = Model::new(&context, Options::default(), 4, move |shapes| {
        *count.lock().unwrap().entry(shapes[0].clone()).or_default() += 1;
        weights.graph(&inner, &shapes[0])
    });
    let together = Barrier::new(THREADS);
    let plans: Vec<_> = thread::scope(|scope| {
        let ask = |thread: usize| {
            together.wait();
            model.plan(&[shape(1 + thread % 2)]).unwrap()
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || ask(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(*made.lock().unwrap(), HashMap::from([(shape(1), 1), (shape(2), 1)]));
    assert!((2..THREADS).all(|thread| Arc::ptr_eq(&plans[thread], &plans[thread % 2])));
    // What the first plan has folded and packed, the second has taken over.
    let packed = model.constants().packed().len();
    model.plan(&[shape(3)]).unwrap();
    assert_eq!(model.constants().packed().len(), packed);
}

#[test]
fn a_plan_that_fails_is_tried_again() {
    let context = context();
    let tries = Arc::new(AtomicUsize::new(0));
    let (weights, inner, count) = (Weights::new(&context), context.clone(), tries.clone());
    let model = Model::new(&context, Options::default(), 4, move |shapes| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(Error::Capture("not yet".to_owned()));
        }
        weights.graph(&inner, &shapes[0])
    });
    assert!(matches!(model.session(&[shape(1)]), Err(Error::Capture(_))));
    assert_eq!(model.plans(), 0);
    assert!(model.session(&[shape(1)]).is_ok());
    assert_eq!(tries.load(Ordering::Relaxed), 2);
}

#[test]
fn a_session_outlives_its_model() {
    let context = context();
    let model = model(&context, 1);
    let mut session = model.session(&[shape(1)]).unwrap();
    let expected = answer(&mut session, &image(3, 1));
    model.plan(&[shape(2)]).unwrap();
    assert_eq!(model.plans(), 1, "the plan of the session has made room");
    assert_eq!(answer(&mut session, &image(3, 1)), expected);
    drop(model);
    let moved = thread::spawn(move || answer(&mut session, &image(3, 1)));
    assert_eq!(moved.join().unwrap(), expected);
}
