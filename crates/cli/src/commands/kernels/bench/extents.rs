//! Shapes on the command line.

/// Reads `1x64x56x56`.
pub fn extents<const N: usize>(text: &str) -> std::result::Result<[usize; N], String> {
    let parts: std::result::Result<Vec<usize>, _> = text.split(['x', ',', '×']).map(str::parse).collect();
    let parts = parts.map_err(|_| format!("`{text}` is not {N} numbers with x between them"))?;
    parts.try_into().map_err(|_| format!("`{text}` is not {N} numbers with x between them"))
}
