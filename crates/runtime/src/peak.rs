//! What was held when the most was held, for whoever wants to make that less.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use serde::Serialize;

/// The shape of the tensor that was first put into a buffer, for messages.
pub(crate) type Shape = Arc<OnceLock<Box<[usize]>>>;

/// Buffers of one kind that were held at the peak.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Held {
    /// The part of the program that took them ([`crate::Context::name_memory`]).
    pub part: String,
    /// The operation that took them.
    pub operation: String,
    /// The shape of the tensor in each; nothing for what is no tensor: an operation's workspace.
    pub shape: Option<Vec<usize>>,
    /// Bytes of all, in whole size classes.
    pub bytes: u64,
    /// How many.
    pub buffers: usize,
}

/// The moment at which the most was held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peak {
    /// The part of the program that was at work.
    pub part: String,
    /// The operation that was.
    pub operation: String,
    /// What was held, the largest first.
    pub held: Vec<Held>,
    /// Bytes of what was held from before the watch began.
    pub earlier: u64,
}

/// A buffer that was taken.
struct Taken {
    part: Arc<str>,
    operation: Arc<str>,
    shape: Shape,
    bytes: u64,
    /// Its place among all that were taken.
    number: u64,
}

/// Keeps a note of each buffer that is held. Of those that are gone, only what was held at the peak matters.
#[derive(Default)]
pub(crate) struct Watch {
    part: Arc<str>,
    operation: Arc<str>,
    held: HashMap<wgpu::Buffer, Taken>,
    gone: Vec<Taken>,
    taken: u64,
    /// How many had been taken at the peak, who was at work, and the bytes of all that was held.
    peak: (u64, [Arc<str>; 2], u64),
}

impl Watch {
    /// Begins when `live` bytes are held.
    pub fn begin(live: u64) -> Self {
        Self { peak: (0, Default::default(), live), ..Self::default() }
    }

    /// Says what the buffers are for that will be taken.
    pub fn name_part(&mut self, part: &str) {
        (self.part, self.operation) = (part.into(), "".into());
    }

    /// Says which operation will take buffers.
    pub fn name_operation(&mut self, operation: &str) {
        if *self.operation != *operation {
            self.operation = operation.into();
        }
    }

    /// Notes that this buffer was taken.
    pub fn take(&mut self, raw: &wgpu::Buffer, shape: &Shape) {
        self.taken += 1;
        let (part, operation, shape) = (self.part.clone(), self.operation.clone(), shape.clone());
        let taken = Taken { part, operation, shape, bytes: raw.size(), number: self.taken };
        self.held.insert(raw.clone(), taken);
    }

    /// Notes that a buffer went back.
    pub fn put(&mut self, raw: &wgpu::Buffer) {
        if let Some(taken) = self.held.remove(raw)
            && taken.number <= self.peak.0
        {
            self.gone.push(taken);
        }
    }

    /// Notes that never so much was held as with the buffer that is being taken.
    pub fn rise(&mut self, live: u64) {
        self.peak_at(self.taken + 1, live);
    }

    /// Lets the peak begin anew.
    pub fn reset(&mut self, live: u64) {
        self.peak_at(self.taken, live);
    }

    fn peak_at(&mut self, number: u64, live: u64) {
        self.gone.clear();
        self.peak = (number, [self.part.clone(), self.operation.clone()], live);
    }

    /// What was held when the most was held.
    pub fn at_peak(&self) -> Peak {
        let (number, [part, operation], live) = &self.peak;
        let mut groups: BTreeMap<_, (u64, usize)> = BTreeMap::new();
        for taken in self.held.values().chain(&self.gone).filter(|taken| taken.number <= *number) {
            let shape = taken.shape.get().map(|shape| shape.to_vec());
            let (bytes, buffers) = groups.entry((&taken.part, &taken.operation, shape)).or_default();
            *bytes += taken.bytes;
            *buffers += 1;
        }
        let known: u64 = groups.values().map(|(bytes, _)| bytes).sum();
        let held = groups.into_iter().map(|((part, operation, shape), (bytes, buffers))| {
            let [part, operation] = [part, operation].map(|name| name.to_string());
            Held { part, operation, shape, bytes, buffers }
        });
        let mut held: Vec<_> = held.collect();
        held.sort_by_key(|held| std::cmp::Reverse(held.bytes));
        let [part, operation] = [part, operation].map(|name| name.to_string());
        Peak { part, operation, held, earlier: live.saturating_sub(known) }
    }
}
