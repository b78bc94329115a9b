//! How much a thread of the memory-bound kernels does: one choice for a device class.

use tilewright_runtime::Context;
use tilewright_shaders::Specialisation;

use super::{
    device::{Device, DeviceClass},
    numbers::WORKGROUP,
};

/// `kernel` with its vec4s as two words of 64 bits each, where that is quicker: on llvmpipe, which loads and stores word by
/// word and lane by lane, each with its check of the buffer's end. From memory such a load is slow unless its cache
/// lines were touched before: LLVM inserts lanes 4 to 7 by masked loads, each of which waits for memory by itself.
pub(crate) fn wide_words(context: &Context, kernel: Specialisation) -> Specialisation {
    if Device::of(context).wide_words() { kernel.with_fragment("words", "u64") } else { kernel }
}

/// vec4s in a turn of a subgroup of 8 lanes that reads words of 64 bits: a cache line for each lane.
pub(crate) const WIDE_TURN: u32 = 32;

/// What one thread takes: thread coarsening.
///
/// A GPU hides latency with threads, and starts one for next to nothing. llvmpipe runs a workgroup's subgroups one after
/// the other on one core, where starting a subgroup costs about as much as moving a hundred elements: 32 vec4s per thread
/// moved 3.5 times the bytes of one (Mesa 25; twice on 22.3). Its loops must have an end that is no constant: 16 or 32
/// turns of constant number took twice the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coarsening {
    /// Distance of the vec4s of a thread: the lanes of a subgroup, which read one run of memory.
    pub lanes: u32,
    /// vec4s of a thread.
    pub vectors: u32,
    /// Rows of a thread in the kernels that walk down the columns of a matrix.
    pub rows: u32,
    /// Threads in all, about, of the kernels that sum chunks of rows.
    pub threads: u32,
    /// Columns of a thread at most, in the kernels that walk down columns.
    most_columns: u32,
}

/// Columns of a thread that keeps numbers of each, where a row allows it. Of four, a walk is no faster, and the numbers
/// outgrow the registers: llvmpipe compiled a kernel of batch normalisation's gradient for 1.3 s instead of 0.4 s.
const WALK: u32 = 2;

/// The largest `rows`.
pub(crate) const MOST_ROWS: u32 = 64;

impl Coarsening {
    pub const GPU: Self = Self { lanes: 32, vectors: 1, rows: 8, threads: 8192, most_columns: 1 };

    /// That of llvmpipe with subgroups of `lanes`.
    pub const fn software(lanes: u32) -> Self {
        Self { lanes, vectors: 32, rows: MOST_ROWS, threads: 1024, most_columns: 4 }
    }

    pub fn of(context: &Context) -> Self {
        let device = Device::of(context);
        match device.class {
            DeviceClass::SoftwareVulkan => Self::software(device.lanes),
            DeviceClass::Gpu => Self::GPU,
        }
    }

    /// The same with no more than `vectors` vec4s a thread, for kernels that do more with each.
    pub fn at_most(self, vectors: u32) -> Self {
        Self { vectors: self.vectors.min(vectors), ..self }
    }

    /// The same with a multiple of `columns` vec4s a thread, for kernels that take so many of a row at a time.
    pub fn in_runs_of(self, columns: u32) -> Self {
        Self { vectors: (self.vectors / columns).max(1) * columns, ..self }
    }

    /// How many columns, `lanes` apart, a thread takes of rows of `width` values: on llvmpipe so many that a subgroup reads
    /// whole rows, or long runs of them. A walk that leaves out every other 128 bytes took twice the time of one that does
    /// not: prefetchers follow what is read without gaps.
    pub fn columns(self, width: u32) -> u32 {
        (1..=self.most_columns).rev().find(|columns| width.is_multiple_of(columns * self.lanes)).unwrap_or(1)
    }

    /// The same for walks that keep numbers of each column.
    pub fn kept_columns(self, width: u32) -> u32 {
        let even = self.blocked() && width.is_multiple_of(WALK * self.lanes);
        if even { WALK } else { self.columns(width) }
    }

    /// Elements in a row of whole pixels, `width` of which are whole vec4s: as many such as make [`WALK`] whole turns of a
    /// subgroup or less, or else as few more as can be, up to the most columns of a thread.
    pub fn whole_turns(self, width: usize) -> usize {
        let turn = 4 * self.lanes as usize;
        let rows =
            || (1..=self.lanes as usize).map(|pixels| pixels * width).filter(|row| row.is_multiple_of(turn));
        rows()
            .rev()
            .find(|row| row / turn <= WALK as usize)
            .or_else(|| rows().find(|row| row / turn <= self.most_columns as usize))
            .filter(|_| self.blocked())
            .unwrap_or(width)
    }

    /// Whether a thread walks over neighbouring rows, and not over every n-th.
    pub fn blocked(self) -> bool {
        self.most_columns > 1
    }

    /// As [`Coarsening::specialise`], with runs of two vec4s as words of 64 bits where that is quicker and `vectors` are whole turns
    /// of such; and how many runs there are.
    pub fn specialise_runs(
        self,
        context: &Context,
        kernel: Specialisation,
        vectors: u32,
    ) -> (Specialisation, u64, u32) {
        self.specialise_runs_in(context, kernel, "runs", vectors)
    }

    /// The same, of a kernel whose runs are in the slot `slot`.
    pub fn specialise_runs_in(
        self,
        context: &Context,
        kernel: Specialisation,
        slot: &'static str,
        vectors: u32,
    ) -> (Specialisation, u64, u32) {
        let (kernel, groups) = self.specialise(kernel, vectors);
        if !Device::of(context).wide_words()
            || !vectors.is_multiple_of(WIDE_TURN)
            || !self.vectors.is_multiple_of(WIDE_TURN / self.lanes)
        {
            return (kernel, groups, vectors);
        }
        (kernel.with_fragment(slot, "u64").with_u32("TURN", 2).with_bool("AHEAD", true), groups, vectors / 2)
    }

    /// As [`Coarsening::specialise_runs`], for a kernel that reads nothing.
    pub fn specialise_stores(
        self,
        context: &Context,
        kernel: Specialisation,
        vectors: u32,
    ) -> (Specialisation, u64, u32) {
        let (kernel, groups) = self.specialise(kernel, vectors);
        // Two vec4s a run.
        if !Device::of(context).wide_words() || !vectors.is_multiple_of(2) || !self.vectors.is_multiple_of(2)
        {
            return (kernel, groups, vectors);
        }
        (kernel.with_fragment("runs", "u64"), groups, vectors / 2)
    }

    /// The workgroups of `kernel` for `vectors` vec4s, and the kernel with its constants.
    pub fn specialise(self, kernel: Specialisation, vectors: u32) -> (Specialisation, u64) {
        let kernel = kernel
            .with_u32("WORKGROUP", WORKGROUP)
            .with_u32("LANES", self.lanes)
            .with_u32("VECTORS", self.vectors);
        (kernel, u64::from(vectors.div_ceil(WORKGROUP * self.vectors)))
    }
}

const _: () = assert!(WORKGROUP.is_multiple_of(32), "a workgroup is whole runs of `lanes`");
