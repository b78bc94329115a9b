//! The weights that are published, by name.
//!
//! The list is `manifest.json`, which `scripts/weights_manifest.py` takes from torchvision's source. A name is the network's and
//! torchvision's name of the weights, `resnet50.imagenet1k_v2`; the network's alone is torchvision's default.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// One file of weights.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Published {
    /// Its name.
    pub name: String,
    /// The network that it fits.
    pub network: String,
    /// Whether it is meant where the network alone is named.
    pub default: bool,
    /// Where it is.
    pub url: String,
    /// Its SHA-256, or the first digits of it: of torchvision's files eight or ten are published, in their names.
    pub sha256: String,
    /// How it becomes safetensors.
    pub conversion: String,
    /// Under which terms it stands.
    pub licence: String,
}

#[derive(Deserialize)]
struct Manifest {
    weights: Vec<Published>,
}

/// Every file that is known, sorted by name.
pub fn all() -> &'static [Published] {
    static ALL: OnceLock<Vec<Published>> = OnceLock::new();
    ALL.get_or_init(|| {
        // A test reads it; what is built in cannot be another at run time.
        serde_json::from_str::<Manifest>(include_str!("../manifest.json"))
            .map_or_else(|_| Vec::new(), |all| all.weights)
    })
}

/// The file of a name, or of a network.
pub fn find(name: &str) -> Option<&'static Published> {
    all().iter().find(|one| one.name == name || (one.default && one.network == name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_manifest_is_whole() {
        assert!(all().len() > 30);
        for one in all() {
            assert!(
                one.url.starts_with("https://") && one.url.ends_with(&format!("-{}.pth", one.sha256)),
                "{one:?}"
            );
            assert!(
                one.sha256.len() >= 8 && one.sha256.chars().all(|digit| digit.is_ascii_hexdigit()),
                "{one:?}"
            );
            assert_eq!(one.conversion, "pytorch");
            assert_eq!(all().iter().filter(|other| other.network == one.network && other.default).count(), 1);
            assert_eq!(all().iter().filter(|other| other.name == one.name).count(), 1);
        }
        assert_eq!(find("resnet50").unwrap().name, "resnet50.imagenet1k_v2");
        assert_eq!(find("resnet50.imagenet1k_v1").unwrap().sha256, "0676ba61");
        assert_eq!(find("resnet51"), None);
    }
}
