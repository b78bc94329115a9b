//! The rows of the tables that choose among algorithms, and what a table says about a shape.

use super::device::DeviceClass;

/// A row of a table: on `device`, where `test` holds, `algorithm` runs.
pub(crate) struct Rule<P: 'static, A: 'static> {
    pub device: DeviceClass,
    /// The condition in words.
    pub when: &'static str,
    pub test: fn(&P) -> bool,
    pub algorithm: A,
    pub why: &'static str,
}

/// What a table says about a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<A> {
    /// The algorithm to run.
    pub algorithm: A,
    /// The row of the table that matched.
    pub when: &'static str,
    /// Why the row is there.
    pub why: &'static str,
    pub(crate) device: DeviceClass,
    pub(crate) problem: String,
    pub(crate) kernel: &'static str,
    pub(crate) caveat: Option<&'static str>,
}

impl<A> Choice<A> {
    /// One line for people: device, shape, kernel and reason, and what is to know of its result.
    pub fn explain(&self) -> String {
        let Self { problem, kernel, when, why, .. } = self;
        let caveat = self.caveat.map(|caveat| format!("; {caveat}")).unwrap_or_default();
        format!("{problem} on {}: {kernel} ({when}: {why}){caveat}", self.device.name())
    }
}

/// When and why what was measured is chosen.
pub(crate) const MEASURED: (&str, &str) =
    ("measured", "the quickest on this device of those that computed it rightly");
