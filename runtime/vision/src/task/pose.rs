//! Points of bodies.

use alloc::vec::Vec;

use super::{Misfit, Output};
use crate::Placement;
use crate::Rect;
use crate::post::{Detection, Nms, Yolo, heat_points, yolo};

/// Points of MediaPipe's body, and those that its model gives behind them for its own use.
const BODY_POINTS: usize = 33;
const MORE_POINTS: usize = 6;
/// x, y and depth in pixels of the input, whether it is visible, whether it is in the picture.
const POINT_FIELDS: usize = 5;

/// Reads models of bodies: heat maps, a channel a point; MediaPipe's pose landmarks; YOLO with points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Which bodies stay.
    pub nms: Nms,
}

/// A body of these points; its box is that around them.
fn body(points: Vec<(f32, f32)>, score: f32) -> Detection {
    let fold = |pick: fn(&(f32, f32)) -> f32, start: f32, join: fn(f32, f32) -> f32| {
        points.iter().map(pick).fold(start, join)
    };
    let rect = Rect {
        left: fold(|p| p.0, f32::MAX, f32::min),
        top: fold(|p| p.1, f32::MAX, f32::min),
        right: fold(|p| p.0, f32::MIN, f32::max),
        bottom: fold(|p| p.1, f32::MIN, f32::max),
    };
    Detection {
        rect,
        class: 0,
        score,
        points,
    }
}

/// The outputs of MediaPipe's pose landmark model: 39 points of 5 numbers, and that there is a body.
fn landmarks(outputs: &[Output]) -> Option<(&[f32], f32)> {
    let of = |n: usize| {
        outputs
            .iter()
            .find(|o| o.shape == [1, n] && o.values.len() == n)
    };
    let points = of((BODY_POINTS + MORE_POINTS) * POINT_FIELDS)?;
    Some((&points.values, *of(1)?.values.first()?))
}

impl Pose {
    /// Bodies with their points in pixels of the picture. A heat map or MediaPipe's model has at most one, whose box is that
    /// around its points.
    ///
    /// # Errors
    /// [`Misfit`] for outputs of no known head.
    pub fn read(&self, outputs: &[Output], p: &Placement) -> Result<Vec<Detection>, Misfit> {
        let misfit = || {
            Misfit::new(
                "heat maps [1, points, h, w], MediaPipe's landmarks [1, 195] and presence [1, 1], or YOLO's [1, 5 + 3 · points, n]",
                outputs,
            )
        };
        if let Some((values, there)) = landmarks(outputs) {
            let points = values.chunks_exact(POINT_FIELDS).take(BODY_POINTS);
            let points = points.map(|v| p.to_picture(v[0], v[1])).collect();
            let found = body(points, there);
            let kept = there >= self.nms.least_score && found.rect.is_finite();
            return Ok(kept.then_some(found).into_iter().collect());
        }
        let first = outputs.first().ok_or_else(misfit)?;
        if let Some(points) = heat_points(&first.shape, &first.values) {
            let (w, h) = (p.input.0 as f32, p.input.1 as f32);
            let heat = points.iter().map(|p| p.2).sum::<f32>() / points.len().max(1) as f32;
            let points = points.iter().map(|&(x, y, _)| p.to_picture(x * w, y * h));
            return Ok(alloc::vec![body(points.collect(), heat)]);
        }
        match *first.shape.as_slice() {
            [1, fields, n] if fields > 5 && (fields - 5).is_multiple_of(3) && n > fields => {
                let points = (fields - 5) / 3;
                let found = yolo(Yolo::V8, &first.shape, &first.values, points, &self.nms);
                let placed = found.iter().map(|d| d.map(|x, y| p.to_picture(x, y)));
                Ok(placed.collect())
            }
            _ => Err(misfit()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preprocess, ResizeRule};
    use alloc::vec;

    fn output(shape: &[usize], values: Vec<f32>) -> Output {
        Output {
            name: "y".into(),
            shape: shape.into(),
            values,
        }
    }

    #[test]
    fn landmarks_go_back_to_the_picture() {
        // 100×50 in 200×200: twice as large, 50 rows above.
        let d = Preprocess {
            resize: ResizeRule::Letterbox,
            ..Preprocess::new([200, 200])
        };
        let placement = Placement::new(&d, 100, 50);
        let mut values = vec![100.0; 195];
        values[..2].copy_from_slice(&[20.0, 60.0]);
        values[33 * 5] = -500.0;
        let outputs = |there| {
            [
                output(&[1, 195], values.clone()),
                output(&[1, 1], vec![there]),
                output(&[1, 117], vec![0.0; 117]),
            ]
        };
        let pose = Pose {
            nms: Nms {
                least_score: 0.5,
                ..Nms::default()
            },
        };
        let found = pose.read(&outputs(0.9), &placement).unwrap();
        assert_eq!((found.len(), found[0].points.len()), (1, 33));
        assert_eq!(found[0].points[..2], [(10.0, 5.0), (50.0, 25.0)]);
        assert_eq!((found[0].rect.left, found[0].rect.bottom), (10.0, 25.0));
        assert_eq!(pose.read(&outputs(0.4), &placement).unwrap(), []);
        assert_eq!(pose.read(&outputs(f32::NAN), &placement).unwrap(), []);
        let misfit = pose.read(&outputs(0.9)[..1], &placement).unwrap_err();
        assert!(alloc::format!("{misfit}").contains("found y [1, 195]"));
    }
}
