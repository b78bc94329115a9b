//! The largest or smallest elements of each line, and sorting.

mod topk;
mod topk_backward;
mod topk_passes;

pub use topk::{RunSorter, topk, topk_by};
pub use topk_backward::topk_backward;

pub(crate) fn params() -> Vec<crate::base::params::ParamsLayout> {
    [topk_passes::LAYOUTS, topk_backward::LAYOUTS].concat()
}
