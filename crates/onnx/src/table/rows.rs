//! All rows, and how one is found.

use super::operator::{HostOperator, HostRow, Operator, Row};
use super::{activation, contrib, elementwise, host, movement, network, quantized, reduction, spatial};

const ROWS: [&[Row]; 8] = [
    elementwise::ROWS,
    activation::ROWS,
    network::ROWS,
    reduction::ROWS,
    movement::ROWS,
    spatial::ROWS,
    quantized::ROWS,
    contrib::ROWS,
];

const ON_HOST: [&[HostRow]; 4] = [elementwise::ON_HOST, reduction::ON_HOST, movement::ON_HOST, host::ON_HOST];

/// Every operator that is read on the device.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.into_iter().flatten()
}

/// Every operator that is computed on the host alone.
pub(crate) fn host_rows() -> impl Iterator<Item = &'static HostRow> {
    ON_HOST.into_iter().flatten()
}

/// The operator of that name, with its domain unless it is a standard one, on the device, and the first version that is read.
pub(crate) fn on_device(name: &str) -> Option<(i64, Operator)> {
    rows().find(|row| row.0 == name).map(|&(_, since, operator)| (since, operator))
}

/// The operator of that name if it is computed on the host alone.
pub(crate) fn on_host(name: &str) -> Option<HostOperator> {
    host_rows().find(|row| row.0 == name).map(|row| row.1)
}

/// The operators that run on the device, by name, each with the first version of the standard operator set that is read.
#[must_use]
pub fn operators() -> Vec<(&'static str, i64)> {
    let mut all: Vec<_> = rows().map(|&(name, since, _)| (name, since)).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let host = host_rows().map(|row| row.0);
        let mut all: Vec<_> = rows().map(|row| row.0).chain(host).collect();
        all.sort_unstable();
        let twice: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(all.len() > 115, "{}", all.len());
    }
}
