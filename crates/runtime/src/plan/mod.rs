//! Plans: launches that were recorded once, given memory once, and are run again and again.
//!
//! [`Context::recording`] gives a handle on which every launcher works as always, but nothing runs: buffers have a size
//! and no memory, and launches are kept. [`Context::plan`] then does once what eager execution does at every call:
//!
//! 1. `hoist`: what depends on constants alone (packed weights, folded normalisations) runs now and never again;
//! 2. `memory`: every buffer that is left gets a place in few pooled buffers by its live range;
//! 3. `replay`: parameters, bind groups and pipelines are made, and a run is one submission that makes nothing.

mod attach;
mod hoist;
mod memory;
mod ready;
mod record;
mod replay;

pub use hoist::SharedConstants;
pub use memory::MemoryPlan;
pub(crate) use record::Recording;
pub use replay::Plan;

use crate::{Buffer, Context, Error, Result};
use record::Step;

impl Context {
    /// A handle on the same device whose launches are kept for [`Self::plan`] instead of run. Buffers that are allocated
    /// through it have no memory yet; what is uploaded through it is a constant.
    pub fn recording(&self) -> Self {
        self.with_recording(Some(Recording::new()))
    }

    /// Whether launches through this handle are kept instead of run.
    pub fn is_recording(&self) -> bool {
        self.current_recording().is_some()
    }

    /// In a recording: names the launches that come, in profiles, after the layer that makes them.
    pub fn set_scope(&self, name: &str) {
        if let Some(recording) = self.current_recording() {
            recording.set_scope(name);
        }
    }

    /// What this handle of [`Self::recording`] has kept, which it forgets.
    pub(crate) fn take_recorded(&self) -> Vec<Step> {
        self.current_recording().map(|recording| recording.take()).unwrap_or_default()
    }

    /// The handle on which launches run.
    pub fn eager(&self) -> Self {
        self.with_recording(None)
    }

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
        let Some(recording) = self.current_recording() else {
            return Err(Error::Plan {
                reason: "this context records nothing; use `Context::recording`".into(),
            });
        };
        let (context, steps) = (self.eager(), recording.take());
        let constants = hoist::hoist(&context, steps, inputs, shared)?;
        Plan::new(context, constants, inputs, outputs)
    }
}
