//! Boxes.

use alloc::vec::Vec;

/// A box, in pixels or in shares of a side; right and bottom are past its end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Rect {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Rect {
    /// From the middle and the size.
    pub fn around(x: f32, y: f32, width: f32, height: f32) -> Self {
        let (w, h) = (width / 2.0, height / 2.0);
        Self {
            left: x - w,
            top: y - h,
            right: x + w,
            bottom: y + h,
        }
    }

    /// Area, 0 for boxes turned inside out.
    pub fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    /// What both share, of what either covers: 0 to 1.
    pub fn iou(&self, other: &Self) -> f32 {
        let both = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        };
        let shared = both.area();
        let either = self.area() + other.area() - shared;
        if either > 0.0 { shared / either } else { 0.0 }
    }

    /// True when all four sides are numbers.
    pub fn is_finite(&self) -> bool {
        [self.left, self.top, self.right, self.bottom]
            .iter()
            .all(|v| v.is_finite())
    }

    /// The part inside a picture.
    pub fn inside(&self, width: f32, height: f32) -> Self {
        Self {
            left: self.left.clamp(0.0, width),
            top: self.top.clamp(0.0, height),
            right: self.right.clamp(0.0, width),
            bottom: self.bottom.clamp(0.0, height),
        }
    }
}

/// Something found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detection {
    /// Where.
    pub rect: Rect,
    /// Index of its class.
    pub class: usize,
    /// How sure, 0 to 1.
    pub score: f32,
    /// Points that belong to it: eyes, nose and corners of the mouth of a face.
    pub points: Vec<(f32, f32)>,
}

impl Detection {
    /// The same with every point moved, say by [`Placement::to_picture`](crate::Placement::to_picture).
    pub fn map(&self, to: impl Fn(f32, f32) -> (f32, f32)) -> Self {
        let (left, top) = to(self.rect.left, self.rect.top);
        let (right, bottom) = to(self.rect.right, self.rect.bottom);
        Self {
            rect: Rect {
                left,
                top,
                right,
                bottom,
            },
            points: self.points.iter().map(|&(x, y)| to(x, y)).collect(),
            ..*self
        }
    }
}
