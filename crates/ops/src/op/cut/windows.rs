//! Which rows of an operand the windows of some rows of a result read. Columns are cut by the same rules.
//!
//! A piece keeps the padding of the whole. Its operand then begins so many rows before what its windows read that the padding
//! above is seen only by rows that are dropped (`skip`), but at the true edge; below it is seen only by rows that come after
//! those that are asked for. So no operation needs a padding that differs from side to side, and a mean that counts no
//! padding counts what it would count in the whole.

use std::ops::Range;

use super::pieces::Part;

/// Windows along one axis.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    /// The axis of the operands: 2 or 3.
    pub axis: usize,
    pub stride: usize,
    pub padding: usize,
    /// From the first to the last tap, both included.
    pub span: usize,
    /// Positions of the operand that the windows lie on.
    pub extent: usize,
}

impl Windows {
    pub fn new(axis: usize, stride: usize, padding: usize, taps: [usize; 2], extent: usize) -> Self {
        let [kernel, dilation] = taps;
        let span = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
        Self { axis, stride: stride.max(1), padding, span, extent }
    }

    /// The part of the operand that the windows `range` read, and how many windows a piece makes before those.
    pub fn read(&self, range: &Range<usize>) -> (Part, usize) {
        let Self { axis, stride, padding, span, extent } = *self;
        let last = extent.saturating_sub(1) / stride;
        let first = range.start.saturating_sub(padding.div_ceil(stride)).min(last);
        let start = first * stride;
        let end = (range.end.saturating_sub(1) * stride + span).saturating_sub(padding);
        (Part::new(axis, start..end.max(start + 1).min(extent)), range.start - first)
    }

    /// How many windows a piece makes of an operand of `extent` positions.
    pub fn count(&self, extent: usize) -> usize {
        (extent + 2 * self.padding).checked_sub(self.span).map_or(0, |free| free / self.stride + 1)
    }

    /// The windows, of `windows` in all, that write the positions `range` where results of windows go back to what they
    /// read, and how many positions a piece has before those.
    pub fn written(&self, range: &Range<usize>, windows: usize) -> (Part, usize) {
        let Self { axis, stride, padding, span, .. } = *self;
        let earliest = (range.start + padding).saturating_sub(span - 1).div_ceil(stride);
        let first = earliest.min(range.start / stride).min(windows.saturating_sub(1));
        // Two paddings more, which the piece cuts off its own end.
        let end = (range.end + 2 * padding).div_ceil(stride) + 1;
        (Part::new(axis, first..end.max(first + 1).min(windows)), range.start - first * stride)
    }

    /// Positions that the windows `range`, of `windows` in all, lie on, where the first of them is `start` in the whole.
    pub fn spanned(&self, range: &Range<usize>, windows: usize, start: usize) -> usize {
        if range.end == windows {
            // Up to the end of the whole, what no window covers belongs to it.
            return self.extent - start;
        }
        (range.len().saturating_sub(1) * self.stride + self.span).saturating_sub(2 * self.padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strides, paddings, kernels, dilations and extents of which some window fits.
    fn all() -> Vec<Windows> {
        let mut all = Vec::new();
        for stride in 1..=4 {
            for padding in 0..=4 {
                for taps in [[1, 1], [2, 1], [3, 1], [3, 2], [5, 1], [2, 3]] {
                    for extent in [1, 2, 5, 8, 13] {
                        all.push(Windows::new(2, stride, padding, taps, extent));
                    }
                }
            }
        }
        all.retain(|windows| windows.count(windows.extent) > 0);
        all
    }

    /// Ranges of `extent` positions.
    fn ranges(extent: usize) -> impl Iterator<Item = Range<usize>> {
        (0..extent).flat_map(move |start| (start + 1..=extent).map(move |end| start..end))
    }

    #[test]
    fn a_piece_reads_what_its_windows_read() {
        for windows in all() {
            let Windows { stride, padding, span, extent, .. } = windows;
            for range in ranges(windows.count(extent)) {
                let (part, skip) = windows.read(&range);
                let at = format!("{stride} {padding} {span} {extent} {range:?} {part:?}");
                assert!(!part.range.is_empty() && part.range.end <= extent, "{at}");
                assert!(windows.count(part.range.len()) >= skip + range.len(), "{at}");
                // In the piece, window `skip` lies as the first of the range does in the whole.
                assert_eq!(part.range.start + skip * stride, range.start * stride, "{at}");
                for window in range {
                    for place in (window * stride..window * stride + span).filter(|place| *place >= padding) {
                        let inside = place - padding < extent;
                        assert!(!inside || part.range.contains(&(place - padding)), "{at}, window {window}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_piece_is_written_by_all_windows_that_reach_it() {
        for windows in all() {
            let Windows { stride, padding, span, extent, .. } = windows;
            let count = windows.count(extent);
            for range in ranges(extent) {
                let (part, skip) = windows.written(&range, count);
                let at = format!("{stride} {padding} {span} {extent} {range:?} {part:?}");
                let spanned = windows.spanned(&part.range, count, range.start - skip);
                assert!(!part.range.is_empty() && part.range.end <= count, "{at}");
                assert_eq!(windows.count(spanned), part.range.len(), "{at}");
                assert!(spanned >= skip + range.len(), "{at}: {spanned}");
                assert_eq!(part.range.start * stride + skip, range.start, "{at}");
                for window in 0..count {
                    let reaches = |place: &usize| {
                        (window * stride..window * stride + span).contains(&(place + padding))
                    };
                    assert!(
                        !range.clone().any(|place| reaches(&place)) || part.range.contains(&window),
                        "{at}, {window}"
                    );
                }
            }
        }
    }
}
