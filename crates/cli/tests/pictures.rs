//! The pictures: drawn from real images and likely numbers, then looked at pixel by pixel where it matters.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use tilewright_cli::pictures::{
    EpochMetrics, Histogram, LayerHistograms, PictureError, Prediction, StepLoss, confusion_matrix, curves,
    histograms, prediction_sheet,
};
use tilewright_data::{FashionMnist, ImageDataset, Split};

/// Where the pictures stay, for a person to look at.
fn place(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

fn open(path: &Path) -> RgbImage {
    image::open(path).unwrap().into_rgb8()
}

fn names() -> Vec<String> {
    tilewright_data::FASHION_MNIST_CLASS_NAMES.iter().map(ToString::to_string).collect()
}

/// Steady noise between -1 and 1.
fn noise(seed: u64) -> f64 {
    tilewright_data::SampleRng::new(seed, 0, 0).unit() * 2.0 - 1.0
}

fn run(epochs: u32, steps_per_epoch: u32) -> (Vec<EpochMetrics>, Vec<StepLoss>) {
    let loss = |x: f64| 0.16 + 2.1 * (-3.0 * x.powf(0.55)).exp() + 0.25 * (-x * 0.35).exp();
    let steps = (0..epochs * steps_per_epoch).map(|i| {
        let epoch = f64::from(i + 1) / f64::from(steps_per_epoch);
        StepLoss { epoch, loss: loss(epoch) * (1.0 + 0.25 * noise(u64::from(i))) }
    });
    let metrics = (1..=epochs).map(|epoch| {
        let x = f64::from(epoch);
        EpochMetrics {
            epoch,
            train_loss: loss(x - 0.5),
            train_accuracy: 0.955 - 0.14 * (-x * 0.5).exp(),
            test_accuracy: 0.923 - 0.09 * (-x * 0.6).exp() + 0.003 * noise(1000 + u64::from(epoch)),
        }
    });
    (metrics.collect(), steps.collect())
}

/// Pixels within `tolerance` of a colour.
fn count(image: &RgbImage, [r, g, b]: [u8; 3], tolerance: u8) -> usize {
    let near = |p: &&Rgb<u8>| [r, g, b].iter().zip(p.0).all(|(&a, b)| a.abs_diff(b) <= tolerance);
    image.pixels().filter(near).count()
}

/// Nothing may run into the edge: text that does is cut.
fn assert_white_border(image: &RgbImage) {
    let (w, h) = image.dimensions();
    let border = (0..w).flat_map(|x| [(x, 0), (x, 3), (x, h - 1), (x, h - 4)]);
    let border = border.chain((0..h).flat_map(|y| [(0, y), (3, y), (w - 1, y), (w - 4, y)]));
    for (x, y) in border {
        assert_eq!(image.get_pixel(x, y).0, [255; 3], "({x}, {y}) of {w}×{h}");
    }
}

const BLUE: [u8; 3] = [0, 114, 178];
const SKY_BLUE: [u8; 3] = [86, 180, 233];
const ORANGE: [u8; 3] = [213, 94, 0];
const RED: [u8; 3] = [200, 30, 45];

#[test]
fn curves_show_each_series() {
    let (epochs, steps) = run(12, 235);
    let path = place("curves.png");
    curves(&path, &epochs, &steps).unwrap();
    let image = open(&path);
    assert_eq!(image.dimensions(), (1120, 480));
    assert_white_border(&image);
    let (blue, orange) = (count(&image, BLUE, 8), count(&image, ORANGE, 8));
    assert!(blue > 800 && orange > 400, "{blue} blue and {orange} orange pixels");
    assert!(count(&image, SKY_BLUE, 30) > 100, "the steps' thin line is missing");
}

#[test]
fn curves_of_short_odd_and_diverged_runs() {
    let (one, steps) = run(1, 40);
    curves(&place("curves-one-epoch.png"), &one, &steps).unwrap();
    assert_white_border(&open(&place("curves-one-epoch.png")));
    curves(&place("curves-no-epoch.png"), &[], &steps).unwrap();
    curves(&place("curves-no-steps.png"), &run(3, 1).0, &[]).unwrap();

    let (mut epochs, mut steps) = run(60, 10);
    epochs[20..].iter_mut().for_each(|e| {
        e.train_loss = f64::NAN;
        (e.train_accuracy, e.test_accuracy) = (0.1, 0.1);
    });
    steps[200..].iter_mut().for_each(|s| s.loss = f64::INFINITY);
    curves(&place("curves-diverged.png"), &epochs, &steps).unwrap();
    assert_white_border(&open(&place("curves-diverged.png")));

    let zero = EpochMetrics { epoch: 1, train_loss: 0.0, train_accuracy: 1.0, test_accuracy: 1.0 };
    curves(&place("curves-perfect.png"), &[zero], &[]).unwrap();
    let huge = EpochMetrics { epoch: 1, train_loss: 1e30, train_accuracy: 0.1, test_accuracy: 0.1 };
    curves(&place("curves-huge.png"), &[huge], &[]).unwrap();
    assert_white_border(&open(&place("curves-huge.png")));
}

#[test]
fn curves_of_nothing_are_an_error_and_leave_no_file() {
    let path = place("curves-none.png");
    let _ = std::fs::remove_file(&path);
    let nan =
        EpochMetrics { epoch: 1, train_loss: f64::NAN, train_accuracy: f64::NAN, test_accuracy: f64::NAN };
    for epochs in [&[][..], &[nan]] {
        let error = curves(&path, epochs, &[]).unwrap_err();
        assert!(error.to_string().contains("training curves"), "{error}");
    }
    assert!(!path.exists());
}

fn likely_counts() -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0u64; 10]; 10];
    for (class, row) in counts.iter_mut().enumerate() {
        for (other, cell) in row.iter_mut().enumerate() {
            let alike = [[0, 6], [2, 4], [4, 6], [2, 6], [5, 7], [7, 9]];
            let near = alike.iter().any(|pair| pair.contains(&class) && pair.contains(&other));
            *cell = if near { 30 + (class * 7 + other * 3) as u64 } else { (class * other % 4) as u64 };
        }
        row[class] = 0;
        row[class] = 1000 - row.iter().sum::<u64>();
    }
    counts
}

#[test]
fn confusion_matrix_shades_by_share_of_row() {
    let path = place("confusion_matrix.png");
    confusion_matrix(&path, &likely_counts(), &names()).unwrap();
    let image = open(&path);
    assert_white_border(&image);
    // The same shares of other totals: the same shades, in the same places.
    let (small, large) = (place("confusion-small.png"), place("confusion-large.png"));
    confusion_matrix(&small, &[vec![75, 25], vec![0, 100]], &["cat", "dog"]).unwrap();
    confusion_matrix(&large, &[vec![75_000, 25_000], vec![0, 100]], &["cat", "dog"]).unwrap();
    let shades = |path: &Path| {
        let mut area = BTreeMap::<[u8; 3], usize>::new();
        open(path).pixels().for_each(|p| *area.entry(p.0).or_default() += 1);
        // A cell of 84×56 less its number is larger than all that text and bar have of one colour.
        area.into_iter()
            .filter(|&(colour, pixels)| pixels > 2500 && colour != [255; 3])
            .map(|(c, _)| c)
            .collect::<Vec<_>>()
    };
    assert_eq!(shades(&small), shades(&large));
    assert_eq!(shades(&small).len(), 4, "0, 25, 75 and 100 % are four shades: {:?}", shades(&small));
}

#[test]
fn confusion_matrices_of_other_sizes() {
    let long: Vec<String> = (0..40).map(|i| format!("a class with quite a long name, number {i}")).collect();
    let counts: Vec<Vec<u64>> =
        (0..40).map(|i| (0..40).map(|j| u64::from(i == j) * 90 + (i * j % 3)).collect()).collect();
    confusion_matrix(&place("confusion-forty.png"), &counts, &long).unwrap();
    assert_white_border(&open(&place("confusion-forty.png")));
    confusion_matrix(&place("confusion-one.png"), &[vec![0]], &["only"]).unwrap();
    assert_white_border(&open(&place("confusion-one.png")));
    let hundred: Vec<String> = (0..100).map(|i| format!("{i}")).collect();
    confusion_matrix(&place("confusion-hundred.png"), &vec![vec![u64::MAX; 100]; 100], &hundred).unwrap();
    assert_white_border(&open(&place("confusion-hundred.png")));
}

#[test]
fn confusion_matrices_that_do_not_fit_are_errors() {
    let path = place("confusion-bad.png");
    for (counts, names) in
        [(vec![], vec![]), (vec![vec![1]], vec!["a", "b"]), (vec![vec![1, 2], vec![3]], vec!["a", "b"])]
    {
        let error = confusion_matrix(&path, &counts, &names).unwrap_err();
        assert!(matches!(error, PictureError::Input { picture: "confusion matrix", .. }), "{error}");
    }
    assert!(!path.exists());
}

fn real_predictions(count: usize) -> Vec<Prediction> {
    let dir = FashionMnist::data_dir(None);
    let test = FashionMnist::load_split(&dir, Split::Test)
        .unwrap_or_else(|error| panic!("this test needs the real data: {error}"));
    let predict = |index: usize| {
        let label = test.label(index).unwrap() as usize;
        let predicted = if index % 9 == 4 { [6, 3, 4, 0, 2, 7, 0, 9, 3, 7][label] } else { label };
        let confidence = (0.55 + 0.45 * noise(index as u64).abs()) as f32;
        Prediction {
            pixels: test.image(index).unwrap().into_owned(),
            shape: [1, 28, 28],
            label,
            predicted,
            confidence,
        }
    };
    (0..count).map(predict).collect()
}

#[test]
fn prediction_sheet_frames_the_wrong_ones() {
    let path = place("predictions.png");
    let predictions = real_predictions(40);
    let wrong = predictions.iter().filter(|p| p.label != p.predicted).count();
    prediction_sheet(&path, &predictions, &names()).unwrap();
    let image = open(&path);
    assert_white_border(&image);
    // The frame is 3 pixels around 84×84.
    let frame = 90 * 90 - 84 * 84;
    let red = count(&image, RED, 0);
    assert!(
        red >= wrong * frame && red < wrong * (frame + 600),
        "{red} red pixels for {wrong} frames of {frame}"
    );

    let right: Vec<_> = predictions.into_iter().filter(|p| p.label == p.predicted).collect();
    prediction_sheet(&path.with_file_name("predictions-right.png"), &right, &names()).unwrap();
    assert_eq!(count(&open(&path.with_file_name("predictions-right.png")), RED, 40), 0);
}

#[test]
fn prediction_sheet_magnifies_without_smoothing_and_keeps_colours() {
    let path = place("predictions-colour.png");
    let mut pixels = vec![0u8; 3 * 32 * 32];
    (0..1024).for_each(|i| pixels[i] = 250); // all red but for
    (pixels[0], pixels[1024], pixels[2048]) = (1, 2, 203); // one blue pixel in the corner
    let one = Prediction { pixels, shape: [3, 32, 32], label: 0, predicted: 0, confidence: 1.0 };
    prediction_sheet(&path, &[one], &["red"]).unwrap();
    let image = open(&path);
    assert_white_border(&image);
    assert_eq!(count(&image, [1, 2, 203], 0), 9);
    assert_eq!(count(&image, [250, 0, 0], 0), 9 * 1023);
}

#[test]
fn prediction_sheets_of_odd_inputs() {
    let long = ["a class whose name is far too long for the room there is".to_string(), "b".to_string()];
    let sizes = [[1, 5, 60], [1, 60, 5], [3, 1, 1]];
    let odd: Vec<Prediction> = sizes
        .iter()
        .map(|&shape| Prediction {
            pixels: vec![90; shape.iter().product()],
            shape,
            label: 0,
            predicted: 1,
            confidence: f32::NAN,
        })
        .chain([Prediction {
            pixels: vec![9; 1],
            shape: [1, 1, 1],
            label: 0,
            predicted: 0,
            confidence: 0.999,
        }])
        .collect();
    prediction_sheet(&place("predictions-odd.png"), &odd, &long).unwrap();
    assert_white_border(&open(&place("predictions-odd.png")));

    let good =
        || Prediction { pixels: vec![0; 4], shape: [1, 2, 2], label: 0, predicted: 1, confidence: 0.5 };
    for (bad, words) in [
        (vec![], "no predictions"),
        (vec![good(), Prediction { shape: [2, 2, 1], ..good() }], "image 1 has 2 channels"),
        (vec![Prediction { shape: [1, 2, 3], ..good() }], "has 4 pixels for the shape [1, 2, 3]"),
        (vec![Prediction { shape: [1, 0, 2], pixels: vec![], ..good() }], "has 0 pixels"),
        (vec![Prediction { predicted: 2, ..good() }], "class 2, of which there are 2"),
    ] {
        let path = place("predictions-bad.png");
        let error = prediction_sheet(&path, &bad, &long).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!path.exists());
    }
}

#[test]
fn a_picture_is_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("matrix.png");
    confusion_matrix(&path, &[vec![3]], &["a"]).unwrap();
    let first = std::fs::read(&path).unwrap();
    confusion_matrix(&path, &[vec![3]], &["a"]).unwrap();
    assert!(std::fs::read(&path).unwrap() == first, "the same input gives the same bytes");
    let entries: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(entries, ["matrix.png"], "no temporary file stays");

    // A file stands where its folder should be.
    let error = confusion_matrix(&path.join("inside.png"), &[vec![3]], &["a"]).unwrap_err();
    assert!(
        matches!(&error, PictureError::Write { path, .. } if path.ends_with("matrix.png/inside.png")),
        "{error}"
    );
    // A directory stands where the picture should go: the rename fails and nothing is left behind.
    std::fs::create_dir(dir.path().join("taken.png")).unwrap();
    confusion_matrix(&dir.path().join("taken.png"), &[vec![3]], &["a"]).unwrap_err();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

/// What is cut off is red, and only that; odd histograms are drawn, too.
#[test]
fn histograms_show_what_is_cut_off() {
    let path = place("histograms.png");
    let layer = |range: (f64, f64), counts: Vec<u64>| {
        let histogram = Histogram { low: 0.0, width: 0.02, counts, range, narrowest: None };
        LayerHistograms {
            name: "a.layer.of.a.long.name.that.goes.on.and.on.and.on.conv1".into(),
            note: "30.0 dB".into(),
            weight: Histogram { narrowest: Some((0.2, 0.3)), ..histogram.clone() },
            output: histogram,
        }
    };
    let counts: Vec<u64> = (0..100).map(|at| 10_000 / (at + 1)).collect();
    let red = |range: (f64, f64)| {
        histograms(&path, "network", "words", &[layer(range, counts.clone())]).unwrap();
        let image = open(&path);
        assert_white_border(&image);
        count(&image, [200, 30, 45], 8)
    };
    // The sample in the legend, and no more.
    let none = red((0.0, 2.0));
    assert!((100..200).contains(&none), "{none}");
    assert!(red((0.0, 1.0)) > 10 * none);
    let odd =
        [(vec![], (0.0, 0.0)), (vec![7], (1.0, 1.0)), (vec![0; 3], (-1e-30, 1e30)), (vec![5], (0.0, 1e-40))];
    let odd: Vec<_> =
        odd.iter().cycle().take(40).map(|(counts, range)| layer(*range, counts.clone())).collect();
    histograms(&path, "", "", &odd).unwrap();
    let error = histograms(&place("histograms-none.png"), "network", "", &[]).unwrap_err();
    assert!(matches!(error, PictureError::Input { picture: "histograms", .. }), "{error}");
}
