//! Runs once what depends on constants alone: partial evaluation of a recording.
//!
//! A launcher packs its weight and splits its sums as it always does; that the packing need not be repeated is seen
//! here, from what each command reads and writes, so that no kernel needs a second interface for it.

use std::collections::{HashMap, HashSet};

use super::Step;
use crate::{Buffer, Context, Result};

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

pub(crate) fn hoist(context: &Context, steps: Vec<Step>, inputs: &[&Buffer]) -> Result<Hoisted> {
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
                launch.run(context, &buffers.iter().collect::<Vec<_>>())?;
            }
            Step::Copy { from, from_offset, to, to_offset, size } => {
                context.copy(&memory(from), *from_offset, &memory(to), *to_offset, *size)?;
            }
        }
    }
    Ok(Hoisted { steps: rest, constants, hoisted })
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
            let varies = buffers
                .iter()
                .any(|(buffer, written)| varying.contains(&buffer.key()) || (*written && buffer.is_backed()));
            if varies {
                for (buffer, written) in buffers {
                    changed |= written && varying.insert(buffer.key());
                }
            }
        }
        if !changed {
            break;
        }
    }
    let constant = |step: &Step| step.buffers().iter().all(|(buffer, _)| !varying.contains(&buffer.key()));
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
