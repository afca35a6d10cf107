//! Single-shot detectors: boxes relative to anchors, and detectors that end with TensorFlow Lite's own post-processing.

use alloc::vec::Vec;

use super::{Detection, Nms, Rect};

/// The anchors of SSD as the TensorFlow detection API makes them: squares and oblongs on grids that get coarser.
#[derive(Clone, Debug, PartialEq)]
pub struct SsdAnchors {
    /// Cells on each side of each grid: 19, 10, 5, 3, 2, 1 for 300×300 MobileNet.
    pub grids: Vec<usize>,
    /// Size of the smallest and of the largest anchors, as shares of the picture.
    pub scales: (f32, f32),
}

impl SsdAnchors {
    /// All anchors, as middle and size in shares of the picture, in the order of the model's boxes.
    pub fn boxes(&self) -> Vec<Rect> {
        let n = self.grids.len();
        let (low, high) = self.scales;
        let scale = |i: usize| match i {
            i if i >= n => 1.0,
            i => low + (high - low) * i as f32 / (n.max(2) - 1) as f32,
        };
        let mut out = Vec::new();
        for (i, &cells) in self.grids.iter().enumerate() {
            let s = scale(i);
            let between = libm::sqrtf(s * scale(i + 1));
            // Aspect and scale; the first grid has three anchors a cell, the others six.
            let kinds: &[(f32, f32)] = &match i {
                0 => alloc::vec![(1.0, 0.1), (2.0, s), (0.5, s)],
                _ => alloc::vec![
                    (1.0, s),
                    (2.0, s),
                    (0.5, s),
                    (3.0, s),
                    (1.0 / 3.0, s),
                    (1.0, between)
                ],
            };
            for cell in 0..cells * cells {
                let at = |n: usize| (n as f32 + 0.5) / cells as f32;
                let (x, y) = (at(cell % cells), at(cell / cells));
                for &(aspect, scale) in kinds {
                    let root = libm::sqrtf(aspect);
                    out.push(Rect::around(x, y, scale * root, scale / root));
                }
            }
        }
        out
    }
}

/// Boxes of an SSD head. `boxes` holds y, x, height, width of each anchor's box relative to it, times 10, 10, 5, 5;
/// `scores` a probability for each class, class 0 the background (left out, so class 1 becomes 0). Result in shares of
/// the picture.
pub fn ssd(boxes: &[f32], scores: &[f32], anchors: &[Rect], nms: &Nms) -> Vec<Detection> {
    let classes = scores.len().checked_div(anchors.len()).unwrap_or(0);
    let mut found = Vec::new();
    if classes < 2 {
        return found;
    }
    for ((b, s), anchor) in boxes
        .chunks_exact(4)
        .zip(scores.chunks_exact(classes))
        .zip(anchors)
    {
        let (w, h) = (anchor.right - anchor.left, anchor.bottom - anchor.top);
        let (x, y) = (
            (anchor.left + anchor.right) / 2.0,
            (anchor.top + anchor.bottom) / 2.0,
        );
        let rect = Rect::around(
            x + b[1] / 10.0 * w,
            y + b[0] / 10.0 * h,
            w * libm::expf(b[3] / 5.0),
            h * libm::expf(b[2] / 5.0),
        );
        for (class, &score) in s
            .iter()
            .skip(1)
            .enumerate()
            .filter(|(_, s)| **s >= nms.least_score)
        {
            found.push(Detection {
                rect,
                class,
                score,
                points: Vec::new(),
            });
        }
    }
    nms.apply(found)
}

/// Boxes that are already chosen: top, left, bottom, right as shares of the picture; classes and scores, a number a box; how
/// many there are.
pub fn post_processed(
    boxes: &[f32],
    classes: &[f32],
    scores: &[f32],
    count: f32,
    least_score: f32,
) -> Vec<Detection> {
    let rows = boxes
        .chunks_exact(4)
        .zip(classes.iter().zip(scores))
        .take(count.max(0.0) as usize);
    rows.filter(|(_, (_, score))| **score >= least_score)
        .map(|(b, (&class, &score))| Detection {
            rect: Rect {
                left: b[1],
                top: b[0],
                right: b[3],
                bottom: b[2],
            },
            class: class.max(0.0) as usize,
            score,
            points: Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_and_boxes() {
        let anchors = SsdAnchors {
            grids: alloc::vec![19, 10, 5, 3, 2, 1],
            scales: (0.2, 0.95),
        }
        .boxes();
        assert_eq!(anchors.len(), 1917);
        // The last grid: one cell, scale 0.95, and between 0.95 and 1.
        let last = anchors[1916];
        assert!((last.right - last.left - libm::sqrtf(0.95)).abs() < 1e-6);
        let one = [Rect {
            left: 0.25,
            top: 0.25,
            right: 0.75,
            bottom: 0.75,
        }];
        let nms = Nms {
            least_score: 0.3,
            ..Nms::default()
        };
        let found = ssd(
            &[1.0, 2.0, 0.0, 5.0 * libm::logf(2.0)],
            &[0.1, 0.2, 0.7],
            &one,
            &nms,
        );
        // Middle (0.5 + 0.2·0.5, 0.5 + 0.1·0.5), twice as wide.
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].class, found[0].score), (1, 0.7));
        let r = found[0].rect;
        for (a, e) in [(r.left, 0.1), (r.right, 1.1), (r.top, 0.3), (r.bottom, 0.8)] {
            assert!((a - e).abs() < 1e-6, "{r:?}");
        }
        let done = post_processed(
            &[0.1, 0.2, 0.3, 0.4, 0.0, 0.0, 1.0, 1.0],
            &[17.0, 2.0],
            &[0.8, 0.9],
            1.0,
            0.5,
        );
        assert_eq!((done.len(), done[0].class, done[0].rect.left), (1, 17, 0.2));
        assert_eq!(ssd(&[0.0; 4], &[], &one, &nms), []);
    }
}
