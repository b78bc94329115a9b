//! What is found, against comparing with every vector in f64; what is kept; what is refused.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;

use tilewright_retrieve::{Error, Index, Metric, Searcher};
use tilewright_runtime::Context;

/// Numbers from −1 to 1 by a small generator (Steele and others' SplitMix64).
fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    (0..count).map(|_| ((next() >> 40) as f32 / (1u64 << 23) as f32) - 1.0).collect()
}

fn filled(metric: Metric, count: usize, dim: usize) -> Index {
    let mut index = Index::new(dim, metric).unwrap();
    for (at, row) in random(1, count * dim).chunks(dim).enumerate() {
        index.add(10 + 3 * at as u64, format!("picture {at}"), row).unwrap();
    }
    index
}

/// Ids of the nearest, by every score in f64 of the numbers that were added.
fn brute(index: &Index, query: &[f32], k: usize) -> Vec<u64> {
    let square = |row: &[f32]| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let mut all: Vec<(f64, u64)> = (0..index.len())
        .map(|at| {
            let row = &index.rows()[at * index.dim()..(at + 1) * index.dim()];
            let dot: f64 = row.iter().zip(query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            let far = match index.metric() {
                Metric::Cosine => -dot / (square(row) * square(query)).sqrt(),
                Metric::Dot => -dot,
                Metric::L2 => {
                    row.iter().zip(query).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
                }
            };
            (far, index.ids()[at])
        })
        .collect();
    all.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    all.into_iter().take(k).map(|(_, id)| id).collect()
}

#[test]
fn the_nearest_are_those_of_brute_force() {
    let context = Context::new().unwrap();
    // 70 queries are more than one block.
    let (count, dim, queries) = (1003, 37, 70);
    for metric in Metric::ALL {
        let index = filled(metric, count, dim);
        let asked = random(2, queries * dim);
        // One chunk, chunks with a rest, and chunks that are smaller than what is wanted.
        for (searcher, k) in [
            (Searcher::new(&index, &context).unwrap(), 10),
            (Searcher::in_chunks(&index, &context, 256).unwrap(), 10),
            (Searcher::in_chunks(&index, &context, 400).unwrap(), 2000),
        ] {
            let found = searcher.query(&asked, k).unwrap();
            assert_eq!(found.len(), queries);
            for (query, found) in asked.chunks(dim).zip(found) {
                let ids: Vec<u64> = found.iter().map(|found| found.id).collect();
                assert_eq!(ids, brute(&index, query, k), "{metric:?} {k}");
                let first = &found[0];
                assert_eq!(first.name, format!("picture {}", (first.id - 10) / 3));
            }
        }
    }
}

#[test]
fn scores_are_the_metrics() {
    let context = Context::new().unwrap();
    for (metric, expected) in [(Metric::Cosine, 0.6), (Metric::L2, 17f64.sqrt()), (Metric::Dot, 6.0)] {
        let mut index = Index::new(2, metric).unwrap();
        index.add(1, "one", &[3.0, 4.0]).unwrap();
        let found = Searcher::new(&index, &context).unwrap().query(&[2.0, 0.0], 5).unwrap();
        assert_eq!(found[0].len(), 1);
        assert!((found[0][0].score - expected).abs() < 1e-6, "{metric:?}: {}", found[0][0].score);
    }
    // Of equal ones the lower id, wherever it lies.
    let mut index = Index::new(1, Metric::Dot).unwrap();
    for id in [5, 3, 9, 4] {
        index.add(id, "", &[1.0]).unwrap();
    }
    let found = Searcher::in_chunks(&index, &context, 2).unwrap().query(&[1.0], 3).unwrap();
    assert_eq!(found[0].iter().map(|found| found.id).collect::<Vec<_>>(), [3, 4, 5]);
    // Nothing to find, and nothing wanted.
    let empty = Index::new(3, Metric::L2).unwrap();
    assert_eq!(Searcher::new(&empty, &context).unwrap().query(&[0.0; 6], 4).unwrap(), [vec![], vec![]]);
    assert_eq!(Searcher::new(&index, &context).unwrap().query(&[1.0], 0).unwrap(), [vec![]]);
}

#[test]
fn what_is_removed_is_gone() {
    let context = Context::new().unwrap();
    let mut index = filled(Metric::L2, 20, 5);
    let query = index.vector(10 + 3 * 7).unwrap().to_vec();
    let nearest =
        |index: &Index| Searcher::new(index, &context).unwrap().query(&query, 1).unwrap()[0][0].clone();
    assert_eq!((nearest(&index).id, nearest(&index).score), (31, 0.0));
    assert!(index.remove(31) && !index.remove(31) && index.len() == 19);
    assert_ne!(nearest(&index).id, 31);
    // The others are where their ids say.
    let all = filled(Metric::L2, 20, 5);
    for &id in index.ids() {
        assert_eq!(index.vector(id), all.vector(id), "{id}");
    }
    let last = *index.ids().last().unwrap();
    assert!(index.remove(last));
    index.add(31, "again", &query).unwrap();
    assert_eq!((nearest(&index).name.as_str(), index.next_id()), ("again", 68));
}

#[test]
fn a_file_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/one.index");
    let mut index = filled(Metric::Cosine, 9, 4);
    index.set_about("a network");
    index.add(u64::MAX, "with \"quotes\",\nlines and 鳥", &[1.0; 4]).unwrap();
    index.save(&path).unwrap();
    let loaded = Index::load(&path).unwrap();
    assert_eq!((loaded.ids(), loaded.names(), loaded.about()), (index.ids(), index.names(), index.about()));
    assert_eq!((loaded.rows(), loaded.metric(), loaded.dim()), (index.rows(), Metric::Cosine, 4));
    // Nothing else is left in the folder, and an empty index is one too.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    Index::new(3, Metric::Dot).unwrap().save(&path).unwrap();
    assert_eq!(Index::load(&path).unwrap().len(), 0);
}

/// Cut anywhere and changed anywhere, a file is an index or an error.
#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.index");
    filled(Metric::L2, 3, 2).save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    for end in 0..bytes.len() {
        fs::write(&path, &bytes[..end]).unwrap();
        assert!(matches!(Index::load(&path), Err(Error::Format { .. })), "cut to {end}");
    }
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        fs::write(&path, &changed).unwrap();
        refused += usize::from(Index::load(&path).is_err());
    }
    assert!(refused > bytes.len() / 2, "{refused} of {}", bytes.len());
    // A later version: the same length, so that the header still fits.
    let at = bytes.windows(9).position(|window| window == b"version\\\"").unwrap();
    let mut later = bytes.clone();
    let digit = at + later[at..].iter().position(u8::is_ascii_digit).unwrap();
    later[digit] = b'2';
    fs::write(&path, later).unwrap();
    let error = Index::load(&path).unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
    assert!(matches!(Index::load(&folder.path().join("none")), Err(Error::File { .. })));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let mut index = Index::new(2, Metric::Cosine).unwrap();
    assert!(matches!(Index::new(0, Metric::L2), Err(Error::Dimension { dim: 0 })));
    assert!(matches!(index.add(1, "a", &[1.0]), Err(Error::Length { found: 1, dim: 2, .. })));
    assert!(matches!(index.add(1, "a", &[1.0, f32::NAN]), Err(Error::NotFinite { place: 1, .. })));
    assert!(matches!(index.add(1, "a", &[0.0, 0.0]), Err(Error::Zero { .. })));
    assert!(index.is_empty());
    index.add(1, "a", &[1.0, 1.0]).unwrap();
    let error = index.add(1, "b", &[1.0, 1.0]).unwrap_err();
    assert!(error.to_string().contains("id 1 is there already (`a`)"), "{error}");
    let context = Context::new().unwrap();
    let searcher = Searcher::new(&index, &context).unwrap();
    assert!(matches!(searcher.query(&[1.0, 2.0, 3.0], 1), Err(Error::Length { found: 1, .. })));
    assert!(matches!(searcher.query(&[1.0, f32::INFINITY], 1), Err(Error::NotFinite { .. })));
}
