//! A golden case: an operation's name, its parameters, and its tensors by role.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value;
use thiserror::Error;

/// What can be wrong with a golden file. Each message names the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// The file cannot be read.
    #[error("{path}: {source}; run tests/goldens/make_goldens.py to write it")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what the format says.
    #[error("{path}: {reason}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A case has no tensor of this role and element type.
    #[error("case {case} has no {dtype} tensor {role}; it has {present}")]
    Tensor {
        /// The case.
        case: String,
        /// The role asked for.
        role: String,
        /// The element type asked for.
        dtype: &'static str,
        /// The roles there are.
        present: String,
    },
    /// A case has no such parameter, or not of this type.
    #[error("case {case} has no parameter {name} that is {wanted}: {parameters}")]
    Parameter {
        /// The case.
        case: String,
        /// The parameter asked for.
        name: String,
        /// The type asked for.
        wanted: &'static str,
        /// The parameters there are.
        parameters: String,
    },
}

/// The elements of a golden tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// 32-bit floating point.
    F32(Vec<f32>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// Bytes: the pixels of images.
    U8(Vec<u8>),
}

/// A golden tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenTensor {
    /// Its extents.
    pub shape: Vec<usize>,
    /// Its elements.
    pub data: Data,
}

/// One operation with its parameters and tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The name of the case within its file.
    pub name: String,
    /// The name of the operation.
    pub op: String,
    /// The parameters, a JSON object.
    pub parameters: Value,
    /// Tensors by role.
    pub tensors: BTreeMap<String, GoldenTensor>,
}

impl Case {
    /// A floating-point tensor: its elements and its shape.
    ///
    /// # Errors
    /// [`GoldenError::Tensor`].
    pub fn f32(&self, role: &str) -> Result<(&[f32], &[usize]), GoldenError> {
        match self.tensors.get(role) {
            Some(GoldenTensor { shape, data: Data::F32(data) }) => Ok((data, shape)),
            _ => Err(self.no_tensor(role, "f32")),
        }
    }

    /// An integer tensor: its elements and its shape.
    ///
    /// # Errors
    /// [`GoldenError::Tensor`].
    pub fn i32(&self, role: &str) -> Result<(&[i32], &[usize]), GoldenError> {
        match self.tensors.get(role) {
            Some(GoldenTensor { shape, data: Data::I32(data) }) => Ok((data, shape)),
            _ => Err(self.no_tensor(role, "i32")),
        }
    }

    /// Images: the elements byte / 128 − 1, exact in f32, and the shape.
    ///
    /// # Errors
    /// [`GoldenError::Tensor`].
    pub fn images(&self, role: &str) -> Result<(Vec<f32>, &[usize]), GoldenError> {
        match self.tensors.get(role) {
            Some(GoldenTensor { shape, data: Data::U8(bytes) }) => {
                Ok((bytes.iter().map(|&byte| f32::from(byte) / 128.0 - 1.0).collect(), shape))
            }
            _ => Err(self.no_tensor(role, "u8")),
        }
    }

    /// Whether there is a tensor of this role.
    #[must_use]
    pub fn has(&self, role: &str) -> bool {
        self.tensors.contains_key(role)
    }

    /// A parameter that is a number.
    ///
    /// # Errors
    /// [`GoldenError::Parameter`].
    pub fn number(&self, name: &str) -> Result<f64, GoldenError> {
        self.parameters[name].as_f64().ok_or_else(|| self.no_parameter(name, "a number"))
    }

    /// A parameter that is a whole number of 0 or more.
    ///
    /// # Errors
    /// [`GoldenError::Parameter`].
    pub fn count(&self, name: &str) -> Result<usize, GoldenError> {
        as_count(&self.parameters[name]).ok_or_else(|| self.no_parameter(name, "a count"))
    }

    /// A parameter that is true or false.
    ///
    /// # Errors
    /// [`GoldenError::Parameter`].
    pub fn flag(&self, name: &str) -> Result<bool, GoldenError> {
        self.parameters[name].as_bool().ok_or_else(|| self.no_parameter(name, "a flag"))
    }

    /// A parameter that is a list of whole numbers.
    ///
    /// # Errors
    /// [`GoldenError::Parameter`].
    pub fn counts(&self, name: &str) -> Result<Vec<usize>, GoldenError> {
        let list = self.parameters[name].as_array();
        list.and_then(|list| list.iter().map(as_count).collect())
            .ok_or_else(|| self.no_parameter(name, "a list of counts"))
    }

    /// A parameter that is a height and a width.
    ///
    /// # Errors
    /// [`GoldenError::Parameter`].
    pub fn pair(&self, name: &str) -> Result<[usize; 2], GoldenError> {
        self.counts(name)?.try_into().map_err(|_| self.no_parameter(name, "a pair of counts"))
    }

    pub(super) fn no_tensor(&self, role: &str, dtype: &'static str) -> GoldenError {
        let present: Vec<&str> = self.tensors.keys().map(String::as_str).collect();
        GoldenError::Tensor {
            case: self.name.clone(),
            role: role.to_owned(),
            dtype,
            present: present.join(", "),
        }
    }

    pub(super) fn no_parameter(&self, name: &str, wanted: &'static str) -> GoldenError {
        let (case, name) = (self.name.clone(), name.to_owned());
        GoldenError::Parameter { case, name, wanted, parameters: self.parameters.to_string() }
    }
}

fn as_count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> Case {
        let tensor = GoldenTensor { shape: vec![2], data: Data::F32(vec![1.0, 2.0]) };
        Case {
            name: "small".to_owned(),
            op: "relu".to_owned(),
            parameters: serde_json::json!({"op": "relu", "stride": [1, 2], "flag": true, "slope": 0.5}),
            tensors: BTreeMap::from([("x".to_owned(), tensor)]),
        }
    }

    #[test]
    fn typed_access() {
        let case = case();
        assert_eq!(case.f32("x").expect("x"), (&[1.0, 2.0][..], &[2][..]));
        assert_eq!(case.pair("stride").expect("stride"), [1, 2]);
        assert!(case.flag("flag").expect("flag"));
        assert_eq!(case.number("slope").expect("slope"), 0.5);
    }

    #[test]
    fn what_is_missing_is_named() {
        let case = case();
        let message = case.i32("x").expect_err("x is f32").to_string();
        assert!(
            message.contains("small") && message.contains("i32") && message.contains("it has x"),
            "{message}"
        );
        assert!(case.f32("y").is_err());
        let message = case.count("slope").expect_err("no count").to_string();
        assert!(message.contains("slope") && message.contains("0.5"), "{message}");
        assert!(case.pair("padding").is_err());
    }
}
