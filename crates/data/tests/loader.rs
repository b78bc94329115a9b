//! The loader: the same batches whatever the threads, exact restarts, errors that come out, drops that do not hang.
#![allow(clippy::unwrap_used, missing_docs)]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tilewright_data::{
    Batch, Compose, DataError, DataLoader, Image, ImageDataset, InMemoryDataset, LoaderOptions, Normalize,
    RandomCrop, RandomHorizontalFlip, SampleRng, Sampler, Subset, Transform,
};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("class {i}")).collect()
}

fn dataset(len: usize) -> Arc<dyn ImageDataset> {
    let pixels = (0..len * 20).map(|i| (i * 37 % 251) as u8).collect();
    let labels = (0..len).map(|i| (i % 7) as u8).collect();
    Arc::new(InMemoryDataset::new([1, 5, 4], pixels, labels, names(7)).unwrap())
}

fn augmentation() -> Arc<dyn Transform> {
    Arc::new(
        Compose::new()
            .then(RandomCrop::new(5, 4, 2).unwrap())
            .then(RandomHorizontalFlip::new(0.5).unwrap())
            .then(Normalize::new(&[0.3], &[0.4]).unwrap()),
    )
}

fn plain() -> Arc<dyn Transform> {
    Arc::new(Compose::new())
}

fn options(workers: usize) -> LoaderOptions {
    LoaderOptions {
        batch_size: 8,
        sampler: Sampler::Shuffled { seed: 1 },
        seed: 2,
        workers,
        ..Default::default()
    }
}

fn all(loader: &DataLoader, epoch: u64) -> Vec<Batch> {
    loader.epoch(epoch).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Runs `work` on its own thread and fails, rather than hangs, when it does not come back.
fn within(limit: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, finished) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    if finished.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("still running after {limit:?}");
    }
    thread.join().unwrap();
}

#[test]
fn the_threads_do_not_change_the_bits() {
    let load = |workers, prefetch| {
        let options = LoaderOptions { prefetch, ..options(workers) };
        let loader = DataLoader::new(dataset(203), augmentation(), options).unwrap();
        [all(&loader, 0), all(&loader, 1)]
    };
    let expected = load(0, 1);
    assert_eq!(expected[0].len(), 26);
    assert_eq!(expected[0][25].shape, [3, 1, 5, 4]);
    assert_ne!(expected[0], expected[1]);
    for workers in [1, 2, 4, 40] {
        for prefetch in [1, 3, 100] {
            assert_eq!(load(workers, prefetch), expected, "{workers} workers, {prefetch} ahead");
        }
    }
}

#[test]
fn every_sample_comes_once_with_its_own_label_and_pixels() {
    let data = dataset(50);
    let loader = DataLoader::new(Arc::clone(&data), plain(), options(2)).unwrap();
    let mut seen = Vec::new();
    for batch in all(&loader, 3) {
        assert_eq!(batch.shape[0], batch.indices.len());
        for (row, &index) in batch.indices.iter().enumerate() {
            assert_eq!(batch.labels[row], data.label(index).unwrap() as i32);
            let bytes = data.image(index).unwrap();
            let pixels = &batch.images[row * 20..(row + 1) * 20];
            assert!(pixels.iter().zip(&bytes[..]).all(|(&p, &b)| p == f32::from(b) / 255.0));
            seen.push(index);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
}

#[test]
fn augmentation_follows_the_sample_not_its_place() {
    let load = |sampler| {
        let loader =
            DataLoader::new(dataset(40), augmentation(), LoaderOptions { sampler, ..options(2) }).unwrap();
        let mut images = vec![Vec::new(); 40];
        for batch in all(&loader, 5) {
            for (row, &index) in batch.indices.iter().enumerate() {
                images[index] = batch.images[row * 20..(row + 1) * 20].to_vec();
            }
        }
        images
    };
    assert_eq!(load(Sampler::Sequential), load(Sampler::Shuffled { seed: 9 }));
}

#[test]
fn drop_last_leaves_out_only_a_short_batch() {
    for (len, whole, all_of_them) in [(16, 2, 2), (17, 2, 3), (23, 2, 3), (24, 3, 3)] {
        for (drop_last, batches) in [(true, whole), (false, all_of_them)] {
            let options = LoaderOptions { drop_last, ..options(2) };
            let loader = DataLoader::new(dataset(len), plain(), options).unwrap();
            let got = all(&loader, 0);
            assert_eq!((loader.batches_per_epoch(), got.len()), (batches, batches));
            let samples: usize = got.iter().map(|b| b.labels.len()).sum();
            assert_eq!(loader.samples_per_epoch(), samples);
            assert_eq!(samples, if drop_last { whole * 8 } else { len });
        }
    }
}

#[test]
fn an_epoch_goes_on_exactly_where_it_was_left() {
    for workers in [0, 3] {
        let loader = DataLoader::new(dataset(100), augmentation(), options(workers)).unwrap();
        let whole = all(&loader, 4);
        for first in 0..=whole.len() {
            let mut rest = loader.epoch_from(4, first).unwrap();
            assert_eq!(rest.position(), first);
            for expected in &whole[first..] {
                assert_eq!(&rest.next().unwrap().unwrap(), expected);
            }
            assert!(rest.next().is_none());
            assert!(rest.next().is_none());
        }
        let error = loader.epoch_from(4, whole.len() + 1).err().unwrap();
        assert!(error.to_string().contains("batch 14 is beyond the epoch's 13 batches"), "{error}");
    }
}

/// A dataset that counts what is asked of it, waits, fails or panics at chosen places.
struct Moody {
    inner: Arc<dyn ImageDataset>,
    asked: AtomicUsize,
    fails_at: Option<usize>,
    panics_at: Option<usize>,
    slow: AtomicBool,
}

impl Moody {
    fn new(len: usize) -> Self {
        Self {
            inner: dataset(len),
            asked: AtomicUsize::new(0),
            fails_at: None,
            panics_at: None,
            slow: false.into(),
        }
    }
}

impl ImageDataset for Moody {
    fn len(&self) -> usize {
        self.inner.len()
    }
    fn image_shape(&self) -> [usize; 3] {
        self.inner.image_shape()
    }
    fn class_names(&self) -> &[String] {
        self.inner.class_names()
    }
    fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.slow.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_ne!(Some(index), self.panics_at, "sample {index} is cursed");
        if Some(index) == self.fails_at {
            return Err(DataError::Io {
                path: "disk".into(),
                source: std::io::Error::other("the disk is gone"),
            });
        }
        self.inner.image(index)
    }
    fn label(&self, index: usize) -> Result<u32, DataError> {
        self.inner.label(index)
    }
}

fn sequential(workers: usize) -> LoaderOptions {
    LoaderOptions { sampler: Sampler::Sequential, ..options(workers) }
}

#[test]
fn an_error_comes_out_in_its_place_and_ends_the_epoch() {
    for workers in [0, 1, 2, 4] {
        let data = Moody { fails_at: Some(37), ..Moody::new(100) };
        let loader = DataLoader::new(Arc::new(data), plain(), sequential(workers)).unwrap();
        within(Duration::from_secs(30), move || {
            let mut batches = loader.epoch(0).unwrap();
            for _ in 0..4 {
                batches.next().unwrap().unwrap();
            }
            let error = batches.next().unwrap().unwrap_err();
            assert!(error.to_string().contains("the disk is gone"), "{error}");
            assert!(batches.next().is_none());
        });
    }
}

#[test]
fn a_panic_on_a_thread_comes_out_as_an_error() {
    for workers in [1, 3] {
        let data = Moody { panics_at: Some(20), ..Moody::new(100) };
        let loader = DataLoader::new(Arc::new(data), plain(), sequential(workers)).unwrap();
        within(Duration::from_secs(30), move || {
            let results: Vec<_> = loader.epoch(0).unwrap().collect();
            assert_eq!(results.len(), 3);
            let error = results[2].as_ref().unwrap_err();
            assert!(matches!(error, DataError::WorkerPanicked { batch: 2, .. }), "{error}");
            assert!(error.to_string().contains("sample 20 is cursed"), "{error}");
        });
    }
}

#[test]
fn the_queue_is_bounded() {
    let data = Arc::new(Moody::new(800));
    let options = LoaderOptions { prefetch: 3, ..sequential(4) };
    let loader = DataLoader::new(Arc::clone(&data) as _, plain(), options).unwrap();
    let mut batches = loader.epoch(0).unwrap();
    for taken in 1..=5 {
        batches.next().unwrap().unwrap();
        // Wait until the threads have done all they may, then long enough to see them do more, if they did.
        let allowed = (taken + 3) * 8;
        let patience = Instant::now() + Duration::from_secs(20);
        while data.asked.load(Ordering::SeqCst) < allowed {
            assert!(Instant::now() < patience, "the threads stopped before the window was full");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(data.asked.load(Ordering::SeqCst), allowed);
    }
}

#[test]
fn dropping_early_joins_the_threads_and_does_not_hang() {
    for (workers, prefetch, taken) in [(1, 1, 0), (4, 2, 1), (4, 50, 3), (2, 4, 0)] {
        let data = Arc::new(Moody::new(4000));
        data.slow.store(true, Ordering::SeqCst);
        let held = Arc::clone(&data);
        within(Duration::from_secs(30), move || {
            let options = LoaderOptions { prefetch, ..sequential(workers) };
            let loader = DataLoader::new(held, plain(), options).unwrap();
            let mut batches = loader.epoch(0).unwrap();
            for _ in 0..taken {
                batches.next().unwrap().unwrap();
            }
            drop(batches);
            drop(loader);
        });
        // Only joined threads have let go of the dataset.
        assert_eq!(Arc::strong_count(&data), 1);
        assert!(data.asked.load(Ordering::SeqCst) < 4000, "it worked on after it was dropped");
    }
}

#[test]
fn epochs_may_overlap() {
    let loader = DataLoader::new(dataset(64), augmentation(), options(2)).unwrap();
    let (first, second) = (all(&loader, 0), all(&loader, 1));
    let (mut a, mut b) = (loader.epoch(0).unwrap(), loader.epoch(1).unwrap());
    for (x, y) in first.iter().zip(&second) {
        assert_eq!((&a.next().unwrap().unwrap(), &b.next().unwrap().unwrap()), (x, y));
    }
}

/// Says one shape and makes another.
struct Liar;

impl Transform for Liar {
    fn apply(&self, image: &mut Image, _: &mut SampleRng) -> Result<(), DataError> {
        *image = Image::new([1, 1, 1], vec![0.0]);
        Ok(())
    }
}

#[test]
fn bad_settings_and_bad_parts_are_errors() {
    let new = |len, transform, options| DataLoader::new(dataset(len), transform, options).err().unwrap();
    let error = new(10, plain(), LoaderOptions { batch_size: 0, ..options(1) });
    assert!(error.to_string().contains("batch_size"), "{error}");
    let error = new(10, plain(), LoaderOptions { prefetch: 0, ..options(1) });
    assert!(error.to_string().contains("prefetch"), "{error}");
    let error = new(5, plain(), LoaderOptions { drop_last: true, ..options(1) });
    assert!(error.to_string().contains("5 samples do not fill a batch of 8"), "{error}");
    let error = new(10, Arc::new(Normalize::new(&[0.0; 3], &[1.0; 3]).unwrap()), options(1));
    assert!(matches!(error, DataError::Transform { .. }), "{error}");
    let empty = Subset::first(dataset(10), 0);
    let error = DataLoader::new(Arc::new(empty), plain(), options(1)).err().unwrap();
    assert!(matches!(error, DataError::Empty { .. }), "{error}");

    let loader = DataLoader::new(dataset(10), Arc::new(Liar), sequential(1)).unwrap();
    let error = loader.epoch(0).unwrap().next().unwrap().unwrap_err();
    assert!(matches!(error, DataError::ShapeMismatch { index: 0, expected: [1, 5, 4], .. }), "{error}");
}

#[test]
fn in_memory_datasets_check_what_they_are_given() {
    let new = |shape, pixels: usize, labels: Vec<u8>| {
        InMemoryDataset::new(shape, vec![0; pixels], labels, names(3))
    };
    assert!(matches!(new([1, 2, 2], 9, vec![0, 0]), Err(DataError::PixelCount { .. })));
    assert!(matches!(new([1, 2, 2], 8, vec![0]), Err(DataError::CountMismatch { images: 2, labels: 1 })));
    assert!(matches!(
        new([1, 2, 2], 8, vec![2, 3]),
        Err(DataError::LabelOutOfRange { index: 1, value: 3, .. })
    ));
    assert!(matches!(new([1, 2, 2], 0, vec![]), Err(DataError::Empty { .. })));
    assert!(matches!(new([0, 2, 2], 0, vec![1]), Err(DataError::Empty { .. })));
    assert!(matches!(new([usize::MAX, 2, 2], 8, vec![1]), Err(DataError::Empty { .. })));
    let two = new([1, 2, 2], 8, vec![2, 1]).unwrap();
    assert!(matches!(two.image(2), Err(DataError::IndexOutOfRange { index: 2, len: 2 })));
    assert!(matches!(two.image(usize::MAX), Err(DataError::IndexOutOfRange { .. })));
    assert!(matches!(two.label(2), Err(DataError::IndexOutOfRange { .. })));
}

#[test]
fn a_subset_is_a_dataset_of_its_own() {
    let data = dataset(30);
    let subset = Subset::new(Arc::clone(&data), vec![29, 3, 3]).unwrap();
    assert_eq!((subset.len(), subset.label(0).unwrap()), (3, data.label(29).unwrap()));
    assert_eq!(subset.image(1).unwrap(), data.image(3).unwrap());
    assert!(matches!(subset.image(3), Err(DataError::IndexOutOfRange { index: 3, len: 3 })));
    assert!(Subset::new(Arc::clone(&data), vec![0, 30]).is_err());
    assert_eq!(Subset::first(data, 100).len(), 30);
}
