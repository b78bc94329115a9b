//! What was timed: as a table, and as a trace file that Perfetto opens.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::Serialize;
use serde_json::json;

use crate::{
    error::{Error, Result},
    files::write_whole,
};

/// One dispatch that was timed.
#[derive(Clone, Debug, Serialize)]
pub struct ProfiledDispatch {
    /// The operation that the user called.
    pub op: String,
    /// The kernel's stem.
    pub kernel: String,
    /// When it began, in nanoseconds of the device's clock.
    pub start_ns: f64,
    /// How long it took, in nanoseconds.
    pub duration_ns: f64,
}

/// What was timed between `start_profile` and `finish_profile`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Profile {
    /// Every dispatch in the order of submission.
    pub dispatches: Vec<ProfiledDispatch>,
}

/// The dispatches of one operation and kernel together.
#[derive(Clone, Debug, Serialize)]
pub struct ProfileRow {
    /// The operation.
    pub op: String,
    /// The kernel's stem.
    pub kernel: String,
    /// How many dispatches.
    pub count: usize,
    /// Their time together, in milliseconds.
    pub total_ms: f64,
    /// Their part of all the time, from 0 to 1.
    pub share: f64,
}

impl Profile {
    /// Totals by operation and kernel, the longest first.
    pub fn rows(&self) -> Vec<ProfileRow> {
        let mut totals: BTreeMap<(&str, &str), (usize, f64)> = BTreeMap::new();
        for dispatch in &self.dispatches {
            let entry = totals.entry((&dispatch.op, &dispatch.kernel)).or_default();
            entry.0 += 1;
            entry.1 += dispatch.duration_ns / 1e6;
        }
        let all: f64 = totals.values().map(|(_, ms)| ms).sum();
        let mut rows: Vec<_> = totals
            .into_iter()
            .map(|((op, kernel), (count, total_ms))| ProfileRow {
                op: op.to_owned(),
                kernel: kernel.to_owned(),
                count,
                total_ms,
                share: if all > 0.0 { total_ms / all } else { 0.0 },
            })
            .collect();
        rows.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
        rows
    }

    /// Writes the trace-event JSON that Perfetto and chrome://tracing open, whole or not at all.
    pub fn write_trace(&self, path: &Path) -> Result<()> {
        let origin = self.dispatches.iter().map(|d| d.start_ns).fold(f64::INFINITY, f64::min);
        let events: Vec<_> = self
            .dispatches
            .iter()
            .map(|d| {
                json!({"name": d.op, "cat": "gpu", "ph": "X", "pid": 1, "tid": 1, "ts": (d.start_ns - origin) / 1e3,
                       "dur": d.duration_ns / 1e3, "args": {"kernel": d.kernel}})
            })
            .collect();
        let text = json!({"traceEvents": events, "displayTimeUnit": "ms"}).to_string();
        write_whole(path, text.as_bytes()).map_err(|error| Error::file(path, &error))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>7}  {:>10}  {:>6}  {:<28} kernel", "share", "total ms", "count", "operation")?;
        for row in self.rows() {
            writeln!(
                f,
                "{:>6.1}%  {:>10.3}  {:>6}  {:<28} {}",
                row.share * 100.0,
                row.total_ms,
                row.count,
                row.op,
                row.kernel
            )?;
        }
        Ok(())
    }
}
