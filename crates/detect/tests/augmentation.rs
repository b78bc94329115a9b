//! Augmentation: boxes and masks go where the pixels of their rectangles go.
#![allow(clippy::unwrap_used, missing_docs)]

use tilewright_data::{ColorJitter, IGNORED, Image, Normalize, SampleRng};
use tilewright_detect::{
    DetectError,
    annotations::{Mask, Object},
    augment::{HorizontalFlip, MinIouCrop, Sample, ScaleJitter, Step, Steps, Window, mosaic, resize},
    boxes::BBox,
    masks::Rle,
};

/// A picture of rectangles apart, each of a value of its own, which is also its class; the first has no mask.
fn drawn(seed: u64, height: usize, width: usize) -> Sample {
    let mut rng = SampleRng::new(seed, 7, 7);
    let (mut pixels, mut classes) = (vec![0.0; height * width], vec![0; height * width]);
    let mut objects = Vec::new();
    for cell in 0..6 {
        let (high, wide) = (height / 2, width / 3);
        let mut part = |start: usize, length: usize| {
            let from = rng.below(length as u64 - 3) as usize;
            let to = from + 1 + rng.below((length - from - 1) as u64) as usize;
            (start + from, start + to)
        };
        let (top, bottom) = part(cell / 3 * high, high);
        let (left, right) = part(cell % 3 * wide, wide);
        for row in top..bottom {
            for column in left..right {
                pixels[row * width + column] = (cell + 1) as f32 / 8.0;
                classes[row * width + column] = cell as i32 + 1;
            }
        }
        let bbox = BBox::from_edges([left, top, right, bottom].map(|edge| edge as f64));
        let [l, t, r, b] = bbox.edges();
        let mask = (cell > 0).then(|| Mask::Polygons(vec![vec![l, t, r, t, r, b, l, b]]));
        objects.push(Object { mask, ..Object::new(cell + 1, bbox) });
    }
    let mut image = Image::new([1, height, width], pixels);
    image.mask = Some(classes);
    Sample::new(image, objects).unwrap()
}

/// Where the pixels of a class are.
fn place(sample: &Sample, class: usize) -> Rle {
    let [height, width] = sample.size();
    let classes = sample.image.mask.as_ref().unwrap();
    let inside: Vec<u8> = classes.iter().map(|&found| u8::from(found == class as i32)).collect();
    Rle::encode(height, width, &inside).unwrap()
}

/// Every object is where its pixels are, and one without pixels is gone.
fn follows(sample: &Sample, slack: f64) {
    for class in 1..=6 {
        let pixels = place(sample, class);
        let found: Vec<&Object> = sample.objects.iter().filter(|object| object.category == class).collect();
        if pixels.area() == 0 {
            // A box without a mask may lie between two pixels of a smaller picture.
            assert!(found.iter().all(|object| object.mask.is_none() && slack > 0.0), "{class}: {found:?}");
            continue;
        }
        let [object] = found[..] else { panic!("{class}: {found:?}") };
        if let Some(mask) = &object.mask {
            assert_eq!(mask, &Mask::Runs(pixels.clone()), "{class}");
            assert_eq!(object.area, pixels.area() as f64);
        } else if slack == 0.0 {
            assert_eq!(object.area, pixels.area() as f64);
        }
        let wanted = pixels.bbox().edges();
        let apart =
            object.bbox.edges().into_iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart <= slack, "{class}: {:?} {wanted:?}", object.bbox.edges());
    }
}

#[test]
fn a_mirrored_rectangle_has_a_mirrored_box() {
    for seed in 0..20 {
        let before = drawn(seed, 24, 33);
        follows(&before, 0.0);
        let mut sample = before.clone();
        HorizontalFlip::new(1.0).unwrap().apply(&mut sample, &mut SampleRng::new(1, 0, 0)).unwrap();
        follows(&sample, 0.0);
        assert_ne!(sample, before);
        assert_eq!(sample.image.pixels[32], before.image.pixels[0]);
        HorizontalFlip::new(1.0).unwrap().apply(&mut sample, &mut SampleRng::new(1, 0, 0)).unwrap();
        assert_eq!(sample, before);
        HorizontalFlip::new(0.0).unwrap().apply(&mut sample, &mut SampleRng::new(1, 0, 0)).unwrap();
        assert_eq!(sample, before);
    }
}

#[test]
fn a_window_clips_boxes_and_drops_what_is_outside() {
    let mut rng = SampleRng::new(2, 0, 0);
    let (mut dropped, mut cut) = (0, 0);
    for seed in 0..60 {
        let mut sample = drawn(seed, 24, 33);
        let window = Window {
            top: rng.below(30) as isize - 10,
            left: rng.below(40) as isize - 10,
            height: 1 + rng.below(30) as usize,
            width: 1 + rng.below(40) as usize,
        };
        window.cut(&mut sample, 0.75).unwrap();
        assert_eq!(sample.size(), [window.height, window.width]);
        follows(&sample, 0.0);
        dropped += 6 - sample.objects.len();
        cut += sample.objects.iter().filter(|object| object.truncated).count();
        let beyond = sample.image.mask.as_ref().unwrap().iter().position(|&class| class == IGNORED);
        assert!(beyond.is_none_or(|at| sample.image.pixels[at] == 0.75));
    }
    assert!(dropped > 20 && cut > 20, "{dropped} {cut}");
}

#[test]
fn a_resized_rectangle_has_a_resized_box() {
    for seed in 0..20 {
        for [height, width] in [[48, 66], [13, 20], [24, 33], [7, 90]] {
            let mut sample = drawn(seed, 24, 33);
            resize(&mut sample, height, width).unwrap();
            assert_eq!(sample.size(), [height, width]);
            // The nearest pixel is at most half a pixel off, of either picture.
            follows(&sample, if [height, width] == [24, 33] { 0.0 } else { 1.5 });
        }
    }
}

#[test]
fn scale_jitter_keeps_the_size_and_the_rectangles() {
    let jitter = ScaleJitter::new(40, 30, [0.1, 2.0]).unwrap().fill(0.5);
    let mut sizes = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let mut sample = drawn(seed, 24, 33);
        jitter.apply(&mut sample, &mut SampleRng::new(seed, 0, 0)).unwrap();
        assert_eq!(sample.size(), [40, 30]);
        follows(&sample, 1.5);
        for object in &sample.objects {
            let [left, top, right, bottom] = object.bbox.edges();
            assert!(left >= 0.0 && top >= 0.0 && right <= 30.0 && bottom <= 40.0);
            sizes.insert(object.bbox.width as usize);
        }
    }
    assert!(sizes.len() > 5, "{sizes:?}");
}

#[test]
fn a_crop_of_ssd_keeps_an_object_that_it_overlaps() {
    let (mut whole, mut smaller) = (0, 0);
    for seed in 0..200 {
        let before = drawn(seed, 60, 60);
        let mut sample = before.clone();
        MinIouCrop::new().apply(&mut sample, &mut SampleRng::new(seed, 1, 0)).unwrap();
        assert!(!sample.objects.is_empty());
        let [height, width] = sample.size();
        if sample == before {
            whole += 1;
            continue;
        }
        smaller += 1;
        assert!(
            height >= 18 && width >= 18 && height <= 2 * width && width <= 2 * height,
            "{height} {width}"
        );
        for object in &sample.objects {
            let pixels = place(&sample, object.category);
            assert_eq!(object.bbox, pixels.bbox());
            let first = &before.objects[object.category - 1];
            // The centre is inside, so that a quarter at least is left.
            assert!(object.bbox.area() >= first.bbox.area() / 4.0 - 1e-9);
        }
    }
    assert!(whole > 20 && smaller > 60, "{whole} {smaller}");
    let image = Image::new([1, 20, 20], vec![0.0; 400]);
    let mut empty = Sample::new(image, Vec::new()).unwrap();
    MinIouCrop::new().apply(&mut empty, &mut SampleRng::new(0, 0, 0)).unwrap();
    assert_eq!(empty.size(), [20, 20]);
}

#[test]
fn four_pictures_keep_their_rectangles_in_their_quarters() {
    for seed in 0..40 {
        let mut parts = [0, 1, 2, 3].map(|at| drawn(4 * seed + at, 24, 33));
        for (at, part) in parts.iter_mut().enumerate() {
            // Classes of their own.
            part.objects.iter_mut().for_each(|object| object.category += 10 * at);
            part.image.mask.iter_mut().flatten().for_each(|class| *class += 10 * at as i32);
        }
        let mut rng = SampleRng::new(seed, 0, 0);
        let sample = mosaic(&parts, 40, 50, 114.0 / 255.0, &mut rng).unwrap();
        assert_eq!(sample.size(), [40, 50]);
        let mut found = 0;
        for class in (0..4).flat_map(|at| (1..=6).map(move |class| 10 * at + class)) {
            let pixels = place(&sample, class);
            let of_class: Vec<&Object> =
                sample.objects.iter().filter(|object| object.category == class).collect();
            assert_eq!(of_class.len(), usize::from(pixels.area() > 0), "{class}");
            for object in of_class {
                assert_eq!(object.bbox, pixels.bbox());
                assert_eq!(object.area, pixels.area() as f64);
                assert!(object.mask.as_ref().is_none_or(|mask| *mask == Mask::Runs(pixels.clone())));
                found += 1;
            }
        }
        assert!(found > 6, "{found}");
    }
    let grey = drawn(0, 24, 33);
    let mut other = drawn(0, 24, 33);
    other.image.mask = None;
    let mut rng = SampleRng::new(0, 0, 0);
    let mixed = [grey.clone(), grey.clone(), other, grey.clone()];
    assert!(matches!(mosaic(&mixed, 40, 50, 0.0, &mut rng), Err(DetectError::Unfit { .. })));
    let four = [(); 4].map(|()| grey.clone());
    assert!(mosaic(&four, 0, 50, 0.0, &mut rng).is_err());
    assert!(mosaic(&four, usize::MAX, 50, 0.0, &mut rng).is_err());
}

#[test]
fn the_same_seed_gives_the_same_sample() {
    let steps = Steps::new()
        .then(HorizontalFlip::new(0.5).unwrap())
        .then(MinIouCrop::new().smallest(0.5).unwrap())
        .then(ScaleJitter::new(32, 32, [0.5, 1.5]).unwrap())
        .then(ColorJitter::new(0.4, 0.4, 0.0, 0.0).unwrap())
        .then(Normalize::new(&[0.5], &[0.5]).unwrap());
    let run = |seed: u64| {
        let mut sample = drawn(3, 30, 45);
        steps.apply(&mut sample, &mut SampleRng::new(seed, 2, 3)).unwrap();
        sample
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn colours_move_nothing() {
    let before = drawn(1, 24, 33);
    let mut sample = before.clone();
    let jitter = ColorJitter::new(0.9, 0.9, 0.9, 0.5).unwrap();
    Step::apply(&jitter, &mut sample, &mut SampleRng::new(1, 0, 0)).unwrap();
    assert_eq!(sample.objects, before.objects);
    assert_ne!(sample.image.pixels, before.image.pixels);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let image = || Image::new([1, 4, 4], vec![0.0; 16]);
    let object = Object::new(0, BBox::new(0.0, 0.0, 2.0, 2.0));
    let mask = Mask::Runs(Rle::empty(5, 4).unwrap());
    let other = Sample::new(image(), vec![Object { mask: Some(mask), ..object.clone() }]);
    assert!(matches!(other, Err(DetectError::Mask { .. })));
    assert!(Sample::new(Image::new([1, 4, 4], vec![0.0; 15]), vec![]).is_err());
    assert!(Sample::new(Image::new([usize::MAX, 4, 4], vec![]), vec![]).is_err());
    let nan = Object::new(0, BBox::new(f64::NAN, 0.0, 2.0, 2.0));
    assert!(Sample::new(image(), vec![nan.clone()]).is_err());
    let mut broken = Sample::new(image(), vec![object]).unwrap();
    broken.objects.push(nan);
    let mut rng = SampleRng::new(0, 0, 0);
    let steps: [Box<dyn Step>; 3] = [
        Box::new(HorizontalFlip::new(0.5).unwrap()),
        Box::new(MinIouCrop::new()),
        Box::new(ScaleJitter::new(4, 4, [1.0, 1.0]).unwrap()),
    ];
    for step in &steps {
        assert!(step.apply(&mut broken, &mut rng).is_err());
    }
    let mut sample = Sample::new(image(), Vec::new()).unwrap();
    for (height, width) in [(usize::MAX, 2), (1 << 40, 1 << 40), (1 << 20, 1 << 20)] {
        assert!(Window { top: isize::MIN, left: isize::MAX, height, width }.cut(&mut sample, 0.0).is_err());
    }
    assert!(resize(&mut sample, 0, 3).is_err() && resize(&mut sample, 1 << 20, 3).is_err());
    let mut none = Sample::new(Image::new([1, 0, 4], vec![]), Vec::new()).unwrap();
    assert!(steps[0].apply(&mut none, &mut rng).is_ok() && steps[1].apply(&mut none, &mut rng).is_ok());
    assert!(steps[2].apply(&mut none, &mut rng).is_err() && resize(&mut none, 2, 2).is_err());
    Window { top: isize::MIN, left: isize::MAX, height: 3, width: 2 }.cut(&mut sample, 0.5).unwrap();
    assert_eq!(sample.image.pixels, [0.5; 6]);
    for bad in [f64::NAN, -0.1, 1.1] {
        assert!(HorizontalFlip::new(bad).is_err() && MinIouCrop::new().smallest(bad).is_err());
    }
    for range in [[0.0, 1.0], [2.0, 1.0], [f64::NAN, 1.0], [1.0, 17.0]] {
        assert!(ScaleJitter::new(4, 4, range).is_err());
    }
    assert!(ScaleJitter::new(0, 4, [1.0, 1.0]).is_err());
}
