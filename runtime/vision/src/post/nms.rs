//! One box for each thing: of boxes that overlap the best stays.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::Detection;

/// What happens to a box that overlaps a better one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Suppress {
    /// It goes when they share more than this (intersection over union).
    Hard(f32),
    /// Its score is multiplied by e^(−IoU²/σ) (Soft-NMS), and it goes below the least score.
    Soft(f32),
}

/// Non-maximum suppression.
///
/// ```
/// use redpoll_vision::{Detection, Nms, Rect};
///
/// let found = |left: f32, score: f32| Detection {
///     rect: Rect { left, top: 0.0, right: left + 10.0, bottom: 10.0 },
///     score,
///     ..Detection::default()
/// };
/// let kept = Nms::default().apply(vec![found(1.0, 0.6), found(0.0, 0.9), found(30.0, 0.7)]);
/// assert_eq!(kept.iter().map(|d| d.score).collect::<Vec<_>>(), [0.9, 0.7]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nms {
    /// How.
    pub suppress: Suppress,
    /// Boxes below it are left out.
    pub least_score: f32,
    /// Boxes of different classes do not suppress each other.
    pub by_class: bool,
    /// Most boxes that are looked at, the best by score, and most that stay.
    pub most: (usize, usize),
}

impl Default for Nms {
    fn default() -> Self {
        Self {
            suppress: Suppress::Hard(0.45),
            least_score: 0.0,
            by_class: true,
            most: (5000, 300),
        }
    }
}

fn better(a: &Detection, b: &Detection) -> Ordering {
    b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal)
}

impl Nms {
    /// The boxes that stay, the best first.
    pub fn apply(&self, mut boxes: Vec<Detection>) -> Vec<Detection> {
        boxes.retain(|d| d.score >= self.least_score && d.rect.is_finite());
        boxes.sort_by(better);
        boxes.truncate(self.most.0);
        let mut kept: Vec<Detection> = Vec::new();
        match self.suppress {
            Suppress::Hard(limit) => {
                for d in boxes {
                    if kept.len() == self.most.1 {
                        break;
                    }
                    let rivals = kept.iter().filter(|k| !self.by_class || k.class == d.class);
                    if rivals.into_iter().all(|k| k.rect.iou(&d.rect) <= limit) {
                        kept.push(d);
                    }
                }
            }
            Suppress::Soft(sigma) => {
                while !boxes.is_empty() && kept.len() < self.most.1 {
                    let best = boxes.remove(0);
                    for d in boxes
                        .iter_mut()
                        .filter(|d| !self.by_class || d.class == best.class)
                    {
                        let iou = best.rect.iou(&d.rect);
                        d.score *= libm::expf(-iou * iou / sigma);
                    }
                    boxes.retain(|d| d.score >= self.least_score);
                    boxes.sort_by(better);
                    kept.push(best);
                }
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rect;

    fn found(left: f32, class: usize, score: f32) -> Detection {
        Detection {
            rect: Rect {
                left,
                top: 0.0,
                right: left + 10.0,
                bottom: 10.0,
            },
            class,
            score,
            points: Vec::new(),
        }
    }

    #[test]
    fn hard_soft_and_by_class() {
        // 8 of 12 shared: IoU 2/3.
        let boxes = || {
            alloc::vec![
                found(2.0, 1, 0.5),
                found(0.0, 0, 0.9),
                found(2.0, 0, 0.8),
                found(40.0, 0, 0.1)
            ]
        };
        let scores = |nms: Nms| {
            nms.apply(boxes())
                .iter()
                .map(|d| (d.class, d.score))
                .collect::<Vec<_>>()
        };
        let base = Nms {
            least_score: 0.2,
            ..Nms::default()
        };
        assert_eq!(scores(base), [(0, 0.9), (1, 0.5)]);
        assert_eq!(
            scores(Nms {
                by_class: false,
                ..base
            }),
            [(0, 0.9)]
        );
        assert_eq!(
            scores(Nms {
                suppress: Suppress::Hard(0.7),
                ..base
            }),
            [(0, 0.9), (0, 0.8), (1, 0.5)]
        );
        assert_eq!(
            scores(Nms {
                most: (5000, 1),
                ..base
            }),
            [(0, 0.9)]
        );
        let soft = scores(Nms {
            suppress: Suppress::Soft(0.5),
            ..base
        });
        // 0.8 · e^(−(2/3)²/0.5) = 0.8 · 0.41111
        assert_eq!(soft.iter().map(|s| s.0).collect::<Vec<_>>(), [0, 1, 0]);
        assert!((soft[2].1 - 0.328_889).abs() < 1e-5, "{soft:?}");
    }

    #[test]
    fn numbers_that_are_none_are_left_out() {
        let odd = [
            found(f32::NAN, 0, 0.9),
            found(0.0, 0, f32::NAN),
            found(f32::INFINITY, 0, 0.9),
        ];
        assert_eq!(Nms::default().apply(odd.to_vec()), []);
    }
}
