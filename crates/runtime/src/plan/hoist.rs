//! Runs once what depends on constants alone: partial evaluation of a recording.
//!
//! A launcher packs its weight and splits its sums as it always does; that the packing need not be repeated is seen
//! here, from what each command reads and writes, so that no kernel needs a second interface for it.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use crate::{
    buffer::Buffer,
    context::Context,
    dispatch::Dispatch,
    error::Result,
    lock::lock,
    pipeline::Pipeline,
    recording::{Launch, Step},
};

/// The commands that every run needs, and the memory of the constants that the others have made.
pub(crate) struct Hoisted {
    pub steps: Vec<Step>,
    /// By the key of the recording's buffer. Both are held, so that no key is given out again.
    pub constants: HashMap<usize, Constant>,
    pub hoisted: usize,
}

pub(crate) struct Constant {
    pub backed: Buffer,
    _recorded: Buffer,
}

/// What plans have made from constants, so that another plan of the same network takes it over: the packed weights of
/// one batch size serve all others.
#[derive(Default)]
pub struct SharedConstants(Mutex<HashMap<Made, (Vec<Buffer>, Buffer)>>);

/// What a launch or a copy made: by its kernel, its parameters, the places of its operands, and the size of its result.
type Made = (usize, Vec<u8>, Vec<usize>, u64);

/// Stands for the device's own copy in the place of a kernel: no pipeline lies at the end of the address space.
const COPY: usize = usize::MAX;

impl SharedConstants {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many results are shared.
    pub fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// Whether nothing is shared yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

pub(crate) fn hoist(
    context: &Context,
    steps: Vec<Step>,
    inputs: &[&Buffer],
    shared: &SharedConstants,
) -> Result<Hoisted> {
    let writers = writers(&steps);
    let (constant, steps_constant) = constant_steps(&steps, inputs);
    let mut constants: HashMap<usize, Constant> = HashMap::new();
    let mut rest = Vec::with_capacity(steps.len());
    let mut hoisted = 0;
    for (step, is_constant) in steps.into_iter().zip(steps_constant) {
        if !is_constant {
            rest.push(step);
            continue;
        }
        hoisted += 1;
        let memory = |buffer: &Buffer| {
            constants.get(&buffer.key()).map_or_else(|| buffer.clone(), |known| known.backed.clone())
        };
        let made = match &step {
            Step::Launch(launch) => identity(launch, &writers, memory),
            Step::Copy { from, from_offset, to, to_offset: 0, size } if *size >= to.size() => {
                (!to.is_backed() && writers.get(&to.key()) == Some(&1)).then(|| {
                    let from = memory(from);
                    let key = (COPY, from_offset.to_le_bytes().to_vec(), place(&from).to_vec(), to.size());
                    (key, vec![from], to.clone())
                })
            }
            Step::Copy { .. } => None,
        };
        if let Some((key, _, result)) = &made
            && let Some((_, backed)) = lock(&shared.0).get(key)
        {
            let constant = Constant { backed: backed.clone(), _recorded: result.clone() };
            constants.insert(result.key(), constant);
            continue;
        }
        for (buffer, _) in step.buffers() {
            if !buffer.is_backed() && !constants.contains_key(&buffer.key()) {
                debug_assert!(constant.contains(&buffer.key()));
                let backed = context.alloc(buffer.size())?;
                constants.insert(buffer.key(), Constant { backed, _recorded: buffer.clone() });
            }
        }
        let memory = |buffer: &Buffer| {
            constants.get(&buffer.key()).map_or_else(|| buffer.clone(), |known| known.backed.clone())
        };
        match &step {
            Step::Launch(launch) => {
                let buffers: Vec<_> = launch.buffers.iter().map(memory).collect();
                run(context, launch, &buffers.iter().collect::<Vec<_>>())?;
            }
            Step::Copy { from, from_offset, to, to_offset, size } => {
                context.copy(&memory(from), *from_offset, &memory(to), *to_offset, *size)?;
            }
        }
        if let Some((key, operands, result)) = made {
            let backed = memory(&result);
            lock(&shared.0).insert(key, (operands, backed));
        }
    }
    Ok(Hoisted { steps: rest, constants, hoisted })
}

/// Makes a launch that was kept.
fn run(context: &Context, launch: &Launch, buffers: &[&Buffer]) -> Result<()> {
    let dispatch = Dispatch { op: &launch.op, params: &launch.params, buffers, groups: launch.groups };
    let textures: Vec<_> = launch.textures.iter().collect();
    context.launch(&launch.pipeline, &dispatch, &textures)
}

/// The same for the same bytes of the same memory, however often a part of it was made.
fn place(buffer: &Buffer) -> [usize; 2] {
    [buffer.whole().key(), buffer.offset() as usize]
}

/// How many commands write to each buffer.
fn writers(steps: &[Step]) -> HashMap<usize, usize> {
    let mut writers = HashMap::new();
    for (buffer, _) in steps.iter().flat_map(Step::buffers).filter(|(_, written)| *written) {
        *writers.entry(buffer.key()).or_default() += 1;
    }
    writers
}

/// The key under which a launch's result is shared, its operands (held, so that their keys stay theirs) and its result:
/// where it writes one buffer that nobody else writes.
fn identity(
    launch: &Launch,
    writers: &HashMap<usize, usize>,
    memory: impl Fn(&Buffer) -> Buffer,
) -> Option<(Made, Vec<Buffer>, Buffer)> {
    let bound: Vec<_> = launch.buffers.iter().zip(launch.storage().map(|(_, written)| written)).collect();
    let mut results = bound.iter().filter(|(_, written)| *written);
    let (result, None) = (results.next()?.0, results.next()) else { return None };
    if result.is_backed() || writers.get(&result.key()) != Some(&1) {
        return None;
    }
    let operands: Vec<Buffer> =
        bound.iter().filter(|(_, written)| !written).map(|(buffer, _)| memory(buffer)).collect();
    let keys = operands.iter().flat_map(place).collect();
    let kernel = Pipeline::key(&launch.pipeline);
    Some(((kernel, launch.params.clone(), keys, result.size()), operands, result.clone()))
}

/// The buffers that are constant although a recording made them, and for each command whether it makes such a one.
///
/// A buffer is one if all commands that write to it are constant, and a command if all that it touches is: what a run
/// must write anew (the border of a padded input, filled before the input is copied into it) is not.
fn constant_steps(steps: &[Step], inputs: &[&Buffer]) -> (HashSet<usize>, Vec<bool>) {
    let inputs: HashSet<usize> = inputs.iter().map(|buffer| buffer.key()).collect();
    let mut varying = inputs;
    loop {
        let mut changed = false;
        for step in steps {
            let buffers = step.buffers();
            let varies = buffers.iter().any(|(buffer, written)| {
                varying.contains(&buffer.whole().key()) || (*written && buffer.is_backed())
            });
            if varies {
                for (buffer, written) in buffers {
                    changed |= written && varying.insert(buffer.whole().key());
                }
            }
        }
        if !changed {
            break;
        }
    }
    let constant =
        |step: &Step| step.buffers().iter().all(|(buffer, _)| !varying.contains(&buffer.whole().key()));
    let flags: Vec<bool> = steps.iter().map(constant).collect();
    let made = steps
        .iter()
        .zip(&flags)
        .filter(|(_, flag)| **flag)
        .flat_map(|(step, _)| step.buffers())
        .filter(|(buffer, _)| !buffer.is_backed())
        .map(|(buffer, _)| buffer.key())
        .collect();
    (made, flags)
}
