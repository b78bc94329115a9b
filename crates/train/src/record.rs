//! What is known at the end of an epoch, and the file that keeps it: one line of JSON for each.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;
use tilewright_runtime::write_whole;

use crate::{error::Error, error::Result};

/// Means over samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The mean loss.
    pub loss: f64,
    /// Names and means of the task's metrics.
    pub metrics: Vec<(String, f64)>,
}

impl Scores {
    /// The metric of that name.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(other, _)| other == name).map(|&(_, value)| value)
    }
}

/// What is known at the end of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRecord {
    /// Which epoch, from 1.
    pub epoch: u64,
    /// Of the training samples, as they were met.
    pub train: Scores,
    /// Of the samples that are evaluated, if there are.
    pub test: Option<Scores>,
    /// The learning rate of the last step.
    pub lr: f32,
    /// Training samples a second.
    pub samples_per_second: f64,
    /// Seconds of training so far, in all.
    pub seconds: f64,
    /// Mean losses of runs of steps, in order.
    pub step_losses: Vec<f64>,
}

/// `metrics.jsonl`: a line for each epoch (`train_loss`, `train_accuracy`, `test_loss`, …), and at the end what the program
/// adds.
#[derive(Clone, Debug)]
pub struct MetricsFile {
    path: PathBuf,
    samples: String,
}

impl MetricsFile {
    /// A file at `path`, which is neither read nor written yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), samples: "samples".to_owned() }
    }

    /// Calls samples by another name: `images` writes `images_per_second`.
    #[must_use]
    pub fn samples_called(mut self, samples: impl Into<String>) -> Self {
        self.samples = samples.into();
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the whole file anew, `last` behind the epochs; a reader never sees half of it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, records: &[EpochRecord], last: Option<&impl Serialize>) -> Result<()> {
        let mut text = String::new();
        let lines =
            records.iter().map(|record| serde_json::to_string(&Line { record, samples: &self.samples }));
        for line in lines.chain(last.map(serde_json::to_string)) {
            text.push_str(&line.map_err(|error| Error::file(&self.path, error.into()))?);
            text.push('\n');
        }
        write_whole(&self.path, text.as_bytes()).map_err(|error| Error::file(&self.path, error))
    }

    /// As [`Self::write`], with nothing behind the epochs.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write_epochs(&self, records: &[EpochRecord]) -> Result<()> {
        self.write(records, None::<&()>)
    }

    /// The first `epochs` lines of an earlier run; a run without the file has none.
    pub fn read(&self, epochs: u64) -> Vec<EpochRecord> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| self.parse(&serde_json::from_str(line).ok()?));
        lines.take_while(|record| record.epoch <= epochs).collect()
    }

    fn parse(&self, line: &Fields) -> Option<EpochRecord> {
        let field = |name: &str| line.0.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let number = |name: &str| field(name)?.as_f64();
        let scores = |prefix: &str| {
            let loss = number(&format!("{prefix}loss"))?;
            let metrics = line
                .0
                .iter()
                .filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.as_f64()?)))
                .filter(|(name, _)| name != "loss" && name != "seconds");
            Some(Scores { loss, metrics: metrics.collect() })
        };
        Some(EpochRecord {
            epoch: field("epoch")?.as_u64()?,
            train: scores(TRAIN)?,
            test: scores(TEST),
            lr: number("lr")? as f32,
            samples_per_second: number(&format!("{}_per_second", self.samples))?,
            seconds: number("train_seconds")?,
            step_losses: field("step_losses")?.as_array()?.iter().filter_map(Value::as_f64).collect(),
        })
    }
}

const TRAIN: &str = "train_";
const TEST: &str = "test_";

/// The fields of a line, in their order, which is the metrics'.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

struct Line<'a> {
    record: &'a EpochRecord,
    samples: &'a str,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let EpochRecord { epoch, train, test, lr, samples_per_second, seconds, step_losses } = self.record;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("epoch", epoch)?;
        for (prefix, scores) in [(TRAIN, Some(train)), (TEST, test.as_ref())] {
            let Some(scores) = scores else { continue };
            map.serialize_entry(&format!("{prefix}loss"), &scores.loss)?;
            for (name, value) in &scores.metrics {
                map.serialize_entry(&format!("{prefix}{name}"), value)?;
            }
        }
        map.serialize_entry("lr", lr)?;
        map.serialize_entry(&format!("{}_per_second", self.samples), samples_per_second)?;
        map.serialize_entry("train_seconds", seconds)?;
        map.serialize_entry("step_losses", step_losses)?;
        map.end()
    }
}
