//! Where the number of a dot stands, so that it covers neither another one nor a line.

/// A rectangle in pixels; y grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn new(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self { left, top, right, bottom }
    }

    /// With `half` its extents.
    pub fn around([x, y]: [f64; 2], half_width: f64, half_height: f64) -> Self {
        Self::new(x - half_width, y - half_height, x + half_width, y + half_height)
    }

    /// The area that both cover.
    fn overlap(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
    }

    fn inside(&self, other: &Self) -> bool {
        self.left >= other.left
            && self.right <= other.right
            && self.top >= other.top
            && self.bottom <= other.bottom
    }
}

/// Directions that are tried at each distance.
const DIRECTIONS: usize = 16;
/// Distances that are tried, in pixels beyond the dot.
const DISTANCES: [f64; 8] = [1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 48.0, 62.0];

/// What is taken already.
pub(super) struct Placer {
    area: Rect,
    taken: Vec<Rect>,
}

impl Placer {
    pub fn new(area: Rect) -> Self {
        Self { area, taken: Vec::new() }
    }

    /// Nothing shall stand here.
    pub fn block(&mut self, rect: Rect) {
        self.taken.push(rect);
    }

    /// Nor along this line, `half` to either side.
    pub fn block_line(&mut self, from: [f64; 2], to: [f64; 2], half: f64) {
        let length = f64::hypot(to[0] - from[0], to[1] - from[1]);
        let steps = (length / half).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let t = step as f64 / steps as f64;
            let at = [from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1])];
            self.block(Rect::around(at, half, half));
        }
    }

    /// The centre of a label of half extents `half` for the dot at `centre`: the nearest free place, else the least
    /// covered one. It is taken from now on.
    pub fn place(&mut self, centre: [f64; 2], radius: f64, half: [f64; 2]) -> [f64; 2] {
        let mut best = (f64::INFINITY, centre);
        'search: for distance in DISTANCES {
            for direction in 0..DIRECTIONS {
                // Right of the dot first, then right above, and so on round.
                let angle = -std::f64::consts::TAU * direction as f64 / DIRECTIONS as f64;
                let (sin, cos) = angle.sin_cos();
                let at = [
                    centre[0] + cos * (radius + distance + half[0]),
                    centre[1] + sin * (radius + distance + half[1]),
                ];
                let rect = Rect::around(at, half[0], half[1]);
                if !rect.inside(&self.area) {
                    continue;
                }
                let covered: f64 = self.taken.iter().map(|taken| taken.overlap(&rect)).sum();
                if covered < best.0 {
                    best = (covered, at);
                }
                if covered == 0.0 {
                    break 'search;
                }
            }
        }
        self.block(Rect::around(best.1, half[0], half[1]));
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_crowded_dots_stand_apart() {
        let mut placer = Placer::new(Rect::new(0.0, 0.0, 400.0, 400.0));
        let centres: Vec<[f64; 2]> =
            (0..12).map(|i| [200.0 + f64::from(i % 4) * 6.0, 200.0 + f64::from(i / 4) * 6.0]).collect();
        for &centre in &centres {
            placer.block(Rect::around(centre, 5.0, 5.0));
        }
        let places: Vec<_> = centres.iter().map(|&centre| placer.place(centre, 5.0, [8.0, 6.0])).collect();
        for (at, &a) in places.iter().enumerate() {
            for &b in &places[at + 1..] {
                assert_eq!(Rect::around(a, 8.0, 6.0).overlap(&Rect::around(b, 8.0, 6.0)), 0.0);
            }
            for &centre in &centres {
                assert_eq!(Rect::around(a, 8.0, 6.0).overlap(&Rect::around(centre, 5.0, 5.0)), 0.0);
            }
        }
    }
}
