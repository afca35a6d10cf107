//! Which pixels mattered: parts of a picture are covered one after the other, and the score falls where they were needed.
//!
//! Source: M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", 2014, section 4.2.

use alloc::vec;
use alloc::vec::Vec;

/// Squares of `patch` pixels, `stride` apart, that together cover a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occlusion {
    width: usize,
    height: usize,
    patch: usize,
    stride: usize,
}

/// For each pixel how much the score fell, on average, while it was covered.
#[derive(Clone, Debug, PartialEq)]
pub struct Saliency {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Fall of the score, row by row; below 0 where covering helped.
    pub falls: Vec<f32>,
}

impl Occlusion {
    /// `None` when a size is 0 or the patch is larger than the picture; steps wider than the patch would leave gaps and are refused too.
    pub fn new(width: u32, height: u32, patch: u32, stride: u32) -> Option<Self> {
        let fits = patch > 0 && patch <= width && patch <= height && stride > 0 && stride <= patch;
        fits.then_some(Self {
            width: width as usize,
            height: height as usize,
            patch: patch as usize,
            stride: stride as usize,
        })
    }

    /// Starts along an axis: every stride, and one at the end so that the last pixels are covered.
    fn starts(&self, side: usize) -> impl Iterator<Item = usize> + Clone + use<> {
        let last = side - self.patch;
        (0..last).step_by(self.stride).chain([last])
    }

    /// Left and top of each square.
    pub fn squares(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let across = self.starts(self.width);
        self.starts(self.height)
            .flat_map(move |top| across.clone().map(move |left| (left, top)))
    }

    /// Copies `from` to `to` (red, green, blue) with the square at (`left`, `top`) painted over; nothing where the lengths differ.
    pub fn cover(&self, from: &[u8], to: &mut [u8], (left, top): (usize, usize), color: [u8; 3]) {
        if from.len() != to.len() || from.len() != self.width * self.height * 3 {
            return;
        }
        to.copy_from_slice(from);
        for row in to
            .chunks_exact_mut(self.width * 3)
            .skip(top)
            .take(self.patch)
        {
            for pixel in row.chunks_exact_mut(3).skip(left).take(self.patch) {
                pixel.copy_from_slice(&color);
            }
        }
    }

    /// Spreads the fall of each square, in the order of [`Occlusion::squares`], over its pixels.
    pub fn map(&self, falls: &[f32]) -> Saliency {
        let mut sums = vec![0f32; self.width * self.height];
        let mut times = vec![0u32; sums.len()];
        for ((left, top), fall) in self.squares().zip(falls) {
            for y in top..top + self.patch {
                let row = y * self.width + left..y * self.width + left + self.patch;
                sums[row.clone()].iter_mut().for_each(|s| *s += fall);
                times[row].iter_mut().for_each(|n| *n += 1);
            }
        }
        for (sum, n) in sums.iter_mut().zip(&times) {
            *sum /= (*n).max(1) as f32;
        }
        Saliency {
            width: self.width,
            height: self.height,
            falls: sums,
        }
    }
}

impl Saliency {
    /// The pixel that mattered most and its fall.
    pub fn peak(&self) -> (usize, usize, f32) {
        let best = self
            .falls
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or((0, 0, 0.0), |(i, &fall)| {
            (i % self.width, i / self.width, fall)
        })
    }

    /// Lays colours on a picture of the same size (red, green, blue): red where covering lowered the score, blue where it raised it,
    /// as strong as the largest fall or rise.
    pub fn tint(&self, pixels: &mut [u8]) {
        let most = self.falls.iter().fold(0f32, |m, f| m.max(f.abs()));
        if most == 0.0 {
            return;
        }
        for (pixel, fall) in pixels.chunks_exact_mut(3).zip(&self.falls) {
            let share = fall / most;
            let color = if share > 0.0 {
                [255, 40, 0]
            } else {
                [0, 80, 255]
            };
            for (p, c) in pixel.iter_mut().zip(color) {
                let (old, new) = (f32::from(*p), c as f32);
                *p = (old + (new - old) * 0.7 * share.abs()) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_cover_every_pixel_and_falls_land_where_they_belong() {
        let o = Occlusion::new(7, 5, 3, 2).unwrap();
        let all: Vec<_> = o.squares().collect();
        assert_eq!(all, [(0, 0), (2, 0), (4, 0), (0, 2), (2, 2), (4, 2)]);
        // The score is what is bright: only squares over the pixel (5, 4) take it away.
        let mut picture = vec![0u8; 7 * 5 * 3];
        picture[(4 * 7 + 5) * 3] = 200;
        let mut covered = picture.clone();
        let falls: Vec<f32> = o
            .squares()
            .map(|at| {
                o.cover(&picture, &mut covered, at, [0; 3]);
                200.0 - covered.iter().map(|&p| f32::from(p)).sum::<f32>()
            })
            .collect();
        let map = o.map(&falls);
        assert_eq!(map.falls[4 * 7 + 5], 200.0);
        assert_eq!(map.falls[0], 0.0);
        // (4, 2) lies in the square that mattered and in three that did not.
        assert_eq!(map.falls[2 * 7 + 4], 50.0);
        assert_eq!(map.peak().2, 200.0);
        map.tint(&mut picture);
        assert_eq!(&picture[..3], [0, 0, 0]);
        assert!(picture[(4 * 7 + 6) * 3] > 100);
    }

    #[test]
    fn sizes_that_leave_gaps_are_refused() {
        for (w, h, patch, stride) in [
            (0, 4, 1, 1),
            (4, 4, 5, 1),
            (4, 4, 2, 3),
            (4, 4, 0, 0),
            (4, 4, 2, 0),
        ] {
            assert_eq!(Occlusion::new(w, h, patch, stride), None);
        }
        assert_eq!(Occlusion::new(4, 4, 4, 4).unwrap().squares().count(), 1);
    }
}
