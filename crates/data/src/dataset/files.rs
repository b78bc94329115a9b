//! Pictures in files, decoded when they are asked for.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::images::ImageDataset;
use crate::{
    error::DataError,
    picture::{self, Picture, Samples},
    transform::{IGNORED, Image},
};

/// Pictures in files with what they show: classes, several classes at once, or masks.
///
/// Nothing but the first picture is read before it is asked for: the loader's threads decode.
pub struct PictureFiles {
    files: Vec<PathBuf>,
    truth: Truth,
    channels: usize,
    class_names: Vec<String>,
    first: [usize; 3],
}

/// What is known of the pictures.
pub(super) enum Truth {
    /// A class each.
    Labels(Vec<u32>),
    /// For each the classes that it is of: 1 or 0, a number for each class.
    Marks(Vec<f32>),
    /// For each a file with the class of each pixel.
    Masks(Vec<PathBuf>, MaskKind),
}

/// What the numbers in a mask mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskKind {
    /// The class of the pixel; 255 is no class, as in Pascal VOC.
    Classes,
    /// The number of the object that the pixel belongs to: class 1; 0 is the ground, class 0.
    Instances,
}

/// A picture that cannot be used.
#[derive(Debug)]
pub struct Unreadable {
    /// The picture.
    pub path: PathBuf,
    /// Why.
    pub error: DataError,
}

/// What ends the name of a picture, in lower case.
const ENDINGS: [&str; 9] = ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "gif", "jfif"];

/// Whether a file is a picture by its name.
pub(super) fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// What is in a folder, in the order of the names; what begins with a dot is left out.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let fault = |source| DataError::Io { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

impl PictureFiles {
    /// Takes the files and what is known of them, both checked. Pictures become colours of 3 channels.
    pub(super) fn new(files: Vec<PathBuf>, truth: Truth, class_names: Vec<String>) -> Self {
        Self { files, truth, channels: 3, class_names, first: [3, 0, 0] }
    }

    /// Makes the pictures grey, of 1 channel, or colours, of 3.
    ///
    /// # Errors
    /// [`DataError::InvalidOption`] for another number.
    pub fn channels(mut self, channels: usize) -> Result<Self, DataError> {
        if channels != 1 && channels != 3 {
            let reason = format!("pictures have 1 or 3, not {channels}");
            return Err(DataError::InvalidOption { setting: "channels", reason });
        }
        (self.channels, self.first) = (channels, [channels, 0, 0]);
        Ok(self)
    }

    /// Reads the first picture, whose shape [`ImageDataset::image_shape`] then says.
    ///
    /// # Errors
    /// [`DataError::Picture`]; those of its mask.
    pub fn open(mut self) -> Result<Self, DataError> {
        self.first = self.sample(0)?.shape;
        Ok(self)
    }

    /// The files, in order.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Reads every picture, and its mask, on `threads` threads, and gives those that cannot be used, in order.
    #[must_use]
    pub fn unreadable(&self, threads: usize) -> Vec<(usize, Unreadable)> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut found = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = self.files.get(index) else { return found };
                if let Err(error) = self.sample(index) {
                    found.push((index, Unreadable { path: path.clone(), error }));
                }
            }
        };
        let mut found = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut found = work();
            for thread in others {
                found.extend(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            found
        });
        found.sort_unstable_by_key(|(index, _)| *index);
        found
    }

    /// All but the files of these numbers.
    ///
    /// # Errors
    /// [`DataError::Empty`] if none is left.
    pub fn without(mut self, left_out: &[usize]) -> Result<Self, DataError> {
        let classes = self.class_names.len();
        let mut keep = vec![true; self.files.len()];
        for &index in left_out {
            if let Some(kept) = keep.get_mut(index) {
                *kept = false;
            }
        }
        retain(&mut self.files, &keep, 1);
        match &mut self.truth {
            Truth::Labels(labels) => retain(labels, &keep, 1),
            Truth::Marks(marks) => retain(marks, &keep, classes),
            Truth::Masks(masks, _) => retain(masks, &keep, 1),
        }
        if self.files.is_empty() {
            return Err(DataError::Empty { what: "the pictures that can be read".into(), dims: vec![0] });
        }
        Ok(self)
    }

    fn path(&self, index: usize) -> Result<&Path, DataError> {
        let out = DataError::IndexOutOfRange { index, len: self.files.len() };
        self.files.get(index).map(PathBuf::as_path).ok_or(out)
    }

    /// The picture's bytes, channels first, with its shape.
    fn decode(&self, path: &Path) -> Result<([usize; 3], Vec<u8>), DataError> {
        let found = picture::read(path)?;
        let found = if self.channels == 1 { found.to_grey8() } else { found.to_rgb8() };
        let (height, width) = (found.height(), found.width());
        let interleaved = found.as_u8().unwrap_or_default();
        let mut planes = Vec::with_capacity(interleaved.len());
        for channel in 0..self.channels {
            planes.extend(interleaved.iter().skip(channel).step_by(self.channels));
        }
        Ok(([self.channels, height, width], planes))
    }

    fn mask(
        &self,
        of: &Path,
        path: &Path,
        kind: MaskKind,
        [_, height, width]: [usize; 3],
    ) -> Result<Vec<i32>, DataError> {
        let found = picture::read(path)?;
        if [found.height(), found.width()] != [height, width] {
            return Err(DataError::MaskSize {
                picture: of.to_owned(),
                picture_size: [height, width],
                mask: path.to_owned(),
                mask_size: [found.height(), found.width()],
            });
        }
        let numbers = mask_numbers(&found)
            .ok_or_else(|| DataError::MaskColours { mask: path.to_owned(), channels: found.channels() })?;
        let classes = self.class_names.len();
        let class = |(at, number): (usize, u32)| match kind {
            MaskKind::Instances => Ok(i32::from(number > 0)),
            MaskKind::Classes if number == 255 => Ok(IGNORED),
            MaskKind::Classes if (number as usize) < classes => Ok(number as i32),
            MaskKind::Classes => Err(DataError::MaskValue {
                mask: path.to_owned(),
                row: at / width,
                column: at % width,
                value: number,
                classes,
            }),
        };
        numbers.into_iter().enumerate().map(class).collect()
    }
}

impl ImageDataset for PictureFiles {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn image_shape(&self) -> [usize; 3] {
        self.first
    }

    fn one_size(&self) -> bool {
        false
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The picture's own pixels, whatever their number.
    fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        Ok(Cow::Owned(self.decode(self.path(index)?)?.1))
    }

    /// 0 where samples have masks; the first of its classes where it may have several.
    fn label(&self, index: usize) -> Result<u32, DataError> {
        self.path(index)?;
        Ok(match &self.truth {
            Truth::Labels(labels) => labels.get(index).copied().unwrap_or(0),
            Truth::Marks(_) => {
                let marks = self.marks(index)?.unwrap_or_default();
                marks.iter().position(|&mark| mark > 0.0).unwrap_or(0) as u32
            }
            Truth::Masks(..) => 0,
        })
    }

    fn sample(&self, index: usize) -> Result<Image, DataError> {
        let path = self.path(index)?;
        let (shape, pixels) = self.decode(path)?;
        let mut image = Image::from_bytes(shape, &pixels)?;
        if let Truth::Masks(masks, kind) = &self.truth
            && let Some(mask) = masks.get(index)
        {
            image.mask = Some(self.mask(path, mask, *kind, shape)?);
        }
        Ok(image)
    }

    fn marks(&self, index: usize) -> Result<Option<Cow<'_, [f32]>>, DataError> {
        let Truth::Marks(marks) = &self.truth else { return Ok(None) };
        self.path(index)?;
        let classes = self.class_names.len();
        Ok(marks.get(index * classes..(index + 1) * classes).map(Cow::Borrowed))
    }

    fn has_masks(&self) -> bool {
        matches!(self.truth, Truth::Masks(..))
    }
}

/// Keeps the runs of `run` items for which `keep` says so.
fn retain<T>(items: &mut Vec<T>, keep: &[bool], run: usize) {
    let mut at = 0;
    items.retain(|_| {
        let kept = keep.get(at / run.max(1)).copied().unwrap_or(false);
        at += 1;
        kept
    });
}

/// The numbers in a mask: grey of 8 or 16 bits, or colours that are all grey.
fn mask_numbers(mask: &Picture) -> Option<Vec<u32>> {
    let channels = mask.channels();
    let samples: Vec<u32> = match mask.samples() {
        Samples::U8(samples) => samples.iter().map(|&sample| u32::from(sample)).collect(),
        Samples::U16(samples) => samples.iter().map(|&sample| u32::from(sample)).collect(),
    };
    // Behind the colours there may be an alpha channel, which says nothing of classes.
    let colours = if channels > 2 { 3 } else { 1 };
    let grey =
        samples.chunks_exact(channels).all(|pixel| pixel[..colours].iter().all(|&one| one == pixel[0]));
    grey.then(|| samples.into_iter().step_by(channels).collect())
}
