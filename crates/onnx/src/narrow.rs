//! Floats of 8 bits and of 4, by their codes (ONNX specification, "Float stored in 8 bits"; arXiv 2209.05433, 2206.02915).

use crate::element::ElementType;

/// How a float lies in a byte: sign, exponent, mantissa.
#[derive(Clone, Copy)]
struct Format {
    mantissa: i32,
    bias: i32,
    largest: f64,
    infinity: Option<u8>,
    nan: Option<u8>,
    sign: u8,
    /// Whether there is a zero below zero.
    signed_zero: bool,
}

const E4M3FN: Format = Format {
    mantissa: 3,
    bias: 7,
    largest: 448.0,
    infinity: None,
    nan: Some(0x7f),
    sign: 0x80,
    signed_zero: true,
};
const E4M3FNUZ: Format = Format { bias: 8, largest: 240.0, nan: Some(0x80), signed_zero: false, ..E4M3FN };
const E5M2: Format = Format { mantissa: 2, bias: 15, largest: 57344.0, infinity: Some(0x7c), ..E4M3FN };
const E5M2FNUZ: Format = Format { mantissa: 2, bias: 16, largest: 57344.0, ..E4M3FNUZ };
const E2M1: Format = Format { mantissa: 1, bias: 1, largest: 6.0, nan: None, sign: 0x8, ..E4M3FN };

/// The format of a type; `None` unless it is one of floats of at most 8 bits.
const fn format(dtype: ElementType) -> Option<Format> {
    match dtype {
        ElementType::F8E4M3FN => Some(E4M3FN),
        ElementType::F8E4M3FNUZ => Some(E4M3FNUZ),
        ElementType::F8E5M2 => Some(E5M2),
        ElementType::F8E5M2FNUZ => Some(E5M2FNUZ),
        ElementType::F4E2M1 => Some(E2M1),
        _ => None,
    }
}

/// The nearest code, ties to even. What is beyond the largest number becomes that if `saturate`, else infinity or NaN,
/// whichever the type has. 0 for a type without codes.
pub(crate) fn encode(dtype: ElementType, value: f64, saturate: bool) -> u8 {
    let Some(format) = format(dtype) else { return 0 };
    let sign = if value.is_sign_negative() { format.sign } else { 0 };
    let signed = |code: u8| if code == 0 && !format.signed_zero { 0 } else { code | sign };
    if value.is_nan() {
        return format.nan.unwrap_or(0);
    }
    let smallest = 1 - format.bias;
    let magnitude = value.abs();
    let step = 2_f64.powi((exponent(magnitude).max(smallest)) - format.mantissa);
    let rounded = (magnitude / step).round_ties_even() * step;
    if rounded > format.largest {
        return match (saturate, format.infinity, format.nan) {
            (false, Some(infinity), _) => infinity | sign,
            (false, None, Some(nan)) => {
                if format.signed_zero {
                    nan | sign
                } else {
                    nan
                }
            }
            _ => signed(code(format, format.largest)),
        };
    }
    signed(code(format, rounded))
}

/// Places of the binary point of a number, at least those of a denormal f32.
fn exponent(magnitude: f64) -> i32 {
    if magnitude.is_infinite() {
        128
    } else {
        magnitude.max(f64::from(f32::MIN_POSITIVE)).log2().floor() as i32
    }
}

/// The code of a number that the format has, without its sign.
fn code(format: Format, magnitude: f64) -> u8 {
    let smallest = 1 - format.bias;
    let power = exponent(magnitude);
    let places = 2_f64.powi(format.mantissa);
    if power < smallest || magnitude == 0.0 {
        return (magnitude / 2_f64.powi(smallest) * places) as u8;
    }
    ((power + format.bias) << format.mantissa) as u8 + ((magnitude / 2_f64.powi(power) - 1.0) * places) as u8
}

/// The number of a code; 0 for a type without codes.
pub(crate) fn decode(dtype: ElementType, code: u8) -> f32 {
    let Some(format) = format(dtype) else { return 0.0 };
    let (magnitude, negative) = (code & (format.sign - 1), code & format.sign != 0);
    if format.nan == Some(code) || format.signed_zero && format.nan == Some(magnitude) {
        return f32::NAN;
    }
    if let Some(infinity) = format.infinity.filter(|&infinity| magnitude >= infinity) {
        let value = if magnitude == infinity { f32::INFINITY } else { f32::NAN };
        return if negative { -value } else { value };
    }
    let (power, rest) = (i32::from(magnitude) >> format.mantissa, magnitude & ((1 << format.mantissa) - 1));
    let fraction = f32::from(rest) / 2_f32.powi(format.mantissa);
    let value = if power == 0 {
        fraction * 2_f32.powi(1 - format.bias)
    } else {
        (1.0 + fraction) * 2_f32.powi(power - format.bias)
    };
    if negative { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code is the nearest of its own number, and the ends are the specification's.
    #[test]
    fn codes_and_numbers() {
        use ElementType::{F4E2M1, F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ};
        for dtype in [F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1] {
            let codes = if dtype == F4E2M1 { 16 } else { 256 };
            for code in (0..codes).map(|code| code as u8) {
                let value = decode(dtype, code);
                if !value.is_nan() {
                    assert_eq!(encode(dtype, f64::from(value), false), code, "{dtype} {code}: {value}");
                }
            }
        }
        for (dtype, largest, smallest) in [
            (F8E4M3FN, 448.0, 2_f32.powi(-9)),
            (F8E4M3FNUZ, 240.0, 2_f32.powi(-10)),
            (F8E5M2, 57344.0, 2_f32.powi(-16)),
            (F8E5M2FNUZ, 57344.0, 2_f32.powi(-17)),
            (F4E2M1, 6.0, 0.5),
        ] {
            assert_eq!(decode(dtype, encode(dtype, 1e9, true)), largest, "{dtype}");
            assert_eq!(decode(dtype, encode(dtype, f64::NEG_INFINITY, true)), -largest, "{dtype}");
            assert_eq!(decode(dtype, 1), smallest, "{dtype}");
            let beyond = decode(dtype, encode(dtype, 1e9, false));
            assert!(beyond.is_nan() || beyond.is_infinite() || dtype == F4E2M1, "{dtype} {beyond}");
        }
        // Half to even between 1 and 1.125, and below half of the smallest.
        assert_eq!(decode(F8E4M3FN, encode(F8E4M3FN, 1.0625, true)), 1.0);
        assert_eq!(decode(F8E4M3FN, encode(F8E4M3FN, 1.1875, true)), 1.25);
        assert_eq!(encode(F8E4M3FN, 2_f64.powi(-11), true), 0);
        assert_eq!(encode(F8E4M3FN, -0.0, true), 0x80);
        assert_eq!(encode(F8E4M3FNUZ, -0.0, true), 0);
        assert!(decode(F8E5M2, encode(F8E5M2, f64::NAN, true)).is_nan());
    }
}
