//! Whether a JPEG is whole, which its decoder does not say: it paints what is missing grey.

const END: u8 = 0xd9;

/// Whether the markers (ITU-T T.81, annex B) lead to the end of the picture. An end within a segment, such as that of a
/// thumbnail, is none.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    loop {
        // What stands before a marker is no segment; decoders pass over it.
        let Some(at) = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff))
        else {
            return false;
        };
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            END => return true,
            // Restarts and TEM stand alone.
            0xd0..=0xd7 | 0x01 => {}
            // Behind a scan's header come its data: in them 0xff is followed by 0, or by a restart.
            _ => {
                let Some(length) = rest.first_chunk::<2>() else { return false };
                let Some(behind) = rest.get(usize::from(u16::from_be_bytes(*length)).max(2)..) else {
                    return false;
                };
                rest = behind;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_that_of_the_picture() {
        // A segment with a thumbnail's end in it, a scan with a stuffed 0xff and a restart, the end, and what follows.
        let whole = [
            0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9, 0xff, 0xda, 0, 3, 1, 7, 0xff, 0, 7, 0xff,
            0xd0, 9, 0xff, 0xff, 0xd9, 1, 2,
        ];
        for end in 0..whole.len() {
            assert_eq!(is_whole(&whole[..end]), end >= 25, "{end}");
        }
    }
}
