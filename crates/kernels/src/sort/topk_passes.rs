//! One launch of each pass of a top-k: `topk_delegates`, `topk_runs`, `topk_blocks`, `topk_merge`.

use tilewright_runtime::{Buffer, Context, Dispatch, Result};
use tilewright_shaders::Specialisation;

use crate::{
    base::{
        device::{Device, DeviceClass},
        numbers::{WORKGROUP, to_u32, workgroups},
        params::{ParamsLayout, params},
    },
    reduction::lines::Lines,
};

params! { SortParams for "topk_runs", "topk_blocks" {
    lines: u32,
    along: u32,
    after: u32,
    flip: u32,
    count: u32,
    lists: u32,
    kept: u32,
    results: u32,
    groups: u32,
    members: u32,
    lines_first: u32,
} }

params! { MergeParams for "topk_merge" {
    lines: u32,
    along: u32,
    after: u32,
    count: u32,
    length: u32,
    lists: u32,
    kept: u32,
    results: u32,
    parts: u32,
    stretch: u32,
} }

params! { DelegateParams for "topk_delegates" { lines: u32, along: u32, after: u32, flip: u32, groups: u32, lines_first: u32 } }

pub(super) const LAYOUTS: &[ParamsLayout] =
    &[SortParams::LAYOUT, MergeParams::LAYOUT, DelegateParams::LAYOUT];

const OP: &str = "topk";

/// Pairs of a key and a place, `count` for each line, in sorted lists of `length` of which the last may be shorter.
pub(super) struct Pairs {
    keys: Buffer,
    places: Buffer,
    pub count: usize,
    pub length: usize,
}

impl Pairs {
    fn new(context: &Context, lines: usize, count: usize, length: usize) -> Result<Self> {
        let bytes = (lines * count * 4) as u64;
        Ok(Self { keys: context.alloc(bytes)?, places: context.alloc(bytes)?, count, length })
    }

    pub fn lists(&self) -> usize {
        self.count.div_ceil(self.length)
    }
}

/// What is sorted.
pub(super) enum Candidates<'a> {
    /// The lines themselves.
    Elements,
    /// Pairs of an earlier pass.
    Pairs(&'a Pairs),
    /// The elements of the groups that these delegates stand for, of `groups` groups with `members` elements.
    Groups { chosen: &'a Pairs, groups: usize, members: usize },
}

impl Candidates<'_> {
    fn count(&self, view: Lines) -> usize {
        match self {
            Self::Elements => view.along,
            Self::Pairs(pairs) => pairs.count,
            Self::Groups { chosen, members, .. } => chosen.count * members,
        }
    }
}

/// What sorts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunSorter {
    /// A thread, in registers.
    Thread,
    /// A workgroup, in workgroup memory.
    Workgroup,
}

/// Candidates of a thread's run. Its network is sorted by all lanes at once, and costs less than the loads and stores of one
/// merge. Of 32, llvmpipe compiled a pass three times as long, and sorting took 0.95 of the time.
const RUN: usize = 16;

/// Results of a run up to which it is compiled to store no more.
const FEW: usize = 8;

/// Candidates of a thread where a workgroup sorts, and threads at least and at most.
const OWN: usize = 8;
const THREADS: std::ops::RangeInclusive<usize> = 32..=256;

impl RunSorter {
    /// Candidates of the longest run.
    pub(super) const fn run(self) -> usize {
        match self {
            Self::Thread => RUN,
            Self::Workgroup => *THREADS.end() * OWN,
        }
    }
}

/// Results of a thread that merges `results` in all. It searches for its beginning, which takes as long as some twenty results;
/// a GPU has threads enough to make up for that, llvmpipe has a few lanes that want work.
fn stretch(context: &Context, results: usize) -> usize {
    match Device::of(context).class {
        DeviceClass::SoftwareVulkan => (results / 1024).clamp(32, 512),
        DeviceClass::Gpu => 8,
    }
}

/// What all passes of a top-k share.
pub(super) struct Passes<'a> {
    pub context: &'a Context,
    pub sorter: RunSorter,
    /// Results of a line.
    pub k: usize,
    pub largest: bool,
    pub view: Lines,
    pub x: &'a Buffer,
}

impl Passes<'_> {
    fn flip(&self) -> u32 {
        if self.largest { u32::MAX } else { 0 }
    }

    fn launch(&self, kernel: Specialisation, params: &[u8], buffers: &[&Buffer], groups: u64) -> Result<()> {
        self.context.dispatch(&kernel, &Dispatch { op: OP, params, buffers, groups })
    }

    /// The best element of each of `groups` groups of a line, as lists of one pair.
    pub fn delegates(&self, groups_of_line: usize) -> Result<Pairs> {
        let view = self.view;
        let to = Pairs::new(self.context, view.lines(), groups_of_line, 1)?;
        let params = DelegateParams {
            lines: to_u32(OP, view.lines())?,
            along: to_u32(OP, view.along)?,
            after: to_u32(OP, view.after)?,
            flip: self.flip(),
            groups: to_u32(OP, groups_of_line)?,
            lines_first: u32::from(view.lines_first()),
        };
        let mut kernel = Specialisation::new("topk_delegates").with_u32("WORKGROUP", WORKGROUP);
        let mut threads = view.lines() * groups_of_line;
        if view.after == 1 && view.along.is_multiple_of(4) && groups_of_line.is_multiple_of(4) {
            kernel = kernel.with_fragment("delegates", "vec4");
            threads /= 4;
        }
        let groups = workgroups(to_u32(OP, threads)?);
        self.launch(kernel, bytemuck::bytes_of(&params), &[self.x, &to.keys, &to.places], groups)?;
        Ok(to)
    }

    /// The best k of each run of candidates, sorted. Where there is one run for each line, and `last` is given, the results
    /// lie there (elements, and places), and no pairs are returned.
    pub fn sort(&self, from: &Candidates<'_>, last: Option<[&Buffer; 2]>) -> Result<Option<Pairs>> {
        let (view, lines) = (self.view, self.view.lines());
        let count = from.count(view);
        let mut run = self.sorter.run();
        if self.sorter == RunSorter::Workgroup {
            run = count.min(run).next_power_of_two().max(THREADS.start() * OWN);
        }
        let lists = count.div_ceil(run);
        let last = last.filter(|_| lists == 1);
        let kept = self.k.min(run);
        let results = (lists - 1) * kept + kept.min(count - (lists - 1) * run);
        let (x, mut keys, mut places) = (self.x, self.x, self.x);
        let (mut groups_of_line, mut members) = (1, 1);
        match from {
            Candidates::Elements => {}
            Candidates::Pairs(pairs) => (keys, places) = (&pairs.keys, &pairs.places),
            Candidates::Groups { chosen, groups, members: size } => {
                places = &chosen.places;
                (groups_of_line, members) = (*groups, *size);
            }
        }
        let pairs = matches!(from, Candidates::Pairs(_));
        let params = SortParams {
            lines: to_u32(OP, lines)?,
            along: to_u32(OP, view.along)?,
            after: to_u32(OP, view.after)?,
            flip: self.flip(),
            count: to_u32(OP, count)?,
            lists: to_u32(OP, lists)?,
            kept: to_u32(OP, kept)?,
            results: to_u32(OP, results)?,
            groups: to_u32(OP, groups_of_line)?,
            members: to_u32(OP, members)?,
            // Pairs of a line lie one behind the other, whatever the axis.
            lines_first: u32::from(view.lines_first() && !pairs),
        };
        let runs = to_u32(OP, lines * lists)?;
        let (kernel, groups) = match self.sorter {
            RunSorter::Thread => {
                let kernel = Specialisation::new("topk_runs")
                    .with_u32("WORKGROUP", WORKGROUP)
                    .with_u32("RUN", run as u32)
                    .with_u32("LOG", run.ilog2())
                    .with_u32("STORED", if kept <= FEW { FEW } else { run } as u32);
                (kernel, workgroups(runs))
            }
            RunSorter::Workgroup => {
                let kernel = Specialisation::new("topk_blocks")
                    .with_u32("WORKGROUP", (run / OWN) as u32)
                    .with_u32("OWN", OWN as u32)
                    .with_u32("LOG", OWN.ilog2());
                (kernel, u64::from(runs))
            }
        };
        let kernel = kernel
            .with_bool("PAIRS", pairs)
            .with_bool("GROUPS", matches!(from, Candidates::Groups { .. }))
            .with_bool("LAST", last.is_some());
        let params = bytemuck::bytes_of(&params);
        if let Some([values, indices]) = last {
            self.launch(kernel, params, &[x, keys, places, values, indices], groups)?;
            return Ok(None);
        }
        let to = Pairs::new(self.context, lines, results, kept)?;
        self.launch(kernel, params, &[x, keys, places, &to.keys, &to.places], groups)?;
        Ok(Some(to))
    }

    /// Neighbouring lists merged by twos, the best k of each; to `last` as [`Self::sort`].
    pub fn merge(&self, from: &Pairs, last: Option<[&Buffer; 2]>) -> Result<Option<Pairs>> {
        let (view, lines) = (self.view, self.view.lines());
        let lists = from.lists().div_ceil(2);
        let last = last.filter(|_| lists == 1);
        let kept = self.k.min(2 * from.length);
        let results = (lists - 1) * kept + kept.min(from.count - (lists - 1) * 2 * from.length);
        let stretch = stretch(self.context, lines * results);
        let parts = kept.div_ceil(stretch);
        let params = MergeParams {
            lines: to_u32(OP, lines)?,
            along: to_u32(OP, view.along)?,
            after: to_u32(OP, view.after)?,
            count: to_u32(OP, from.count)?,
            length: to_u32(OP, from.length)?,
            lists: to_u32(OP, lists)?,
            kept: to_u32(OP, kept)?,
            results: to_u32(OP, results)?,
            parts: to_u32(OP, parts)?,
            stretch: stretch as u32,
        };
        let kernel = Specialisation::new("topk_merge")
            .with_u32("WORKGROUP", WORKGROUP)
            .with_bool("LAST", last.is_some());
        let groups = workgroups(to_u32(OP, lines * lists * parts)?);
        let params = bytemuck::bytes_of(&params);
        if let Some([values, indices]) = last {
            let buffers = &[self.x, &from.keys, &from.places, values, indices];
            self.launch(kernel, params, buffers, groups)?;
            return Ok(None);
        }
        let to = Pairs::new(self.context, lines, results, kept)?;
        self.launch(kernel, params, &[self.x, &from.keys, &from.places, &to.keys, &to.places], groups)?;
        Ok(Some(to))
    }
}
