//! Maps: a class for each pixel, points from heat.

use alloc::vec::Vec;

/// Classes over a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap {
    /// Cells in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Class of each cell, row by row.
    pub classes: Vec<u16>,
}

impl ClassMap {
    /// The class at a place given as shares of the sides.
    pub fn at(&self, x: f32, y: f32) -> u16 {
        let cell = |share: f32, n: usize| ((share * n as f32) as usize).min(n.saturating_sub(1));
        let index = cell(y, self.height) * self.width + cell(x, self.width);
        self.classes.get(index).copied().unwrap_or(0)
    }
}

/// Sizes of a map with channels: NCHW where the second size is the smallest, else NHWC.
fn sizes(shape: &[usize]) -> Option<(usize, usize, usize, bool)> {
    match *shape {
        [1, c, h, w] if c <= h && c <= w => Some((c, h, w, true)),
        [1, h, w, c] => Some((c, h, w, false)),
        _ => None,
    }
}

/// The class of each pixel: that with the highest value; with one channel 1 where it is at least `threshold`. `None` when the
/// shape is no map, or not that of the values.
pub fn class_map(shape: &[usize], values: &[f32], threshold: f32) -> Option<ClassMap> {
    let (channels, height, width, planes) = sizes(shape)?;
    let cells = height.checked_mul(width)?;
    if cells.checked_mul(channels)? != values.len()
        || channels == 0
        || channels > usize::from(u16::MAX)
    {
        return None;
    }
    let at = |cell: usize, c: usize| {
        values[if planes {
            c * cells + cell
        } else {
            cell * channels + c
        }]
    };
    let class = |cell: usize| match channels {
        1 => u16::from(at(cell, 0) >= threshold),
        _ => (1..channels).fold(0, |best, c| {
            if at(cell, c) > at(cell, best) {
                c
            } else {
                best
            }
        }) as u16,
    };
    Some(ClassMap {
        width,
        height,
        classes: (0..cells).map(class).collect(),
    })
}

/// The hottest place of each channel, x and y as shares of the sides and its heat; moved a quarter of a cell towards the hotter
/// neighbour. `None` when the shape is no map.
pub fn heat_points(shape: &[usize], values: &[f32]) -> Option<Vec<(f32, f32, f32)>> {
    let (channels, height, width, planes) = sizes(shape)?;
    let cells = height.checked_mul(width)?;
    if cells == 0 || cells.checked_mul(channels)? != values.len() {
        return None;
    }
    let point = |c: usize| {
        let at = |x: usize, y: usize| {
            let cell = y * width + x;
            values[if planes {
                c * cells + cell
            } else {
                cell * channels + c
            }]
        };
        let heat = |cell: usize| at(cell % width, cell / width);
        let best = (1..cells).fold(
            0,
            |best, cell| if heat(cell) > heat(best) { cell } else { best },
        );
        let (x, y) = (best % width, best / width);
        let lean = |low: Option<f32>, high: Option<f32>| match (low, high) {
            (Some(l), Some(h)) if h > l => 0.25,
            (Some(l), Some(h)) if h < l => -0.25,
            _ => 0.0,
        };
        let dx = lean(
            x.checked_sub(1).map(|x| at(x, y)),
            (x + 1 < width).then(|| at(x + 1, y)),
        );
        let dy = lean(
            y.checked_sub(1).map(|y| at(x, y)),
            (y + 1 < height).then(|| at(x, y + 1)),
        );
        (
            (x as f32 + 0.5 + dx) / width as f32,
            (y as f32 + 0.5 + dy) / height as f32,
            heat(best),
        )
    };
    Some((0..channels).map(point).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_both_layouts() {
        let planes = [0.0, 1.0, 2.0, 0.0, 1.0, 0.0, 0.0, 3.0];
        let map = class_map(&[1, 2, 2, 2], &planes, 0.5).unwrap();
        assert_eq!(map.classes, [1, 0, 0, 1]);
        assert_eq!(
            (map.at(0.9, 0.9), map.at(0.9, 0.1), map.at(2.0, f32::NAN)),
            (1, 0, 0)
        );
        let last = [0.0, 1.0, 5.0, 0.0, 9.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0];
        assert_eq!(
            class_map(&[1, 4, 1, 3], &last, 0.5).unwrap().classes,
            [2, 1, 0, 2]
        );
        assert_eq!(
            class_map(&[1, 2, 2, 1], &[0.1, 0.5, 0.9, 0.4], 0.5)
                .unwrap()
                .classes,
            [0, 1, 1, 0]
        );
        assert_eq!(class_map(&[1, 2, 2, 3], &last[1..], 0.5), None);
        assert_eq!(class_map(&[1, usize::MAX, 2, 3], &last, 0.5), None);
    }

    #[test]
    fn points_lean_to_the_warmer_side() {
        let mut heat = [0.0; 9];
        heat[4] = 1.0;
        heat[5] = 0.5;
        heat[1] = 0.5;
        let points = heat_points(&[1, 1, 3, 3], &heat).unwrap();
        assert_eq!(points, [(1.75 / 3.0, 1.25 / 3.0, 1.0)]);
        assert_eq!(heat_points(&[1, 1, 0, 0], &[]), None);
    }
}
