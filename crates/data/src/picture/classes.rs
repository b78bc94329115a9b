//! Names of classes.

/// The 1000 classes of ImageNet (ILSVRC 2012), in the order in which networks answer, and by torchvision's
/// names.
pub fn imagenet_classes() -> Vec<&'static str> {
    include_str!("imagenet_classes.txt").lines().filter(|line| !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_thousand() {
        let names = imagenet_classes();
        assert_eq!((names.len(), names[0], names[999]), (1000, "tench", "toilet tissue"));
        assert!(names.iter().all(|name| !name.is_empty() && name.trim() == *name));
    }
}
