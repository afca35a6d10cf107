//! Classes of pixels, points of bodies.

use alloc::vec::Vec;

use super::{Misfit, Output};
use crate::Placement;
use crate::post::{ClassMap, Detection, Nms, Yolo, class_map, heat_points, yolo};

/// Reads segmenters: one map of classes, or of one share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// From here on a share counts as class 1.
    pub threshold: f32,
}

impl Segment {
    /// The class of each pixel of the input.
    ///
    /// # Errors
    /// [`Misfit`] when the first output is no map.
    pub fn read(&self, outputs: &[Output]) -> Result<ClassMap, Misfit> {
        let map = outputs
            .first()
            .and_then(|o| class_map(&o.shape, &o.values, self.threshold));
        map.filter(|m| m.width > 1 && m.height > 1)
            .ok_or_else(|| Misfit::new("a map [1, classes, h, w] or [1, h, w, classes]", outputs))
    }
}

/// Reads models of bodies: heat maps, a channel a point, or YOLO with points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Which bodies stay.
    pub nms: Nms,
}

impl Pose {
    /// Bodies with their points in pixels of the picture. A heat map has one body, whose box is that around its points.
    ///
    /// # Errors
    /// [`Misfit`] for outputs of no known head.
    pub fn read(&self, outputs: &[Output], p: &Placement) -> Result<Vec<Detection>, Misfit> {
        let misfit = || {
            Misfit::new(
                "heat maps [1, points, h, w], or YOLO's [1, 5 + 3 · points, n]",
                outputs,
            )
        };
        let first = outputs.first().ok_or_else(misfit)?;
        if let Some(points) = heat_points(&first.shape, &first.values) {
            let (w, h) = (p.input.0 as f32, p.input.1 as f32);
            let mut body = Detection {
                score: 1.0,
                ..Detection::default()
            };
            body.points = points
                .iter()
                .map(|&(x, y, _)| p.to_picture(x * w, y * h))
                .collect();
            body.score = points.iter().map(|p| p.2).sum::<f32>() / points.len().max(1) as f32;
            let fold = |pick: fn(&(f32, f32)) -> f32, start: f32, join: fn(f32, f32) -> f32| {
                body.points.iter().map(pick).fold(start, join)
            };
            body.rect = crate::Rect {
                left: fold(|p| p.0, f32::MAX, f32::min),
                top: fold(|p| p.1, f32::MAX, f32::min),
                right: fold(|p| p.0, f32::MIN, f32::max),
                bottom: fold(|p| p.1, f32::MIN, f32::max),
            };
            return Ok(alloc::vec![body]);
        }
        match *first.shape.as_slice() {
            [1, fields, n] if fields > 5 && (fields - 5).is_multiple_of(3) && n > fields => {
                let points = (fields - 5) / 3;
                let found = yolo(Yolo::V8, &first.shape, &first.values, points, &self.nms);
                Ok(found
                    .iter()
                    .map(|d| d.map(|x, y| p.to_picture(x, y)))
                    .collect())
            }
            _ => Err(misfit()),
        }
    }
}
