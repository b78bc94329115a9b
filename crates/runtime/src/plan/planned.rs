//! A plan: launches with their parameters, and where each of their buffers lies.

use std::collections::HashMap;

use super::{
    hoist::Hoisted,
    memory::{self, Interval, MemoryPlan},
    place::{Place, Role},
    ready::{Ready, ReadyCopy, ReadyLaunch, upload_params},
};
use crate::{
    buffer::Buffer,
    context::Context,
    dispatch::padded,
    error::{Error, Result},
    recording::Step,
};

/// What all runs of a recording have in common: launches, parameters, constants, and where in a replay's memory each
/// buffer lies. It never changes, and many replays ([`Plan::replay`]) run it at once.
pub struct Plan {
    context: Context,
    pub(super) steps: Vec<Ready>,
    pub(super) inputs: Vec<Source>,
    pub(super) outputs: Vec<Source>,
    memory: MemoryPlan,
    hoisted: usize,
}

/// What an input or output of a replay is.
pub(super) enum Source {
    /// Memory of its own, of so many bytes.
    Own(u64),
    /// Memory that all replays share.
    Shared(Buffer),
    /// The same as that input or earlier output.
    Same(Role, u64),
}

impl Source {
    pub fn size(&self) -> u64 {
        match self {
            Self::Own(size) | Self::Same(_, size) => *size,
            Self::Shared(buffer) => buffer.size(),
        }
    }
}

impl Plan {
    pub(super) fn new(
        context: Context,
        hoisted: Hoisted,
        inputs: &[&Buffer],
        outputs: &[&Buffer],
    ) -> Result<Self> {
        let Hoisted { steps, constants, hoisted } = hoisted;
        let mut places: HashMap<usize, Place> = HashMap::new();
        let mut sources = Vec::with_capacity(inputs.len());
        for (at, &input) in inputs.iter().enumerate() {
            places.insert(input.key(), Place::Port { role: Role::Input(at), size: input.size() });
            let given = input.is_backed().then(|| Source::Shared(input.clone()));
            sources.push(given.unwrap_or(Source::Own(input.size())));
        }
        for (&key, constant) in &constants {
            places.insert(key, Place::Shared(constant.backed.clone()));
        }
        let mut results = Vec::with_capacity(outputs.len());
        for (at, &output) in outputs.iter().enumerate() {
            let size = output.size();
            let as_input = inputs.iter().position(|input| input.same(output));
            let as_output = outputs[..at].iter().position(|other| other.same(output));
            results.push(if let Some(constant) = constants.get(&output.key()) {
                Source::Shared(constant.backed.clone())
            } else if let Some(input) = as_input {
                Source::Same(Role::Input(input), size)
            } else if let Some(before) = as_output {
                Source::Same(Role::Output(before), size)
            } else if output.is_backed() {
                Source::Shared(output.clone())
            } else {
                places.insert(output.key(), Place::Port { role: Role::Output(at), size });
                Source::Own(size)
            });
        }
        let memory = place_values(&context, &steps, &mut places)?;
        let params = upload_params(&context, &steps)?;
        let mut ready = Vec::with_capacity(steps.len());
        let mut offsets = params.offsets.into_iter();
        for step in steps {
            let place = |buffer: &Buffer| {
                places.get(&buffer.key()).cloned().unwrap_or_else(|| Place::Shared(buffer.clone()))
            };
            ready.push(match step {
                Step::Copy { from, from_offset, to, to_offset, size } => {
                    let (from, to) = (place(&from), place(&to));
                    Ready::Copy(ReadyCopy { from, from_offset, to, to_offset, size })
                }
                Step::Launch(launch) => {
                    let offset = offsets.next().flatten();
                    Ready::Launch(ReadyLaunch::new(launch, params.raw.as_ref(), offset, place))
                }
            });
        }
        context.gpu().check_fault()?;
        Ok(Self { context, steps: ready, inputs: sources, outputs: results, memory, hoisted })
    }

    /// How the memory of values is shared. Each replay has that much, its own inputs and its own outputs.
    pub fn memory(&self) -> &MemoryPlan {
        &self.memory
    }

    /// Bytes of the constants that launches and copies read, such as packed weights; each counts once.
    pub fn constants(&self) -> u64 {
        let shared = |place: &Place| match place {
            Place::Shared(buffer) => Some((buffer.key(), buffer.size())),
            _ => None,
        };
        let places = self.steps.iter().flat_map(Ready::places).filter_map(shared);
        places.collect::<HashMap<_, _>>().values().sum()
    }

    /// Launches and copies of a run.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether a run does nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Launches and copies that ran once, when the plan was made.
    pub fn hoisted(&self) -> usize {
        self.hoisted
    }

    /// The operation and the kernel of each launch, in order.
    pub fn launches(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps.iter().map(Ready::names)
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan({} launches, {} bytes)", self.steps.len(), self.memory.bytes())
    }
}

/// Gives a place to every buffer that has none yet.
fn place_values(context: &Context, steps: &[Step], places: &mut HashMap<usize, Place>) -> Result<MemoryPlan> {
    let mut number: HashMap<usize, usize> = HashMap::new();
    let mut keys = Vec::new();
    let mut intervals: Vec<Interval> = Vec::new();
    let mut apart: Vec<Vec<usize>> = Vec::new();
    for (time, step) in steps.iter().enumerate() {
        let mut here: Vec<(usize, bool)> = Vec::new();
        for (buffer, written) in step.buffers() {
            if buffer.is_backed() || places.contains_key(&buffer.key()) {
                continue;
            }
            let at = *number.entry(buffer.key()).or_insert_with(|| {
                keys.push(buffer.key());
                intervals.push(Interval { size: padded(buffer.size()), first: time, last: time });
                apart.push(Vec::new());
                keys.len() - 1
            });
            // Nothing fills a buffer of no bytes, and nobody reads any of them.
            let fillable = buffer.size() > 0;
            if fillable && !written && intervals[at].first == time && !here.contains(&(at, true)) {
                let reason = format!("step {time} reads {} that nothing has filled", buffer.describe());
                return Err(Error::Plan { reason });
            }
            intervals[at].last = time;
            here.push((at, written));
        }
        // A launch whose bindings may share a buffer needs only bytes of its own for each.
        let may_share = matches!(step, Step::Launch(launch) if launch.pipeline.shares_buffers());
        for &(a, written) in here.iter().filter(|_| !may_share) {
            for &(b, _) in here.iter().filter(|(b, _)| *b != a && written) {
                apart[a].push(b);
                apart[b].push(a);
            }
        }
    }
    let placement = memory::place(&intervals, &apart, context.limits().max_buffer_size);
    for ((&key, interval), &(pool, offset)) in keys.iter().zip(&intervals).zip(&placement.places) {
        places.insert(key, Place::Pool { pool, offset, size: interval.size });
    }
    Ok(MemoryPlan {
        values: intervals.len(),
        unshared: intervals.iter().map(|interval| interval.size).sum(),
        lower_bound: memory::lower_bound(&intervals),
        pools: placement.pools,
    })
}
