//! The images that a run is trained and judged on, by the command line.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tilewright_data::{
    FashionMnist, ImageDataset, MaskKind, PictureFiles, Subset, image_folder, label_file, mask_folder,
    per_class, stratified,
};

use super::images::{Data, Truth};
use crate::{error::Error, error::Result, trained::Trained};

/// The part of the images that is held out where nothing says which.
const HELD_OUT: f64 = 0.2;
/// ImageNet's, of pixels from 0 to 1; and of grey pictures.
const COLOUR: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
const GREY: ([f32; 1], [f32; 1]) = ([0.449], [0.226]);

/// What is learnt from, and what it is judged by, if that is a set of its own.
type Parts = (Arc<dyn ImageDataset>, Option<Arc<dyn ImageDataset>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Masks {
    /// Each number is the class of its pixel; 255 is none.
    Classes,
    /// Each number but 0 is an object: two classes, ground and object.
    Instances,
}

#[derive(Debug, clap::Args)]
pub struct DataArguments {
    /// The images: a folder with a sub-folder for each class, or with `train` and `val` of such; a table (.csv) of files and
    /// labels; a folder with `images` and `masks`; or a folder with four IDX files.
    #[arg(long, value_name = "DIR|CSV")]
    pub(super) data: Option<PathBuf>,
    /// The images to judge by, of the same form as --data.
    #[arg(long, value_name = "DIR|CSV", conflicts_with = "validation")]
    validation_data: Option<PathBuf>,
    /// Hold out this part of the images of each class to judge by. [default: 0.2, where there is no other set]
    #[arg(long, value_name = "PART")]
    validation: Option<f64>,
    /// The size of images that go into the network, N or HxW; the pictures are resized to it. [default: the network's]
    #[arg(long, value_name = "N|HxW", value_parser = size)]
    image_size: Option<[usize; 2]>,
    /// Make pictures grey, of one channel.
    #[arg(long)]
    grey: bool,
    /// The classes' names in their order: with commas between, or a file with one on each line.
    #[arg(long, value_name = "NAMES|FILE")]
    class_names: Option<String>,
    /// What the numbers in masks are.
    #[arg(long, value_enum, default_value = "classes")]
    masks: Masks,
    /// Leave out pictures that cannot be read, and list them.
    #[arg(long)]
    skip_unreadable: bool,
    /// The mean of each channel, of pixels from 0 to 1. [default: the weights', else ImageNet's or Fashion-MNIST's]
    #[arg(long, value_name = "X,…", value_delimiter = ',', requires = "std")]
    mean: Vec<f32>,
    /// The standard deviation of each channel.
    #[arg(long, value_name = "X,…", value_delimiter = ',', requires = "mean")]
    std: Vec<f32>,
    /// Change the training images at random: flip and shift small ones, flip and cut out of pictures.
    #[arg(long)]
    pub(super) augment: bool,
    /// Change brightness, contrast and saturation at random by up to this factor, and the hue by a quarter of it.
    #[arg(long, value_name = "X")]
    pub(super) color_jitter: Option<f32>,
    /// Use only the first N training images.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// Use only N training images of each class, chosen by the seed.
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    per_class: Option<usize>,
}

fn size(text: &str) -> Result<[usize; 2], String> {
    let side = |text: &str| {
        let side = text.parse().ok().filter(|side| (1..=8192).contains(side));
        side.ok_or_else(|| "N or HxW is wanted, each from 1 to 8192".to_owned())
    };
    match text.split_once('x') {
        Some((height, width)) => Ok([side(height)?, side(width)?]),
        None => side(text).map(|side| [side, side]),
    }
}

impl DataArguments {
    /// For a run's description: what is not as ever.
    pub fn description(&self) -> String {
        let mut said = String::new();
        let mut say = |what: &str, value: Option<String>| {
            if let Some(value) = value {
                said.push_str(&format!(", {what} {value}"));
            }
        };
        say("held out", self.validation.map(|part| part.to_string()));
        say("images of", self.image_size.map(|[height, width]| format!("{height}x{width}")));
        say("grey", self.grey.then(String::new));
        say("jitter", self.color_jitter.map(|jitter| jitter.to_string()));
        say("of each class", self.per_class.map(|count| count.to_string()));
        say("mean", (!self.mean.is_empty()).then(|| format!("{:?} deviation {:?}", self.mean, self.std)));
        said
    }

    /// Finds out what lies there and opens it. `usual` is the height and width that the network was made for, `begun` what
    /// is known of the weights that training begins from.
    pub fn open(
        &self,
        usual: [usize; 2],
        begun: Option<&Trained>,
        seed: u64,
        threads: usize,
    ) -> Result<Data> {
        let names = self.names()?;
        let path = FashionMnist::data_dir(self.data.as_deref());
        let form = Form::of(&path);
        let (train, test) = if form == Form::Idx {
            self.idx(&path, names.as_deref())?
        } else {
            let (train, held) = self.folders(&path, form);
            let train = self.pictures(&train, form, names.as_deref(), threads)?;
            // Judged by the classes that it learns.
            let names = train.class_names().to_vec();
            let held = held.map(|held| self.pictures(&held, form, Some(&names), threads)).transpose()?;
            (
                Arc::new(train) as Arc<dyn ImageDataset>,
                held.map(|held| Arc::new(held) as Arc<dyn ImageDataset>),
            )
        };
        let part = self.validation.or(test.is_none().then_some(HELD_OUT));
        let (train, test) = match (part, test) {
            (None, Some(test)) => (train, test),
            (part, _) => {
                let (rest, held) = stratified(&*train, part.unwrap_or(HELD_OUT), seed)?;
                let test: Arc<dyn ImageDataset> = Arc::new(Subset::new(train.clone(), held)?);
                (Arc::new(Subset::new(train, rest)?) as Arc<dyn ImageDataset>, test)
            }
        };
        let train: Arc<dyn ImageDataset> = match (self.limit, self.per_class) {
            (Some(limit), _) => Arc::new(Subset::first(train, limit)),
            (None, Some(count)) => {
                let chosen = per_class(&*train, count, seed)?;
                Arc::new(Subset::new(train, chosen)?)
            }
            (None, None) => train,
        };
        let pictures = !train.one_size();
        let [channels, height, width] = train.image_shape();
        let [height, width] = match (self.image_size, pictures) {
            (Some(size), _) => size,
            (None, true) => begun.map_or(usual, |begun| [begun.image[1], begun.image[2]]),
            (None, false) => [height, width],
        };
        let truth = if train.has_masks() {
            Truth::Mask
        } else if !train.is_empty() && train.marks(0)?.is_some() {
            Truth::Classes
        } else {
            Truth::Class
        };
        let (mean, std) = self.normalisation(channels, form == Form::Idx, begun);
        Ok(Data { train, test, image: [channels, height, width], truth, mean, std, pictures })
    }

    fn idx(&self, folder: &Path, names: Option<&[String]>) -> Result<Parts> {
        let FashionMnist { train, test } = FashionMnist::load(folder)?;
        let (train, test) = match names {
            Some(names) => (train.with_class_names(names.to_vec())?, test.with_class_names(names.to_vec())?),
            None => (train, test),
        };
        // What the command line holds out comes from the training images.
        let test = self.validation.is_none().then(|| Arc::new(test) as Arc<dyn ImageDataset>);
        Ok((Arc::new(train), test))
    }

    /// The training images, and those to judge by where there are.
    fn folders(&self, path: &Path, form: Form) -> (PathBuf, Option<PathBuf>) {
        if let Some(held) = &self.validation_data {
            return (path.to_owned(), Some(held.clone()));
        }
        let train = path.join("train");
        if form == Form::Table || !train.is_dir() {
            return (path.to_owned(), None);
        }
        let held = ["val", "valid", "validation", "test"].into_iter().map(|name| path.join(name));
        (train, held.into_iter().find(|held| held.is_dir()).filter(|_| self.validation.is_none()))
    }

    fn pictures(
        &self,
        path: &Path,
        form: Form,
        names: Option<&[String]>,
        threads: usize,
    ) -> Result<PictureFiles> {
        let found = match form {
            Form::Table => label_file(path, names)?,
            Form::Masks => {
                let (kind, usual) = match self.masks {
                    Masks::Classes => (MaskKind::Classes, None),
                    Masks::Instances => {
                        (MaskKind::Instances, Some(vec!["ground".to_owned(), "object".to_owned()]))
                    }
                };
                let names = names.map(<[String]>::to_vec).or(usual).ok_or_else(|| Error::Argument {
                    argument: "--class-names",
                    reason: "masks have numbers alone: name the classes in the order of their numbers, as in ground,road,car".to_owned(),
                })?;
                mask_folder(path, kind, names)?
            }
            Form::Idx | Form::Classes => image_folder(path, names)?,
        };
        let found = if self.grey { found.channels(1)?.open()? } else { found };
        if !self.skip_unreadable && form != Form::Masks {
            return Ok(found);
        }
        let unreadable = found.unreadable(threads.max(1));
        if self.skip_unreadable {
            for (_, one) in &unreadable {
                eprintln!("left out: {}", one.error);
            }
            if !unreadable.is_empty() {
                eprintln!("{} of {} pictures cannot be read and are left out", unreadable.len(), found.len());
            }
            let left_out: Vec<usize> = unreadable.iter().map(|(index, _)| *index).collect();
            return Ok(found.without(&left_out)?);
        }
        match unreadable.into_iter().next() {
            Some((_, first)) => Err(first.error.into()),
            None => Ok(found),
        }
    }

    /// The names that the command line gives.
    fn names(&self) -> Result<Option<Vec<String>>> {
        let Some(given) = &self.class_names else { return Ok(None) };
        let path = Path::new(given);
        let text = if path.is_file() {
            std::fs::read_to_string(path)
                .map_err(|error| Error::file(path, error))?
                .replace(['\r', '\n'], "\n")
        } else {
            given.replace(',', "\n")
        };
        let names: Vec<String> =
            text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            let reason = format!(
                "`{given}` has no name; write names with commas between, or a file with one on each line"
            );
            return Err(Error::Argument { argument: "--class-names", reason });
        }
        Ok(Some(names))
    }

    fn normalisation(&self, channels: usize, idx: bool, begun: Option<&Trained>) -> (Vec<f32>, Vec<f32>) {
        let begun = begun.filter(|begun| begun.mean.len() == channels && begun.std.len() == channels);
        match begun {
            _ if !self.mean.is_empty() => (self.mean.clone(), self.std.clone()),
            Some(begun) => (begun.mean.clone(), begun.std.clone()),
            None if idx => (FashionMnist::MEAN.to_vec(), FashionMnist::STD.to_vec()),
            None if channels == 1 => (GREY.0.to_vec(), GREY.1.to_vec()),
            None => (COLOUR.0.to_vec(), COLOUR.1.to_vec()),
        }
    }
}

/// How images lie on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Idx,
    Table,
    Classes,
    Masks,
}

impl Form {
    fn of(path: &Path) -> Self {
        let inside =
            |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let masks = |path: &Path| path.join("images").is_dir() && path.join("masks").is_dir();
        if path.is_file() {
            Self::Table
        } else if masks(path) || masks(&path.join("train")) {
            Self::Masks
        } else if inside(path).any(|entry| {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.contains("-ubyte")
        }) || inside(path).next().is_none()
        {
            // Of a folder with nothing in it the reader of IDX files says what it looked for.
            Self::Idx
        } else {
            Self::Classes
        }
    }
}
