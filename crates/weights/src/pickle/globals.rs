//! The names that a pickle may call, and what each means for data.
//!
//! Everything is by name: no name is ever looked up in a library.

use super::value::StorageElement;
use crate::{element::Element, error::Fault};

/// What is made instead of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A dict, of pairs or of nothing.
    Dict,
    /// A list, set or tuple of what it is given.
    List,
    /// Its first argument.
    First,
    /// `_codecs.encode`: how Python 3 writes bytes under protocol 2.
    Encode,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_tensor_v3`, which has the type as an argument.
    RebuildTensorV3,
    RebuildQTensor,
    /// `torch._tensor._rebuild_from_type_v2`: another of these, whose result gets attributes.
    RebuildFromType,
    NumpyScalar,
    NumpyReconstruct,
    NumpyDtype,
    /// `copyreg._reconstructor`: an object of a class.
    Reconstructor,
    /// A value that weights do not depend on.
    Opaque,
}

/// What a name is, if it may be called.
pub(super) fn known(name: &str) -> Option<Known> {
    Some(match name {
        "collections.OrderedDict"
        | "collections.defaultdict"
        | "collections.Counter"
        | "builtins.dict"
        | "__builtin__.dict" => Known::Dict,
        "builtins.set"
        | "builtins.frozenset"
        | "builtins.list"
        | "builtins.tuple"
        | "__builtin__.set"
        | "__builtin__.frozenset"
        | "__builtin__.list"
        | "__builtin__.tuple"
        | "torch.Size" => Known::List,
        "_codecs.encode" => Known::Encode,
        "builtins.bytearray"
        | "__builtin__.bytearray"
        | "builtins.bytes"
        | "__builtin__.bytes"
        | "torch._utils._rebuild_parameter"
        | "torch._utils._rebuild_parameter_with_state"
        | "torch.nn.parameter.Parameter"
        | "torch.jit._pickle.build_intlist"
        | "torch.jit._pickle.build_tensorlist"
        | "torch.jit._pickle.build_doublelist"
        | "torch.jit._pickle.build_boollist"
        | "torch.jit._pickle.restore_type_tag" => Known::First,
        "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => Known::RebuildTensor,
        "torch._utils._rebuild_tensor_v3" => Known::RebuildTensorV3,
        "torch._utils._rebuild_qtensor" => Known::RebuildQTensor,
        "torch._tensor._rebuild_from_type_v2" => Known::RebuildFromType,
        "numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar" => Known::NumpyScalar,
        "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
            Known::NumpyReconstruct
        }
        "numpy.dtype" => Known::NumpyDtype,
        "copyreg._reconstructor" | "copy_reg._reconstructor" => Known::Reconstructor,
        "torch.device"
        | "torch.Generator"
        | "builtins.complex"
        | "__builtin__.complex"
        | "builtins.slice"
        | "__builtin__.slice"
        | "builtins.range"
        | "builtins.object"
        | "__builtin__.object"
        | "argparse.Namespace"
        | "types.SimpleNamespace"
        | "datetime.datetime"
        | "datetime.date"
        | "datetime.time"
        | "datetime.timedelta"
        | "datetime.timezone"
        | "decimal.Decimal"
        | "fractions.Fraction"
        | "uuid.UUID"
        | "pathlib.Path"
        | "pathlib.PosixPath"
        | "pathlib.WindowsPath"
        | "pathlib.PurePath"
        | "pathlib.PurePosixPath"
        | "pathlib.PureWindowsPath"
        | "pathlib._local.PosixPath"
        | "pathlib._local.WindowsPath"
        | "torch._C._get_layout"
        | "torch.serialization._get_layout" => Known::Opaque,
        _ => return None,
    })
}

/// Modules whose functions run programs, open files or reach the interpreter. A name of them has no place in a file of weights
/// even where it is not called. (Safety does not hang on this list: no name is called at all.)
const ACTIVE: [&str; 24] = [
    "os",
    "posix",
    "nt",
    "subprocess",
    "sys",
    "runpy",
    "importlib",
    "ctypes",
    "socket",
    "pty",
    "shutil",
    "webbrowser",
    "code",
    "codeop",
    "marshal",
    "multiprocessing",
    "asyncio",
    "urllib",
    "http",
    "signal",
    "pickle",
    "bdb",
    "pdb",
    "timeit",
];

/// Functions of Python's own that do the same.
const ACTIVE_BUILTINS: [&str; 11] = [
    "eval",
    "exec",
    "compile",
    "__import__",
    "getattr",
    "setattr",
    "delattr",
    "open",
    "execfile",
    "globals",
    "breakpoint",
];

/// Refuses names that are there to do something.
pub(super) fn check(name: &str) -> Result<(), Fault> {
    let first = name.split('.').next().unwrap_or_default();
    let builtin = name.strip_prefix("builtins.").or_else(|| name.strip_prefix("__builtin__."));
    if ACTIVE.contains(&first) || builtin.is_some_and(|name| ACTIVE_BUILTINS.contains(&name)) {
        return Err(Fault::Call { name: name.to_owned() });
    }
    Ok(())
}

/// The type of a storage class; `Some(None)` for one of bytes, whose elements a tensor names.
pub(super) fn storage(name: &str) -> Option<Option<StorageElement>> {
    let class = name.strip_prefix("torch.").or_else(|| name.strip_prefix("__torch__."))?;
    let class = class.strip_prefix("cuda.").or_else(|| class.strip_prefix("storage.")).unwrap_or(class);
    let plain = |element| Some(Some(StorageElement::Plain(element)));
    match class {
        "DoubleStorage" => plain(Element::F64),
        "FloatStorage" => plain(Element::F32),
        "HalfStorage" => plain(Element::F16),
        "BFloat16Storage" => plain(Element::BF16),
        "LongStorage" => plain(Element::I64),
        "IntStorage" => plain(Element::I32),
        "ShortStorage" => plain(Element::I16),
        "CharStorage" => plain(Element::I8),
        "ByteStorage" => plain(Element::U8),
        "BoolStorage" => plain(Element::Bool),
        "QInt8Storage" => Some(Some(StorageElement::Quantized(Element::I8))),
        "QUInt8Storage" => Some(Some(StorageElement::Quantized(Element::U8))),
        "QInt32Storage" => Some(Some(StorageElement::Quantized(Element::I32))),
        "ComplexFloatStorage" => Some(Some(StorageElement::Other("complex64"))),
        "ComplexDoubleStorage" => Some(Some(StorageElement::Other("complex128"))),
        "QUInt4x2Storage" => Some(Some(StorageElement::Other("quint4x2"))),
        "QUInt2x4Storage" => Some(Some(StorageElement::Other("quint2x4"))),
        "UntypedStorage" | "_UntypedStorage" => Some(None),
        _ => None,
    }
}

/// The type that a dtype such as `torch.float32` names.
pub(super) fn dtype(name: &str) -> Option<StorageElement> {
    let plain = StorageElement::Plain;
    Some(match name.strip_prefix("torch.")? {
        "float64" | "double" => plain(Element::F64),
        "float32" | "float" => plain(Element::F32),
        "float16" | "half" => plain(Element::F16),
        "bfloat16" => plain(Element::BF16),
        "int64" | "long" => plain(Element::I64),
        "int32" | "int" => plain(Element::I32),
        "int16" | "short" => plain(Element::I16),
        "int8" => plain(Element::I8),
        "uint64" => plain(Element::U64),
        "uint32" => plain(Element::U32),
        "uint16" => plain(Element::U16),
        "uint8" => plain(Element::U8),
        "bool" => plain(Element::Bool),
        "qint8" => StorageElement::Quantized(Element::I8),
        "quint8" => StorageElement::Quantized(Element::U8),
        "qint32" => StorageElement::Quantized(Element::I32),
        "complex32" => StorageElement::Other("complex32"),
        "complex64" => StorageElement::Other("complex64"),
        "complex128" => StorageElement::Other("complex128"),
        "float8_e4m3fn" => StorageElement::Other("float8_e4m3fn"),
        "float8_e5m2" => StorageElement::Other("float8_e5m2"),
        "float8_e4m3fnuz" => StorageElement::Other("float8_e4m3fnuz"),
        "float8_e5m2fnuz" => StorageElement::Other("float8_e5m2fnuz"),
        "float8_e8m0fnu" => StorageElement::Other("float8_e8m0fnu"),
        "float4_e2m1fn_x2" => StorageElement::Other("float4_e2m1fn_x2"),
        _ => return None,
    })
}
