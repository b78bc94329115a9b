//! Magic numbers for divisions by a number that the host knows.

use tilewright_runtime::{Error, Result};

/// Numerators of `quotient` in the kernels stay below this.
const LIMIT: u64 = 1 << 31;

/// Magic number and shift such that n / d = (n + ⌊n · magic / 2³²⌋) >> shift for every n < 2³¹ (Granlund and Montgomery,
/// Division by invariant integers using multiplication, PLDI 1994). `d` is below 2³¹; 0 is taken for 1.
#[must_use]
pub fn magic(d: u32) -> [u32; 2] {
    let d = u64::from(d.max(1));
    let shift = d.next_power_of_two().trailing_zeros();
    // ⌈2^(32 + shift) / d⌉ without its highest bit, which the added n stands for.
    let magic = ((1_u64 << (32 + shift)).div_ceil(d)) - (1 << 32);
    [magic as u32, shift]
}

/// A number that may be divided: below 2³¹.
pub(crate) fn to_numerator(op: &str, number: usize) -> Result<u32> {
    match u32::try_from(number) {
        Ok(small) if u64::from(small) < LIMIT => Ok(small),
        _ => Err(Error::Limit {
            op: op.to_owned(),
            what: "an index",
            needed: number as u64,
            limit: LIMIT - 1,
            detail: "this kernel's indices must be below 2³¹".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotient(n: u32, [magic, shift]: [u32; 2]) -> u32 {
        (n + ((u64::from(n) * u64::from(magic)) >> 32) as u32) >> shift
    }

    #[test]
    fn quotients_are_exact() {
        let most = (1_u32 << 31) - 1;
        let divisors = (1..2000).chain((11..31).flat_map(|bit| (0..5).map(move |d| (1 << bit) - 2 + d)));
        for d in divisors.chain([most, 1_000_003, 1_431_655_765]) {
            let magic = magic(d);
            let near = (0..40).map(|k| u64::from(d) * k).chain((0..40).map(|k| u64::from(most) - k * 977));
            for centre in near.chain([u64::from(most) / u64::from(d) * u64::from(d)]) {
                for n in centre.saturating_sub(2)..centre + 3 {
                    let Ok(n) = to_numerator("op", n as usize) else { continue };
                    assert_eq!(quotient(n, magic), n / d, "{n} / {d}");
                }
            }
        }
        assert!(to_numerator("op", 1 << 31).is_err());
    }
}
