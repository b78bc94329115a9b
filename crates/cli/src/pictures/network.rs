//! A network from top to bottom, as an SVG file: one box for each node, in the order in which it runs.
//!
//! What the next box reads comes down straight; what is read further below goes round to the right, on a line of its own
//! from which every reader takes it. So the picture of any graph is as long as its nodes and no wider than the values
//! that live at a time.

use std::{collections::BTreeMap, path::Path};

use svg::{
    Document, Node,
    node::element::{Definitions, Group, Marker, Path as Curve, Rectangle, Text, Title, path::Data},
};
use tilewright_graph::{Graph, ValueId};
use tilewright_runtime::write_whole;

use super::{colour, colour::Colour, error::PictureError};

const MARGIN: f64 = 24.0;
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 42.0;
const GAP: f64 = 22.0;
const LANE: f64 = 14.0;
const CORNER: f64 = 6.0;
/// What leaves a box to the right does so this much below its middle, what comes in as much above.
const APART: f64 = 8.0;
/// Letters of a name.
const LETTERS: usize = 38;

struct Row {
    name: String,
    shape: String,
    operation: String,
    cost: String,
    colour: Colour,
    /// The rows whose values it reads.
    reads: Vec<usize>,
}

/// A value on its way to readers that do not stand right below.
struct Trunk {
    from: usize,
    readers: Vec<usize>,
    lane: usize,
}

/// Draws `graph` into the file `path`, whole or not at all.
///
/// # Errors
/// [`PictureError::Input`] for a graph whose nodes do not fit their operands; [`PictureError::Write`].
pub fn network(path: &Path, title: &str, graph: &Graph) -> Result<(), PictureError> {
    let rows =
        rows(graph).map_err(|error| PictureError::Input { picture: "network", reason: error.to_string() })?;
    let text = draw(title, &rows).to_string();
    write_whole(path, text.as_bytes()).map_err(|source| PictureError::Write { path: path.to_owned(), source })
}

fn rows(graph: &Graph) -> tilewright_graph::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut of: BTreeMap<ValueId, usize> = BTreeMap::new();
    let end = |name: &str, id: ValueId, what: &str, reads| Row {
        name: name.to_owned(),
        shape: format!("{:?}", graph[id].shape),
        operation: format!("{what}, {}", graph[id].dtype.name()),
        cost: String::new(),
        colour: colour::FAINT_INK,
        reads,
    };
    for (name, id) in graph.inputs() {
        of.insert(*id, rows.len());
        rows.push(end(name, *id, "input", Vec::new()));
    }
    for (node, summary) in graph.nodes().iter().zip(graph.summary()?.nodes) {
        let mut reads: Vec<usize> = node.inputs.iter().filter_map(|id| of.get(id).copied()).collect();
        reads.sort_unstable();
        reads.dedup();
        of.extend(node.outputs.iter().map(|&output| (output, rows.len())));
        let cost = [(summary.parameters as u64, "parameters"), (summary.flops, "FLOP")];
        let cost: Vec<_> = cost.iter().filter(|(count, _)| *count > 0).map(|(n, of)| short(*n, of)).collect();
        rows.push(Row {
            shape: format!("{:?}", summary.output),
            operation: summary.title(),
            cost: cost.join(", "),
            colour: paint(summary.op),
            reads,
            name: summary.name,
        });
    }
    for (name, id) in graph.outputs() {
        rows.push(end(name, *id, "output", of.get(id).copied().into_iter().collect()));
    }
    Ok(rows)
}

/// What most of a network is made of has a colour.
fn paint(op: &str) -> Colour {
    match op {
        "conv2d" | "conv_transpose2d" => colour::BLUE,
        "matmul" => colour::ORANGE,
        op if op.contains("pool") || op == "resample" => colour::GREEN,
        _ => colour::SKY_BLUE,
    }
}

/// 1234567 as `1.23 M`.
fn short(count: u64, of: &str) -> String {
    let value = count as f64;
    let (value, prefix) = match count {
        0..1_000 => return format!("{count} {of}"),
        1_000..1_000_000 => (value / 1e3, "k"),
        1_000_000..1_000_000_000 => (value / 1e6, "M"),
        _ => (value / 1e9, "G"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {prefix}{}{of}", if of == "FLOP" { "" } else { " " })
}

/// The values that are read further below, each with a lane that is free as long as it lives.
fn trunks(rows: &[Row]) -> Vec<Trunk> {
    let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (to, row) in rows.iter().enumerate() {
        for &from in row.reads.iter().filter(|&&from| from + 1 < to) {
            readers.entry(from).or_default().push(to);
        }
    }
    let last = |readers: &[usize]| readers.last().copied().unwrap_or_default();
    let mut trunks: Vec<_> =
        readers.into_iter().map(|(from, readers)| Trunk { from, readers, lane: 0 }).collect();
    // Short ones lie inside.
    trunks.sort_by_key(|trunk| last(&trunk.readers) - trunk.from);
    let mut lanes: Vec<Vec<[usize; 2]>> = Vec::new();
    for trunk in &mut trunks {
        let span = [trunk.from, last(&trunk.readers)];
        let free =
            |lane: &Vec<[usize; 2]>| lane.iter().all(|other| span[1] <= other[0] || other[1] <= span[0]);
        trunk.lane = lanes.iter().position(free).unwrap_or(lanes.len());
        if trunk.lane == lanes.len() {
            lanes.push(Vec::new());
        }
        lanes[trunk.lane].push(span);
    }
    trunks
}

fn draw(title: &str, rows: &[Row]) -> Document {
    let trunks = trunks(rows);
    let lanes = trunks.iter().map(|trunk| trunk.lane + 1).max().unwrap_or(0);
    let top = |row: usize| MARGIN + row as f64 * (HEIGHT + GAP);
    let middle = |row: usize| top(row) + HEIGHT / 2.0;
    let right = MARGIN + WIDTH;
    let (width, height) = (right + (lanes as f64 + 1.0) * LANE + MARGIN, top(rows.len()) - GAP + MARGIN);
    let mut all = Group::new().set("font-family", "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif");
    all.append(Rectangle::new().set("width", width).set("height", height).set("fill", hex(colour::PAPER)));
    for (to, row) in rows.iter().enumerate() {
        if to > 0 && row.reads.contains(&(to - 1)) {
            let x = MARGIN + WIDTH / 2.0;
            let data = Data::new().move_to((x, top(to) - GAP)).line_to((x, top(to) - 1.0));
            all.append(curve(data).set("marker-end", "url(#head)"));
        }
    }
    for trunk in &trunks {
        let x = right + (trunk.lane as f64 + 1.0) * LANE;
        let leaves = middle(trunk.from) + APART;
        for (at, &reader) in trunk.readers.iter().enumerate() {
            let arrives = middle(reader) - APART;
            let data = if at + 1 == trunk.readers.len() {
                let out = Data::new().move_to((right, leaves)).horizontal_line_to(x - CORNER);
                out.quadratic_curve_to((x, leaves, x, leaves + CORNER)).vertical_line_to(arrives - CORNER)
            } else {
                Data::new().move_to((x, arrives - CORNER))
            };
            let data = data.quadratic_curve_to((x, arrives, x - CORNER, arrives));
            all.append(curve(data.horizontal_line_to(right + 1.0)).set("marker-end", "url(#head)"));
        }
    }
    for (at, row) in rows.iter().enumerate() {
        all.append(node(row, top(at)));
    }
    let head = Marker::new()
        .set("id", "head")
        .set("viewBox", "0 0 8 8")
        .set("refX", 7)
        .set("refY", 4)
        .set("markerWidth", 7)
        .set("markerHeight", 7)
        .set("orient", "auto")
        .add(Curve::new().set("d", "M0 0 L8 4 L0 8 z").set("fill", hex(colour::INK)));
    Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(title))
        .add(Definitions::new().add(head))
        .add(all)
}

fn node(row: &Row, top: f64) -> Group {
    let frame = Rectangle::new()
        .set("x", MARGIN)
        .set("y", top)
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .set("rx", 6)
        .set("fill", hex(colour::PAPER))
        .set("stroke", hex(row.colour))
        .set("stroke-width", 1.5);
    let bar = Rectangle::new()
        .set("x", MARGIN)
        .set("y", top)
        .set("width", 7)
        .set("height", HEIGHT)
        .set("rx", 3)
        .set("fill", hex(row.colour));
    let [left, right] = [MARGIN + 16.0, MARGIN + WIDTH - 12.0];
    let tip = format!("{}\n{}\n{}\n{}", row.name, row.operation, row.shape, row.cost);
    Group::new()
        .add(Title::new(tip.trim_end()))
        .add(frame)
        .add(bar)
        .add(words(&cut(&row.name), [left, top + 17.0], "start").set("font-weight", "bold"))
        .add(words(&row.shape, [right, top + 17.0], "end"))
        .add(words(&cut(&row.operation), [left, top + 33.0], "start"))
        .add(words(&row.cost, [right, top + 33.0], "end").set("fill", hex(colour::FAINT_INK)))
}

/// The end of a long name says more than its beginning.
fn cut(name: &str) -> String {
    let count = name.chars().count();
    if count <= LETTERS {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count + 1 - LETTERS).collect();
    format!("…{end}")
}

fn curve(data: Data) -> Curve {
    Curve::new().set("d", data).set("fill", "none").set("stroke", hex(colour::INK)).set("stroke-width", 1.2)
}

fn words(text: &str, [x, y]: [f64; 2], anchor: &str) -> Text {
    Text::new(text)
        .set("x", x)
        .set("y", y)
        .set("font-size", 12)
        .set("fill", hex(colour::INK))
        .set("text-anchor", anchor)
}

fn hex(Colour(red, green, blue): Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reads: &[usize]) -> Row {
        let text = String::new;
        let (name, shape, operation, cost) = (text(), text(), text(), text());
        Row { name, shape, operation, cost, colour: colour::INK, reads: reads.to_vec() }
    }

    #[test]
    fn lines_that_live_together_have_lanes_of_their_own() {
        // 0 is read by 2 and 5, 1 by 3, 3 by 5, where two lines meet.
        let rows = [row(&[]), row(&[0]), row(&[0, 1]), row(&[1, 2]), row(&[3]), row(&[0, 3, 4])];
        let trunks = trunks(&rows);
        let of = |from: usize| trunks.iter().find(|trunk| trunk.from == from).map(|trunk| trunk.lane);
        assert_eq!(trunks.len(), 3);
        assert_eq!((of(1), of(3), of(0)), (Some(0), Some(0), Some(1)));
    }

    #[test]
    fn names_are_cut_and_numbers_short() {
        assert_eq!(cut("layer1.0.conv1"), "layer1.0.conv1");
        assert_eq!(cut(&"äb".repeat(30)).chars().count(), LETTERS);
        assert_eq!(short(999, "parameters"), "999 parameters");
        assert_eq!(short(9408, "parameters"), "9.41 k parameters");
        assert_eq!(short(236_027_904, "FLOP"), "236 MFLOP");
    }
}
