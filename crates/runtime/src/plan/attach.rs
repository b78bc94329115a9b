//! Launches at the ends of a plan: what fills an input from something that is no buffer, and what carries an output there.

use super::{
    ready::{Place, Ready, Role, Stage, ready_launch, upload_params},
    replay::Plan,
};
use crate::{
    buffer::Buffer,
    context::Context,
    error::{Error, Result},
    recording::Step,
};

impl Plan {
    /// Fills the input at the start of every run by the launches that `record` makes: on the context that it is given,
    /// a recording, and writing to the buffer that it is given. They replace what was bound before, and run in the same
    /// submission.
    ///
    /// # Errors
    /// [`Error::Plan`] if there is no such input, or if a launch binds another buffer; those of `record`. The plan is
    /// then as before.
    pub fn fill_input<E: From<Error>>(
        &mut self,
        input: usize,
        record: impl FnOnce(&Context, &Buffer) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(before) = self.inputs.get(input) else {
            return Err(Error::Plan { reason: format!("there is no input {input}") }.into());
        };
        // Memory of its own: what was bound is the caller's and must not be overwritten.
        let buffer = self.context.alloc(before.size())?;
        let steps = self.attach(&buffer, Some(Role::Input(input)), Stage::Fill(input), record)?;
        self.bind_input(input, buffer)?;
        self.steps.splice(0..0, steps);
        Ok(())
    }

    /// Carries the output elsewhere at the end of every run, by the launches that `record` makes of the buffer that it is
    /// given. They replace those of an earlier call.
    ///
    /// # Errors
    /// As [`Self::fill_input`].
    pub fn drain_output<E: From<Error>>(
        &mut self,
        output: usize,
        record: impl FnOnce(&Context, &Buffer) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(buffer) = self.outputs.get(output).cloned() else {
            return Err(Error::Plan { reason: format!("there is no output {output}") }.into());
        };
        let role = self.role(&buffer);
        let steps = self.attach(&buffer, role, Stage::Drain(output), record)?;
        self.release_output(output);
        self.steps.extend(steps);
        Ok(())
    }

    /// Forgets the launches of [`Self::fill_input`]: the input is again what the caller writes. Whether there were any.
    pub fn release_input(&mut self, input: usize) -> bool {
        self.release(Stage::Fill(input))
    }

    /// Forgets the launches of [`Self::drain_output`]. Whether there were any.
    pub fn release_output(&mut self, output: usize) -> bool {
        self.release(Stage::Drain(output))
    }

    /// Whether launches fill this input ([`Self::fill_input`]).
    pub fn is_filled(&self, input: usize) -> bool {
        self.steps.iter().any(|step| step.is(Stage::Fill(input)))
    }

    fn release(&mut self, stage: Stage) -> bool {
        let before = self.steps.len();
        self.steps.retain(|step| !step.is(stage));
        self.steps.len() < before
    }

    /// The role under which the body knows a buffer, so that a launch at the end follows when another is bound.
    fn role(&self, buffer: &Buffer) -> Option<Role> {
        let body = self.steps.iter().filter(|step| step.is(Stage::Body));
        let known = body.flat_map(Ready::places).find(|place| place.raw == *buffer.raw());
        let input = self.inputs.iter().position(|input| input.same(buffer));
        known.and_then(|place| place.role).or(input.map(Role::Input))
    }

    fn attach<E: From<Error>>(
        &self,
        buffer: &Buffer,
        role: Option<Role>,
        stage: Stage,
        record: impl FnOnce(&Context, &Buffer) -> Result<(), E>,
    ) -> Result<Vec<Ready>, E> {
        let context = self.context.recording();
        record(&context, buffer)?;
        let steps = context.take_recorded();
        let params = upload_params(&self.context, &steps)?;
        let mut offsets = params.offsets.into_iter();
        let mut ready = Vec::with_capacity(steps.len());
        for step in steps {
            let launch = match step {
                Step::Launch(launch) if launch.buffers.iter().all(|bound| bound.same(buffer)) => launch,
                _ => {
                    let reason =
                        "what is attached to an input or output must be launches on its buffer alone";
                    return Err(Error::Plan { reason: reason.to_owned() }.into());
                }
            };
            let offset = offsets.next().flatten();
            let place = |_: &Buffer| Place::whole(buffer, role);
            ready.push(ready_launch(&self.context, launch, params.raw.as_ref(), offset, stage, place)?);
        }
        Ok(ready)
    }
}
