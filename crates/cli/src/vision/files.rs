//! Picture files: those of a folder, and many read at once.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    sync::mpsc,
    thread,
};

use tilewright_data::{DataError, picture, picture::Picture};

use crate::{error::Error, error::Result};

/// How the files that are read begin their ends.
const ENDS: [&str; 9] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "gif", "jfif"];

/// The picture files in `folder` and the folders in it, by their names' ends, in the order of their paths.
///
/// # Errors
/// [`Error::File`] for a folder that cannot be read; [`Error::Array`] if there is no picture.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| Error::file(&folder, error))? {
            let entry = entry.map_err(|error| Error::file(&folder, error))?;
            let path = entry.path();
            // A link to a folder is not followed: it may lead back.
            let kind = entry.file_type().map_err(|error| Error::file(&path, error))?;
            let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
            if kind.is_dir() {
                folders.push(path);
            } else if end.is_some_and(|end| ENDS.contains(&end.as_str())) {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        let reason = format!("it has no picture; files that end in {} are read", ENDS.join(", "));
        return Err(Error::Array { path: folder.display().to_string(), reason });
    }
    found.sort();
    Ok(found)
}

/// What `make` makes of each file's picture, in their order; files are read on all processors.
pub fn read_all<T: Send>(
    paths: &[PathBuf],
    make: impl Fn(Picture) -> Result<T, picture::PictureError> + Sync,
) -> Vec<Result<T>> {
    let one = |path: &PathBuf| {
        let named = |error: picture::PictureError| picture::PictureError {
            name: path.display().to_string(),
            fault: error.fault,
        };
        Ok(picture::read(path).and_then(|picture| make(picture).map_err(named)).map_err(DataError::from)?)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(paths.len());
    if threads < 2 {
        return paths.iter().map(one).collect();
    }
    let (next, (done, results)) = (AtomicUsize::new(0), mpsc::channel());
    let mut made: Vec<_> = thread::scope(|scope| {
        for _ in 0..threads {
            let done = done.clone();
            let (next, one) = (&next, &one);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(at) else { return };
                    // Nobody listens where the others failed.
                    if done.send((at, one(path))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        results.iter().collect()
    });
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, result)| result).collect()
}
