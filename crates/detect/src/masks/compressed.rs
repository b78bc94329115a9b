//! COCO's string of compressed runs.
//!
//! A number is written five bits a character, the lowest first, each character 48 and its six bits: the sixth says that more
//! follow, and the last one's fifth is the sign. From the fourth run on, the number is the difference to the run two before.

use super::{error::MaskError, rle::Rle};

/// The longest number that is a difference of two runs: 33 bits in groups of five.
const MOST: u32 = 7;

impl Rle {
    /// The runs as COCO's string.
    #[must_use]
    pub fn to_compressed(&self) -> String {
        let mut text = String::new();
        let counts = self.counts();
        for (at, &count) in counts.iter().enumerate() {
            let before = if at > 2 { i64::from(counts[at - 2]) } else { 0 };
            let mut rest = i64::from(count) - before;
            loop {
                let low = (rest & 0x1f) as u8;
                rest >>= 5;
                // What is left repeats the sign, and the fifth bit already says it.
                let last = if low & 0x10 == 0 { rest == 0 } else { rest == -1 };
                text.push(char::from(48 + (low | if last { 0 } else { 0x20 })));
                if last {
                    break;
                }
            }
        }
        text
    }

    /// The mask that COCO's string says.
    ///
    /// # Errors
    /// [`MaskError::Compressed`] for what is no such string, and those of [`Rle::new`].
    pub fn from_compressed(height: usize, width: usize, text: &str) -> Result<Self, MaskError> {
        let mut counts: Vec<u32> = Vec::new();
        let (mut number, mut digits) = (0i64, 0);
        for (at, byte) in text.bytes().enumerate() {
            let fault = |reason| MaskError::Compressed { at, reason };
            if !(48..112).contains(&byte) {
                return Err(fault("this character is none of them"));
            }
            if digits == MOST {
                return Err(fault("the number is too long"));
            }
            let six = byte - 48;
            number |= i64::from(six & 0x1f) << (5 * digits);
            digits += 1;
            if six & 0x20 != 0 {
                continue;
            }
            if six & 0x10 != 0 {
                number -= 1 << (5 * digits);
            }
            if counts.len() > 2 {
                number += i64::from(counts[counts.len() - 2]);
            }
            let count =
                u32::try_from(number).map_err(|_| fault("the run has no length from 0 to 2³² − 1"))?;
            counts.push(count);
            (number, digits) = (0, 0);
        }
        if digits > 0 {
            let reason = "it ends within a number";
            return Err(MaskError::Compressed { at: text.len(), reason });
        }
        Self::new(height, width, counts)
    }
}
