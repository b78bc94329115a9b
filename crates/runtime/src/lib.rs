//! Runs Tilewright's kernels on a wgpu device.
//!
//! A [`Context`] owns (or borrows) a device and queue, a pool of buffers, a cache of pipelines and a recorder that
//! batches dispatches. Nothing is global: two contexts live side by side.

mod adapter;
mod ahead;
mod attachment;
mod backlog;
mod bind_groups;
mod buffer;
mod command;
mod context;
mod copy;
mod dispatch;
mod error;
mod files;
mod gpu;
mod guard;
mod launch;
mod lock;
mod mapping;
mod memory;
mod options;
mod peak;
mod pipeline;
mod pipelines;
mod plan;
mod pool;
mod profile;
mod profiler;
mod readback;
mod recorder;
mod recording;
mod texture;

pub use adapter::{AdapterChoice, AdapterDescription, adapters};
pub use buffer::Buffer;
pub use context::Context;
pub use dispatch::{Dispatch, fold_groups};
pub use error::{Error, Result, STORAGE_BINDING};
pub use files::{write_whole, write_whole_with};
pub use options::{ContextOptions, Mode, Tuning};
pub use peak::{Held, Peak};
pub use pipeline::Pipeline;
pub use plan::{MemoryPlan, Plan, Replay, SharedConstants};
pub use pool::MemoryReport;
pub use profile::{Profile, ProfileRow, ProfiledDispatch};
pub use texture::Texture;
