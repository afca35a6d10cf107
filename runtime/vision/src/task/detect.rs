//! Boxes of things and of faces.

use alloc::vec;
use alloc::vec::Vec;

use super::{Misfit, Output};
use crate::Placement;
use crate::post::{Detection, Nms, SsdAnchors, Yolo, post_processed, ssd, ultraface, yolo, yunet};

/// Reads detectors: SSD with TensorFlow Lite's post-processing or with the anchors of its 300×300 MobileNet, YOLO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detect {
    /// Which boxes stay.
    pub nms: Nms,
}

/// From shares of the input to pixels of the picture.
fn from_shares(found: Vec<Detection>, p: &Placement) -> Vec<Detection> {
    let (w, h) = (p.input.0 as f32, p.input.1 as f32);
    from_pixels(
        found.iter().map(|d| d.map(|x, y| (x * w, y * h))).collect(),
        p,
    )
}

fn from_pixels(found: Vec<Detection>, p: &Placement) -> Vec<Detection> {
    let (w, h) = (p.picture.0 as f32, p.picture.1 as f32);
    let mut moved: Vec<_> = found
        .iter()
        .map(|d| d.map(|x, y| p.to_picture(x, y)))
        .collect();
    moved.iter_mut().for_each(|d| d.rect = d.rect.inside(w, h));
    moved
}

impl Detect {
    /// Boxes in pixels of the picture.
    ///
    /// # Errors
    /// [`Misfit`] for outputs of no known head.
    pub fn read(
        &self,
        outputs: &[Output],
        placement: &Placement,
    ) -> Result<Vec<Detection>, Misfit> {
        let misfit = || {
            let known = "boxes [1, n, 4], classes [1, n], scores [1, n] and count [1] (TFLite), boxes [1, 1917, 4] and scores [1, 1917, c] (SSD), \
                         or one output of YOLO";
            Misfit::new(known, outputs)
        };
        match outputs {
            [boxes, classes, scores, count]
                if boxes.shape.last() == Some(&4) && count.values.len() == 1 =>
            {
                let n = boxes.values.len() / 4;
                if classes.values.len() != n || scores.values.len() != n {
                    return Err(misfit());
                }
                let least = self.nms.least_score;
                let found = post_processed(
                    &boxes.values,
                    &classes.values,
                    &scores.values,
                    count.values[0],
                    least,
                );
                Ok(from_shares(found, placement))
            }
            [boxes, scores]
                if boxes.values.len() == 1917 * 4 && scores.values.len() % 1917 == 0 =>
            {
                let anchors = SsdAnchors {
                    grids: vec![19, 10, 5, 3, 2, 1],
                    scales: (0.2, 0.95),
                }
                .boxes();
                Ok(from_shares(
                    ssd(&boxes.values, &scores.values, &anchors, &self.nms),
                    placement,
                ))
            }
            [one] | [one, ..] => {
                let head = Yolo::of(&one.shape).ok_or_else(misfit)?;
                Ok(from_pixels(
                    yolo(head, &one.shape, &one.values, 0, &self.nms),
                    placement,
                ))
            }
            [] => Err(misfit()),
        }
    }
}

/// Reads face detectors: YuNet, UltraFace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faces {
    /// Which boxes stay.
    pub nms: Nms,
}

impl Faces {
    /// Boxes in pixels of the picture.
    ///
    /// # Errors
    /// [`Misfit`] for outputs of no known head.
    pub fn read(
        &self,
        outputs: &[Output],
        placement: &Placement,
    ) -> Result<Vec<Detection>, Misfit> {
        let misfit = || {
            Misfit::new(
                "cls, obj, bbox and kps of strides 8, 16 and 32 (YuNet), or scores [1, n, 2] and boxes [1, n, 4] (UltraFace)",
                outputs,
            )
        };
        if let [scores, boxes] = outputs
            && scores.shape.last() == Some(&2)
            && boxes.shape.last() == Some(&4)
            && scores.values.len() * 2 == boxes.values.len()
        {
            return Ok(from_shares(
                ultraface(&scores.values, &boxes.values, &self.nms),
                placement,
            ));
        }
        let (width, height) = (placement.input.0 as usize, placement.input.1 as usize);
        let find = |kind: &str, pixels: usize, fields: usize| {
            let cells = (width / pixels) * (height / pixels);
            let name = alloc::format!("{kind}_{pixels}");
            let found = outputs
                .iter()
                .find(|o| o.name == name && o.values.len() == cells * fields);
            found.map(|o| o.values.as_slice()).ok_or_else(misfit)
        };
        let mut heads: [[&[f32]; 4]; 3] = [[&[]; 4]; 3];
        for (i, head) in heads.iter_mut().enumerate() {
            for (h, (kind, fields)) in
                head.iter_mut()
                    .zip([("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)])
            {
                *h = find(kind, 8 << i, fields)?;
            }
        }
        Ok(from_pixels(yunet(width, &heads, &self.nms), placement))
    }
}
