//! Boxes, points, words and masks on pictures.

use font8x8::UnicodeFonts;

use super::Picture;
use crate::Rect;

/// A colour: red, green, blue.
pub type Color = [u8; 3];

/// Colours that are told apart, by class.
pub fn class_color(class: usize) -> Color {
    const COLORS: [Color; 8] = [
        [230, 60, 60],
        [40, 140, 240],
        [40, 170, 80],
        [240, 160, 20],
        [160, 80, 220],
        [20, 170, 180],
        [220, 70, 160],
        [120, 120, 40],
    ];
    COLORS[class % COLORS.len()]
}

/// Draws on an upright picture of red, green and blue ([`Picture::to_rgb`]); on others nothing.
#[derive(Debug)]
pub struct Canvas<'a> {
    width: i64,
    height: i64,
    pixels: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    /// The picture to draw on.
    pub fn new(picture: &'a mut Picture) -> Self {
        let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
        Self {
            width,
            height,
            pixels: picture.pixels_mut(),
        }
    }

    /// Width of lines and size of letters for a picture of this size.
    fn unit(&self) -> i64 {
        (self.width.min(self.height) / 240).clamp(1, 8)
    }

    fn put(&mut self, x: i64, y: i64, color: Color, share: u32) {
        if x < 0 || y < 0 || x >= self.width || y >= self.height {
            return;
        }
        let at = (y * self.width + x) as usize * 3;
        if let Some(pixel) = self.pixels.get_mut(at..at + 3) {
            for (p, c) in pixel.iter_mut().zip(color) {
                *p = ((u32::from(*p) * (256 - share) + u32::from(c) * share) >> 8) as u8;
            }
        }
    }

    fn fill(&mut self, x: i64, y: i64, width: i64, height: i64, color: Color) {
        for yy in y.max(0)..(y + height).min(self.height) {
            for xx in x.max(0)..(x + width).min(self.width) {
                self.put(xx, yy, color, 256);
            }
        }
    }

    /// A box.
    pub fn rect(&mut self, r: &Rect, color: Color) {
        let n = self.unit();
        let [l, t, r, b] = [r.left, r.top, r.right, r.bottom].map(|v| v.round() as i64);
        self.fill(l, t, r - l, n, color);
        self.fill(l, b - n, r - l, n, color);
        self.fill(l, t, n, b - t, color);
        self.fill(r - n, t, n, b - t, color);
    }

    /// A line.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), color: Color) {
        let n = self.unit();
        let steps = (to.0 - from.0)
            .abs()
            .max((to.1 - from.1).abs())
            .clamp(1.0, 65_535.0) as i64;
        for i in 0..=steps {
            let s = i as f32 / steps as f32;
            let at = |a: f32, b: f32| (a + (b - a) * s).round() as i64 - n / 2;
            self.fill(at(from.0, to.0), at(from.1, to.1), n, n, color);
        }
    }

    /// A point.
    pub fn point(&mut self, at: (f32, f32), color: Color) {
        let n = self.unit() * 3;
        self.fill(
            at.0.round() as i64 - n / 2,
            at.1.round() as i64 - n / 2,
            n,
            n,
            color,
        );
    }

    /// Words on a ground of `color`, moved into the picture; their left lower corner is at (`x`, `y`). Letters past Latin-1 are boxes.
    pub fn label(&mut self, x: f32, y: f32, text: &str, color: Color) {
        let n = self.unit();
        let (width, height) = (text.chars().count() as i64 * 8 * n + 2 * n, 10 * n);
        let left = (x as i64).min(self.width - width).max(0);
        let top = (y as i64 - height).min(self.height - height).max(0);
        self.fill(left, top, width, height, color);
        for (i, letter) in text.chars().enumerate() {
            let glyph = font8x8::BASIC_FONTS
                .get(letter)
                .or_else(|| font8x8::LATIN_FONTS.get(letter));
            let glyph = glyph.unwrap_or([0, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x7e, 0]);
            for (row, bits) in glyph.iter().enumerate() {
                for column in (0..8).filter(|c| bits >> c & 1 == 1) {
                    let at = (
                        left + n + (i as i64 * 8 + column) * n,
                        top + n + row as i64 * n,
                    );
                    self.fill(at.0, at.1, n, n, [255; 3]);
                }
            }
        }
    }

    /// Tints pixels: `share` gives a colour and how much of it (0 to 1) for a place as shares of the sides.
    pub fn tint(&mut self, share: impl Fn(f32, f32) -> Option<(Color, f32)>) {
        for y in 0..self.height {
            for x in 0..self.width {
                let place = (
                    (x as f32 + 0.5) / self.width as f32,
                    (y as f32 + 0.5) / self.height as f32,
                );
                if let Some((color, much)) = share(place.0, place.1) {
                    self.put(x, y, color, (much.clamp(0.0, 1.0) * 256.0) as u32);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_inside_and_past_the_border() {
        let mut picture = Picture::from_rgb(20, 12, vec![0; 720]).unwrap();
        let mut canvas = Canvas::new(&mut picture);
        canvas.rect(
            &Rect {
                left: 2.0,
                top: 2.0,
                right: 6.0,
                bottom: 5.0,
            },
            [255, 0, 0],
        );
        let red = |p: &Picture| p.pixels().chunks(3).filter(|p| **p == [255, 0, 0]).count();
        assert_eq!(red(&picture), 10);
        let mut canvas = Canvas::new(&mut picture);
        canvas.rect(
            &Rect {
                left: -1e9,
                top: f32::NAN,
                right: 1e9,
                bottom: f32::INFINITY,
            },
            [0, 0, 255],
        );
        canvas.line((-1e9, 0.0), (1e9, 5.0), [0, 0, 255]);
        canvas.label(1e9, -1e9, "longer than the picture 文", [9, 9, 9]);
        canvas.point((19.0, 11.0), [0, 255, 0]);
        canvas.tint(|x, _| (x > 0.9).then_some(([255; 3], 0.5)));
        assert!(picture.pixels()[719] > 100);
    }
}
