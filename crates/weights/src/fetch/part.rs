//! A file that is on its way.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What has come of a file, and of which version it is.
pub(super) struct Part {
    path: PathBuf,
    version_path: PathBuf,
    file: File,
    length: u64,
    version: Option<String>,
}

impl Part {
    /// What an earlier try left of the file that is to be at `path`, or nothing yet.
    pub fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let beside = |ending: &str| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            path.with_file_name(name)
        };
        let (part, version_path) = (beside(".part"), beside(".part.version"));
        let file = OpenOptions::new().append(true).create(true).open(&part)?;
        let length = file.metadata()?.len();
        let version =
            fs::read_to_string(&version_path).ok().filter(|version| !version.contains(['\r', '\n']));
        Ok(Self { path: part, version_path, file, length, version })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that have come.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What the server said of its version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Begins anew.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        (self.length, self.version) = (0, None);
        match fs::remove_file(&self.version_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Keeps what tells the version; without it nothing can be resumed.
    pub fn set_version(&mut self, version: Option<&str>) -> io::Result<()> {
        self.version = version.map(str::to_owned);
        version.map_or(Ok(()), |version| fs::write(&self.version_path, version))
    }

    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Leaves it for the next try, or nothing if nothing has come that could be resumed.
    pub fn leave(self) {
        if self.length == 0 || self.version.is_none() {
            self.remove();
        }
    }

    /// Leaves nothing.
    pub fn remove(self) {
        // What cannot be removed is in nobody's way: the next try begins with it.
        let _ = fs::remove_file(&self.version_path);
        let _ = fs::remove_file(&self.path);
    }

    /// Puts it in its place.
    pub fn finish(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        let _ = fs::remove_file(&self.version_path);
        Ok(())
    }
}
