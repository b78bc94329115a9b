//! Downloads from a server on this machine that breaks off, redirects, refuses, or knows no ranges.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "fetch/server.rs"]
mod server;

use std::{fs, path::Path};

use server::{Answer, Server};
use tilewright_weights::{
    fetch::{Download, Downloaded, FetchError, fetch},
    sha256,
};

/// A file that no buffer holds at once.
fn contents() -> Vec<u8> {
    (0..300_001_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn hash(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    fs::write(&path, bytes).unwrap();
    sha256(&path).unwrap()
}

fn get(url: &str, path: &Path, sha256: Option<&str>, retries: u32) -> Result<Downloaded, FetchError> {
    fetch(&Download { url, path, sha256, retries }, &mut |_, _| {})
}

/// The names in a folder.
fn left(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn the_hash_is_the_standards() {
    // FIPS 180-4's own example.
    assert_eq!(hash(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn a_whole_file_comes_once() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), contents());
    let server = Server::new(bytes.clone(), vec![Answer::Whole]);
    let (path, url, sum) = (folder.path().join("new/x.pth"), server.url("/x.pth"), hash(&bytes));
    let mut seen = Vec::new();
    let download = Download { url: &url, path: &path, sha256: Some(&sum[..8]), retries: 0 };
    let got = fetch(&download, &mut |had, total| seen.push((had, total))).unwrap();
    assert_eq!(got, Downloaded { sha256: sum.clone(), bytes: 300_001, resumed: 0, present: false });
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!((seen[0], *seen.last().unwrap()), ((0, Some(300_001)), (300_001, Some(300_001))));
    assert_eq!(left(&folder.path().join("new")), ["x.pth"]);
    // It is there: the server, which has no other answer, is not asked.
    assert!(get(&url, &path, Some(&sum), 0).unwrap().present);
    assert_eq!(server.requests().len(), 1);
    let error = get(&url, &path, Some("00000000"), 0).unwrap_err();
    assert!(matches!(error, FetchError::Present { .. }) && path.exists(), "{error}");
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), contents());
    let server = Server::new(bytes.clone(), vec![Answer::Cut(100_000), Answer::Whole]);
    let (path, url, sum) = (folder.path().join("x.pth"), server.url("/x.pth"), hash(&bytes));
    let error = get(&url, &path, Some(&sum), 0).unwrap_err();
    assert!(matches!(error, FetchError::Broken { had: 100_000, total: Some(300_001), .. }), "{error:?}");
    assert!(error.to_string().contains("byte 100000 of 300001"), "{error}");
    assert_eq!(left(folder.path()), ["x.pth.part", "x.pth.part.version"]);
    let got = get(&url, &path, Some(&sum), 0).unwrap();
    assert_eq!((got.resumed, got.bytes), (100_000, 300_001));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(left(folder.path()), ["x.pth"]);
    let second = &server.requests()[1];
    assert!(second.contains("range: bytes=100000-") && second.contains("if-range: \"v1\""), "{second}");
}

#[test]
fn it_is_tried_again_as_long_as_something_comes() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), contents());
    let answers = vec![Answer::Cut(1), Answer::Cut(2), Answer::Cut(200_000), Answer::Cut(0), Answer::Whole];
    let server = Server::new(bytes.clone(), answers);
    let path = folder.path().join("x.pth");
    get(&server.url("/x.pth"), &path, Some(&hash(&bytes)), 5).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn a_changed_file_and_a_server_without_ranges_begin_anew() {
    let bytes = contents();
    for second in [Answer::Changed, Answer::NoRanges, Answer::WrongRange] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pth");
        let server = Server::new(bytes.clone(), vec![Answer::Cut(100_000), second, Answer::Whole]);
        get(&server.url("/x.pth"), &path, Some(&hash(&bytes)), 0).unwrap_err();
        match get(&server.url("/x.pth"), &path, Some(&hash(&bytes)), 0) {
            Ok(got) => assert_eq!(got.bytes, 300_001),
            Err(error) => {
                assert!(
                    second == Answer::WrongRange && matches!(error, FetchError::Broken { .. }),
                    "{error}"
                );
                get(&server.url("/x.pth"), &path, Some(&hash(&bytes)), 0).unwrap();
            }
        }
        assert_eq!(fs::read(&path).unwrap(), bytes, "{second:?}");
        assert_eq!(left(folder.path()), ["x.pth"]);
    }
}

#[test]
fn a_part_that_is_longer_than_the_file_is_thrown_away() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), contents());
    let server = Server::new(bytes.clone(), vec![Answer::Whole, Answer::Whole]);
    let path = folder.path().join("x.pth");
    fs::write(folder.path().join("x.pth.part"), vec![0; 400_000]).unwrap();
    fs::write(folder.path().join("x.pth.part.version"), "\"v1\"").unwrap();
    get(&server.url("/x.pth"), &path, Some(&hash(&bytes)), 1).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn another_file_is_refused_and_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(contents(), vec![Answer::Whole]);
    let path = folder.path().join("x.pth");
    let error = get(&server.url("/x.pth"), &path, Some("deadbeef"), 3).unwrap_err();
    assert!(matches!(error, FetchError::Hash { .. }) && error.to_string().contains("deadbeef"), "{error}");
    assert_eq!(left(folder.path()), [""; 0]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn refusals_are_said_and_redirects_followed() {
    let (folder, bytes) = (tempfile::tempdir().unwrap(), contents());
    let path = folder.path().join("x.pth");
    let server = Server::new(bytes.clone(), vec![Answer::Missing]);
    let error = get(&server.url("/x.pth"), &path, None, 3).unwrap_err();
    assert!(
        matches!(error, FetchError::Status { status: 404, .. }) && error.to_string().contains("404"),
        "{error}"
    );
    assert_eq!((left(folder.path()), server.requests().len()), (vec![], 1));

    // The range goes along to where the file is.
    let answers = vec![Answer::Cut(100_000), Answer::Redirect, Answer::Whole];
    let server = Server::new(bytes.clone(), answers);
    get(&server.url("/x.pth"), &path, None, 0).unwrap_err();
    assert_eq!(get(&server.url("/x.pth"), &path, None, 0).unwrap().resumed, 100_000);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert!(
        server.requests()[2].starts_with("get /moved")
            && server.requests()[2].contains("range: bytes=100000-")
    );

    let nobody = server.url("/x.pth");
    drop(server);
    let error = get(&nobody, &folder.path().join("y.pth"), None, 0).unwrap_err();
    assert!(matches!(error, FetchError::Connection { .. }), "{error:?}");
    assert_eq!(left(folder.path()), ["x.pth"]);
}
