//! Plans: launches that were recorded once, given memory once, and are run again and again.
//!
//! [`Context::recording`] gives a handle on which every launcher works as always, but nothing runs: buffers have a size
//! and no memory, and launches are kept. [`Context::plan`] then does once what eager execution does at every call:
//!
//! 1. `hoist`: what depends on constants alone (packed weights, folded normalisations) runs now and never again;
//! 2. `memory`: every buffer that is left gets a place in few pooled buffers by its live range;
//! 3. `planned`: pipelines and parameters are made, and each binding knows its place.
//!
//! That is a plan: it never changes, and any number of replays run it. A replay (`replay`) is the memory of one request
//! at a time with its bind groups; a run is one submission that makes nothing.

mod attach;
mod bind;
mod hoist;
mod memory;
mod place;
mod planned;
mod ready;
mod replay;

pub use hoist::SharedConstants;
pub use memory::MemoryPlan;
pub use planned::Plan;
pub use replay::Replay;

use crate::{
    buffer::Buffer,
    context::Context,
    error::{Error, Result},
};

impl Context {
    /// Makes a plan of what this handle of [`Self::recording`] has kept, which it forgets. `inputs` are what the caller
    /// will fill before a run, `outputs` what it will read afterwards.
    ///
    /// # Errors
    /// [`Error::Plan`] if this is no recording, or if a buffer is read that nothing fills;
    /// [`Error::OutOfMemory`] if the device has no room.
    pub fn plan(&self, inputs: &[&Buffer], outputs: &[&Buffer]) -> Result<Plan> {
        self.plan_sharing(inputs, outputs, &SharedConstants::new())
    }

    /// As [`Self::plan`], taking over what other plans have made from the same constants.
    pub fn plan_sharing(
        &self,
        inputs: &[&Buffer],
        outputs: &[&Buffer],
        shared: &SharedConstants,
    ) -> Result<Plan> {
        if !self.is_recording() {
            return Err(Error::Plan {
                reason: "this context is not recording; create it with `Context::recording`".into(),
            });
        }
        let (context, steps) = (self.eager(), self.take_recorded());
        let constants = hoist::hoist(&context, steps, inputs, shared)?;
        Plan::new(context, constants, inputs, outputs)
    }
}
