//! Scaled dot-product attention.

use tilewright_ops::Attention;

use crate::indexing::{check_len, round, valid};

/// Operands with their shapes.
pub type Operand<'a> = (&'a [f32], &'a [usize]);

/// The attention of N H L E queries, and the logarithms of the sums. A mask is added to the scores.
#[must_use]
pub fn attention(
    op: Attention,
    query: Operand<'_>,
    key: Operand<'_>,
    value: Operand<'_>,
    mask: Option<Operand<'_>>,
) -> (Vec<f32>, Vec<f32>) {
    let shapes = valid(op.output_shapes(query.1, key.1, value.1, mask.map(|mask| mask.1)));
    for (name, (values, shape)) in [("query", query), ("key", key), ("value", value)] {
        check_len(name, values, shape);
    }
    let (heads, queries, head) = (query.1[1], query.1[2], query.1[3]);
    let (keys, width) = (key.1[2], value.1[3]);
    let mut y = vec![0.0; shapes[0].iter().product()];
    let mut log_sum = vec![0.0; shapes[1].iter().product()];
    for line in 0..log_sum.len() {
        let (of, place) = (line / queries, line % queries);
        let seen = if op.causal { keys.min(place + 1) } else { keys };
        let added = |k: usize| {
            let Some((mask, shape)) = mask else { return 0.0 };
            let at = [of / heads, of % heads, place, k];
            let index =
                at.iter().zip(shape).fold(0, |index, (&at, &extent)| index * extent + at.min(extent - 1));
            f64::from(mask[index])
        };
        let score = |k: usize| {
            let products = (0..head)
                .map(|d| f64::from(query.0[line * head + d]) * f64::from(key.0[(of * keys + k) * head + d]));
            f64::from(op.scale) * products.sum::<f64>() + added(k)
        };
        let scores: Vec<f64> = (0..seen).map(score).collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            continue;
        }
        let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        log_sum[line] = largest + sum.ln();
        for d in 0..width {
            let terms = powers
                .iter()
                .enumerate()
                .map(|(k, power)| power * f64::from(value.0[(of * keys + k) * width + d]));
            y[line * width + d] = terms.sum::<f64>() / sum;
        }
    }
    (round(&y), round(&log_sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let op = Attention { scale: 1.0, causal: false };
        let (query, key, value) = ([0.0, 0.0], [1.0, 2.0], [3.0, 5.0]);
        let shape = [1, 1, 2, 1];
        let run = |op, mask| attention(op, (&query, &shape), (&key, &shape), (&value, &shape), mask);
        // Equal scores: the mean.
        let (y, log_sum) = run(op, None);
        assert_eq!((y[0], y[1], log_sum[0]), (4.0, 4.0, std::f32::consts::LN_2));
        // The first query sees the first key alone.
        assert_eq!(run(Attention { causal: true, ..op }, None).0, [3.0, 4.0]);
        let none = f32::NEG_INFINITY;
        let (y, log_sum) = run(op, Some((&[none, none, none, 0.0], &[1, 1, 2, 2])));
        assert_eq!((y, log_sum), (vec![0.0, 5.0], vec![0.0, 0.0]));
    }
}
