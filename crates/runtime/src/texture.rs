//! An application's texture as an operand of kernels.

use std::sync::{Arc, OnceLock};

use tilewright_shaders::BindingKind;

use crate::{
    error::{Error, Result},
    gpu::Gpu,
};

/// A two-dimensional texture whose layers are the images of a batch. Cloning shares it.
#[derive(Clone)]
pub struct Texture(Arc<Shared>);

struct Shared {
    raw: wgpu::Texture,
    /// All layers of the first mip level; made at the first use.
    view: OnceLock<wgpu::TextureView>,
}

impl Texture {
    /// An application's texture.
    ///
    /// # Errors
    /// [`Error::Texture`] unless it is two-dimensional with one sample for each texel.
    pub(crate) fn wrap(raw: wgpu::Texture) -> Result<Self> {
        if raw.dimension() != wgpu::TextureDimension::D2 || raw.sample_count() != 1 {
            let reason = format!(
                "it is {:?} with {} samples for each texel and must be D2 with one; resolve or copy it first",
                raw.dimension(),
                raw.sample_count()
            );
            return Err(Error::Texture { reason });
        }
        Ok(Self(Arc::new(Shared { raw, view: OnceLock::new() })))
    }

    /// wgpu's texture.
    pub fn raw(&self) -> &wgpu::Texture {
        &self.0.raw
    }

    /// Layers, height, width: as N, H and W of a tensor.
    pub fn extent(&self) -> [usize; 3] {
        let wgpu::Extent3d { width, height, depth_or_array_layers } = self.0.raw.size();
        [depth_or_array_layers, height, width].map(|extent| extent as usize)
    }

    /// How many components a texel has.
    pub fn components(&self) -> usize {
        self.0.raw.format().components().into()
    }

    /// Whether texels are stored with sRGB's transfer function, which loading them undoes.
    pub fn is_srgb(&self) -> bool {
        self.0.raw.format().is_srgb()
    }

    /// The view that kernels bind.
    pub(crate) fn view(&self) -> &wgpu::TextureView {
        self.0.view.get_or_init(|| {
            self.0.raw.create_view(&wgpu::TextureViewDescriptor {
                label: Some("tilewright"),
                dimension: Some(wgpu::TextureViewDimension::D2Array),
                mip_level_count: Some(1),
                ..Default::default()
            })
        })
    }

    /// Whether it may be bound as `kind`.
    pub(crate) fn require(&self, gpu: &Gpu, kind: BindingKind) -> Result<()> {
        let raw = &self.0.raw;
        let usage = match kind {
            BindingKind::StorageTexture(_) => wgpu::TextureUsages::STORAGE_BINDING,
            _ => wgpu::TextureUsages::TEXTURE_BINDING,
        };
        let fault = |reason| Err(Error::Texture { reason });
        if !raw.usage().contains(usage) {
            return fault(format!("create the texture with usage {usage:?}"));
        }
        let format = raw.format();
        match kind {
            BindingKind::StorageTexture(wanted) if storage_format(wanted) != Some(format) => {
                fault(format!("its format is {format:?} and the kernel writes {wanted:?}"))
            }
            BindingKind::StorageTexture(_) => Ok(()),
            _ => match format.sample_type(None, Some(gpu.device.features())) {
                Some(wgpu::TextureSampleType::Float { .. }) => Ok(()),
                _ => fault(format!(
                    "its format {format:?} does not load as floats; use one such as Rgba8Unorm, Bgra8Unorm, R8Unorm, \
                     Rgba16Float or R32Float"
                )),
            },
        }
    }
}

impl std::fmt::Debug for Texture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [layers, height, width] = self.extent();
        write!(f, "Texture({layers} × {height} × {width}, {:?})", self.0.raw.format())
    }
}

/// wgpu's name of a format that kernels write.
pub(crate) fn storage_format(format: naga::StorageFormat) -> Option<wgpu::TextureFormat> {
    use naga::StorageFormat as Naga;
    use wgpu::TextureFormat as Wgpu;
    Some(match format {
        Naga::Rgba8Unorm => Wgpu::Rgba8Unorm,
        Naga::Bgra8Unorm => Wgpu::Bgra8Unorm,
        Naga::Rgba16Float => Wgpu::Rgba16Float,
        Naga::Rgba32Float => Wgpu::Rgba32Float,
        Naga::R32Float => Wgpu::R32Float,
        _ => return None,
    })
}
