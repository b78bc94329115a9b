//! Elements or slices that differ, and n-grams that are counted.

use std::collections::HashMap;

use super::call::Call;
use super::indices::{along, around};
use crate::error::Result;
use crate::params::axis;
use crate::params::operands::Operands;
use crate::tensor::{Data, HostTensor};

/// The elements, or the slices of an axis, each once: sorted, or in the order in which they come. With them where each came
/// first, which one each element is, and how often each came.
pub(super) fn unique(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, attributes) = (call.operand(0)?, &call.node().attributes);
    let along_axis = match attributes.int_ref("axis")? {
        Some(&given) => Some(call.check(axis::one(given, x.shape().len()))?),
        None => None,
    };
    let parts = match along_axis {
        Some(axis) => around(x.shape(), axis),
        None => [1, x.count(), 1],
    };
    let extent = parts[1];
    let places: Vec<Vec<usize>> = (0..extent).map(|at| along(parts, &[at])).collect();
    let numbers = x.data().numbers();
    let order = |a: usize, b: usize| {
        let pairs = places[a].iter().zip(&places[b]).map(|(&a, &b)| numbers.order(a, b));
        pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    };
    let mut sorted: Vec<usize> = (0..extent).collect();
    sorted.sort_by(|&a, &b| order(a, b));
    // Runs of equal slices, each by its first member, since sorting keeps the order of equal ones.
    let mut runs: Vec<Vec<usize>> = vec![];
    for at in sorted {
        match runs.last_mut() {
            Some(run) if order(run[0], at).is_eq() => run.push(at),
            _ => runs.push(vec![at]),
        }
    }
    if !attributes.flag("sorted", true)? {
        runs.sort_by_key(|run| run[0]);
    }
    let mut inverse = vec![0; extent];
    for (at, run) in runs.iter().enumerate() {
        run.iter().for_each(|&member| inverse[member] = at as i64);
    }
    let first: Vec<usize> = runs.iter().map(|run| run[0]).collect();
    let mut shape = match along_axis {
        Some(_) => x.shape().to_vec(),
        None => vec![0],
    };
    shape[along_axis.unwrap_or(0)] = first.len();
    let y = call.tensor(&shape, x.data().take(&along(parts, &first)))?;
    let integers = |values: Vec<i64>| HostTensor::vector(Data::I64(values));
    Ok(vec![
        y,
        integers(first.iter().map(|&at| at as i64).collect()),
        integers(inverse),
        integers(runs.iter().map(|run| run.len() as i64).collect()),
    ])
}

/// How often each n-gram of a pool stands in a line, with gaps of equal width.
pub(super) fn tf_idf(call: &Call) -> Result<Vec<HostTensor>> {
    let (x, attributes) = (call.operand(0)?, &call.node().attributes);
    if !matches!(x.shape().len(), 1 | 2) {
        return Err(call
            .node()
            .wrong(format!("an operand of shape {:?}, where lines are wanted", x.shape())));
    }
    let missing = |name: &str| attributes.wrong(name, "is missing".to_owned());
    let number = |name: &str| -> Result<usize> {
        let given = *attributes.int_ref(name)?.ok_or_else(|| missing(name))?;
        usize::try_from(given).map_err(|_| attributes.wrong(name, format!("is {given}")))
    };
    let (least, most, skips) =
        (number("min_gram_length")?, number("max_gram_length")?, number("max_skip_count")?);
    let pool = attributes.ints("pool_int64s")?.ok_or_else(|| missing("pool_int64s"))?;
    let starts = attributes.ints("ngram_counts")?.ok_or_else(|| missing("ngram_counts"))?;
    let columns = attributes.ints("ngram_indexes")?.ok_or_else(|| missing("ngram_indexes"))?;
    let weights = attributes.floats("weights")?;
    let (counted, weighted) = match attributes.string("mode")?.unwrap_or("") {
        "TF" => (true, false),
        "IDF" => (false, true),
        "TFIDF" => (true, true),
        other => return Err(attributes.wrong("mode", format!("`{other}` is unknown"))),
    };
    let mut ids: HashMap<&[i64], usize> = HashMap::new();
    for (at, &start) in starts.iter().enumerate() {
        let end = starts.get(at + 1).copied().unwrap_or(pool.len() as i64);
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let grams = range.and_then(|(start, end)| pool.get(start..end));
        let grams = grams.ok_or_else(|| attributes.wrong("ngram_counts", format!("are {starts:?}")))?;
        for gram in grams.chunks(at + 1) {
            ids.insert(gram, ids.len());
        }
    }
    let width = columns.iter().max().map_or(0, |&column| usize::try_from(column).unwrap_or(0) + 1);
    let line = x.shape().last().copied().unwrap_or(0);
    let lines = if x.shape().len() == 2 { x.shape()[0] } else { 1 };
    let mut counts = vec![0.0_f32; call.count(&[lines, width])?];
    let words = x.to_i64().ok_or_else(|| call.node().wrong("its operand must be of integers"))?;
    let mut gram = vec![];
    for (at, words) in words.chunks(line.max(1)).enumerate() {
        for length in least.max(1)..=most.min(line) {
            for gap in 1..=if length == 1 { 1 } else { skips.min(line) + 1 } {
                for start in 0..words.len().saturating_sub((length - 1) * gap) {
                    gram.clear();
                    gram.extend((0..length).map(|word| words[start + word * gap]));
                    let Some(&id) = ids.get(&gram[..]) else { continue };
                    let column = columns.get(id).and_then(|&column| usize::try_from(column).ok());
                    let column = column
                        .ok_or_else(|| attributes.wrong("ngram_indexes", format!("are {columns:?}")))?;
                    let weight = weights
                        .filter(|_| weighted)
                        .map_or(1.0, |weights| weights.get(id).copied().unwrap_or(1.0));
                    let place = &mut counts[at * width + column];
                    *place = if counted { *place + weight } else { weight };
                }
            }
        }
    }
    let shape = if x.shape().len() == 2 { vec![lines, width] } else { vec![width] };
    Ok(vec![call.tensor(&shape, Data::F32(counts))?])
}
