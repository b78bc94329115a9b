//! Where a command's time goes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long each part of looking at a picture took, of all pictures (or batches) that were looked at.
#[derive(Debug)]
pub struct Times {
    /// In the order in which they first came.
    parts: Vec<(&'static str, Vec<Duration>)>,
    since: Instant,
}

impl Default for Times {
    fn default() -> Self {
        Self { parts: Vec::new(), since: Instant::now() }
    }
}

impl Times {
    /// The next part begins now; what was done since the last one ended is nobody's.
    pub fn begin(&mut self) {
        self.since = Instant::now();
    }

    /// A part ends now, and the next one begins.
    pub fn end(&mut self, part: &'static str) {
        let took = self.since.elapsed();
        match self.parts.iter_mut().find(|(name, _)| *name == part) {
            Some((_, all)) => all.push(took),
            None => self.parts.push((part, vec![took])),
        }
        self.begin();
    }

    /// For each part its name and the median of its milliseconds. The first time, in which kernels are compiled, counts only where there is no other.
    pub fn medians(&self) -> Vec<(&'static str, f64)> {
        let median = |all: &[Duration]| {
            let mut warm = if let [_, warm @ ..] = all
                && !warm.is_empty()
            {
                warm
            } else {
                all
            }
            .to_vec();
            warm.sort();
            warm.get(warm.len() / 2).map_or(0.0, |took| 1e3 * took.as_secs_f64())
        };
        self.parts.iter().map(|(name, all)| (*name, median(all))).collect()
    }

    /// The medians by the parts' names.
    pub fn json(&self) -> Value {
        self.medians()
            .into_iter()
            .map(|(name, milliseconds)| (name.to_owned(), json!(milliseconds)))
            .collect()
    }

    /// Says the medians, a line each.
    pub fn say(&self) {
        eprintln!("milliseconds, the median without the first");
        for (name, milliseconds) in self.medians() {
            eprintln!("{milliseconds:>10.2}  {name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_counts_only_where_it_is_alone() {
        let of = |all: &[u64]| Times {
            parts: vec![("network", all.iter().map(|&ms| Duration::from_millis(ms)).collect())],
            since: Instant::now(),
        };
        assert_eq!(of(&[900]).medians(), [("network", 900.0)]);
        assert_eq!(of(&[900, 5]).medians(), [("network", 5.0)]);
        assert_eq!(of(&[900, 7, 5, 6]).medians(), [("network", 6.0)]);
        assert_eq!(of(&[900, 7]).json(), json!({ "network": 7.0 }));
    }

    #[test]
    fn parts_keep_their_order() {
        let mut times = Times::default();
        for part in ["read", "network", "read", "network"] {
            times.end(part);
        }
        let names: Vec<_> = times.parts.iter().map(|(name, all)| (*name, all.len())).collect();
        assert_eq!(names, [("read", 2), ("network", 2)]);
    }
}
