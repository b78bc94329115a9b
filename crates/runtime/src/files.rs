//! Files that are written whole or not at all.

use std::{fs, io, io::Write, path::Path};

/// Writes beside the target, then renames: a reader never sees half a file, and a failure leaves the old one. Makes the
/// folder if there is none.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
    part.write_all(bytes)?;
    part.as_file().sync_all()?;
    part.persist(path).map_err(|error| error.error)?;
    Ok(())
}
