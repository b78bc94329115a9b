//! Buffers by size class, kept for reuse. One queue runs everything in order, so a buffer whose owner is gone may be
//! handed out again while earlier commands that use it are still pending.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::peak::Watch;

/// What the pool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryReport {
    /// Bytes of buffers that somebody holds (of whole size classes).
    pub live: u64,
    /// Bytes kept for reuse.
    pub pooled: u64,
    /// The most that live and pooled have been together.
    pub high_water: u64,
    /// The most that live has been.
    pub live_high_water: u64,
    /// Buffers that somebody holds.
    pub live_buffers: u64,
    /// Buffers made since the context began.
    pub allocations: u64,
}

#[derive(Default)]
pub(crate) struct Pool {
    free: BTreeMap<u64, Vec<wgpu::Buffer>>,
    pub report: MemoryReport,
    /// Notes of what is held, where somebody asked for them.
    pub watch: Option<Watch>,
}

/// Size classes: eight to an octave, so that at most an eighth is wasted.
pub(crate) fn size_class(bytes: u64) -> u64 {
    let bytes = bytes.max(256);
    let octave = 1u64 << (63 - bytes.leading_zeros());
    let step = (octave / 8).max(256);
    bytes.div_ceil(step) * step
}

impl Pool {
    /// A buffer of `class` bytes that nobody holds; unless it must be `exact`, one that is an eighth larger will do: it is
    /// there, and another would be memory on top.
    pub fn take(&mut self, class: u64, exact: bool) -> Option<wgpu::Buffer> {
        let most = if exact { class } else { class.saturating_add(class / 8) };
        let found = self.free.range_mut(class..=most).find_map(|(_, buffers)| buffers.pop())?;
        self.report.pooled -= found.size();
        self.count_live(found.size());
        Some(found)
    }

    pub fn count_new(&mut self, class: u64) {
        self.report.allocations += 1;
        self.count_live(class);
    }

    fn count_live(&mut self, class: u64) {
        self.report.live += class;
        self.report.live_buffers += 1;
        self.report.high_water = self.report.high_water.max(self.report.live + self.report.pooled);
        if self.report.live > self.report.live_high_water {
            self.report.live_high_water = self.report.live;
            if let Some(watch) = &mut self.watch {
                watch.rise(self.report.live);
            }
        }
    }

    /// Takes back a buffer whose last owner is gone.
    pub fn put(&mut self, raw: wgpu::Buffer) {
        let class = raw.size();
        if let Some(watch) = &mut self.watch {
            watch.put(&raw);
        }
        self.report.live -= class;
        self.report.live_buffers -= 1;
        self.report.pooled += class;
        self.free.entry(class).or_default().push(raw);
    }

    /// Lets the high-water marks begin anew.
    pub fn reset_peaks(&mut self) {
        self.report.high_water = self.report.live + self.report.pooled;
        self.report.live_high_water = self.report.live;
        if let Some(watch) = &mut self.watch {
            watch.reset(self.report.live);
        }
    }

    /// Frees what is kept for reuse.
    pub fn trim(&mut self) {
        self.free.clear();
        self.report.pooled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn classes_waste_at_most_an_eighth() {
        for bytes in (1..5000).chain([1 << 20, (1 << 20) + 1, 3 << 30]) {
            let class = size_class(bytes);
            assert!(class >= bytes && class.is_multiple_of(256), "{bytes} -> {class}");
            assert!(class <= (bytes + bytes / 8).max(bytes + 256), "{bytes} -> {class}");
            assert_eq!(size_class(class), class);
        }
    }
}
