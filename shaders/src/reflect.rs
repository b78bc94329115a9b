//! What a specialised kernel binds, and how its `Params` lie in memory: read from the text, never written twice.

use naga::{
    AddressSpace, ArraySize, ImageClass, ImageDimension, Module, Scalar, ScalarKind, StorageAccess,
    TypeInner, VectorSize,
    front::wgsl,
    proc::Layouter,
    valid::{Capabilities, ValidationFlags, Validator},
};
use thiserror::Error;

/// The text was rejected; the message is naga's, with the offending lines marked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the shader `{label}` was rejected:\n{message}")]
pub struct ShaderError {
    /// The kernel's stem, or the label that the caller gave.
    pub label: String,
    /// naga's annotated source.
    pub message: String,
}

/// What lies behind a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingKind {
    /// `var<uniform>`, with its size in bytes.
    Uniform(u32),
    /// `var<storage, read>`.
    ReadOnly,
    /// `var<storage, read_write>`.
    ReadWrite,
    /// `texture_2d_array<f32>`, of which texels are loaded.
    Texture,
    /// `texture_storage_2d_array<format, write>`.
    StorageTexture(naga::StorageFormat),
}

impl BindingKind {
    /// Whether a storage buffer is bound.
    pub fn is_buffer(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadWrite)
    }

    /// Whether a texture is bound.
    pub fn is_texture(self) -> bool {
        matches!(self, Self::Texture | Self::StorageTexture(_))
    }
}

/// One `@group(0) @binding(index)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The number in `@binding`.
    pub index: u32,
    /// The variable's name.
    pub name: String,
    /// What it is.
    pub kind: BindingKind,
}

/// One member of the `Params` struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name; `outer.inner` of a struct in the struct.
    pub name: String,
    /// Its place, in bytes from the start.
    pub offset: u32,
    /// The Rust type: `u32`, `i32`, `f32`, `[u32; 2]`, `[u32; 8]`, `[f32; 4]`.
    pub kind: &'static str,
}

/// What the host needs to know of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reflection {
    /// The bindings of group 0, by number.
    pub bindings: Vec<Binding>,
    /// `@workgroup_size`.
    pub workgroup_size: [u32; 3],
    /// Bytes of `var<workgroup>`.
    pub workgroup_bytes: u32,
    /// The members of the uniform.
    pub params: Vec<Member>,
}

/// Parses `wgsl` and validates it; `label` names it in errors.
pub fn parse(label: &str, wgsl: &str) -> Result<(Module, naga::valid::ModuleInfo), ShaderError> {
    let fault = |message| ShaderError { label: label.to_owned(), message };
    let module = wgsl::parse_str(wgsl).map_err(|error| fault(error.emit_to_string(wgsl)))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
    let info = validator
        .subgroup_stages(naga::valid::ShaderStages::all())
        .subgroup_operations(naga::valid::SubgroupOperationSet::all())
        .validate(&module)
        .map_err(|error| fault(error.emit_to_string(wgsl)))?;
    Ok((module, info))
}

/// Reads bindings, workgroup size and `Params` from a parsed module whose entry point is called `main`.
pub fn reflect(label: &str, module: &Module) -> Result<Reflection, ShaderError> {
    let fault = |message: String| ShaderError { label: label.to_owned(), message };
    let entry = module
        .entry_points
        .iter()
        .find(|entry| entry.name == "main")
        .ok_or_else(|| fault("there is no entry point `main`".to_owned()))?;
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|error| fault(error.to_string()))?;
    let mut bindings = Vec::new();
    let mut params = Vec::new();
    let mut workgroup_bytes = 0;
    for (_, variable) in module.global_variables.iter() {
        let size = layouter[variable.ty].size;
        if variable.space == AddressSpace::WorkGroup {
            workgroup_bytes += size;
        }
        let Some(binding) = &variable.binding else { continue };
        if binding.group != 0 {
            return Err(fault(format!("binding group {} is used; only group 0 is", binding.group)));
        }
        let kind = match variable.space {
            AddressSpace::Uniform => {
                members(module, &module.types[variable.ty].inner, "", 0, &mut params);
                BindingKind::Uniform(size)
            }
            AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => {
                BindingKind::ReadWrite
            }
            AddressSpace::Storage { .. } => BindingKind::ReadOnly,
            AddressSpace::Handle => texture(&module.types[variable.ty].inner).ok_or_else(|| {
                fault(
                    "a texture is neither texture_2d_array<f32> nor a written texture_storage_2d_array"
                        .to_owned(),
                )
            })?,
            _ => {
                return Err(fault(
                    "a binding is neither a uniform, a storage buffer nor a texture".to_owned(),
                ));
            }
        };
        let name = variable.name.clone().unwrap_or_default();
        bindings.push(Binding { index: binding.binding, name, kind });
    }
    bindings.sort_by_key(|binding| binding.index);
    Ok(Reflection { bindings, workgroup_size: entry.workgroup_size, workgroup_bytes, params })
}

/// The two kinds of textures that kernels bind: images lie in layers, so that a batch is one texture.
fn texture(inner: &TypeInner) -> Option<BindingKind> {
    let TypeInner::Image { dim: ImageDimension::D2, arrayed: true, class } = inner else { return None };
    match *class {
        ImageClass::Sampled { kind: ScalarKind::Float, multi: false } => Some(BindingKind::Texture),
        ImageClass::Storage { format, access: StorageAccess::STORE } => {
            Some(BindingKind::StorageTexture(format))
        }
        _ => None,
    }
}

/// Adds the members of a struct, those of a struct in it by `outer.inner`.
fn members(module: &Module, inner: &TypeInner, prefix: &str, start: u32, found: &mut Vec<Member>) {
    let TypeInner::Struct { members: all, .. } = inner else { return };
    for member in all {
        let name = format!("{prefix}{}", member.name.as_deref().unwrap_or_default());
        let (offset, inner) = (start + member.offset, &module.types[member.ty].inner);
        if matches!(inner, TypeInner::Struct { .. }) {
            members(module, inner, &format!("{name}."), offset, found);
        } else {
            found.push(Member { name, offset, kind: type_name(module, inner) });
        }
    }
}

/// The Rust type with the same bytes, for the few types that `Params` uses.
fn type_name(module: &Module, inner: &TypeInner) -> &'static str {
    match inner {
        TypeInner::Scalar(scalar) if scalar.width == 4 => match scalar.kind {
            ScalarKind::Uint => "u32",
            ScalarKind::Sint => "i32",
            ScalarKind::Float => "f32",
            _ => "other",
        },
        TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::U32 } => "[u32; 4]",
        TypeInner::Vector { size: VectorSize::Bi, scalar: Scalar::U32 } => "[u32; 2]",
        TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::F32 } => "[f32; 4]",
        TypeInner::Array { base, size: ArraySize::Constant(count), stride: 16 }
            if count.get() == 2
                && matches!(
                    module.types[*base].inner,
                    TypeInner::Vector { size: VectorSize::Quad, scalar: Scalar::U32 }
                ) =>
        {
            "[u32; 8]"
        }
        _ => "other",
    }
}
