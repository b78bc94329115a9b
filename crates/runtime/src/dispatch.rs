//! One launch of a kernel: which parameters, which buffers, how many workgroups; and whether that fits.

use tilewright_shaders::BindingKind;

use crate::{
    buffer::Buffer,
    error::{Error, Result, STORAGE_BINDING},
    gpu::Gpu,
    options::Mode,
    pipeline::Pipeline,
    texture::Texture,
};

/// A launch, as the launchers of the `kernels` crate make it.
#[derive(Clone, Copy, Debug)]
pub struct Dispatch<'a> {
    /// The operation that the user called; it names the dispatch in errors and profiles.
    pub op: &'a str,
    /// The bytes of the kernel's `Params`.
    pub params: &'a [u8],
    /// The storage buffers in the order of their bindings.
    pub buffers: &'a [&'a Buffer],
    /// Workgroups in all; they are folded over the grid's axes.
    pub groups: u64,
}

/// Folds a number of workgroups over three axes of at most `limit` each. The kernel numbers them
/// `x + grid.x * (y + grid.y * z)` and leaves those beyond the count idle.
pub fn fold_groups(groups: u64, limit: u32) -> Option<[u32; 3]> {
    let limit = u64::from(limit);
    if groups <= limit {
        return Some([groups as u32, 1, 1]);
    }
    // Nearly square, so that few workgroups idle.
    let rows = groups.div_ceil(limit);
    if rows <= limit {
        return Some([groups.div_ceil(rows) as u32, rows as u32, 1]);
    }
    let planes = groups.div_ceil(limit * limit);
    let rows = groups.div_ceil(planes * limit);
    (planes <= limit && rows <= limit)
        .then(|| [groups.div_ceil(planes * rows) as u32, rows as u32, planes as u32])
}

/// The bytes of `buffer` that a kernel sees.
pub(crate) fn bound_size(gpu: &Gpu, buffer: &Buffer) -> u64 {
    let size = match gpu.mode {
        _ if buffer.is_part() => padded(buffer.size()),
        Mode::Fast => padded(buffer.size()),
        // The sentinel is inside the binding: a stray index is seen, not hidden by the clamp.
        Mode::Checked => buffer.raw().size(),
    };
    size.min(buffer.raw().size() - buffer.offset()).min(gpu.limits.max_storage_buffer_binding_size)
}

/// Whole vec4s of f32, as kernels read them.
pub(crate) fn padded(size: u64) -> u64 {
    size.max(4).next_multiple_of(16)
}

/// Whether the launch fits the kernel and the device; and its grid.
pub(crate) fn check(gpu: &Gpu, pipeline: &Pipeline, dispatch: &Dispatch<'_>) -> Result<[u32; 3]> {
    let launch = |reason: String| Error::Launch { kernel: pipeline.label().to_owned(), reason };
    let limit = gpu.limits.max_compute_workgroups_per_dimension;
    let grid = fold_groups(dispatch.groups, limit).ok_or_else(|| Error::Limit {
        op: dispatch.op.to_owned(),
        what: "the number of workgroups",
        needed: dispatch.groups,
        limit: u64::from(limit).pow(3),
        detail: format!("kernel {}", pipeline.label()),
    })?;
    let bindings = &pipeline.reflection().bindings;
    let storage = bindings.iter().filter(|b| b.kind.is_buffer()).count();
    if storage != dispatch.buffers.len() {
        return Err(launch(format!("it binds {storage} buffers and was given {}", dispatch.buffers.len())));
    }
    let mut buffers = dispatch.buffers.iter().enumerate();
    for binding in bindings {
        if let BindingKind::Uniform(size) = binding.kind {
            if size as usize != dispatch.params.len() {
                let given = dispatch.params.len();
                return Err(launch(format!("its Params has {size} bytes and {given} were given")));
            }
            continue;
        }
        if binding.kind.is_texture() {
            continue;
        }
        let Some((at, buffer)) = buffers.next() else { continue };
        buffer.require_home(gpu, dispatch.op)?;
        let most = gpu.limits.max_storage_buffer_binding_size;
        if buffer.size() > most {
            return Err(Error::Limit {
                op: dispatch.op.to_owned(),
                what: STORAGE_BINDING,
                needed: buffer.size(),
                limit: most,
                detail: format!("`{}` of kernel {}, {}", binding.name, pipeline.label(), buffer.describe()),
            });
        }
        let others = dispatch.buffers.iter().enumerate().filter(|&(other, _)| other != at);
        if binding.kind == BindingKind::ReadWrite && others.into_iter().any(|(_, other)| other.shares(buffer))
        {
            return Err(launch("a buffer that it writes is bound twice".to_owned()));
        }
    }
    Ok(grid)
}

/// Whether each texture may be bound where the kernel wants it.
pub(crate) fn check_textures(gpu: &Gpu, pipeline: &Pipeline, textures: &[&Texture]) -> Result<()> {
    let bindings = pipeline.reflection().bindings.iter().filter(|binding| binding.kind.is_texture());
    let expected = bindings.clone().count();
    if expected != textures.len() {
        let reason = format!("it binds {expected} textures and was given {}", textures.len());
        return Err(Error::Launch { kernel: pipeline.label().to_owned(), reason });
    }
    bindings.zip(textures).try_for_each(|(binding, texture)| texture.require(gpu, binding.kind))
}

#[cfg(test)]
mod tests {
    use super::fold_groups;

    #[test]
    fn folding_covers_with_little_waste() {
        for groups in [1, 7, 65_535, 65_536, 65_537, 1 << 20, 4_294_836_225, 4_294_836_226, 1 << 40] {
            let grid = fold_groups(groups, 65_535).expect("fits");
            let product: u64 = grid.iter().map(|&n| u64::from(n)).product();
            assert!(product >= groups && grid.iter().all(|&n| n <= 65_535 && n > 0), "{groups}: {grid:?}");
            assert!(product - groups <= groups / 8, "{groups}: {grid:?}");
        }
        assert_eq!(fold_groups(1 << 60, 65_535), None);
    }
}
