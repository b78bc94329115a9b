//! The memory of one request at a time over a plan, and its runs.

use std::sync::Arc;

use super::{
    place::{Memory, Place, Role},
    planned::{Plan, Source},
    ready::{Ready, ReadyCopy, ReadyLaunch},
};
use crate::{buffer::Buffer, command::Command, context::Context, error::Result};

/// Inputs, outputs, pooled memory and bind groups of one request at a time: a run makes none of these. Pipelines,
/// parameters and constants are the plan's. Replays of one plan share nothing that a run writes, so that each may belong
/// to a thread of its own.
pub struct Replay {
    plan: Arc<Plan>,
    pub(super) memory: Memory,
    /// Of each launch of the plan, in order.
    bind_groups: Vec<wgpu::BindGroup>,
    /// Before and after the plan's own steps.
    pub(super) fills: Vec<Attached>,
    pub(super) drains: Vec<Attached>,
}

/// A launch that fills an input or carries an output elsewhere.
pub(super) struct Attached {
    pub port: usize,
    pub launch: ReadyLaunch,
    pub bind_group: wgpu::BindGroup,
}

/// A step with all that wgpu needs.
enum Bound<'a> {
    Launch(&'a ReadyLaunch, &'a wgpu::BindGroup),
    Copy(&'a ReadyCopy),
}

impl Plan {
    /// Memory and bind groups to run this plan with: no kernel is compiled and no constant copied.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::error::Error::OutOfMemory) if the device has no room.
    pub fn replay(self: &Arc<Self>) -> Result<Replay> {
        let context = self.context();
        let pools =
            self.memory().pools.iter().map(|&size| context.alloc_exact(size)).collect::<Result<_>>()?;
        let mut memory = Memory { pools, inputs: Vec::new(), outputs: Vec::new() };
        for source in &self.inputs {
            let buffer = find(context, &memory, source)?;
            memory.inputs.push(buffer);
        }
        for source in &self.outputs {
            let buffer = find(context, &memory, source)?;
            memory.outputs.push(buffer);
        }
        let launches = self.steps.iter().filter_map(Ready::launch);
        let bind_groups = launches
            .map(|launch| launch.bind(context, |place| memory.range(place)))
            .collect::<Result<_>>()?;
        context.gpu().check_fault()?;
        Ok(Replay { plan: self.clone(), memory, bind_groups, fills: Vec::new(), drains: Vec::new() })
    }
}

/// The memory of an input or output, where what it is the same as is already there.
fn find(context: &Context, memory: &Memory, source: &Source) -> Result<Buffer> {
    Ok(match source {
        Source::Own(size) => context.alloc(*size)?,
        Source::Shared(buffer) => buffer.clone(),
        Source::Same(Role::Input(at), _) => memory.inputs[*at].clone(),
        Source::Same(Role::Output(at), _) => memory.outputs[*at].clone(),
    })
}

impl Replay {
    /// Submits every launch at once, without waiting: the outputs are in place for whatever is submitted or read next.
    pub fn run(&self) -> Result<()> {
        let context = self.context();
        // What is recorded may begin while this is encoded, and another thread encodes at the same time.
        {
            let mut recorder = context.recorder();
            recorder.flush()?;
            if recorder.is_profiling() {
                for step in self.steps() {
                    recorder.push(self.command(&step))?;
                }
                return recorder.flush();
            }
        }
        let mut encoder = context
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tilewright plan") });
        let mut steps = self.steps().peekable();
        while let Some(step) = steps.peek() {
            if let Bound::Copy(copy) = step {
                let (from, to) = (self.memory.range(&copy.from), self.memory.range(&copy.to));
                let (from_at, to_at) = (from.offset + copy.from_offset, to.offset + copy.to_offset);
                encoder.copy_buffer_to_buffer(from.raw, from_at, to.raw, to_at, Some(copy.size));
                steps.next();
                continue;
            }
            let mut pass = encoder.begin_compute_pass(&Default::default());
            let mut current: Option<&wgpu::ComputePipeline> = None;
            while let Some(Bound::Launch(launch, bind_group)) = steps.peek() {
                let (pipeline, [x, y, z]) = (launch.pipeline.raw(), launch.grid);
                if current != Some(pipeline) {
                    pass.set_pipeline(pipeline);
                    current = Some(pipeline);
                }
                pass.set_bind_group(0, *bind_group, launch.offset.as_slice());
                pass.dispatch_workgroups(x, y, z);
                steps.next();
            }
        }
        let commands = encoder.finish();
        context.recorder().submit(commands)
    }

    /// The buffers that the caller fills, in the order of [`Context::plan`].
    pub fn inputs(&self) -> &[Buffer] {
        &self.memory.inputs
    }

    /// The buffers that the caller reads.
    pub fn outputs(&self) -> &[Buffer] {
        &self.memory.outputs
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        self.plan.context()
    }

    /// The operation and the kernel of each launch, in order, with those of [`Self::fill_input`] and
    /// [`Self::drain_output`].
    pub fn launches(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps().map(|step| match step {
            Bound::Launch(launch, _) => launch.names(),
            Bound::Copy(_) => ReadyCopy::NAMES,
        })
    }

    /// Bytes of device memory that are this replay's alone, of whole size classes. Buffers of the caller do not count.
    pub fn bytes(&self) -> u64 {
        let own = |source: &Source| matches!(source, Source::Own(_));
        let Memory { pools, inputs, outputs } = &self.memory;
        let inputs = inputs.iter().zip(&self.plan.inputs).filter(|(_, source)| own(source));
        let outputs = outputs.iter().zip(&self.plan.outputs).filter(|(_, source)| own(source));
        let ports = inputs.chain(outputs).map(|(buffer, _)| buffer);
        pools.iter().chain(ports).map(|buffer| buffer.raw().size()).sum()
    }

    /// All steps of a run, in order.
    fn steps(&self) -> impl Iterator<Item = Bound<'_>> {
        fn attached(attached: &Attached) -> Bound<'_> {
            Bound::Launch(&attached.launch, &attached.bind_group)
        }
        let mut bind_groups = self.bind_groups.iter();
        let body = self.plan.steps.iter().filter_map(move |step| match step {
            Ready::Launch(launch) => bind_groups.next().map(|group| Bound::Launch(launch, group)),
            Ready::Copy(copy) => Some(Bound::Copy(copy)),
        });
        self.fills.iter().map(attached).chain(body).chain(self.drains.iter().map(attached))
    }

    fn command(&self, step: &Bound<'_>) -> Command {
        match step {
            Bound::Launch(launch, bind_group) => Command::Dispatch {
                pipeline: launch.pipeline.clone(),
                bind_group: (*bind_group).clone(),
                offset: launch.offset,
                grid: launch.grid,
                op: launch.op.clone(),
            },
            Bound::Copy(copy) => {
                let (from, to) = (self.memory.range(&copy.from), self.memory.range(&copy.to));
                Command::Copy {
                    from: from.raw.clone(),
                    from_offset: from.offset + copy.from_offset,
                    to: to.raw.clone(),
                    to_offset: to.offset + copy.to_offset,
                    size: copy.size,
                }
            }
        }
    }

    /// Everything that a step reads or writes.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        let attached = self.fills.iter().chain(&self.drains).flat_map(|attached| attached.launch.places());
        self.plan.steps.iter().flat_map(Ready::places).chain(attached)
    }

    /// Makes the bind groups anew that have `role` in them, after its memory has changed.
    pub(super) fn renew(&mut self, role: Role) -> Result<()> {
        let Self { plan, memory, bind_groups, fills, drains } = self;
        let body = plan.steps.iter().filter_map(Ready::launch).zip(bind_groups);
        let attached =
            fills.iter_mut().chain(drains).map(|attached| (&attached.launch, &mut attached.bind_group));
        for (launch, bind_group) in body.chain(attached) {
            if launch.places().any(|place| place.role() == Some(role)) {
                *bind_group = launch.bind(plan.context(), |place| memory.range(place))?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Replay({} launches, {} bytes)", self.plan.len(), self.bytes())
    }
}
