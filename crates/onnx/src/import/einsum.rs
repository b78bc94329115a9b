//! Products and sums by letters: each pair of operands is one matrix product.

use std::collections::BTreeSet;

use tilewright_ops::ReduceOp;
use tilewright_tensor::{DType, Tensor};

use super::node::{Ctx, signed};
use super::value::Value;
use crate::error::Result;

/// The axes that an ellipsis may stand for.
const ELLIPSIS: [char; 8] = ['\u{1}', '\u{2}', '\u{3}', '\u{4}', '\u{5}', '\u{6}', '\u{7}', '\u{8}'];

/// An operand with a letter for each axis, no two alike.
struct Lettered {
    tensor: Tensor,
    letters: Vec<char>,
}

/// The letters of a term for an operand of that rank.
fn letters(ctx: &Ctx, term: &str, rank: usize) -> Result<Vec<char>> {
    let wrong =
        || ctx.node.attributes.wrong("equation", format!("has `{term}` for an operand of {rank} axes"));
    let named = term.chars().filter(|letter| *letter != '.').count();
    let Some((front, back)) = term.split_once("...") else {
        return if named == rank && !term.contains('.') { Ok(term.chars().collect()) } else { Err(wrong()) };
    };
    let hidden = rank.checked_sub(named).filter(|&hidden| hidden <= ELLIPSIS.len()).ok_or_else(wrong)?;
    // The last axes are the same ones in every operand.
    let axes = ELLIPSIS[ELLIPSIS.len() - hidden..].iter().copied();
    Ok(front.chars().chain(axes).chain(back.chars()).collect())
}

impl Lettered {
    /// With each letter once: the diagonal of those that come twice.
    fn of(ctx: &Ctx, tensor: Tensor, letters: Vec<char>) -> Result<Self> {
        let mut distinct: Vec<char> = vec![];
        for &letter in &letters {
            if !distinct.contains(&letter) {
                distinct.push(letter);
            }
        }
        if distinct.len() == letters.len() {
            return Ok(Self { tensor, letters });
        }
        // The strides of a letter's axes together.
        let mut stride = 1;
        let mut steps = vec![(0, 0); distinct.len()];
        for (axis, letter) in letters.iter().enumerate().rev() {
            let at = distinct.iter().position(|other| other == letter).unwrap_or(0);
            let extent = tensor.shape()[axis];
            if steps[at].0 != 0 && steps[at].0 != extent {
                return Err(ctx.wrong(format!("`{letter}` has extents {} and {extent}", steps[at].0)));
            }
            steps[at] = (extent, steps[at].1 + stride);
            stride *= extent;
        }
        let mut places = vec![0_i32];
        for &(extent, step) in &steps {
            places = places.iter().flat_map(|&at| (0..extent).map(move |i| at + (i * step) as i32)).collect();
        }
        let shape: Vec<usize> = steps.iter().map(|&(extent, _)| extent).collect();
        let indices = Tensor::from_slice(ctx.context, &places, &shape)?;
        debug_assert_eq!(indices.dtype(), DType::I32);
        Ok(Self { tensor: tensor.reshape(&[-1])?.gather(0, &indices)?, letters: distinct })
    }

    fn extent(&self, letter: char) -> usize {
        self.letters.iter().position(|&other| other == letter).map_or(1, |axis| self.tensor.shape()[axis])
    }

    /// Summed over every letter that `kept` does not have.
    fn summed(self, kept: &BTreeSet<char>) -> Result<Self> {
        let gone: Vec<usize> =
            (0..self.letters.len()).filter(|&axis| !kept.contains(&self.letters[axis])).collect();
        if gone.is_empty() {
            return Ok(self);
        }
        let tensor = self.tensor.reduce(ReduceOp::Sum, &gone, false)?;
        let letters = self.letters.into_iter().filter(|letter| kept.contains(letter)).collect();
        Ok(Self { tensor, letters })
    }

    /// With the axes of `order`, 1 long where it has no such letter.
    fn ordered(&self, order: &[char]) -> Result<Tensor> {
        let own: Vec<usize> =
            order.iter().filter_map(|letter| self.letters.iter().position(|other| other == letter)).collect();
        let tensor = if own.windows(2).all(|pair| pair[0] < pair[1]) {
            self.tensor.clone()
        } else {
            self.tensor.permute(&own)?
        };
        let shape: Vec<usize> = order.iter().map(|&letter| self.extent(letter)).collect();
        Ok(tensor.reshape(&signed(&shape))?)
    }
}

/// The product of two operands, summed over the letters that nobody wants any more.
fn contracted(ctx: &Ctx, a: Lettered, b: Lettered, kept: &BTreeSet<char>) -> Result<Lettered> {
    // What only one of them has and nobody wants is summed first.
    let with = |letters: &[char]| kept.iter().chain(letters).copied().collect::<BTreeSet<char>>();
    let (in_a, in_b) = (with(&a.letters), with(&b.letters));
    let (a, b) = (a.summed(&in_b)?, b.summed(&in_a)?);
    for &letter in &a.letters {
        let (left, right) = (a.extent(letter), b.extent(letter));
        if left != right && left != 1 && right != 1 {
            return Err(ctx.wrong(format!("a letter of its equation has extents {left} and {right}")));
        }
    }
    let (mut both, mut left, mut right, mut inner) = (vec![], vec![], vec![], vec![]);
    for &letter in a.letters.iter().chain(b.letters.iter().filter(|letter| !a.letters.contains(letter))) {
        match (a.letters.contains(&letter), b.letters.contains(&letter), kept.contains(&letter)) {
            (true, true, true) => both.push(letter),
            (true, true, false) => inner.push(letter),
            (true, false, _) => left.push(letter),
            _ => right.push(letter),
        }
    }
    let extent = |letter: &char| a.extent(*letter).max(b.extent(*letter));
    let extents = |letters: &[char]| letters.iter().map(extent).collect::<Vec<_>>();
    let product = |letters: &[char]| extents(letters).iter().product::<usize>();
    // Letters that both have, of which one is 1 long, are as long as the other.
    let wide = |of: &Lettered, order: &[char]| -> Result<Tensor> {
        let tensor = of.ordered(order)?;
        let shape = extents(order);
        Ok(if tensor.shape() == shape { tensor } else { tensor.expand(&shape)? })
    };
    let x = wide(&a, &[&both[..], &left, &inner].concat())?;
    let x = x.reshape(&signed(&[product(&both), product(&left), product(&inner)]))?;
    let y = wide(&b, &[&both[..], &inner, &right].concat())?;
    let y = y.reshape(&signed(&[product(&both), product(&inner), product(&right)]))?;
    let letters = [&both[..], &left, &right].concat();
    Ok(Lettered { tensor: x.matmul(&y)?.reshape(&signed(&extents(&letters)))?, letters })
}

pub(super) fn einsum(ctx: &Ctx) -> Result<Vec<Value>> {
    let attributes = &ctx.node.attributes;
    let equation: String = attributes
        .string("equation")?
        .unwrap_or("")
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let (terms, result) = match equation.split_once("->") {
        Some((terms, result)) => (terms, Some(result)),
        None => (&equation[..], None),
    };
    let terms: Vec<&str> = terms.split(',').collect();
    if terms.len() != ctx.inputs.len() {
        let reason = format!("has {} terms for {} operands", terms.len(), ctx.inputs.len());
        return Err(attributes.wrong("equation", reason));
    }
    let known = |letter: char| letter.is_ascii_alphabetic() || letter == '.';
    if !equation.replace("->", "").chars().all(|letter| known(letter) || letter == ',') {
        return Err(attributes.wrong("equation", format!("is `{equation}`")));
    }
    let mut named = vec![];
    for (index, term) in terms.iter().enumerate() {
        named.push(letters(ctx, term, ctx.shape(index)?.len())?);
    }
    let all: Vec<char> = named.iter().flatten().copied().collect();
    let hidden: Vec<char> = ELLIPSIS.into_iter().filter(|letter| all.contains(letter)).collect();
    let result: Vec<char> = match result {
        Some(result) => {
            letters(ctx, result, hidden.len() + result.chars().filter(|letter| *letter != '.').count())
                .or_else(|_| letters(ctx, result, result.len()))?
        }
        None => {
            // By the alphabet, what comes once.
            let once: BTreeSet<char> = all
                .iter()
                .copied()
                .filter(|letter| {
                    !hidden.contains(letter) && all.iter().filter(|other| *other == letter).count() == 1
                })
                .collect();
            hidden.iter().copied().chain(once).collect()
        }
    };
    if result.iter().any(|letter| !all.contains(letter)) {
        return Err(
            attributes.wrong("equation", format!("is `{equation}`, whose result has a letter of its own"))
        );
    }
    let mut operands = vec![];
    for (index, letters) in named.iter().enumerate() {
        operands.push(Lettered::of(ctx, ctx.float(index)?, letters.clone())?);
    }
    let mut rest = operands.into_iter();
    let Some(mut product) = rest.next() else { return Err(ctx.wrong("it has no operands")) };
    let mut later = named.into_iter().skip(2);
    for operand in rest {
        let wanted: BTreeSet<char> = result.iter().copied().chain(later.clone().flatten()).collect();
        later.next();
        product = contracted(ctx, product, operand, &wanted)?;
    }
    let product = product.summed(&result.iter().copied().collect())?;
    ctx.like_first([product.ordered(&result)?])
}
