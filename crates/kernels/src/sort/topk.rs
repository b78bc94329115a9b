//! The passes that a top-k takes: delegates of groups where a line is long, sorted runs, merges.

use tilewright_ops::TopK;
use tilewright_runtime::{Buffer, Context, Result};

pub use super::topk_passes::RunSorter;
use super::topk_passes::{Candidates, Pairs, Passes};
use crate::{
    base::{
        device::{Device, DeviceClass},
        numbers::to_u32,
    },
    reduction::lines::Lines,
};

/// The k largest or smallest elements of each line of `x`, best first, and their indices (i32) along the axis; `view` is x's,
/// and both results have k elements along the axis. Of equal elements the lower index comes first, as does a NaN among the
/// largest. Elements keep their bits.
pub fn topk(
    context: &Context,
    op: TopK,
    x: &Buffer,
    values: &Buffer,
    indices: &Buffer,
    view: Lines,
) -> Result<()> {
    let sorter = match Device::of(context).class {
        DeviceClass::SoftwareVulkan => RunSorter::Thread,
        // Lines that a thread sorts need no workgroup.
        DeviceClass::Gpu if view.along <= RunSorter::Thread.run() => RunSorter::Thread,
        DeviceClass::Gpu => RunSorter::Workgroup,
    };
    topk_by(context, op, sorter, x, values, indices, view)
}

/// [`topk`] with runs sorted by `sorter`.
pub fn topk_by(
    context: &Context,
    op: TopK,
    sorter: RunSorter,
    x: &Buffer,
    values: &Buffer,
    indices: &Buffer,
    view: Lines,
) -> Result<()> {
    to_u32("topk", view.lines() * view.along)?;
    if op.k == 0 || view.lines() == 0 {
        return Ok(());
    }
    let passes = Passes { context, sorter, k: op.k, largest: op.largest, view, x };
    let results = Some([values, indices]);
    let Some([groups, members]) = grouped(view.along, op.k, sorter) else {
        return sorted(&passes, &Candidates::Elements, results).map(drop);
    };
    let delegates = passes.delegates(groups)?;
    let Some(chosen) = sorted(&passes, &Candidates::Pairs(&delegates), None)? else { return Ok(()) };
    let candidates = Candidates::Groups { chosen: &chosen, groups, members };
    sorted(&passes, &candidates, results).map(drop)
}

/// Groups of a line and elements of a group, if groups with delegates pay. There are about as many delegates as elements of
/// the chosen groups, k · members; both are sorted instead of the line.
fn grouped(along: usize, k: usize, sorter: RunSorter) -> Option<[usize; 2]> {
    let most = match sorter {
        RunSorter::Thread => 4096,
        // Threads enough for a GPU.
        RunSorter::Workgroup => 32,
    };
    let members = (along / k).isqrt().min(most);
    // Whole vec4s.
    let groups = along.div_ceil(members.max(1)).next_multiple_of(4);
    (members >= 4 && along > 2 * sorter.run()).then(|| [groups, along.div_ceil(groups)])
}

/// The best k of the candidates in one list for each line; without any pairs where they went to `last`.
fn sorted(passes: &Passes<'_>, from: &Candidates<'_>, last: Option<[&Buffer; 2]>) -> Result<Option<Pairs>> {
    let mut found = passes.sort(from, last)?;
    while let Some(pairs) = found.take_if(|pairs| pairs.lists() > 1) {
        // Lists of few are sorted anew, a run of them at a time.
        found = if passes.sorter.run() >= 4 * pairs.length {
            passes.sort(&Candidates::Pairs(&pairs), last)?
        } else {
            passes.merge(&pairs, last)?
        };
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{RunSorter, grouped};

    #[test]
    fn groups_are_enough_and_candidates_fewer() {
        for sorter in [RunSorter::Thread, RunSorter::Workgroup] {
            for along in [65, 1000, 4097, 65_539, 1_000_003, 1 << 30] {
                for k in [1, 2, 5, 33, 100, 1000, 65_539] {
                    let Some([groups, members]) = grouped(along, k.min(along), sorter) else { continue };
                    assert!(groups >= k, "{along} {k}: {groups} groups");
                    assert!(groups * members >= along, "{along} {k}: {groups} groups of {members}");
                    assert!(groups + k * members <= along, "{along} {k}: {groups} groups of {members}");
                    // As far as the loops of some drivers go.
                    assert!(members < 65_536);
                }
            }
        }
        assert_eq!(grouped(1000, 1000, RunSorter::Thread), None);
        assert_eq!(grouped(1_000_000, 100, RunSorter::Thread), Some([10_000, 100]));
    }
}
