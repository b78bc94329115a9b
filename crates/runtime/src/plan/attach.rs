//! Launches at the ends of a replay: what fills an input from something that is no buffer, and what carries an output
//! there.

use super::{
    place::{Place, Range, Role},
    planned::Source,
    ready::{ReadyLaunch, upload_params},
    replay::{Attached, Replay},
};
use crate::{
    buffer::Buffer,
    context::Context,
    error::{Error, Result},
    recording::Step,
};

impl Replay {
    /// Fills the input at the start of every run by the launches that `record` makes: on the context that it is given,
    /// a recording, and writing to the buffer that it is given. They replace what was bound before, and run in the same
    /// submission.
    ///
    /// # Errors
    /// [`Error::Plan`] if there is no such input, or if a launch binds another buffer; those of `record`. The replay is
    /// then as before.
    pub fn fill_input<E: From<Error>>(
        &mut self,
        input: usize,
        record: impl FnOnce(&Context, &Buffer) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(source) = self.plan().inputs.get(input) else {
            return Err(Error::Plan { reason: format!("there is no input {input}") }.into());
        };
        let size = source.size();
        // Memory of its own: what was bound is the caller's and must not be overwritten.
        let buffer = self.context().alloc(size)?;
        let place = Place::Port { role: Role::Input(input), size };
        let fills = attach(self.context(), input, &buffer, &place, record)?;
        self.bind_input(input, buffer)?;
        self.fills.extend(fills);
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
        let place = match self.plan().outputs.get(output) {
            None => return Err(Error::Plan { reason: format!("there is no output {output}") }.into()),
            Some(Source::Own(size)) => Place::Port { role: Role::Output(output), size: *size },
            Some(Source::Same(role, size)) => Place::Port { role: *role, size: *size },
            Some(Source::Shared(buffer)) => Place::Shared(buffer.clone()),
        };
        let buffer = self.outputs()[output].clone();
        let drains = attach(self.context(), output, &buffer, &place, record)?;
        self.release_output(output);
        self.drains.extend(drains);
        Ok(())
    }

    /// Forgets the launches of [`Self::fill_input`]: the input is again what the caller writes. Whether there were any.
    pub fn release_input(&mut self, input: usize) -> bool {
        release(&mut self.fills, input)
    }

    /// Forgets the launches of [`Self::drain_output`]. Whether there were any.
    pub fn release_output(&mut self, output: usize) -> bool {
        release(&mut self.drains, output)
    }

    /// Whether launches fill this input ([`Self::fill_input`]).
    pub fn is_filled(&self, input: usize) -> bool {
        self.fills.iter().any(|attached| attached.port == input)
    }
}

fn release(attached: &mut Vec<Attached>, port: usize) -> bool {
    let before = attached.len();
    attached.retain(|attached| attached.port != port);
    attached.len() < before
}

/// The launches that `record` makes on `buffer`, which the replay knows as `place`.
fn attach<E: From<Error>>(
    context: &Context,
    port: usize,
    buffer: &Buffer,
    place: &Place,
    record: impl FnOnce(&Context, &Buffer) -> Result<(), E>,
) -> Result<Vec<Attached>, E> {
    let recording = context.recording();
    record(&recording, buffer)?;
    let steps = recording.take_recorded();
    let params = upload_params(context, &steps)?;
    let mut offsets = params.offsets.into_iter();
    let mut attached = Vec::with_capacity(steps.len());
    for step in steps {
        let launch = match step {
            Step::Launch(launch) if launch.buffers.iter().all(|bound| bound.same(buffer)) => launch,
            _ => {
                let reason = "what is attached to an input or output must be launches on its buffer alone";
                return Err(Error::Plan { reason: reason.to_owned() }.into());
            }
        };
        let offset = offsets.next().flatten();
        let launch = ReadyLaunch::new(launch, params.raw.as_ref(), offset, |_| place.clone());
        let bind_group = launch.bind(context, |_| Range::whole(buffer, buffer.size()))?;
        attached.push(Attached { port, launch, bind_group });
    }
    Ok(attached)
}
