//! Emits a kernel for every backend, so that a fault in one of them shows on a machine without that GPU.

use naga::{
    TypeInner,
    back::{hlsl, msl, spv},
    proc::BoundsCheckPolicies,
};

use crate::reflect::{ShaderError, parse};

/// One kernel in the languages of the drivers.
#[derive(Clone, Debug)]
pub struct Emitted {
    /// Vulkan's words.
    pub spirv: Vec<u32>,
    /// Metal's text.
    pub msl: String,
    /// Direct3D 12's text; `None` for cooperative matrices, which naga does not write for it.
    pub hlsl: Option<String>,
}

/// Validates `wgsl` and emits SPIR-V, MSL and HLSL.
pub fn emit(label: &str, wgsl: &str) -> Result<Emitted, ShaderError> {
    let fault = |message: String| ShaderError { label: label.to_owned(), message };
    let (module, info) = parse(label, wgsl)?;
    let options = spv::Options { lang_version: (1, 3), ..Default::default() };
    let spirv =
        spv::write_vec(&module, &info, &options, None).map_err(|error| fault(format!("SPIR-V: {error}")))?;
    let options = msl::Options {
        lang_version: (2, 4),
        fake_missing_bindings: true,
        bounds_check_policies: BoundsCheckPolicies::default(),
        ..Default::default()
    };
    let (msl, _) = msl::write_string(&module, &info, &options, &msl::PipelineOptions::default())
        .map_err(|error| fault(format!("MSL: {error}")))?;
    let cooperative =
        module.types.iter().any(|(_, ty)| matches!(ty.inner, TypeInner::CooperativeMatrix { .. }));
    if cooperative {
        return Ok(Emitted { spirv, msl, hlsl: None });
    }
    let options = hlsl::Options {
        shader_model: hlsl::ShaderModel::V6_4,
        fake_missing_bindings: true,
        ..Default::default()
    };
    let pipeline = hlsl::PipelineOptions::default();
    let mut hlsl_text = String::new();
    hlsl::Writer::new(&mut hlsl_text, &options, &pipeline)
        .write(&module, &info, None)
        .map_err(|error| fault(format!("HLSL: {error}")))?;
    Ok(Emitted { spirv, msl, hlsl: Some(hlsl_text) })
}
