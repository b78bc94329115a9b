//! Numbers as colours.

use super::colour::Colour;

/// From dark blue by green to light yellow: as light as the number is large, also for readers who see no hue.
const STOPS: [Colour; 6] = [
    Colour(18, 10, 64),
    Colour(44, 62, 130),
    Colour(28, 113, 140),
    Colour(48, 160, 112),
    Colour(150, 199, 66),
    Colour(250, 232, 110),
];

/// The colour of a part from 0 to 1; what is beyond has the colour of that end.
pub(super) fn ramp(part: f64) -> Colour {
    let place = part.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let at = (place as usize).min(STOPS.len() - 2);
    let (Colour(r, g, b), Colour(to_r, to_g, to_b)) = (STOPS[at], STOPS[at + 1]);
    let share = place - at as f64;
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
    Colour(mix(r, to_r), mix(g, to_g), mix(b, to_b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_grows_lighter() {
        let light = |Colour(r, g, b)| 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
        let all: Vec<f64> = (0..=100).map(|at| light(ramp(f64::from(at) / 100.0))).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "{all:?}");
        assert_eq!((ramp(-1.0), ramp(2.0)), (STOPS[0], STOPS[5]));
    }
}
