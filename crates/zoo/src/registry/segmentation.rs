//! The networks that segment, a row each.

use super::entry::Entry;

pub(super) const ROWS: &[Entry] = &[];
