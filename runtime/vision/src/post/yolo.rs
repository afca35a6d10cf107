//! YOLO heads, told apart by the shape of their output.

use alloc::vec::Vec;

use super::{Detection, Nms, Rect};

/// Which head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Yolo {
    /// v5, v7: `[1, boxes, 5 + classes]`: middle, size, that there is something, classes.
    V5,
    /// v8, v9, v11: `[1, 4 + classes, boxes]`: middle, size, classes.
    V8,
    /// v10 and others that choose boxes themselves: `[1, boxes, 6]`: corners, score, class.
    Chosen,
}

impl Yolo {
    /// The head of an output of this shape, if it looks like one.
    pub fn of(shape: &[usize]) -> Option<Self> {
        match *shape {
            [1, n, 6] if n <= 1000 => Some(Self::Chosen),
            [1, rows, boxes] if (5..=1024).contains(&rows) && boxes > rows => Some(Self::V8),
            [1, boxes, columns] if (6..=1024).contains(&columns) && boxes > columns => {
                Some(Self::V5)
            }
            _ => None,
        }
    }
}

/// Boxes in pixels of the input. `shape` is that of `values`. For heads with points (`points` of them, x, y and visibility after
/// the classes) there is one class.
pub fn yolo(
    head: Yolo,
    shape: &[usize],
    values: &[f32],
    points: usize,
    nms: &Nms,
) -> Vec<Detection> {
    let mut found = Vec::new();
    let [_, a, b] = *shape else { return found };
    if values.len() != a.saturating_mul(b) {
        return found;
    }
    let (boxes, fields) = if head == Yolo::V8 { (b, a) } else { (a, b) };
    let first = if head == Yolo::V5 { 5 } else { 4 };
    let classes = fields.saturating_sub(first + points * 3);
    for i in 0..boxes {
        let at = |f: usize| match head {
            Yolo::V8 => values[f * boxes + i],
            _ => values[i * fields + f],
        };
        if head == Yolo::Chosen {
            let rect = Rect {
                left: at(0),
                top: at(1),
                right: at(2),
                bottom: at(3),
            };
            if at(4) >= nms.least_score {
                found.push(Detection {
                    rect,
                    class: at(5).max(0.0) as usize,
                    score: at(4),
                    points: Vec::new(),
                });
            }
            continue;
        }
        let there = if head == Yolo::V5 { at(4) } else { 1.0 };
        let best = (0..classes).map(|c| (c, at(first + c) * there));
        let best = best.fold((0, f32::NEG_INFINITY), |best, new| {
            if new.1 > best.1 { new } else { best }
        });
        if best.1 >= nms.least_score {
            let place = |p: usize| (at(first + classes + p * 3), at(first + classes + p * 3 + 1));
            found.push(Detection {
                rect: Rect::around(at(0), at(1), at(2), at(3)),
                class: best.0,
                score: best.1,
                points: (0..points).map(place).collect(),
            });
        }
    }
    if head == Yolo::Chosen {
        found
    } else {
        nms.apply(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head() {
        let nms = Nms {
            least_score: 0.3,
            ..Nms::default()
        };
        assert_eq!(Yolo::of(&[1, 84, 8400]), Some(Yolo::V8));
        assert_eq!(Yolo::of(&[1, 25_200, 85]), Some(Yolo::V5));
        assert_eq!(Yolo::of(&[1, 300, 6]), Some(Yolo::Chosen));
        assert_eq!((Yolo::of(&[1, 1000]), Yolo::of(&[1, 3, 4])), (None, None));
        // Two boxes of v5 with two classes; the first is of class 1 with 0.9 · 0.8.
        let v5 = [
            10.0, 20.0, 4.0, 8.0, 0.9, 0.1, 0.8, 0.0, 0.0, 1.0, 1.0, 0.1, 0.9, 0.9,
        ];
        let found = yolo(Yolo::V5, &[1, 2, 7], &v5, 0, &nms);
        assert_eq!((found.len(), found[0].class), (1, 1));
        assert!((found[0].score - 0.72).abs() < 1e-6);
        assert_eq!(
            found[0].rect,
            Rect {
                left: 8.0,
                top: 16.0,
                right: 12.0,
                bottom: 24.0
            }
        );
        // The same as v8: fields first. One class and one point.
        let v8 = [
            10.0, 0.0, 20.0, 0.0, 4.0, 0.0, 8.0, 0.0, 0.7, 0.1, 5.0, 0.0, 6.0, 0.0, 1.0, 0.0,
        ];
        let found = yolo(Yolo::V8, &[1, 8, 2], &v8, 1, &nms);
        assert_eq!((found.len(), found[0].rect.left), (1, 8.0));
        assert_eq!(found[0].points, [(5.0, 6.0)]);
        let chosen = yolo(
            Yolo::Chosen,
            &[1, 2, 6],
            &[1.0, 2.0, 3.0, 4.0, 0.9, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            0,
            &nms,
        );
        assert_eq!(
            (chosen.len(), chosen[0].class, chosen[0].rect.bottom),
            (1, 7, 4.0)
        );
        assert_eq!(yolo(Yolo::V8, &[1, 9, 9], &[0.0; 3], 0, &nms), []);
    }
}
