//! Layers against the roofs of a device (Williams, Waterman and Patterson, "Roofline", CACM 2009), as an SVG file.
//!
//! Both axes are logarithmic. Each dot is a layer with its number; the list beside the plot says which. The horizontal
//! roof is the peak of arithmetic, the slopes are what memory and the best cache can copy.

mod place;
mod scale;

use std::path::Path;

use place::{Placer, Rect};
use scale::Log;
use svg::{
    Document, Node,
    node::element::{Circle, Group, Line, Rectangle, Text, Title},
};
use tilewright_runtime::write_whole;

use super::{colour, colour::Colour, error::PictureError};

const LIST_WIDTH: f64 = 512.0;
const PLOT: Rect = Rect { left: 76.0, top: 74.0, right: 716.0, bottom: 0.0 };
const ROW: f64 = 17.0;
const RADIUS: f64 = 5.0;

/// What sort of convolution a layer is; it decides the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// More than one tap, all channels.
    Spatial,
    /// One tap.
    Pointwise,
    /// One filter to a channel.
    Depthwise,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Spatial, Self::Pointwise, Self::Depthwise];

    const fn colour(self) -> Colour {
        match self {
            Self::Spatial => colour::BLUE,
            Self::Pointwise => colour::ORANGE,
            Self::Depthwise => colour::GREEN,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Spatial => "convolution over an area",
            Self::Pointwise => "1×1 convolution",
            Self::Depthwise => "depthwise convolution",
        }
    }
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Dot {
    /// Its name, with how often it occurs.
    pub label: String,
    /// Its shape.
    pub detail: String,
    /// What sort of convolution it is.
    pub kind: Kind,
    /// FLOP a byte.
    pub intensity: f64,
    /// What it reaches, in GFLOP/s.
    pub gflops: f64,
    /// The part of its roof, 1 for all of it.
    pub share: f64,
}

/// What the plot shows.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The heading.
    pub title: String,
    /// Device and driver.
    pub subtitle: String,
    /// The horizontal roof, GFLOP/s.
    pub peak: f64,
    /// GB/s of the largest copies.
    pub memory: f64,
    /// GB/s of the quickest copies.
    pub cache: f64,
    /// The layers.
    pub dots: Vec<Dot>,
}

/// Draws `plot` into the file `path`, whole or not at all.
///
/// # Errors
/// [`PictureError::Input`] if there is no layer, or a number that has no logarithm; [`PictureError::Write`].
pub fn roofline(path: &Path, plot: &Plot) -> Result<(), PictureError> {
    let fault = |reason: &str| PictureError::Input { picture: "roofline", reason: reason.to_owned() };
    if plot.dots.is_empty() {
        return Err(fault("there is no layer"));
    }
    let numbers = plot.dots.iter().flat_map(|dot| [dot.intensity, dot.gflops]);
    if numbers.chain([plot.peak, plot.memory, plot.cache]).any(|value| !(value.is_finite() && value > 0.0)) {
        return Err(fault("a rate or an intensity is not a positive number"));
    }
    let text = draw(plot).to_string();
    write_whole(path, text.as_bytes()).map_err(|source| PictureError::Write { path: path.to_owned(), source })
}

fn draw(plot: &Plot) -> Document {
    let list_height = ROW * (plot.dots.len() as f64 + 1.0);
    let area = Rect { bottom: PLOT.top + list_height.max(440.0), ..PLOT };
    let (width, height) = (area.right + LIST_WIDTH, area.bottom + 92.0);
    let xs: Vec<f64> = plot.dots.iter().map(|dot| dot.intensity).collect();
    let ys: Vec<f64> = plot.dots.iter().map(|dot| dot.gflops).collect();
    // Far enough to the left for the slopes to be seen.
    let steep = plot.peak / plot.cache.max(plot.memory);
    let x = Log::around(xs.iter().copied().chain([steep / 4.0]), area.left, area.right);
    let y = Log::around(ys.iter().copied().chain([plot.peak, plot.peak / 12.0]), area.bottom, area.top);
    let mut all = Group::new().set("font-family", "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif");
    all.append(Rectangle::new().set("width", width).set("height", height).set("fill", hex(colour::PAPER)));
    all.append(words(&plot.title, [area.left, 32.0], 18.0, colour::INK, "start").set("font-weight", "bold"));
    all.append(words(&plot.subtitle, [area.left, 54.0], 12.0, colour::FAINT_INK, "start"));
    axes(&mut all, area, &x, &y);
    let mut placer = Placer::new(area);
    roofs(&mut all, plot, area, &x, &y, &mut placer);
    dots(&mut all, plot, &x, &y, &mut placer);
    list(&mut all, plot, area);
    legend(&mut all, plot, area);
    Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(plot.title.as_str()))
        .add(all)
}

fn axes(all: &mut Group, area: Rect, x: &Log, y: &Log) {
    for (value, major) in x.ticks() {
        let at = x.at(value);
        all.append(line([at, area.top], [at, area.bottom], colour::GRID, if major { 1.2 } else { 0.6 }));
        if major || x.is_short() {
            all.append(words(&number(value), [at, area.bottom + 18.0], 11.0, colour::FAINT_INK, "middle"));
        }
    }
    for (value, major) in y.ticks() {
        let at = y.at(value);
        all.append(line([area.left, at], [area.right, at], colour::GRID, if major { 1.2 } else { 0.6 }));
        if major || y.is_short() {
            all.append(words(&number(value), [area.left - 8.0, at + 4.0], 11.0, colour::FAINT_INK, "end"));
        }
    }
    all.append(line([area.left, area.bottom], [area.right, area.bottom], colour::AXIS, 1.2));
    all.append(line([area.left, area.top], [area.left, area.bottom], colour::AXIS, 1.2));
    let middle = (area.left + area.right) / 2.0;
    let name = "arithmetic intensity: FLOP per byte that must move";
    all.append(words(name, [middle, area.bottom + 40.0], 12.0, colour::INK, "middle"));
    let middle = (area.top + area.bottom) / 2.0;
    all.append(
        words("GFLOP/s", [22.0, middle], 12.0, colour::INK, "middle")
            .set("transform", format!("rotate(-90 22 {middle:.1})")),
    );
}

/// The horizontal roof and two slopes, each with its name along it.
fn roofs(all: &mut Group, plot: &Plot, area: Rect, x: &Log, y: &Log, placer: &mut Placer) {
    let ridge = plot.peak / plot.cache.max(plot.memory);
    let flat = [x.at(ridge).max(area.left), y.at(plot.peak)];
    all.append(line(flat, [area.right, flat[1]], colour::INK, 2.0));
    let name = format!("peak of f32: {} GFLOP/s", number(plot.peak));
    all.append(words(&name, [area.right - 6.0, flat[1] - 7.0], 11.5, colour::INK, "end"));
    placer.block(Rect::new(flat[0], flat[1] - 20.0, area.right, flat[1] + 3.0));
    let mut slopes = vec![("memory", plot.memory, "none")];
    if plot.cache > plot.memory * 1.1 {
        slopes.push(("cache", plot.cache, "6 4"));
    }
    for (name, rate, dashes) in slopes {
        // From where it enters the plot up to the peak.
        let start = x.low().max(y.low() / rate);
        let end = (plot.peak / rate).min(x.high());
        if start >= end {
            continue;
        }
        let from = [x.at(start), y.at(start * rate)];
        let to = [x.at(end), y.at(end * rate)];
        all.append(line(from, to, colour::INK, 2.0).set("stroke-dasharray", dashes));
        placer.block_line(from, to, 3.0);
        let text = format!("{name} copy: {} GB/s", number(rate));
        let length = f64::hypot(to[0] - from[0], to[1] - from[1]);
        let wide = 6.4 * text.chars().count() as f64;
        if length < wide + 24.0 {
            continue;
        }
        // Along the line, above it, near its lower end.
        let angle = (to[1] - from[1]).atan2(to[0] - from[0]);
        let along = |distance: f64, above: f64| {
            [
                from[0] + distance * angle.cos() + above * angle.sin(),
                from[1] + distance * angle.sin() - above * angle.cos(),
            ]
        };
        let [left, bottom] = along(14.0, 8.0);
        let turn = format!("rotate({:.2} {left:.1} {bottom:.1})", angle.to_degrees());
        all.append(words(&text, [left, bottom], 11.5, colour::INK, "start").set("transform", turn));
        placer.block_line(along(14.0, 12.0), along(14.0 + wide, 12.0), 7.0);
    }
}

fn dots(all: &mut Group, plot: &Plot, x: &Log, y: &Log, placer: &mut Placer) {
    let centres: Vec<_> = plot.dots.iter().map(|dot| [x.at(dot.intensity), y.at(dot.gflops)]).collect();
    for &centre in &centres {
        placer.block(Rect::around(centre, RADIUS + 1.0, RADIUS + 1.0));
    }
    let (mut leaders, mut marks, mut labels) = (Group::new(), Group::new(), Group::new());
    for (at, (dot, &centre)) in plot.dots.iter().zip(&centres).enumerate() {
        let name = (at + 1).to_string();
        let half = [4.0 + 3.4 * name.len() as f64 - 2.0, 6.5];
        let place = placer.place(centre, RADIUS, half);
        let far = f64::hypot(place[0] - centre[0], place[1] - centre[1]) > RADIUS + 14.0;
        if far {
            leaders.append(line(centre, place, colour::FAINT_INK, 0.7));
            labels.append(
                Rectangle::new()
                    .set("x", rounded(place[0] - half[0] + 1.0))
                    .set("y", rounded(place[1] - half[1]))
                    .set("width", rounded(2.0 * half[0] - 2.0))
                    .set("height", rounded(2.0 * half[1]))
                    .set("fill", hex(colour::PAPER)),
            );
        }
        let tip = format!(
            "{}: {}, {:.1} GFLOP/s, {:.0} % of its roof",
            dot.label,
            dot.detail,
            dot.gflops,
            dot.share * 100.0
        );
        marks.append(
            Circle::new()
                .set("cx", rounded(centre[0]))
                .set("cy", rounded(centre[1]))
                .set("r", RADIUS)
                .set("fill", hex(dot.kind.colour()))
                .set("fill-opacity", 0.85)
                .set("stroke", hex(colour::PAPER))
                .set("stroke-width", 1)
                .add(Title::new(tip)),
        );
        labels.append(words(&name, [place[0], place[1] + 4.0], 11.0, colour::INK, "middle"));
    }
    all.append(leaders);
    all.append(marks);
    all.append(labels);
}

/// Number, name, shape, rate and share of each layer.
fn list(all: &mut Group, plot: &Plot, area: Rect) {
    let left = area.right + 24.0;
    let columns = [left + 16.0, left + 24.0, left + 200.0, left + 424.0, left + 478.0];
    let row = |all: &mut Group, at: usize, cells: [&str; 5], ink: Colour| {
        let y = area.top + 6.0 + ROW * at as f64;
        for ((cell, x), anchor) in cells.iter().zip(columns).zip(["end", "start", "start", "end", "end"]) {
            all.append(words(cell, [x, y], 11.0, ink, anchor));
        }
    };
    row(all, 0, ["", "layer", "shape", "GFLOP/s", "of roof"], colour::FAINT_INK);
    for (at, dot) in plot.dots.iter().enumerate() {
        let cells = [
            &(at + 1).to_string()[..],
            &dot.label,
            &dot.detail,
            &number(dot.gflops),
            &format!("{:.0} %", dot.share * 100.0),
        ];
        row(all, at + 1, cells, colour::INK);
        all.append(
            Circle::new()
                .set("cx", left - 10.0)
                .set("cy", rounded(area.top + 2.0 + ROW * (at + 1) as f64))
                .set("r", 4)
                .set("fill", hex(dot.kind.colour())),
        );
    }
}

fn legend(all: &mut Group, plot: &Plot, area: Rect) {
    let y = area.bottom + 70.0;
    let mut x = area.left + 6.0;
    for kind in Kind::ALL.into_iter().filter(|kind| plot.dots.iter().any(|dot| dot.kind == *kind)) {
        all.append(Circle::new().set("cx", x).set("cy", y).set("r", RADIUS).set("fill", hex(kind.colour())));
        all.append(words(kind.name(), [x + 12.0, y + 4.0], 11.5, colour::INK, "start"));
        x += 44.0 + 6.6 * kind.name().chars().count() as f64;
    }
}

fn line(from: [f64; 2], to: [f64; 2], ink: Colour, width: f64) -> Line {
    Line::new()
        .set("x1", rounded(from[0]))
        .set("y1", rounded(from[1]))
        .set("x2", rounded(to[0]))
        .set("y2", rounded(to[1]))
        .set("stroke", hex(ink))
        .set("stroke-width", width)
}

fn words(text: &str, [x, y]: [f64; 2], size: f64, ink: Colour, anchor: &str) -> Text {
    Text::new(text)
        .set("x", rounded(x))
        .set("y", rounded(y))
        .set("font-size", size)
        .set("fill", hex(ink))
        .set("text-anchor", anchor)
}

fn hex(Colour(red, green, blue): Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A tenth of a pixel is enough.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// 0.25, 4.6, 123: three digits at most.
fn number(value: f64) -> String {
    match value {
        v if v < 0.1 => format!("{v:.3}"),
        v if v < 10.0 && (v - v.round()).abs() > 0.005 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}
