//! A window of an image, and what lies beyond its edges.

use super::step::{IGNORED, Image};

/// A rectangle in an image, which may reach beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Its first row; negative above the image.
    pub top: isize,
    /// Its first column; negative left of the image.
    pub left: isize,
    /// Its rows.
    pub height: usize,
    /// Its columns.
    pub width: usize,
}

impl Window {
    /// Cuts it out of `image`, with `fill` beyond the edges, and no class there.
    pub(super) fn cut(&self, image: &mut Image, fill: f32) {
        let [channels, height, width] = image.shape;
        let mut pixels = Vec::with_capacity(channels * self.height * self.width);
        for channel in 0..channels {
            let plane = &image.pixels[channel * height * width..][..height * width];
            self.plane(plane, [height, width], fill, &mut pixels);
        }
        if let Some(mask) = &image.mask {
            let mut cut = Vec::with_capacity(self.height * self.width);
            self.plane(mask, [height, width], IGNORED, &mut cut);
            image.mask = Some(cut);
        }
        image.pixels = pixels;
        image.shape = [channels, self.height, self.width];
    }

    fn plane<T: Copy>(&self, plane: &[T], [height, width]: [usize; 2], fill: T, out: &mut Vec<T>) {
        // Columns of the window that come from the image: `first..last`.
        let first = (-self.left).clamp(0, self.width as isize) as usize;
        let last = (width as isize - self.left).clamp(first as isize, self.width as isize) as usize;
        for row in 0..self.height as isize {
            let source = self.top + row;
            if source < 0 || source >= height as isize || first >= last {
                out.resize(out.len() + self.width, fill);
                continue;
            }
            let start = source as usize * width + (first as isize + self.left) as usize;
            out.resize(out.len() + first, fill);
            out.extend_from_slice(&plane[start..start + (last - first)]);
            out.resize(out.len() + (self.width - last), fill);
        }
    }
}
