//! What the sweeps share: contexts in both modes, random operands, and a collector that runs every case of a table.
#![allow(dead_code, clippy::unwrap_used)]

pub mod computed;
pub mod host;
mod launches;
mod shared;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tilewright::{Context, ContextOptions, Mode, Tensor};

/// The modes that a sweep runs in, fast first; or only the one that `TILEWRIGHT_TEST_MODE` names.
fn modes() -> Vec<Mode> {
    match std::env::var("TILEWRIGHT_TEST_MODE").as_deref() {
        Ok("fast") => vec![Mode::Fast],
        Ok("checked") => vec![Mode::Checked],
        Ok(other) => panic!("TILEWRIGHT_TEST_MODE is `{other}`; it is `fast` or `checked`"),
        Err(_) => vec![Mode::Fast, Mode::Checked],
    }
}

fn open(mode: Mode) -> Context {
    open_with(mode, |options| options)
}

fn open_with(mode: Mode, change: impl Fn(ContextOptions) -> ContextOptions) -> Context {
    launches::log();
    let options = ContextOptions::from_env().expect("the environment names valid options");
    match Context::with_options(&change(options.with_mode(mode))) {
        Ok(context) => context,
        Err(error) => panic!("{error}"),
    }
}

/// A context in each of the modes. All tests of a process share them, so that a kernel is compiled once and not once for
/// every test. A machine without an adapter fails the test, and the message says how to get one.
pub fn contexts() -> Vec<Context> {
    shared::contexts()
}

/// A context in fast mode, which other tests use at the same time.
pub fn context() -> Context {
    contexts().swap_remove(0)
}

/// For comparisons of numbers by kernels that sweeps run in both modes: one mode, and both in a full sweep.
pub fn contexts_for_numbers() -> Vec<Context> {
    let mut all = contexts();
    all.truncate(if full() { 2 } else { 1 });
    all
}

/// Whether case `at` of a sweep is left out on this context: every other one in checked mode, which looks for accesses out of
/// bounds and not at every number once more; none in a full sweep.
pub fn left_out(context: &Context, at: usize) -> bool {
    !full() && context.mode() == Mode::Checked && !at.is_multiple_of(2)
}

/// A context of the test's own: for one that counts memory, launches or pipelines, profiles, or wants two.
pub fn own_context() -> Context {
    open(modes()[0])
}

/// Contexts of the test's own, one in each mode.
pub fn own_contexts() -> Vec<Context> {
    modes().into_iter().map(open).collect()
}

/// Contexts of the test's own, one in each mode, whose storage bindings hold so many bytes at most.
pub fn limited_contexts(bytes: u64) -> Vec<Context> {
    modes().into_iter().map(|mode| open_with(mode, |options| options.with_max_binding(bytes))).collect()
}

/// Whether every case is wanted (`TILEWRIGHT_TEST_SWEEP=full`), and not only those that go a way of their own through the
/// code.
pub fn full() -> bool {
    match std::env::var("TILEWRIGHT_TEST_SWEEP").as_deref() {
        Ok("full") => true,
        Ok("quick") | Err(_) => false,
        Ok(other) => panic!("TILEWRIGHT_TEST_SWEEP is `{other}`; it is `quick` or `full`"),
    }
}

/// Every `step`th of a list, beginning with the first; all of them in a full sweep.
pub fn some<T>(all: Vec<T>, step: usize) -> impl Iterator<Item = T> {
    all.into_iter().step_by(if full() { 1 } else { step })
}

/// Uniform numbers in `low..high`; the same for the same seed.
pub fn random(seed: u64, count: usize, low: f32, high: f32) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(low..high)).collect()
}

/// A random tensor in −1..1, with the numbers it holds.
pub fn random_tensor(context: &Context, seed: u64, shape: &[usize]) -> (Tensor, Vec<f32>) {
    let values = random(seed, shape.iter().product(), -1.0, 1.0);
    (Tensor::from_slice(context, &values, shape).unwrap(), values)
}

/// Runs every case of a table, and fails at the end with all that failed.
pub struct Cases {
    ran: usize,
    failed: Vec<String>,
}

impl Cases {
    pub fn new() -> Self {
        Self { ran: 0, failed: Vec::new() }
    }

    /// Counts one case.
    pub fn check(&mut self, name: impl std::fmt::Display, outcome: Result<(), impl std::fmt::Display>) {
        self.ran += 1;
        if let Err(error) = outcome {
            self.failed.push(format!("{name}: {error}"));
        }
    }

    /// Fails if no case ran or one failed.
    pub fn finish(self) {
        assert!(self.ran > 0, "no case ran");
        assert!(
            self.failed.is_empty(),
            "{} of {} cases failed:\n{}",
            self.failed.len(),
            self.ran,
            self.failed.join("\n")
        );
    }
}

/// Fails unless `|actual − expected| ≤ absolute + relative · |expected|` everywhere.
pub fn close(actual: &[f32], expected: &[f32], relative: f64, absolute: f64) -> Result<(), String> {
    tilewright_reference::compare::compare(actual, expected, relative, absolute)
        .map_err(|mismatch| mismatch.to_string())
}
