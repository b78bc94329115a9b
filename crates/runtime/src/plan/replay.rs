//! A plan with its memory, ready to run.

use std::collections::HashMap;

use super::{
    hoist::Hoisted,
    memory::{self, Interval, MemoryPlan},
    ready::{Place, Ready, Role, Stage, bind, ready_launch, upload_params},
};
use crate::{
    buffer::Buffer,
    context::Context,
    dispatch::padded,
    error::{Error, Result},
    recording::Step,
};

/// Launches with their memory, parameters and bind groups: a run makes none of these.
pub struct Plan {
    pub(super) context: Context,
    pub(super) steps: Vec<Ready>,
    pub(super) inputs: Vec<Buffer>,
    pub(super) outputs: Vec<Buffer>,
    memory: MemoryPlan,
    hoisted: usize,
    /// Memory that the steps bind and that its owners may drop: it must not go back to the pool.
    _held: Vec<Buffer>,
}

impl Plan {
    pub(super) fn new(
        context: Context,
        hoisted: Hoisted,
        inputs: &[&Buffer],
        outputs: &[&Buffer],
    ) -> Result<Self> {
        let Hoisted { steps, constants, hoisted } = hoisted;
        let mut places: HashMap<usize, Place> = HashMap::new();
        let mut backed_inputs = Vec::with_capacity(inputs.len());
        for (at, &input) in inputs.iter().enumerate() {
            let buffer = if input.is_backed() { input.clone() } else { context.alloc(input.size())? };
            places.insert(input.key(), Place::whole(&buffer, Some(Role::Input(at))));
            backed_inputs.push(buffer);
        }
        for (&key, constant) in &constants {
            places.insert(key, Place::whole(&constant.backed, None));
        }
        let mut backed_outputs = Vec::with_capacity(outputs.len());
        for (at, &output) in outputs.iter().enumerate() {
            let known = constants.get(&output.key()).map(|constant| constant.backed.clone());
            let as_input =
                inputs.iter().position(|input| input.same(output)).map(|at| backed_inputs[at].clone());
            let as_output = outputs[..at].iter().position(|other| other.same(output));
            let buffer = match (known.or(as_input), as_output) {
                (Some(buffer), _) => buffer,
                (None, Some(before)) => Buffer::clone(&backed_outputs[before]),
                (None, None) if output.is_backed() => output.clone(),
                (None, None) => {
                    let buffer = context.alloc(output.size())?;
                    places.insert(output.key(), Place::whole(&buffer, Some(Role::Output(at))));
                    buffer
                }
            };
            backed_outputs.push(buffer);
        }
        let memory = place_values(&context, &steps, &mut places)?;
        let params = upload_params(&context, &steps)?;
        // A constant that no step reads (a folded weight that was packed afterwards) gives its memory back.
        let mut held: HashMap<usize, Buffer> = HashMap::new();
        for (buffer, _) in steps.iter().flat_map(Step::buffers) {
            let constant = constants.get(&buffer.key()).map(|constant| &constant.backed);
            if let Some(memory) = constant.or_else(|| buffer.is_backed().then_some(buffer)) {
                held.entry(memory.key()).or_insert_with(|| memory.clone());
            }
        }
        let mut ready = Vec::with_capacity(steps.len());
        let mut offsets = params.offsets.into_iter();
        for step in steps {
            let place = |buffer: &Buffer| {
                places.get(&buffer.key()).cloned().unwrap_or_else(|| Place::whole(buffer, None))
            };
            ready.push(match step {
                Step::Copy { from, from_offset, to, to_offset, size } => {
                    Ready::Copy { from: place(&from), from_offset, to: place(&to), to_offset, size }
                }
                Step::Launch(launch) => {
                    let offset = offsets.next().flatten();
                    ready_launch(&context, launch, params.raw.as_ref(), offset, Stage::Body, place)?
                }
            });
        }
        context.gpu().check_fault()?;
        Ok(Self {
            context,
            steps: ready,
            inputs: backed_inputs,
            outputs: backed_outputs,
            memory,
            hoisted,
            _held: held.into_values().collect(),
        })
    }

    /// Submits every launch at once, without waiting: the outputs are in place for whatever is submitted or read next.
    pub fn run(&self) -> Result<()> {
        let mut recorder = self.context.recorder();
        recorder.flush()?;
        if recorder.is_profiling() {
            for step in &self.steps {
                recorder.push(step.command())?;
            }
            return recorder.flush();
        }
        let mut encoder = self
            .context
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tilewright plan") });
        let mut at = 0;
        while at < self.steps.len() {
            if let Ready::Copy { from, from_offset, to, to_offset, size } = &self.steps[at] {
                let (from_at, to_at) = (from.offset + from_offset, to.offset + to_offset);
                encoder.copy_buffer_to_buffer(&from.raw, from_at, &to.raw, to_at, Some(*size));
                at += 1;
                continue;
            }
            let mut pass = encoder.begin_compute_pass(&Default::default());
            let mut current: Option<&wgpu::ComputePipeline> = None;
            while let Some(Ready::Launch { pipeline, bind_group, offset, grid: [x, y, z], .. }) =
                self.steps.get(at)
            {
                if current != Some(pipeline.raw()) {
                    pass.set_pipeline(pipeline.raw());
                    current = Some(pipeline.raw());
                }
                pass.set_bind_group(0, bind_group, offset.as_slice());
                pass.dispatch_workgroups(*x, *y, *z);
                at += 1;
            }
        }
        recorder.submit(encoder)
    }

    /// The buffers that the caller fills, in the order of [`Context::plan`].
    pub fn inputs(&self) -> &[Buffer] {
        &self.inputs
    }

    /// The buffers that the caller reads.
    pub fn outputs(&self) -> &[Buffer] {
        &self.outputs
    }

    /// Reads the input from `buffer` from now on: memory of the same context, or the application's own
    /// ([`Context::wrap`]). What filled the input before ([`Self::fill_input`]) is let go.
    ///
    /// # Errors
    /// [`Error::Plan`] if there is no such input or the buffer is too small.
    pub fn bind_input(&mut self, input: usize, buffer: Buffer) -> Result<()> {
        check_bound("input", input, self.inputs.get(input), &buffer)?;
        buffer.require_home(self.context.gpu(), "bind_input")?;
        if self.copies(Role::Input(input)) {
            buffer.require_usage(wgpu::BufferUsages::COPY_SRC)?;
        }
        self.refuse_overlap(&buffer, |role| matches!(role, Role::Output(_)))?;
        self.steps.retain(|step| !step.is(Stage::Fill(input)));
        self.rebind(Role::Input(input), &buffer)?;
        let before = std::mem::replace(&mut self.inputs[input], buffer.clone());
        // An output that is this input goes with it.
        for output in self.outputs.iter_mut().filter(|output| output.same(&before)) {
            *output = buffer.clone();
        }
        Ok(())
    }

    /// Writes the output to `buffer` from now on.
    ///
    /// # Errors
    /// [`Error::Plan`] if there is no such output, if the buffer is too small, or if no launch writes that output (it is
    /// a constant, an input, or the same as an earlier output).
    pub fn bind_output(&mut self, output: usize, buffer: Buffer) -> Result<()> {
        check_bound("output", output, self.outputs.get(output), &buffer)?;
        buffer.require_home(self.context.gpu(), "bind_output")?;
        if self.copies(Role::Output(output)) {
            buffer.require_usage(wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST)?;
        }
        self.refuse_overlap(&buffer, |role| role != Role::Output(output))?;
        if !self.rebind(Role::Output(output), &buffer)? {
            let reason =
                format!("output {output} is written by no launch of its own, so that it cannot be bound");
            return Err(Error::Plan { reason });
        }
        let before = std::mem::replace(&mut self.outputs[output], buffer.clone());
        for other in &mut self.outputs {
            if other.same(&before) {
                *other = buffer.clone();
            }
        }
        Ok(())
    }

    /// How the memory of values is shared.
    pub fn memory(&self) -> &MemoryPlan {
        &self.memory
    }

    /// Launches and copies of a run.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether a run does nothing.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Launches and copies that ran once, when the plan was made.
    pub fn hoisted(&self) -> usize {
        self.hoisted
    }

    /// The operation and the kernel of each launch, in order.
    pub fn launches(&self) -> impl Iterator<Item = (&str, &str)> {
        self.steps.iter().map(|step| match step {
            Ready::Launch { op, pipeline, .. } => (op.as_str(), pipeline.label()),
            Ready::Copy { .. } => ("copy", "copy"),
        })
    }

    /// The context on which it runs.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Fails if a step binds `buffer` already in a role that `conflicts`: a result may not lie where something else is
    /// still read.
    fn refuse_overlap(&self, buffer: &Buffer, conflicts: impl Fn(Role) -> bool) -> Result<()> {
        let meets = |place: &Place| place.raw == *buffer.raw() && place.role.is_none_or(&conflicts);
        if !self.steps.iter().flat_map(Ready::places).any(meets) {
            return Ok(());
        }
        let reason =
            "the buffer is another input, output or constant of the plan; give it one of its own".to_owned();
        Err(Error::Plan { reason })
    }

    /// Whether the device's own copy reads or writes it, which takes more than a storage buffer.
    fn copies(&self, role: Role) -> bool {
        let is = |place: &Place| place.role == Some(role);
        self.steps.iter().any(|step| matches!(step, Ready::Copy { from, to, .. } if is(from) || is(to)))
    }

    /// Puts `buffer` where `role` is; whether any step had it.
    fn rebind(&mut self, role: Role, buffer: &Buffer) -> Result<bool> {
        let mut found = false;
        let mut renew = |place: &mut Place| {
            let hit = place.role == Some(role);
            if hit {
                *place = Place { size: place.size, ..Place::whole(buffer, Some(role)) };
                found = true;
            }
            hit
        };
        for step in &mut self.steps {
            match step {
                Ready::Copy { from, to, .. } => {
                    renew(from);
                    renew(to);
                }
                Ready::Launch { pipeline, bind_group, bound, views, params, .. } => {
                    if bound.iter_mut().fold(false, |any, (_, place)| renew(place) || any) {
                        *bind_group = bind(&self.context, pipeline, params.as_ref(), bound, views)?;
                    }
                }
            }
        }
        Ok(found)
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Plan({} launches, {} bytes)", self.steps.len(), self.memory.bytes())
    }
}

fn check_bound(what: &str, at: usize, expected: Option<&Buffer>, buffer: &Buffer) -> Result<()> {
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

/// Gives a place to every buffer that has none yet.
fn place_values(context: &Context, steps: &[Step], places: &mut HashMap<usize, Place>) -> Result<MemoryPlan> {
    let gpu = context.gpu();
    let mut number: HashMap<usize, usize> = HashMap::new();
    let mut keys = Vec::new();
    let mut intervals: Vec<Interval> = Vec::new();
    let mut apart: Vec<Vec<usize>> = Vec::new();
    for (time, step) in steps.iter().enumerate() {
        let mut here: Vec<(usize, bool)> = Vec::new();
        for (buffer, written) in step.buffers() {
            if buffer.is_backed() || places.contains_key(&buffer.key()) {
                continue;
            }
            let at = *number.entry(buffer.key()).or_insert_with(|| {
                keys.push(buffer.key());
                intervals.push(Interval { size: padded(buffer.size()), first: time, last: time });
                apart.push(Vec::new());
                keys.len() - 1
            });
            if !written && intervals[at].first == time && !here.contains(&(at, true)) {
                let reason = format!("step {time} reads {} that nothing has filled", buffer.describe());
                return Err(Error::Plan { reason });
            }
            intervals[at].last = time;
            here.push((at, written));
        }
        // A launch whose bindings may share a buffer needs only bytes of its own for each.
        let may_share = matches!(step, Step::Launch(launch) if launch.pipeline.shares_buffers());
        for &(a, written) in here.iter().filter(|_| !may_share) {
            for &(b, _) in here.iter().filter(|(b, _)| *b != a && written) {
                apart[a].push(b);
                apart[b].push(a);
            }
        }
    }
    let placement = memory::place(&intervals, &apart, gpu.limits.max_buffer_size);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let pools: Vec<_> = placement
        .pools
        .iter()
        .map(|&size| gpu.create_raw("tilewright plan", size, usage))
        .collect::<Result<_>>()?;
    for ((&key, interval), &(pool, offset)) in keys.iter().zip(&intervals).zip(&placement.places) {
        places.insert(key, Place { raw: pools[pool].clone(), offset, size: interval.size, role: None });
    }
    Ok(MemoryPlan {
        values: intervals.len(),
        unshared: intervals.iter().map(|interval| interval.size).sum(),
        lower_bound: memory::lower_bound(&intervals),
        pools: placement.pools,
    })
}
