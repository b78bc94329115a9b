//! From scores in the network's size to a class for each pixel of the picture.

use std::thread;

/// Scores of one picture, classes × height × width. Of one class alone they say how much more likely it is than none.
pub struct Scores<'a> {
    pub values: &'a [f32],
    pub classes: usize,
    pub height: usize,
    pub width: usize,
}

/// Where a row or column lies between those of the scores: the two beside it, and how far it is from the first.
#[derive(Clone, Copy)]
struct Place {
    before: usize,
    behind: usize,
    part: f32,
}

impl Scores<'_> {
    /// The class with the highest score at each pixel of a picture of `height` × `width`, the first of equals. Scores between
    /// pixels are bilinear, from their centres (PyTorch's `align_corners=False`).
    ///
    /// Where the four scores around a pixel have one class as their highest, so has every mean of them, and nothing is
    /// computed: only the edges of things cost time.
    pub fn classes_in(&self, height: usize, width: usize) -> Vec<i32> {
        let own = self.highest();
        if (height, width) == (self.height, self.width) || own.is_empty() {
            return own;
        }
        let (rows, columns) = (places(height, self.height), places(width, self.width));
        let mut classes = vec![0i32; height * width];
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = height.div_ceil(threads).max(1);
        thread::scope(|scope| {
            for (lines, rows) in classes.chunks_mut(share * width.max(1)).zip(rows.chunks(share)) {
                let (own, columns) = (&own, &columns);
                scope.spawn(move || {
                    for (line, &row) in lines.chunks_mut(width.max(1)).zip(rows) {
                        for (class, &column) in line.iter_mut().zip(columns) {
                            *class = self.between(own, row, column);
                        }
                    }
                });
            }
        });
        classes
    }

    /// The class with the highest score at each pixel of the scores.
    fn highest(&self) -> Vec<i32> {
        let area = self.height * self.width;
        if self.classes == 1 {
            return self.values.iter().map(|&score| i32::from(score > 0.0)).collect();
        }
        let (first, rest) = self.values.split_at(area.min(self.values.len()));
        let (mut best, mut classes) = (first.to_vec(), vec![0i32; first.len()]);
        for (class, plane) in (1..).zip(rest.chunks(area.max(1))) {
            for ((score, best), at) in plane.iter().zip(&mut best).zip(&mut classes) {
                if score > best {
                    (*best, *at) = (*score, class);
                }
            }
        }
        classes
    }

    fn between(&self, own: &[i32], row: Place, column: Place) -> i32 {
        let at = |row: usize, column: usize| row * self.width + column;
        let corners = [
            at(row.before, column.before),
            at(row.before, column.behind),
            at(row.behind, column.before),
            at(row.behind, column.behind),
        ];
        let [one, others @ ..] = corners.map(|corner| own[corner]);
        if others.iter().all(|&other| other == one) {
            return one;
        }
        let area = self.height * self.width;
        let score = |class: usize| {
            let [a, b, c, d] = corners.map(|corner| self.values[class * area + corner]);
            let across = |left: f32, right: f32| left * (1.0 - column.part) + right * column.part;
            across(a, b) * (1.0 - row.part) + across(c, d) * row.part
        };
        if self.classes == 1 {
            return i32::from(score(0) > 0.0);
        }
        let mut best = (0, score(0));
        for class in 1..self.classes {
            let score = score(class);
            if score > best.1 {
                best = (class, score);
            }
        }
        best.0 as i32
    }
}

/// Where the centres of `wanted` pixels lie between those of `there`.
fn places(wanted: usize, there: usize) -> Vec<Place> {
    let last = there.saturating_sub(1);
    let scale = there as f64 / wanted.max(1) as f64;
    (0..wanted)
        .map(|at| {
            let centre = ((at as f64 + 0.5) * scale - 0.5).clamp(0.0, last as f64);
            let before = centre as usize;
            Place { before, behind: (before + 1).min(last), part: (centre - before as f64) as f32 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from a line of congruences, −1 to 1.
    fn numbers(count: usize) -> Vec<f32> {
        let mut state = 5u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// All scores in the picture's size, then the highest: what the shortcut must give.
    fn plainly(scores: &Scores<'_>, height: usize, width: usize) -> Vec<Vec<f64>> {
        let (rows, columns) = (places(height, scores.height), places(width, scores.width));
        let value = |class: usize, row: usize, column: usize| {
            f64::from(scores.values[(class * scores.height + row) * scores.width + column])
        };
        let mut all = Vec::new();
        for row in &rows {
            for column in &columns {
                let (down, right) = (f64::from(row.part), f64::from(column.part));
                all.push(
                    (0..scores.classes)
                        .map(|class| {
                            value(class, row.before, column.before) * (1.0 - down) * (1.0 - right)
                                + value(class, row.before, column.behind) * (1.0 - down) * right
                                + value(class, row.behind, column.before) * down * (1.0 - right)
                                + value(class, row.behind, column.behind) * down * right
                        })
                        .collect(),
                );
            }
        }
        all
    }

    #[test]
    fn classes_are_those_of_the_enlarged_scores() {
        for (classes, [height, width], [tall, wide]) in [
            (4, [5, 7], [33, 20]),
            (3, [9, 8], [9, 8]),
            (5, [12, 11], [5, 4]),
            (1, [6, 5], [17, 31]),
            (2, [1, 1], [3, 2]),
        ] {
            let values = numbers(classes * height * width);
            let scores = Scores { values: &values, classes, height, width };
            let found = scores.classes_in(tall, wide);
            assert_eq!(found.len(), tall * wide);
            let mut seen = std::collections::HashSet::new();
            for (at, (&found, all)) in found.iter().zip(plainly(&scores, tall, wide)).enumerate() {
                seen.insert(found);
                if classes == 1 {
                    assert!(all[0].abs() < 1e-5 || (found == 1) == (all[0] > 0.0), "{at}: {found}, {all:?}");
                    continue;
                }
                let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                assert!(all[found as usize] >= most - 1e-5, "{at}: class {found} of {all:?}");
            }
            assert!(seen.len() > 1 || tall * wide < 9, "one class everywhere shows nothing");
        }
    }

    #[test]
    fn the_first_of_equals() {
        let scores = Scores { values: &[0.5; 12], classes: 3, height: 2, width: 2 };
        assert_eq!(scores.classes_in(5, 3), vec![0; 15]);
        assert_eq!(
            Scores { values: &[], classes: 3, height: 0, width: 4 }.classes_in(0, 4),
            Vec::<i32>::new()
        );
    }
}
