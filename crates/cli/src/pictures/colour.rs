//! The colours, chosen to be told apart by colour-blind readers too (Okabe and Ito, 2008), but for the red of mistakes,
//! which is never alone: a frame or a word goes with it.

/// Red, green and blue (sRGB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

pub const PAPER: Colour = Colour(255, 255, 255);
pub const INK: Colour = Colour(33, 37, 41);
pub const FAINT_INK: Colour = Colour(108, 117, 125);
pub const AXIS: Colour = Colour(173, 181, 189);
pub const GRID: Colour = Colour(233, 236, 239);
pub const BLUE: Colour = Colour(0, 114, 178);
pub const SKY_BLUE: Colour = Colour(86, 180, 233);
pub const ORANGE: Colour = Colour(213, 94, 0);
pub const GREEN: Colour = Colour(0, 158, 115);
pub const RED: Colour = Colour(200, 30, 45);
