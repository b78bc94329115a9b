//! What a submission is made of.

use crate::pipeline::Pipeline;

/// A launch or a copy, with all that wgpu needs.
pub(crate) enum Command {
    Dispatch {
        pipeline: Pipeline,
        bind_group: wgpu::BindGroup,
        /// Where its parameters lie, if it has some.
        offset: Option<u32>,
        grid: [u32; 3],
        op: String,
    },
    Copy {
        from: wgpu::Buffer,
        from_offset: u64,
        to: wgpu::Buffer,
        to_offset: u64,
        size: u64,
    },
}
