//! Runs Tilewright's kernels on a wgpu device.
//!
//! A [`Context`] owns (or borrows) a device and queue, a pool of buffers, a cache of pipelines and a recorder that
//! batches dispatches. Nothing is global: two contexts live side by side.

mod adapter;
mod ahead;
mod attachment;
mod bind_groups;
mod buffer;
mod context;
mod copy;
mod dispatch;
mod error;
mod files;
mod guard;
mod memory;
mod options;
mod pipeline;
mod plan;
mod pool;
mod profiler;
mod readback;
mod recorder;
mod texture;

pub use adapter::{AdapterChoice, AdapterDescription, adapters};
pub use buffer::Buffer;
pub use context::Context;
pub use dispatch::{Dispatch, fold_groups};
pub use error::Error;
pub use files::write_whole;
pub use options::{ContextOptions, Mode, Tuning};
pub use pipeline::Pipeline;
pub use plan::{MemoryPlan, Plan, SharedConstants};
pub use pool::MemoryReport;
pub use profiler::{Profile, ProfileRow, ProfiledDispatch};
pub use texture::Texture;

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
