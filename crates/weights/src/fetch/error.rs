//! Why a file could not be fetched.

use std::{io, path::Path};

use thiserror::Error;

/// What fetching returns.
pub type FetchResult<T> = std::result::Result<T, FetchError>;

/// A failure of a download; the message says what to do next.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file could not be written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        source: io::Error,
    },
    /// The server could not be reached.
    #[error(
        "{url}: {reason}. Is there a connection, or a proxy to be named in HTTPS_PROXY? --url takes a mirror's address"
    )]
    Connection {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server has not got it, or does not give it.
    #[error(
        "{url}: the server answers {status}; look at the address in a browser, or give another with --url"
    )]
    Status {
        /// The address.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// The connection broke off.
    #[error(
        "{url}: it broke off at byte {had}{} ({reason}); the same command goes on from there",
        .total.map(|total| format!(" of {total}")).unwrap_or_default()
    )]
    Broken {
        /// The address.
        url: String,
        /// Bytes that have come.
        had: u64,
        /// Bytes that there are, where the server says so.
        total: Option<u64>,
        /// What went wrong.
        reason: String,
    },
    /// What came is another file.
    #[error(
        "{url}: what came has the SHA-256 {found}, and {wanted} is wanted; it was removed. The file has changed, or something on \
         the way changed it"
    )]
    Hash {
        /// The address.
        url: String,
        /// The digits that are wanted.
        wanted: String,
        /// The digits that were found.
        found: String,
    },
    /// Another file is where it is to go.
    #[error(
        "{path} is there and has the SHA-256 {found}, and {wanted} is wanted; move it away, or choose another --dir"
    )]
    Present {
        /// The file.
        path: String,
        /// The digits that are wanted.
        wanted: String,
        /// The digits that were found.
        found: String,
    },
}

impl FetchError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }

    pub(super) fn connection(url: &str, error: ureq::Error) -> Self {
        let url = url.to_owned();
        match error {
            // The server was there, and then no more.
            ureq::Error::Io(error) if error.kind() != io::ErrorKind::ConnectionRefused => {
                Self::Broken { url, had: 0, total: None, reason: error.to_string() }
            }
            error => Self::Connection { url, reason: error.to_string() },
        }
    }

    /// Whether another try may help.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Status { status: 500..|408| 429, .. })
    }
}
