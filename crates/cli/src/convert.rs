//! Elements of one type as those of another, without loss.

use tilewright_onnx::{Data, ElementType, HostTensor, Numbers};

/// The elements as those of `to`. A type is only widened or narrowed where each value stays what it is: integers become
/// floats, and floats other floats, but floats become no integers, whatever their values.
///
/// # Errors
/// What is wrong, to stand behind the name of the file: the types, or the first value that does not fit, with its place and
/// the limit.
pub fn lossless(tensor: HostTensor, to: ElementType) -> Result<HostTensor, String> {
    let from = tensor.dtype();
    if from == to {
        return Ok(tensor);
    }
    if from.is_float() && !to.is_float() {
        // Python's own name of truth values; not every NumPy has numpy.bool.
        let by = if to == ElementType::Bool { "bool".to_owned() } else { format!("numpy.{}", numpy(to)) };
        return Err(format!(
            "{} is wanted, and the file has {}; save x.astype({by})",
            numpy(to),
            numpy(from)
        ));
    }
    let numbers = tensor.data().numbers();
    let data = Data::from_numbers(to, &numbers);
    let found = data.numbers();
    let changed = |at: &usize| !is_same(&numbers, &found, *at);
    if let Some(at) = (0..tensor.count()).find(changed) {
        let value = match &numbers {
            Numbers::Floats(values) => values[at].to_string(),
            Numbers::Integers(values) => values[at].to_string(),
        };
        let limit = match to {
            ElementType::Bool => "0 and 1 are truth values".to_owned(),
            to if to.is_float() => {
                format!("{} rounds it; save x.astype(numpy.{0}) if that is meant", numpy(to))
            }
            to => limits(to),
        };
        return Err(format!("element {at} is {value}; {limit}"));
    }
    HostTensor::new(tensor.shape(), data).map_err(|data| format!("it has {} elements", data.len()))
}

/// Whether the element at a place is one value in both, which may be a float and an integer.
fn is_same(left: &Numbers, right: &Numbers, at: usize) -> bool {
    match (left, right) {
        (Numbers::Integers(left), Numbers::Integers(right)) => left[at] == right[at],
        (Numbers::Floats(left), Numbers::Floats(right)) => {
            left[at] == right[at] || (left[at].is_nan() && right[at].is_nan())
        }
        (Numbers::Integers(left), Numbers::Floats(right))
        | (Numbers::Floats(right), Numbers::Integers(left)) => {
            // As integers: as floats both might be rounded.
            right[at].fract() == 0.0 && right[at] as i128 == left[at]
        }
    }
}

/// The range of an integer type.
fn limits(dtype: ElementType) -> String {
    // The name ends in them; in memory a type of 4 bits takes 8.
    let bits: u32 = dtype.name().trim_start_matches(char::is_alphabetic).parse().unwrap_or(8);
    let (least, most) = if numpy(dtype).starts_with('u') {
        (0, (1_i128 << bits) - 1)
    } else {
        (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
    };
    format!("{} has {least} to {most}", numpy(dtype))
}

/// NumPy's name of a type; float32 for those that it has not.
pub fn numpy(dtype: ElementType) -> &'static str {
    match dtype {
        ElementType::F32 | ElementType::BF16 => "float32",
        ElementType::F64 => "float64",
        other => other.name(),
    }
}

/// Whole numbers as the 32 bits that devices have.
///
/// # Errors
/// As [`lossless`].
pub fn narrow(tensor: &HostTensor) -> Result<Vec<i32>, String> {
    let Numbers::Integers(values) = tensor.data().numbers() else {
        let from = numpy(tensor.dtype());
        return Err(format!("int64 or int32 is wanted, and the file has {from}; save x.astype(numpy.int64)"));
    };
    let narrow = |(at, &value): (usize, &i128)| {
        i32::try_from(value).map_err(|_| {
            format!(
                "element {at} is {value}; devices have whole numbers of 32 bits, −2147483648 to 2147483647"
            )
        })
    };
    values.iter().enumerate().map(narrow).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn converted(data: Data, to: ElementType) -> Result<Data, String> {
        lossless(HostTensor::vector(data), to).map(|tensor| tensor.data().clone())
    }

    #[test]
    fn what_fits_is_converted() {
        let f = ElementType::F32;
        assert_eq!(converted(Data::U8(vec![0, 255]), f), Ok(Data::F32(vec![0.0, 255.0])));
        assert_eq!(converted(Data::Bool(vec![true]), f), Ok(Data::F32(vec![1.0])));
        assert_eq!(
            converted(Data::F64(vec![0.5, f64::INFINITY]), f),
            Ok(Data::F32(vec![0.5, f32::INFINITY]))
        );
        assert_eq!(
            converted(Data::I64(vec![1 << 24, 1 << 40]), f),
            Ok(Data::F32(vec![16_777_216.0, 1.099_511_6e12]))
        );
        assert_eq!(converted(Data::I64(vec![0, 1]), ElementType::Bool), Ok(Data::Bool(vec![false, true])));
        assert_eq!(converted(Data::U64(vec![7]), ElementType::I64), Ok(Data::I64(vec![7])));
        let Ok(Data::F32(nan)) = converted(Data::F64(vec![f64::NAN]), f) else { panic!("a float") };
        assert!(nan[0].is_nan());
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_limit() {
        for (data, to, said) in [
            (Data::F64(vec![0.5, 0.1]), ElementType::F32, "element 1 is 0.1; float32 rounds it"),
            (Data::F64(vec![1e300]), ElementType::F32, "float32 rounds it"),
            (Data::I64(vec![16_777_217]), ElementType::F32, "element 0 is 16777217; float32"),
            (Data::I64(vec![i64::MAX]), ElementType::F32, "element 0 is 9223372036854775807"),
            (Data::F32(vec![65_520.0]), ElementType::F16, "element 0 is 65520; float16"),
            (Data::I64(vec![0, 256]), ElementType::U8, "element 1 is 256; uint8 has 0 to 255"),
            (Data::I8(vec![-1]), ElementType::U64, "uint64 has 0 to 18446744073709551615"),
            (
                Data::U64(vec![u64::MAX]),
                ElementType::I64,
                "element 0 is 18446744073709551615; int64 has -9223372036854775808",
            ),
            (Data::U8(vec![2]), ElementType::Bool, "0 and 1 are truth values"),
            (Data::F32(vec![1.0]), ElementType::I64, "int64 is wanted, and the file has float32"),
            (Data::F32(vec![1.0]), ElementType::Bool, "bool is wanted"),
        ] {
            let error = converted(data, to).unwrap_err();
            assert!(error.contains(said), "`{said}` is not in: {error}");
        }
        let error = narrow(&HostTensor::vector(Data::U64(vec![1, u64::MAX]))).unwrap_err();
        assert!(error.contains("element 1 is 18446744073709551615") && error.contains("32 bits"), "{error}");
    }
}
