//! Pictures written as PNG.

use std::{fs, io, io::Write, path::Path};

use image::{
    ExtendedColorType, ImageEncoder, ImageError,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::{
    error::{PictureError, PictureFault},
    pixels::{Picture, Samples},
};

impl Picture {
    /// The picture as the bytes of a PNG file, its samples as they are.
    ///
    /// # Errors
    /// [`PictureFault::TooLarge`] where a side is beyond the 2³¹ − 1 pixels that the format has.
    pub fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let colour = match (self.samples(), self.channels()) {
            (Samples::U8(_), 1) => ExtendedColorType::L8,
            (Samples::U8(_), 2) => ExtendedColorType::La8,
            (Samples::U8(_), 3) => ExtendedColorType::Rgb8,
            (Samples::U8(_), _) => ExtendedColorType::Rgba8,
            (Samples::U16(_), 1) => ExtendedColorType::L16,
            (Samples::U16(_), 2) => ExtendedColorType::La16,
            (Samples::U16(_), 3) => ExtendedColorType::Rgb16,
            (Samples::U16(_), _) => ExtendedColorType::Rgba16,
        };
        let side = |pixels: usize| {
            u32::try_from(pixels).ok().filter(|&side| side <= i32::MAX as u32).ok_or_else(|| {
                PictureError::unnamed(PictureFault::TooLarge {
                    what: format!("a side has {pixels} pixels"),
                    limit: format!("{} pixels that a PNG has", i32::MAX),
                })
            })
        };
        let (width, height) = (side(self.width())?, side(self.height())?);
        let mut bytes = Vec::new();
        // The thorough way takes ten times as long for files that are a little smaller.
        let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
        let written = match self.samples() {
            Samples::U8(samples) => encoder.write_image(samples, width, height, colour),
            Samples::U16(samples) => {
                let samples: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
                encoder.write_image(&samples, width, height, colour)
            }
        };
        let fault = |error| match error {
            ImageError::IoError(source) => PictureFault::Io(source),
            other => PictureFault::Io(io::Error::other(other)),
        };
        written.map_err(|error| PictureError::unnamed(fault(error)))?;
        Ok(bytes)
    }

    /// Writes the picture as a PNG file, whole or not at all: a reader never sees half a file, and a failure leaves the old
    /// one. Makes the folder if there is none.
    ///
    /// # Errors
    /// [`PictureFault::Io`] with the system's words; those of [`Self::to_png`].
    pub fn write_png(&self, path: &Path) -> Result<(), PictureError> {
        let bytes = self.to_png()?;
        let fault =
            |source| PictureError { name: path.display().to_string(), fault: PictureFault::Io(source) };
        write_whole(path, &bytes).map_err(fault)
    }
}

/// Writes beside the target, then renames.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
