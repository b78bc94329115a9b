//! What can go wrong between a kernel and a device. Each message says what to do next.

use thiserror::Error;
use tilewright_shaders::{ShaderError, SpecialiseError};

/// The limit that [`Error::is_binding_limit`] knows.
pub const STORAGE_BINDING: &str = "a storage binding (in bytes)";

/// What every fallible call of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the runtime.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No adapter fits the choice.
    #[error(
        "no GPU adapter {wanted}; {found}. Install a Vulkan driver (on Debian or Ubuntu without a GPU: \
         `apt-get install libvulkan1 mesa-vulkan-drivers`, or `make setup`), or choose another adapter with \
         TILEWRIGHT_ADAPTER; `tilewright devices` lists them"
    )]
    NoAdapter {
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// The adapter refused to give a device.
    #[error(
        "could not open a device on adapter `{adapter}`: {reason}. Update the driver, or choose another adapter with \
         TILEWRIGHT_ADAPTER"
    )]
    NoDevice {
        /// Its name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// A limit of the device would be exceeded.
    #[error(
        "{op}: {what} needs {needed}, and this device allows {limit} ({detail}). Use a smaller batch or split the \
         tensor"
    )]
    Limit {
        /// The operation.
        op: String,
        /// Which limit.
        what: &'static str,
        /// What the operation needs.
        needed: u64,
        /// What the device allows.
        limit: u64,
        /// Shapes or sizes.
        detail: String,
    },
    /// An algorithm was asked for by name and cannot run this shape on this device.
    #[error(
        "{op}: the algorithm `{algorithm}` cannot run this: {reason}. Use another one, or name none and the table in \
         `kernels::select` chooses"
    )]
    Unsupported {
        /// The operation.
        op: String,
        /// The algorithm's name.
        algorithm: &'static str,
        /// What it needs, and the shape.
        reason: String,
    },
    /// The device's memory is full.
    #[error(
        "out of device memory: could not allocate {requested} bytes ({live} in use, {pooled} kept in the pool). Use a \
         smaller batch, or drop tensors that are no longer needed"
    )]
    OutOfMemory {
        /// The allocation that failed.
        requested: u64,
        /// Bytes in use.
        live: u64,
        /// Bytes kept for reuse.
        pooled: u64,
    },
    /// The device is gone.
    #[error("the device was lost: {reason}. Make a new Context and load the last checkpoint")]
    DeviceLost {
        /// The driver's words.
        reason: String,
    },
    /// A kernel could not be specialised.
    #[error(transparent)]
    Specialise(#[from] SpecialiseError),
    /// A shader's text was rejected.
    #[error(transparent)]
    Shader(#[from] ShaderError),
    /// The driver rejected a pipeline.
    #[error(
        "the driver could not compile kernel `{kernel}`: {reason}. `tilewright kernels show {kernel} --emit wgsl` prints it"
    )]
    Pipeline {
        /// The kernel's stem.
        kernel: String,
        /// The driver's words.
        reason: String,
    },
    /// A dispatch does not fit its kernel.
    #[error("kernel `{kernel}`: invalid launch: {reason}")]
    Launch {
        /// The kernel's stem.
        kernel: String,
        /// What does not fit.
        reason: String,
    },
    /// A kernel wrote outside its buffer (found in checked mode).
    #[error(
        "a kernel wrote outside a buffer of {bytes} bytes: the sentinel behind it has changed. Check the indices of the \
         kernels launched since the last read"
    )]
    StrayWrite {
        /// The buffer's logical size.
        bytes: u64,
    },
    /// A buffer was used on a context that it does not belong to.
    #[error("{op}: a buffer belongs to another context; read it back and upload it to this one")]
    OtherContext {
        /// The operation.
        op: String,
    },
    /// A buffer of a recording was used as if it had memory.
    #[error(
        "{op}: its operand is symbolic (it has a shape and no values yet). Inside a recording use operations that the graph \
         knows; outside run the plan first and read its outputs"
    )]
    Unbacked {
        /// The operation.
        op: String,
    },
    /// A recording cannot become a plan.
    #[error("a plan cannot be made: {reason}")]
    Plan {
        /// Why.
        reason: String,
    },
    /// An application's buffer cannot be used.
    #[error("this buffer cannot be used here: {reason}")]
    Wrap {
        /// What it lacks.
        reason: String,
    },
    /// An application's texture cannot be used.
    #[error("this texture cannot be used here: {reason}")]
    Texture {
        /// What it lacks, and what to do.
        reason: String,
    },
    /// An option cannot be.
    #[error("{option} is `{value}`; it is {allowed}")]
    Option {
        /// The option, or the environment's variable.
        option: &'static str,
        /// What was given.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// A transfer does not fit the buffer.
    #[error("cannot copy {bytes} bytes into a buffer of {size} bytes")]
    TransferSize {
        /// The bytes offered.
        bytes: u64,
        /// The buffer's size.
        size: u64,
    },
    /// wgpu reported a fault that no call was waiting for.
    #[error("the device reported: {0}")]
    Device(String),
    /// A file of the pipeline cache or of the profiler could not be written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl Error {
    /// Whether a buffer is larger than what the device binds at once: a smaller piece of the work may fit.
    pub fn is_binding_limit(&self) -> bool {
        matches!(self, Self::Limit { what, .. } if *what == STORAGE_BINDING)
    }

    pub(crate) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), reason: error.to_string() }
    }
}
