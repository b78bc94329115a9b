//! A section as a layer, with its shape.

use super::{
    keys::Keys,
    kinds::{Activation, Connected, Convolutional, Kind, Layer, MaxPool, Route, Shortcut, Upsample, Yolo},
    settings,
};
use crate::error::Result;

/// The largest extent, kernel, stride or number of filters.
pub const MOST: usize = 1 << 20;

/// The most numbers that a layer gives.
const MOST_NUMBERS: usize = 1 << 31;

/// The sections that are layers.
pub const NAMES: [&str; 10] = [
    "convolutional",
    "connected",
    "maxpool",
    "avgpool",
    "upsample",
    "route",
    "shortcut",
    "softmax",
    "dropout",
    "yolo",
];

/// The layer `name`, or its short form, by the shapes of those before it; `input` is that of the image.
pub fn layer(
    mut keys: Keys<'_>,
    name: &str,
    line: usize,
    image: [usize; 3],
    before: &[Layer],
) -> Result<Layer> {
    let input = before.last().map_or(image, |layer| layer.output);
    keys.idle("dontload", 0.0)?;
    keys.idle("dontloadscales", 0.0)?;
    let k = &mut keys;
    let (kind, input, output) = match name {
        "convolutional" | "conv" => convolutional(k, input)?,
        "connected" | "conn" => connected(k, input)?,
        "maxpool" | "max" => maxpool(k, input)?,
        "avgpool" | "avg" => (Kind::AvgPool, input, [input[0], 1, 1]),
        "upsample" => upsample(k, input)?,
        "route" => route(k, before)?,
        "shortcut" => shortcut(k, input, before)?,
        "softmax" | "soft" => {
            k.idle("groups", 1.0)?;
            let temperature = k.real("temperature", 1.0)?;
            if temperature <= 0.0 {
                return Err(k.fault_of("temperature", "it must be above 0"));
            }
            (Kind::Softmax(temperature), input, input)
        }
        "dropout" => {
            let probability = k.real("probability", 0.5)?;
            if !(0.0..1.0).contains(&probability) {
                return Err(k.fault_of("probability", "it must be 0 or more and below 1"));
            }
            (Kind::Dropout(probability), input, input)
        }
        "yolo" => yolo(k, input)?,
        _ => {
            let fault =
                format!("this section is not computed here; those that are: [{}]", NAMES.join("], ["));
            return Err(k.fault(fault));
        }
    };
    let numbers = output.iter().try_fold(1usize, |all, &extent| all.checked_mul(extent));
    if numbers.is_none_or(|numbers| numbers > MOST_NUMBERS) {
        let [channels, height, width] = output;
        return Err(keys.fault(format!("{channels}×{height}×{width} is beyond 2³¹ numbers")));
    }
    let known: Vec<&str> = match name {
        "yolo" => [settings::LAYER, settings::YOLO].concat(),
        _ => settings::LAYER.to_vec(),
    };
    Ok(Layer { kind, input, output, line, settings: keys.rest(&known)? })
}

type Made = Result<(Kind, [usize; 3], [usize; 3])>;

/// Windows of `size` in `extent` with `padding` in all.
fn windows(extent: usize, padding: usize, size: usize, stride: usize) -> Option<usize> {
    Some((extent + padding).checked_sub(size)? / stride + 1)
}

/// Whether so many weights can be held.
fn weights(keys: &Keys<'_>, key: &str, shape: &[usize]) -> Result<()> {
    let count = shape.iter().try_fold(1usize, |all, &extent| all.checked_mul(extent));
    if count.is_none_or(|count| count > MOST_NUMBERS) {
        return Err(keys.fault_of(key, format!("the layer has more than 2³¹ weights: {shape:?}")));
    }
    Ok(())
}

fn convolutional(keys: &mut Keys<'_>, input: [usize; 3]) -> Made {
    let [channels, height, width] = input;
    let filters = keys.count("filters", 1, 1..=MOST)?;
    let size = keys.count("size", 1, 1..=MOST)?;
    let stride = keys.count("stride", 1, 1..=MOST)?;
    // `pad` beats `padding`.
    let padding = keys.count("padding", 0, 0..=MOST)?;
    let padding = if keys.flag("pad", false)? { size / 2 } else { padding };
    let groups = keys.count("groups", 1, 1..=MOST)?;
    let batch_normalize = keys.flag("batch_normalize", false)?;
    let activation = keys.activation(Activation::Logistic)?;
    for (key, idle) in
        [("flipped", 0.0), ("binary", 0.0), ("xnor", 0.0), ("dilation", 1.0), ("antialiasing", 0.0)]
    {
        keys.idle(key, idle)?;
    }
    if !channels.is_multiple_of(groups) || !filters.is_multiple_of(groups) {
        let fault =
            format!("{groups} groups do not divide {channels} channels that come in and {filters} filters");
        return Err(keys.fault_of("groups", fault));
    }
    let along = |extent| {
        windows(extent, 2 * padding, size, stride).ok_or_else(|| {
            let fault =
                format!("a kernel of {size} is larger than {extent} pixels with {padding} on each side");
            keys.fault_of("size", fault)
        })
    };
    let output = [filters, along(height)?, along(width)?];
    weights(keys, "filters", &[filters, channels / groups, size, size])?;
    let kind = Convolutional { filters, size, stride, padding, groups, batch_normalize, activation };
    Ok((Kind::Convolutional(kind), input, output))
}

fn connected(keys: &mut Keys<'_>, input: [usize; 3]) -> Made {
    let output = keys.count("output", 1, 1..=MOST)?;
    let batch_normalize = keys.flag("batch_normalize", false)?;
    let activation = keys.activation(Activation::Logistic)?;
    weights(keys, "output", &[&input[..], &[output]].concat())?;
    Ok((Kind::Connected(Connected { output, batch_normalize, activation }), input, [output, 1, 1]))
}

fn maxpool(keys: &mut Keys<'_>, input: [usize; 3]) -> Made {
    let [channels, height, width] = input;
    let stride = keys.count("stride", 1, 1..=MOST)?;
    let size = keys.count("size", stride, 1..=MOST)?;
    let padding = keys.count("padding", size - 1, 0..=2 * (size - 1))?;
    for (key, idle) in [("maxpool_depth", 0.0), ("antialiasing", 0.0)] {
        keys.idle(key, idle)?;
    }
    let along = |extent| {
        let found = windows(extent, padding, size, stride).ok_or_else(|| {
            let fault =
                format!("a window of {size} is larger than {extent} pixels with {padding} of padding");
            keys.fault_of("size", fault)
        })?;
        // The last window begins at a pixel, the first one ends at one.
        if (found - 1) * stride >= extent + padding / 2 || padding / 2 >= size {
            return Err(
                keys.fault_of("padding", format!("{padding} leaves a window of {size} without a pixel"))
            );
        }
        Ok(found)
    };
    let output = [channels, along(height)?, along(width)?];
    Ok((Kind::MaxPool(MaxPool { size, stride, padding }), input, output))
}

fn upsample(keys: &mut Keys<'_>, input: [usize; 3]) -> Made {
    let [channels, height, width] = input;
    let stride = keys.count("stride", 2, 1..=MOST)?;
    let scale = keys.real("scale", 1.0)?;
    let along = |extent: usize| extent.checked_mul(stride).filter(|&extent| extent <= MOST);
    let (Some(height), Some(width)) = (along(height), along(width)) else {
        return Err(keys.fault_of("stride", format!("{stride} times {height}×{width} pixels is too much")));
    };
    Ok((Kind::Upsample(Upsample { stride, scale }), input, [channels, height, width]))
}

/// A layer by its number, or by how far it lies behind.
fn layer_before(keys: &Keys<'_>, key: &str, at: i64, before: usize) -> Result<usize> {
    let place =
        if at < 0 { i64::try_from(before).ok().and_then(|before| before.checked_add(at)) } else { Some(at) };
    let place = place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place < before);
    place.ok_or_else(|| {
        let fault = format!(
            "{at} is no layer before this one, which is layer {before}; the first is 0, the one before is -1"
        );
        keys.fault_of(key, fault)
    })
}

fn route(keys: &mut Keys<'_>, before: &[Layer]) -> Made {
    let key = "layers";
    let listed = keys.list::<i64>(key, "layer")?;
    let listed =
        listed.ok_or_else(|| keys.fault("`layers` is missing: the layers whose outputs are taken"))?;
    let layers =
        listed.iter().map(|&at| layer_before(keys, key, at, before.len())).collect::<Result<Vec<_>>>()?;
    let groups = keys.count("groups", 1, 1..=MOST)?;
    let group = keys.count("group_id", 0, 0..=groups - 1)?;
    // A list has one element at least.
    let first = before[layers[0]].output;
    let mut channels = 0;
    for &at in &layers {
        let [more, height, width] = before[at].output;
        if [height, width] != first[1..] {
            let [_, high, wide] = first;
            let fault = format!(
                "layer {} gives {high}×{wide} pixels and layer {at} {height}×{width}: they cannot lie one behind the other",
                layers[0]
            );
            return Err(keys.fault_of(key, fault));
        }
        if !more.is_multiple_of(groups) {
            return Err(
                keys.fault_of("groups", format!("{groups} do not divide the {more} channels of layer {at}"))
            );
        }
        channels += more / groups;
    }
    Ok((Kind::Route(Route { layers, groups, group }), first, [channels, first[1], first[2]]))
}

fn shortcut(keys: &mut Keys<'_>, input: [usize; 3], before: &[Layer]) -> Made {
    let key = "from";
    let listed = keys.list::<i64>(key, "layer")?.unwrap_or_default();
    let &[at] = &listed[..] else {
        return Err(keys.fault_of(key, "one layer is wanted, whose output is added"));
    };
    let from = layer_before(keys, key, at, before.len())?;
    let activation = keys.activation(Activation::Linear)?;
    let other = before[from].output;
    if other != input {
        let text = |[channels, height, width]: [usize; 3]| format!("{channels}×{height}×{width}");
        let fault = format!(
            "layer {from} gives {} and the layer before {}: only equal shapes are added",
            text(other),
            text(input)
        );
        return Err(keys.fault_of(key, fault));
    }
    Ok((Kind::Shortcut(Shortcut { from, activation }), input, input))
}

fn yolo(keys: &mut Keys<'_>, input: [usize; 3]) -> Made {
    let classes = keys.count("classes", 20, 1..=MOST)?;
    let num = keys.count("num", 1, 1..=MOST)?;
    let numbers = keys.list::<f32>("anchors", "number")?;
    let numbers = numbers.ok_or_else(|| keys.fault("`anchors` is missing: widths and heights in pixels"))?;
    if numbers.len() != 2 * num {
        let fault = format!("{} numbers are given and num={num} anchors have {}", numbers.len(), 2 * num);
        return Err(keys.fault_of("anchors", fault));
    }
    if let Some(wrong) = numbers.iter().find(|number| !(number.is_finite() && **number > 0.0)) {
        return Err(keys.fault_of("anchors", format!("{wrong} is no width or height")));
    }
    let all: Vec<[f32; 2]> = numbers.as_chunks().0.to_vec();
    let mask = keys.list::<usize>("mask", "anchor's number")?.unwrap_or_else(|| (0..num).collect());
    let of = |&at: &usize| {
        let anchor = all.get(at).copied();
        anchor.ok_or_else(|| keys.fault_of("mask", format!("{at} is no anchor of 0 to {}", num - 1)))
    };
    let anchors = mask.iter().map(of).collect::<Result<Vec<_>>>()?;
    let scale = keys.real("scale_x_y", 1.0)?;
    if scale <= 0.0 {
        return Err(keys.fault_of("scale_x_y", "it must be above 0"));
    }
    keys.idle("new_coords", 0.0)?;
    let wanted = (classes + 5) * anchors.len();
    if input[0] != wanted {
        let fault = format!(
            "{} channels come in and {} anchors of 5 + {classes} classes have {wanted}: set filters={wanted} in the section before",
            input[0],
            anchors.len()
        );
        return Err(keys.fault(fault));
    }
    Ok((Kind::Yolo(Yolo { anchors, classes, scale }), input, input))
}
