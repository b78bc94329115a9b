//! From a file, or its bytes, to a picture.

use std::{error::Error, fs::File, io, io::Cursor, io::Read, path::Path};

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::{
    error::{PictureError, PictureFault},
    jpeg,
    pixels::{Picture, Samples},
};

/// How large a picture may be: a header of a few bytes may announce any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest side, in pixels.
    pub side: usize,
    /// The most bytes of a file, and of the samples in memory.
    pub bytes: u64,
}

impl Default for Limits {
    /// 100,000 pixels a side and 1 GiB: 350 million pixels of RGB.
    fn default() -> Self {
        Self { side: 100_000, bytes: 1 << 30 }
    }
}

/// The formats that are read, by what they begin with.
fn format_of(bytes: &[u8]) -> Option<(ImageFormat, &'static str)> {
    let begins = |with: &[u8]| bytes.starts_with(with);
    Some(match bytes {
        _ if begins(b"\x89PNG\r\n\x1a\n") => (ImageFormat::Png, "PNG"),
        _ if begins(b"\xff\xd8\xff") => (ImageFormat::Jpeg, "JPEG"),
        _ if begins(b"BM") => (ImageFormat::Bmp, "BMP"),
        _ if begins(b"II*\0") || begins(b"MM\0*") => (ImageFormat::Tiff, "TIFF"),
        _ if begins(b"GIF87a") || begins(b"GIF89a") => (ImageFormat::Gif, "GIF"),
        _ if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => (ImageFormat::WebP, "WebP"),
        _ => return None,
    })
}

/// Reads the picture in a file, upright.
///
/// # Errors
/// [`PictureError`] with the file's name. Nothing is returned in part: a picture that is cut short is an error, where other
/// readers paint the rest grey.
pub fn read(path: &Path) -> Result<Picture, PictureError> {
    read_within(path, &Limits::default())
}

/// As [`read`], with limits of one's own.
///
/// # Errors
/// Those of [`read`].
pub fn read_within(path: &Path, limits: &Limits) -> Result<Picture, PictureError> {
    bytes_of(path, limits)
        .and_then(|bytes| decoded(&bytes, limits))
        .map_err(|fault| PictureError { name: path.display().to_string(), fault })
}

/// Width and height of the picture in a file once it is upright, as [`read`] gives it; its pixels are not decoded.
///
/// # Errors
/// As [`read`], but for damage behind the header.
pub fn size(path: &Path) -> Result<(usize, usize), PictureError> {
    let limits = Limits::default();
    let size = |bytes: Vec<u8>| {
        let (mut decoder, fault) = opened(&bytes, &limits)?;
        let (width, height) = decoder.dimensions();
        let turned = decoder.orientation().map_err(fault)?.to_exif() > 4;
        let [width, height] = [width as usize, height as usize];
        Ok(if turned { (height, width) } else { (width, height) })
    };
    bytes_of(path, &limits)
        .and_then(size)
        .map_err(|fault| PictureError { name: path.display().to_string(), fault })
}

fn bytes_of(path: &Path, limits: &Limits) -> Result<Vec<u8>, PictureFault> {
    let file = File::open(path).map_err(PictureFault::Io)?;
    let about = file.metadata().map_err(PictureFault::Io)?;
    if about.is_dir() {
        return Err(PictureFault::Folder);
    }
    let mut bytes = Vec::new();
    file.take(limits.bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(PictureFault::Io)?;
    if bytes.len() as u64 > limits.bytes {
        let what = format!("the file has {} bytes", about.len().max(bytes.len() as u64));
        return Err(PictureFault::TooLarge { what, limit: format!("{} bytes", limits.bytes) });
    }
    Ok(bytes)
}

/// Reads the picture in the bytes of a file, upright.
///
/// # Errors
/// As [`read`]; the picture is called `the picture`.
pub fn decode(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode_within(bytes, &Limits::default())
}

/// As [`decode`], with limits of one's own.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_within(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    decoded(bytes, limits).map_err(PictureError::unnamed)
}

/// A decoder that has read the header and found it within the limits, and what its errors mean.
fn opened<'a>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<(impl ImageDecoder + 'a, impl Fn(ImageError) -> PictureFault + Copy + use<>), PictureFault> {
    let Some((format, name)) = format_of(bytes) else {
        return Err(PictureFault::Unknown { hint: hint(bytes) });
    };
    let length = bytes.len();
    let truncated = move || PictureFault::Truncated { format: name, bytes: length };
    let whole = match format {
        ImageFormat::Jpeg => jpeg::is_whole(bytes),
        // RIFF says how long the rest is; what the decoder says of a part does not always tell it from damage.
        ImageFormat::WebP => {
            let rest =
                bytes.get(4..).and_then(|rest| rest.first_chunk().copied()).map_or(0, u32::from_le_bytes);
            bytes.len() as u64 >= 8 + u64::from(rest)
        }
        _ => true,
    };
    if !whole {
        return Err(truncated());
    }
    let most = limits.bytes;
    let fault = move |error: ImageError| match error {
        error if ends_early(&error) => truncated(),
        ImageError::Limits(error) => {
            PictureFault::TooLarge { what: error.to_string(), limit: format!("{most} bytes") }
        }
        error => PictureFault::Damaged { format: name, reason: error.to_string() },
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut within = image::Limits::no_limits();
    within.max_alloc = Some(limits.bytes.saturating_mul(2));
    reader.limits(within);
    let decoder = reader.into_decoder().map_err(fault)?;
    let (width, height) = decoder.dimensions();
    let (wide, high) = (width as usize, height as usize);
    if wide == 0 || high == 0 {
        return Err(PictureFault::Empty { width: wide, height: high });
    }
    let what = |size: String| format!("it has {width}×{height} pixels{size}");
    if wide.max(high) > limits.side {
        let limit = format!("{} pixels a side", limits.side);
        return Err(PictureFault::TooLarge { what: what(String::new()), limit });
    }
    let size = decoder.total_bytes();
    if size > limits.bytes {
        let limit = format!("{} bytes", limits.bytes);
        return Err(PictureFault::TooLarge { what: what(format!(", {size} bytes")), limit });
    }
    Ok((decoder, fault))
}

fn decoded(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureFault> {
    let (mut decoder, fault) = opened(bytes, limits)?;
    let orientation = decoder.orientation().map_err(fault)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(fault)?;
    image.apply_orientation(orientation);
    let (wide, high) = (image.width() as usize, image.height() as usize);
    let (channels, samples) = match image {
        DynamicImage::ImageLuma8(image) => (1, Samples::U8(image.into_raw())),
        DynamicImage::ImageLumaA8(image) => (2, Samples::U8(image.into_raw())),
        DynamicImage::ImageRgb8(image) => (3, Samples::U8(image.into_raw())),
        DynamicImage::ImageRgba8(image) => (4, Samples::U8(image.into_raw())),
        DynamicImage::ImageLuma16(image) => (1, Samples::U16(image.into_raw())),
        DynamicImage::ImageLumaA16(image) => (2, Samples::U16(image.into_raw())),
        DynamicImage::ImageRgb16(image) => (3, Samples::U16(image.into_raw())),
        DynamicImage::ImageRgba16(image) => (4, Samples::U16(image.into_raw())),
        other => return Err(PictureFault::Samples { found: format!("{:?}", other.color()) }),
    };
    Picture::new(wide, high, channels, samples).map_err(|error| error.fault)
}

/// Whether the bytes ended before the decoder had all it wanted, which each decoder says in its own way.
fn ends_early(error: &ImageError) -> bool {
    // `image` gives the cause of an input error as its source, and not the error itself.
    if matches!(error, ImageError::IoError(io) if io.kind() == io::ErrorKind::UnexpectedEof) {
        return true;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        let early = io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof)
            // All that the decoder of GIF gives is these words.
            || error.to_string().ends_with("Unexpected End of File");
        if early {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What bytes look like that are no picture.
fn hint(bytes: &[u8]) -> String {
    let start = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let text = start.trim_ascii_start();
    match start {
        [] => "the file is empty".to_owned(),
        _ if start.starts_with(b"version https://git-lfs") => "it is a pointer of Git LFS".to_owned(),
        _ if text.starts_with(b"<svg") || text.starts_with(b"<?xml") => "it is XML, perhaps SVG".to_owned(),
        _ if text.starts_with(b"<") => "it is a web page".to_owned(),
        _ if start.get(4..8) == Some(b"ftyp") => "it is HEIF, AVIF or a film".to_owned(),
        _ if start.starts_with(b"%PDF") => "it is a PDF".to_owned(),
        _ if start.starts_with(b"\x93NUMPY") => "it is a NumPy array".to_owned(),
        _ => {
            let first: Vec<String> = start.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            format!("it begins with the bytes {}", first.join(" "))
        }
    }
}
