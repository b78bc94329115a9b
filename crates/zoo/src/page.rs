//! The table of networks as a page.

use std::fmt::Write;

use tilewright_runtime::Context;

use crate::{
    facts::{Facts, facts},
    registry::{Error, entries},
};

const HEAD: &str = "\
# The zoo

Every network that `build` and the program know by name. State dicts of torchvision load as they are, and timm's where
torchvision has no such network; `make parity` compares all that these have with them, `scripts/darknet.sh`
those that find boxes with Darknet and OpenCV ([Darknet](darknet.md)). Counted for 1000 classes (small images: 10, segmentation: 21, detection: 80) and
one image of the size shown, without auxiliary heads; a multiplication with its addition is two FLOPs. An image may have any
height and width from the least on; of those that find boxes, multiples of 32.

```sh
tilewright zoo list                                      # this table; --json for programs
tilewright zoo info mobilenet_v2                         # layers, shapes, FLOPs; --keys for the state dict
tilewright infer resnet18 --weights W.safetensors --input x.npy --output y.npz
```

Generated from `crates/zoo/src/registry`; write it anew with `cargo run --bin tilewright -- zoo list --markdown > docs/zoo.md`.

| network | family | task | parameters | GFLOPs | image | least | in Rust |
| --- | --- | --- | ---: | ---: | ---: | ---: | --- |
";

/// What `docs/zoo.md` holds.
///
/// # Errors
/// What a network or the device says of its sizes.
pub fn markdown(context: &Context) -> Result<String, Error> {
    let mut page = HEAD.to_owned();
    for entry in entries() {
        let Facts { parameters, flops, .. } = facts(entry, context)?;
        let [channels, height, width] = entry.image;
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {:.3} | {channels}×{height}×{width} | {} | `{}` |",
            entry.name,
            entry.family,
            entry.task.name(),
            thousands(parameters),
            flops as f64 / 1e9,
            entry.least,
            entry.config
        );
    }
    Ok(page)
}

/// With a comma between each three digits.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn digits_stand_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (25_557_032, "25,557,032")] {
            assert_eq!(thousands(number), text);
        }
    }
}
