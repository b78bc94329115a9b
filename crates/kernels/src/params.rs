//! The host's side of each kernel's `Params`, with its layout as data, so that a test can hold it against naga's.

/// One uniform: its kernels, the size in bytes, and each member's name, offset and type.
#[derive(Clone, Copy, Debug)]
pub struct ParamsLayout {
    /// The stems of the kernels that share it.
    pub stems: &'static [&'static str],
    /// Bytes.
    pub size: usize,
    /// Name, offset in bytes, and Rust type of each member.
    pub members: &'static [(&'static str, usize, &'static str)],
}

/// Declares a `Params` of one or several kernels: `params! { Name for "stem", "stem2" { field: u32, … } }`.
macro_rules! params {
    ($name:ident for $($stem:literal),+ { $($field:ident: $kind:ty),+ $(,)? }) => {
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $(pub(crate) $field: $kind),+ }

        impl $name {
            pub(crate) const LAYOUT: $crate::ParamsLayout = $crate::ParamsLayout {
                stems: &[$($stem),+],
                size: size_of::<$name>(),
                members: &[$((stringify!($field), std::mem::offset_of!($name, $field), stringify!($kind))),+],
            };
        }
    };
}
pub(crate) use params;

/// The layouts of every launcher.
pub fn all_params() -> Vec<ParamsLayout> {
    [
        crate::convolution::params(),
        crate::elementwise::params(),
        crate::loss::params(),
        crate::matmul::params(),
        crate::movement::params(),
        crate::normalization::params(),
        crate::optimizer::params(),
        crate::pooling::params(),
        crate::probe::params(),
        crate::random::params(),
        crate::reduction::params(),
        crate::sort::params(),
        crate::texture::params(),
    ]
    .concat()
}
