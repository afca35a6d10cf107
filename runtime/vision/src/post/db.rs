//! Lines of text from a map of where text is (differentiable binarisation, PaddleOCR's detector).

use alloc::vec::Vec;

/// Four corners of a line, clockwise from the left upper one, and how sure.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct TextBox {
    pub corners: [(f32, f32); 4],
    pub score: f32,
}

/// How boxes are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Db {
    /// A pixel is text from here on.
    pub threshold: f32,
    /// Least mean of a box.
    pub box_threshold: f32,
    /// Boxes grow by area · this / circumference.
    pub unclip: f32,
    /// Text pixels grow by one to the right and down before they are joined.
    pub dilate: bool,
    /// Shortest side of a box, in pixels of the map.
    pub least_side: f32,
    /// Most boxes.
    pub most: usize,
}

impl Default for Db {
    /// PP-OCR's.
    fn default() -> Self {
        Self {
            threshold: 0.3,
            box_threshold: 0.5,
            unclip: 1.6,
            dilate: true,
            least_side: 3.0,
            most: 1000,
        }
    }
}

type Point = (f32, f32);

/// A rectangle in any direction: middle, half sides, unit vector of the first side.
#[derive(Clone, Copy)]
struct Oblong {
    middle: Point,
    half: Point,
    along: Point,
}

impl Oblong {
    fn corners(&self) -> [Point; 4] {
        let ((x, y), (a, b), (ux, uy)) = (self.middle, self.half, self.along);
        [(-a, -b), (a, -b), (a, b), (-a, b)]
            .map(|(a, b)| (x + a * ux - b * uy, y + a * uy + b * ux))
    }
}

/// The points around others, in order (Andrew's monotone chain).
fn hull(points: &mut Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    let turn = |o: Point, a: Point, b: Point| (a.0 - o.0) * (b.1 - o.1) - (a.1 - o.1) * (b.0 - o.0);
    let mut chain: Vec<Point> = Vec::new();
    for pass in 0..2 {
        let floor = chain.len() + 1;
        let mut add = |p: Point| {
            while chain.len() > floor
                && turn(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0
            {
                chain.pop();
            }
            chain.push(p);
        };
        if pass == 0 {
            points.iter().copied().for_each(&mut add);
        } else {
            points.iter().rev().copied().for_each(&mut add);
        }
        chain.pop();
    }
    if chain.is_empty() {
        points.clone()
    } else {
        chain
    }
}

/// The smallest rectangle around points: one of its sides lies on a side of the hull.
fn smallest(hull: &[Point]) -> Oblong {
    let mut best: Option<(f32, Oblong)> = None;
    for (i, a) in hull.iter().enumerate() {
        let b = hull[(i + 1) % hull.len()];
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = libm::sqrtf(dx * dx + dy * dy);
        let (ux, uy) = if length > 0.0 {
            (dx / length, dy / length)
        } else {
            (1.0, 0.0)
        };
        let (mut low, mut high) = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        for p in hull {
            let (s, t) = (p.0 * ux + p.1 * uy, p.1 * ux - p.0 * uy);
            low = (low.0.min(s), low.1.min(t));
            high = (high.0.max(s), high.1.max(t));
        }
        let half = ((high.0 - low.0) / 2.0, (high.1 - low.1) / 2.0);
        let (s, t) = (low.0 + half.0, low.1 + half.1);
        let oblong = Oblong {
            middle: (s * ux - t * uy, s * uy + t * ux),
            half,
            along: (ux, uy),
        };
        let area = half.0 * half.1;
        if best.is_none_or(|(least, _)| area < least) {
            best = Some((area, oblong));
        }
    }
    best.map_or(
        Oblong {
            middle: (0.0, 0.0),
            half: (0.0, 0.0),
            along: (1.0, 0.0),
        },
        |b| b.1,
    )
}

/// Corners clockwise from the left upper one: the two leftmost are the left side.
fn ordered(mut corners: [Point; 4]) -> [Point; 4] {
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    let [a, b, c, d] = corners;
    let (top_left, bottom_left) = if b.1 > a.1 { (a, b) } else { (b, a) };
    let (top_right, bottom_right) = if d.1 > c.1 { (c, d) } else { (d, c) };
    [top_left, top_right, bottom_right, bottom_left]
}

impl Db {
    /// The lines of text in a map of `width` × `height` probabilities, in pixels of the map,
    /// sorted by the first pixel of each from the top. Empty when the values are not `width` · `height`.
    pub fn boxes(&self, width: usize, height: usize, values: &[f32]) -> Vec<TextBox> {
        let mut out = Vec::new();
        if width == 0 || width.checked_mul(height) != Some(values.len()) {
            return out;
        }
        let mut text: Vec<bool> = values.iter().map(|&v| v > self.threshold).collect();
        if self.dilate {
            // A 2×2 kernel anchored at its last cell: a pixel is text when it or one left of, above or left above it is.
            for i in (0..text.len()).rev() {
                let left = i % width > 0;
                text[i] |= (left && text[i - 1])
                    || (i >= width && text[i - width])
                    || (left && i >= width && text[i - width - 1]);
            }
        }
        let mut stack = Vec::new();
        for start in 0..text.len() {
            if !text[start] {
                continue;
            }
            if out.len() == self.most {
                break;
            }
            let mut rows: Vec<(usize, usize, usize)> = Vec::new();
            stack.push(start);
            text[start] = false;
            // Leftmost and rightmost pixel of each row are enough for the hull.
            let first_row = start / width;
            while let Some(i) = stack.pop() {
                let (x, y) = (i % width, i / width);
                let at = y - first_row;
                if rows.len() <= at {
                    rows.resize(at + 1, (usize::MAX, 0, 0));
                }
                rows[at] = (rows[at].0.min(x), rows[at].1.max(x), y);
                for ny in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                    for nx in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                        let n = ny * width + nx;
                        if core::mem::take(&mut text[n]) {
                            stack.push(n);
                        }
                    }
                }
            }
            let ends = rows
                .iter()
                .filter(|r| r.0 != usize::MAX)
                .flat_map(|&(l, r, y)| [(l, y), (r, y)]);
            let mut points: Vec<Point> = ends.map(|(x, y)| (x as f32, y as f32)).collect();
            let found = smallest(&hull(&mut points));
            if found.half.0.min(found.half.1) * 2.0 < self.least_side {
                continue;
            }
            let score = mean_inside(&found, width, height, values);
            if score < self.box_threshold {
                continue;
            }
            let (a, b) = found.half;
            let grow = 4.0 * a * b * self.unclip / (4.0 * (a + b));
            let grown = Oblong {
                half: (a + grow, b + grow),
                ..found
            };
            if grown.half.0.min(grown.half.1) * 2.0 < self.least_side + 2.0 {
                continue;
            }
            out.push(TextBox {
                corners: ordered(grown.corners()),
                score,
            });
        }
        out
    }
}

/// Mean of the values whose pixels lie inside.
fn mean_inside(o: &Oblong, width: usize, height: usize, values: &[f32]) -> f32 {
    let corners = o.corners();
    let range = |pick: fn(&Point) -> f32, limit: usize| {
        let all = corners.iter().map(pick);
        let low = all.clone().fold(f32::MAX, f32::min);
        let high = all.fold(f32::MIN, f32::max);
        (libm::floorf(low).max(0.0) as usize)..=(libm::ceilf(high).max(0.0) as usize).min(limit - 1)
    };
    let (mut sum, mut count) = (0.0f64, 0u32);
    for y in range(|p| p.1, height) {
        for x in range(|p| p.0, width) {
            let (dx, dy) = (x as f32 - o.middle.0, y as f32 - o.middle.1);
            let (s, t) = (
                dx * o.along.0 + dy * o.along.1,
                dy * o.along.0 - dx * o.along.1,
            );
            if s.abs() <= o.half.0 + 0.5 && t.abs() <= o.half.1 + 0.5 {
                sum += f64::from(values[y * width + x]);
                count += 1;
            }
        }
    }
    if count == 0 {
        0.0
    } else {
        (sum / f64::from(count)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upright_line_and_a_slanted_one() {
        let (w, h) = (80, 60);
        let mut map = vec![0.0; w * h];
        for y in 10..18 {
            map[y * w + 5..y * w + 45].fill(0.9);
        }
        // A band of slope 1/2 from (10, 30), 6 high.
        for x in 10..60 {
            for y in 0..6 {
                map[(30 + (x - 10) / 2 + y) * w + x] = 0.8;
            }
        }
        let db = Db {
            dilate: false,
            ..Db::default()
        };
        let found = db.boxes(w, h, &map);
        assert_eq!(found.len(), 2);
        // 39 × 7 between pixel centres; grown by 39·7·1.6 / (2·46) = 4.748.
        let grow = 39.0 * 7.0 * 1.6 / 92.0;
        let expected = [
            (5.0 - grow, 10.0 - grow),
            (44.0 + grow, 10.0 - grow),
            (44.0 + grow, 17.0 + grow),
            (5.0 - grow, 17.0 + grow),
        ];
        for (a, e) in found[0].corners.iter().zip(expected) {
            assert!(
                (a.0 - e.0).abs() < 1e-3 && (a.1 - e.1).abs() < 1e-3,
                "{:?}",
                found[0]
            );
        }
        assert!((found[0].score - 0.9).abs() < 1e-6);
        let [tl, tr, ..] = found[1].corners;
        let slope = (tr.1 - tl.1) / (tr.0 - tl.0);
        assert!((slope - 0.5).abs() < 0.03, "{:?}", found[1]);
        // The band's ends are upright, those of its rectangle are not.
        assert!((0.6..=0.8).contains(&found[1].score), "{:?}", found[1]);
        // Dilation moves only the right and the lower side.
        let wider = Db {
            dilate: true,
            unclip: 0.0,
            least_side: 0.0,
            ..db
        }
        .boxes(w, h, &map)[0]
            .corners;
        assert_eq!((wider[0], wider[2]), ((5.0, 10.0), (45.0, 18.0)));
        assert_eq!(db.boxes(3, 3, &[1.0; 4]), []);
        assert_eq!(db.boxes(2, 2, &[1.0; 4]), []);
    }
}
