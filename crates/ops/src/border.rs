//! Borders made of what is there.

use crate::{error::ShapeError, resample::TapTable};

/// What a border is made of, as `torch.nn.functional.pad` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BorderMode {
    /// The elements mirrored at the first and the last one, which are not repeated.
    Reflect,
    /// The first and the last element, again and again.
    Replicate,
    /// The elements of the other end.
    Circular,
}

impl BorderMode {
    /// PyTorch's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reflect => "reflect",
            Self::Replicate => "replicate",
            Self::Circular => "circular",
        }
    }

    /// An axis of `extent` elements with `before` and `behind` more: which element each place shows.
    ///
    /// # Errors
    /// [`ShapeError::Parameter`] for a border that the mode cannot make: mirrored of `extent` or more, circular of more than
    /// `extent`, and any of an empty axis.
    pub fn table(self, extent: usize, before: usize, behind: usize) -> Result<TapTable, ShapeError> {
        let most = match self {
            Self::Reflect => extent.saturating_sub(1),
            Self::Replicate => {
                if extent == 0 {
                    0
                } else {
                    usize::MAX >> 2
                }
            }
            Self::Circular => extent,
        };
        if before > most || behind > most {
            let hint = match self {
                Self::Reflect => "a mirrored border must be smaller than its axis",
                Self::Replicate => "an empty axis has nothing to repeat",
                Self::Circular => "a circular border must be no larger than its axis",
            };
            let value = format!("({before}, {behind}) around {extent}");
            return Err(ShapeError::Parameter { op: "pad_mode", parameter: "padding", value, hint });
        }
        let places = before.checked_add(extent).and_then(|sum| sum.checked_add(behind));
        let places = places.filter(|&places| places <= TapTable::MOST_INDEX).ok_or_else(|| {
            let value = format!("({before}, {behind}) around {extent}");
            let hint = "16,777,216 places of an axis are the most: f32 counts no further";
            ShapeError::Parameter { op: "pad_mode", parameter: "padding", value, hint }
        })?;
        let last = extent.saturating_sub(1);
        let shown = (0..places).map(|place| match self {
            Self::Reflect if place < before => before - place,
            Self::Reflect if place - before > last => 2 * last - (place - before),
            Self::Replicate if place < before => 0,
            Self::Replicate if place - before > last => last,
            Self::Circular if place < before => extent - (before - place),
            Self::Circular if place - before > last => place - before - extent,
            _ => place - before,
        });
        Ok(TapTable::gather(&shown.collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mode: BorderMode, extent: usize, before: usize, behind: usize) -> Vec<usize> {
        let table = mode.table(extent, before, behind).expect("a table");
        table.entries().iter().map(|[index, _]| *index as usize).collect()
    }

    #[test]
    fn borders_are_pytorchs() {
        assert_eq!(shown(BorderMode::Reflect, 3, 2, 1), [2, 1, 0, 1, 2, 1]);
        assert_eq!(shown(BorderMode::Replicate, 3, 2, 4), [0, 0, 0, 1, 2, 2, 2, 2, 2]);
        assert_eq!(shown(BorderMode::Circular, 3, 2, 3), [1, 2, 0, 1, 2, 0, 1, 2]);
        assert_eq!(shown(BorderMode::Reflect, 1, 0, 0), [0]);
    }

    #[test]
    fn what_cannot_be_made_is_a_typed_error() {
        for (mode, extent, before, behind) in [
            (BorderMode::Reflect, 3, 3, 0),
            (BorderMode::Reflect, 1, 0, 1),
            (BorderMode::Replicate, 0, 1, 0),
            (BorderMode::Circular, 2, 0, 3),
            (BorderMode::Replicate, 2, usize::MAX, 3),
            (BorderMode::Replicate, 2, 1 << 40, 3),
        ] {
            let found = mode.table(extent, before, behind);
            assert!(
                matches!(found, Err(ShapeError::Parameter { .. })),
                "{mode:?} {extent} {before} {behind}"
            );
        }
    }
}
