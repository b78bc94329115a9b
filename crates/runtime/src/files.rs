//! Files that are written whole or not at all.

use std::{fs, io, io::Write, path::Path};

/// Writes beside the target, then renames: a reader never sees half a file, and a failure leaves the old one. Makes the
/// folder if there is none.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole_with(path, |part| part.write_all(bytes))
}

/// As [`write_whole`], by a function that writes piece by piece: what is larger than the memory that is left. Where it fails,
/// nothing is left behind.
pub fn write_whole_with<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> Result<(), E>,
) -> Result<(), E> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tilewright-").suffix(".part");
    #[cfg(unix)]
    {
        // A temporary file is for its owner's eyes only; what is kept is for everybody's, as the umask allows.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut part = builder.tempfile_in(folder)?;
    write(part.as_file_mut())?;
    part.as_file().sync_all()?;
    part.persist(path).map_err(|error| error.error)?;
    Ok(())
}
