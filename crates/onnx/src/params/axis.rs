//! Axes as ONNX counts them, and the rule of broadcasting.

/// An outcome whose error does not name the node yet.
pub(crate) type Checked<T> = std::result::Result<T, String>;

/// An axis counted from the back where it is negative. `rank` may be reached by some operators: they pass one more.
pub(crate) fn one(axis: i64, rank: usize) -> Checked<usize> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    counted
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|&axis| axis < rank)
        .ok_or_else(|| format!("axis {axis} is outside a rank of {rank}"))
}

/// Distinct axes, sorted.
pub(crate) fn all(given: &[i64], rank: usize) -> Checked<Vec<usize>> {
    let mut found: Vec<usize> = given.iter().map(|&axis| one(axis, rank)).collect::<Checked<_>>()?;
    found.sort_unstable();
    if found.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(format!("axes {given:?} name an axis twice"));
    }
    Ok(found)
}

/// NumPy's rule.
pub(crate) fn broadcast_shapes(left: &[usize], right: &[usize]) -> Checked<Vec<usize>> {
    let rank = left.len().max(right.len());
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(format!("shapes {left:?} and {right:?} do not broadcast")),
        })
        .collect()
}
