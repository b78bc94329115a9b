//! Downloads: resumed where they stopped, held against a hash, there whole or not at all.
//!
//! A file is written beside its place as `NAME.part`, with what tells its version (the server's ETag, or its date of change) in
//! `NAME.part.version`. A second try asks for the rest only, on the condition that the version is the same (RFC 9110, `Range` and
//! `If-Range`); a server that knows no ranges sends all of it. When all bytes are there and have the hash, the file is renamed.

mod error;
mod part;

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use ureq::{Agent, Body, http::Response};

use crate::hash::sha256;

pub use error::{FetchError, FetchResult};
use part::Part;

/// What is fetched, and where it goes.
#[derive(Clone, Debug)]
pub struct Download<'a> {
    /// The address, of `https` or `http`.
    pub url: &'a str,
    /// Where the file goes.
    pub path: &'a Path,
    /// Its SHA-256, or the first digits of it. Without any, nothing but the length is held against it.
    pub sha256: Option<&'a str>,
    /// How often it is tried again where the connection broke off.
    pub retries: u32,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// The file's SHA-256.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes that had come before, in an earlier try.
    pub resumed: u64,
    /// Whether it was there, whole, and nothing was fetched.
    pub present: bool,
}

const CONNECT: Duration = Duration::from_secs(30);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// Fetches a file; `progress` is told the bytes that are there and, where the server says so, of how many.
///
/// The system's proxy (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) is used.
///
/// # Errors
/// [`FetchError`]. A file of another hash is removed; what has come of a broken download stays, for the next try.
pub fn fetch(download: &Download<'_>, progress: &mut dyn FnMut(u64, Option<u64>)) -> FetchResult<Downloaded> {
    let Download { url, path, sha256: wanted, retries } = *download;
    let file = |error| FetchError::file(path, error);
    if path.is_file() {
        let found = sha256(path).map_err(file)?;
        let bytes = fs::metadata(path).map_err(file)?.len();
        return match wanted {
            Some(wanted) if !found.starts_with(&wanted.to_lowercase()) => Err(FetchError::Present {
                path: path.display().to_string(),
                wanted: wanted.to_owned(),
                found,
            }),
            _ => Ok(Downloaded { sha256: found, bytes, resumed: 0, present: true }),
        };
    }
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("tilewright/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut part = Part::open(path).map_err(file)?;
    let resumed = part.length();
    let mut tries = 0;
    loop {
        let before = part.length();
        match once(&agent, url, &mut part, progress) {
            Ok(()) => break,
            // Where something came, the connection is worth another try, however many there have been.
            Err(error) if error.is_broken() && (part.length() > before || tries < retries) && retries > 0 => {
                tries += 1;
                thread::sleep(Duration::from_millis(200 << tries.min(5)));
            }
            Err(error) => {
                part.leave();
                return Err(error);
            }
        }
    }
    let bytes = part.length();
    let found = sha256(part.path()).map_err(file)?;
    if let Some(wanted) = wanted.filter(|wanted| !found.starts_with(&wanted.to_lowercase())) {
        part.remove();
        return Err(FetchError::Hash { url: url.to_owned(), wanted: wanted.to_owned(), found });
    }
    part.finish(path).map_err(file)?;
    Ok(Downloaded { sha256: found, bytes, resumed: resumed.min(bytes), present: false })
}

/// One request, and all that it answers into the part.
fn once(
    agent: &Agent,
    url: &str,
    part: &mut Part,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> FetchResult<()> {
    let file = |path: PathBuf| move |error| FetchError::file(&path, error);
    // A file of a form of its own, not what a proxy makes of it on the way.
    let mut request = agent.get(url).header("Accept-Encoding", "identity");
    let from = part.length();
    if let Some(version) = part.version().filter(|_| from > 0) {
        request = request.header("Range", format!("bytes={from}-")).header("If-Range", version);
    } else {
        part.restart().map_err(file(part.path().to_owned()))?;
    }
    let response = request.call().map_err(|error| FetchError::connection(url, error))?;
    let total = match response.status().as_u16() {
        206 => {
            let (first, total) = range(&response).unwrap_or((u64::MAX, None));
            if first != from {
                // Another part than the one that was asked for: all of it is asked for next time.
                part.restart().map_err(file(part.path().to_owned()))?;
                let reason = format!("it sent bytes from {first} on, and {from} was asked for");
                return Err(FetchError::Broken { url: url.to_owned(), had: 0, total, reason });
            }
            total
        }
        200 => {
            part.restart().map_err(file(part.path().to_owned()))?;
            part.set_version(version(&response)).map_err(file(part.path().to_owned()))?;
            header(&response, "content-length").and_then(|length| length.parse().ok())
        }
        // There is nothing behind what was asked for: what is there is not a part of this file.
        416 => {
            part.restart().map_err(file(part.path().to_owned()))?;
            let reason = "what had come before is not a part of it".to_owned();
            return Err(FetchError::Broken { url: url.to_owned(), had: from, total: None, reason });
        }
        status => return Err(FetchError::Status { url: url.to_owned(), status }),
    };
    let broken = |part: &Part, reason: String| FetchError::Broken {
        url: url.to_owned(),
        had: part.length(),
        total,
        reason,
    };
    let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
    let mut buffer = vec![0; 1 << 16];
    progress(part.length(), total);
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(broken(part, error.to_string())),
        };
        part.write_all(&buffer[..count]).map_err(file(part.path().to_owned()))?;
        progress(part.length(), total);
    }
    if total.is_some_and(|total| total != part.length()) {
        return Err(broken(part, "the connection ended".to_owned()));
    }
    Ok(())
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// What tells a version of the file from another: a strong ETag, or the date of its last change.
fn version(response: &Response<Body>) -> Option<&str> {
    header(response, "etag")
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| header(response, "last-modified"))
}

/// The first byte of a partial answer, and how many the whole has: `bytes 100-199/200`.
fn range(response: &Response<Body>) -> Option<(u64, Option<u64>)> {
    let (range, total) = header(response, "content-range")?.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.trim().parse().ok()?, total.trim().parse().ok()))
}
