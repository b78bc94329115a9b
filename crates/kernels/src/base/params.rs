//! The host's side of each kernel's `Params`, with its layout as data, so that a test can hold it against naga's.

/// One member of a uniform.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// Its place, in bytes from the start of its struct.
    pub offset: usize,
    /// Its Rust type.
    pub kind: &'static str,
    /// What it is made of, if it is a struct.
    pub nested: &'static [Member],
}

/// One uniform: its kernels, the size in bytes, and its members.
#[derive(Clone, Copy, Debug)]
pub struct ParamsLayout {
    /// The stems of the kernels that share it.
    pub stems: &'static [&'static str],
    /// Bytes.
    pub size: usize,
    /// Its members, in order.
    pub members: &'static [Member],
}

impl ParamsLayout {
    /// Name, offset in bytes, and Rust type of each member that is no struct; one of a struct is named `outer.inner`.
    pub fn leaves(&self) -> Vec<(String, usize, &'static str)> {
        let mut leaves = Vec::new();
        collect(self.members, "", 0, &mut leaves);
        leaves
    }
}

fn collect(members: &[Member], prefix: &str, start: usize, leaves: &mut Vec<(String, usize, &'static str)>) {
    for member in members {
        let (name, offset) = (format!("{prefix}{}", member.name), start + member.offset);
        if member.nested.is_empty() {
            leaves.push((name, offset, member.kind));
        } else {
            collect(member.nested, &format!("{name}."), offset, leaves);
        }
    }
}

/// A type of a uniform's members.
pub(crate) trait Uniform {
    /// What it is made of, if it is a struct.
    const NESTED: &'static [Member] = &[];
}

impl Uniform for u32 {}
impl Uniform for i32 {}
impl Uniform for f32 {}
impl<const N: usize> Uniform for [u32; N] {}
impl<const N: usize> Uniform for [f32; N] {}

/// Declares a struct of uniforms: `uniform! { /// What it is. Name { field: u32, … } }`. As WGSL has it, its size and its
/// place in a `Params` are multiples of 16.
macro_rules! uniform {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $(pub(crate) $field: $kind),+ }

        impl $crate::base::params::Uniform for $name {
            const NESTED: &'static [$crate::base::params::Member] = &[$($crate::base::params::Member {
                name: stringify!($field),
                offset: std::mem::offset_of!($name, $field),
                kind: stringify!($kind),
                nested: <$kind as $crate::base::params::Uniform>::NESTED,
            }),+];
        }
    };
}
pub(crate) use uniform;

/// Declares a `Params` of one or several kernels: `params! { Name for "stem", "stem2" { field: u32, … } }`.
macro_rules! params {
    ($name:ident for $($stem:literal),+ { $($field:ident: $kind:ty),+ $(,)? }) => {
        $crate::base::params::uniform! { $name { $($field: $kind),+ } }

        impl $name {
            pub(crate) const LAYOUT: $crate::base::params::ParamsLayout = $crate::base::params::ParamsLayout {
                stems: &[$($stem),+],
                size: size_of::<$name>(),
                members: <$name as $crate::base::params::Uniform>::NESTED,
            };
        }
    };
}
pub(crate) use params;
