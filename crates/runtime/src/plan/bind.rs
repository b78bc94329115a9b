//! The caller's own buffers as inputs and outputs of a replay.

use super::{
    place::{Place, Role},
    planned::Source,
    ready::Ready,
    replay::Replay,
};
use crate::{
    buffer::Buffer,
    error::{Error, Result},
};

impl Replay {
    /// Reads the input from `buffer` from now on: memory of the same context, or the application's own
    /// ([`Context::wrap`](crate::context::Context::wrap)). What filled the input before ([`Self::fill_input`]) is let go.
    ///
    /// # Errors
    /// [`Error::Plan`] if there is no such input or the buffer is too small.
    pub fn bind_input(&mut self, input: usize, buffer: Buffer) -> Result<()> {
        check_bound("input", input, self.plan().inputs.get(input), &buffer)?;
        buffer.require_home(self.context().gpu(), "bind_input")?;
        if self.copies(Role::Input(input)) {
            buffer.require_usage(wgpu::BufferUsages::COPY_SRC)?;
        }
        self.refuse_overlap(&buffer, |role| matches!(role, Role::Output(_)))?;
        self.release_input(input);
        self.memory.inputs[input] = buffer;
        self.renew(Role::Input(input))?;
        self.follow();
        Ok(())
    }

    /// Writes the output to `buffer` from now on.
    ///
    /// # Errors
    /// [`Error::Plan`] if there is no such output, if the buffer is too small, or if no launch writes that output (it is
    /// a constant, an input, or the same as an earlier output).
    pub fn bind_output(&mut self, output: usize, buffer: Buffer) -> Result<()> {
        check_bound("output", output, self.plan().outputs.get(output), &buffer)?;
        buffer.require_home(self.context().gpu(), "bind_output")?;
        if self.copies(Role::Output(output)) {
            buffer.require_usage(wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST)?;
        }
        self.refuse_overlap(&buffer, |role| role != Role::Output(output))?;
        if !matches!(self.plan().outputs[output], Source::Own(_)) {
            let reason =
                format!("output {output} is written by no launch of its own, so that it cannot be bound");
            return Err(Error::Plan { reason });
        }
        self.memory.outputs[output] = buffer;
        self.renew(Role::Output(output))?;
        self.follow();
        Ok(())
    }

    /// Outputs that are an input or another output go with it.
    fn follow(&mut self) {
        let plan = self.plan().clone();
        for (at, source) in plan.outputs.iter().enumerate() {
            self.memory.outputs[at] = match source {
                Source::Same(Role::Input(input), _) => self.memory.inputs[*input].clone(),
                Source::Same(Role::Output(before), _) => self.memory.outputs[*before].clone(),
                _ => continue,
            };
        }
    }

    /// Fails if a step binds `buffer` already in a role that `conflicts`: a result may not lie where something else is
    /// still read.
    fn refuse_overlap(&self, buffer: &Buffer, conflicts: impl Fn(Role) -> bool) -> Result<()> {
        let meets = |place: &Place| {
            *self.memory.range(place).raw == *buffer.raw() && place.role().is_none_or(&conflicts)
        };
        if !self.places().any(meets) {
            return Ok(());
        }
        let reason =
            "the buffer is another input, output or constant of the plan; give it one of its own".to_owned();
        Err(Error::Plan { reason })
    }

    /// Whether the device's own copy reads or writes it, which takes more than a storage buffer.
    fn copies(&self, role: Role) -> bool {
        let is = |place: &Place| place.role() == Some(role);
        self.plan().steps.iter().filter_map(Ready::copy).any(|copy| is(&copy.from) || is(&copy.to))
    }
}

fn check_bound(what: &str, at: usize, expected: Option<&Source>, buffer: &Buffer) -> Result<()> {
    let Some(expected) = expected else {
        return Err(Error::Plan { reason: format!("there is no {what} {at}") });
    };
    if buffer.size() < expected.size() {
        let (found, needed) = (buffer.size(), expected.size());
        let reason = format!("{what} {at} needs {needed} bytes and the buffer that was given has {found}");
        return Err(Error::Plan { reason });
    }
    buffer.require_backed("bind")
}
