//! Tilewright's kernels as plain WGSL files, and what is needed to fit one to a device and a shape.
//!
//! A file in `shaders/<family>/<stem>.wgsl` is valid WGSL as it stands. Three devices specialise it, all by exact
//! name; a name that the file does not have is an error:
//!
//! 1. `const NAME: u32 = 16u; // @const meaning`: the host may replace the value (`alias` lines likewise).
//! 2. `// @slot name` … `// @end`: a function that the host may replace with a file of `shaders/fragments/<name>/`.
//! 3. `// @unroll` before a `for` with constant bounds: the loop is written out, one block per iteration;
//!    `// @unroll unless NAME` keeps the loop where the constant NAME is not 0.
//!
//! ```
//! use tilewright_shaders::Specialisation;
//!
//! let kernel = Specialisation::new("unary").with_u32("WORKGROUP", 128).with_fragment("unary", "relu");
//! let wgsl = kernel.wgsl()?;
//! assert!(wgsl.contains("const WORKGROUP: u32 = 128u;"));
//! # Ok::<(), tilewright_shaders::SpecialiseError>(())
//! ```

mod const_expr;
mod emit;
mod reflect;
mod source;
mod specialise;
mod unroll;

pub use emit::{Emitted, emit};
pub use reflect::{Binding, BindingKind, Member, Reflection, ShaderError, parse, reflect};
pub use source::{Source, fragment, fragments, kernel, kernels};
pub use specialise::{Constant, Specialisation, SpecialiseError, Value, constants, specialise_text};
