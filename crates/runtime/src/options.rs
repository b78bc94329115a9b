//! How a context is made: which adapter, how strictly, with which cache.

use std::{env, path::PathBuf, str::FromStr};

use crate::{
    adapter::AdapterChoice,
    error::{Error, Result},
};

/// How much is checked while kernels run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Trusted shaders: no index clamps, no loop counters. The default.
    #[default]
    Fast,
    /// All of naga's run-time checks; new buffers are poisoned and carry a sentinel that is verified.
    Checked,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fast" => Ok(Self::Fast),
            "checked" => Ok(Self::Checked),
            other => Err(Error::Option {
                option: "TILEWRIGHT_MODE",
                value: other.to_owned(),
                allowed: "`fast` or `checked`",
            }),
        }
    }
}

/// Whether algorithms are chosen by measuring.
///
/// A measured choice may differ from run to run of the measurement, and with it the order of sums; the tables give the
/// same bits always. So the default measures nothing, and uses nothing that was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tuning {
    /// By the tables alone. The default.
    #[default]
    Off,
    /// By what was measured before, where something was; else by the tables.
    Cached,
    /// By measuring, at the first use of each shape; the result is kept in the cache folder.
    Measure,
}

impl FromStr for Tuning {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "0" | "off" => Ok(Self::Off),
            "cached" => Ok(Self::Cached),
            "1" | "on" | "measure" => Ok(Self::Measure),
            other => Err(Error::Option {
                option: "TILEWRIGHT_TUNE",
                value: other.to_owned(),
                allowed: "`0` (tables only), `cached` (what was measured before) or `1` (measure what is missing)",
            }),
        }
    }
}

/// The smallest limit on storage bindings that may be asked for.
const LEAST_BINDING: u64 = 256;

/// The choices of [`crate::Context::with_options`].
#[derive(Clone, Debug, Default)]
pub struct ContextOptions {
    /// Which adapter.
    pub adapter: AdapterChoice,
    /// How much is checked.
    pub mode: Mode,
    /// The folder where compiled pipelines and measurements are kept between runs; `None` keeps none.
    pub pipeline_cache: Option<PathBuf>,
    /// Whether algorithms are chosen by measuring.
    pub tuning: Tuning,
    /// Whether products are exact: see [`crate::Context::exact`].
    pub exact: bool,
    /// The largest storage binding in bytes, where it is to be smaller than the device's: operations on tensors beyond it run
    /// in slices. It is for tests, and for finding out how a network runs on a smaller device.
    pub max_binding: Option<u64>,
}

impl ContextOptions {
    /// Reads `TILEWRIGHT_ADAPTER` (an index, a part of a name, `high-performance` or `low-power`),
    /// `TILEWRIGHT_MODE` (`fast` or `checked`), `TILEWRIGHT_TUNE` (`0`, `cached` or `1`, see [`Tuning`]),
    /// `TILEWRIGHT_MAX_BINDING` (bytes, see [`Self::max_binding`]) and `TILEWRIGHT_CACHE` (a folder; empty for none). Without
    /// the last, the cache lies in the user's cache folder.
    pub fn from_env() -> Result<Self> {
        // What is set and empty counts as not set.
        let variable = |name| match env::var(name) {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(text)) => Err(Error::Option {
                option: name,
                value: text.to_string_lossy().into_owned(),
                allowed: "text in UTF-8",
            }),
        };
        let adapter = variable("TILEWRIGHT_ADAPTER")?
            .map_or(AdapterChoice::default(), |text| text.parse().unwrap_or_default());
        let mode = variable("TILEWRIGHT_MODE")?.map_or(Ok(Mode::Fast), |text| text.parse())?;
        let tuning = variable("TILEWRIGHT_TUNE")?.map_or(Ok(Tuning::Off), |text| text.parse())?;
        let max_binding = variable("TILEWRIGHT_MAX_BINDING")?
            .map(|value| {
                let (option, allowed) = ("TILEWRIGHT_MAX_BINDING", "a number of bytes, 256 or more");
                let bytes = value.parse().ok().filter(|&bytes: &u64| bytes >= LEAST_BINDING);
                bytes.ok_or(Error::Option { option, value, allowed })
            })
            .transpose()?;
        let pipeline_cache = match env::var_os("TILEWRIGHT_CACHE") {
            Some(folder) if folder.is_empty() => None,
            Some(folder) => Some(PathBuf::from(folder)),
            None => user_cache().map(|folder| folder.join("tilewright")),
        };
        Ok(Self { adapter, mode, pipeline_cache, tuning, exact: false, max_binding })
    }

    /// The same with another mode.
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The same with exact products, or without.
    pub fn with_exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// The same with another way of choosing algorithms.
    pub fn with_tuning(mut self, tuning: Tuning) -> Self {
        self.tuning = tuning;
        self
    }

    /// The same with storage bindings of so many bytes at most; below 256 it is 256.
    pub fn with_max_binding(mut self, bytes: u64) -> Self {
        self.max_binding = Some(bytes);
        self
    }

    /// The device's limits with what is asked for here.
    pub(crate) fn limited(&self, mut limits: wgpu::Limits) -> wgpu::Limits {
        let most = self.max_binding.unwrap_or(u64::MAX).max(LEAST_BINDING);
        limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(most);
        limits
    }
}

fn user_cache() -> Option<PathBuf> {
    env::var_os("XDG_CACHE_HOME")
        .or_else(|| env::var_os("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
}
