//! Face detectors: YuNet and UltraFace.

use alloc::vec::Vec;

use super::{Detection, Nms, Rect};

/// One stride of YuNet: a cell of `stride` pixels each has a class score, a score that there is something, a box and five
/// points; all in pixels of the input.
#[allow(clippy::too_many_arguments)]
fn stride(out: &mut Vec<Detection>, stride: f32, columns: usize, heads: [&[f32]; 4], least: f32) {
    let [cls, obj, bbox, kps] = heads;
    let rows = cls
        .iter()
        .zip(obj)
        .zip(bbox.chunks_exact(4))
        .zip(kps.chunks_exact(10));
    for (i, (((&c, &o), b), k)) in rows.enumerate() {
        let score = libm::sqrtf(c.clamp(0.0, 1.0) * o.clamp(0.0, 1.0));
        if score < least {
            continue;
        }
        let (x, y) = ((i % columns) as f32, (i / columns) as f32);
        let rect = Rect::around(
            (x + b[0]) * stride,
            (y + b[1]) * stride,
            libm::expf(b[2]) * stride,
            libm::expf(b[3]) * stride,
        );
        let points = k
            .chunks_exact(2)
            .map(|p| ((x + p[0]) * stride, (y + p[1]) * stride))
            .collect();
        out.push(Detection {
            rect,
            class: 0,
            score,
            points,
        });
    }
}

/// Faces of YuNet for an input `width` pixels wide. `heads`: for strides 8, 16 and 32 the outputs cls, obj, bbox, kps. The
/// points are the right eye, the left eye, the nose, the right and the left corner of the mouth.
pub fn yunet(width: usize, heads: &[[&[f32]; 4]; 3], nms: &Nms) -> Vec<Detection> {
    let mut found = Vec::new();
    for (i, heads) in heads.iter().enumerate() {
        let pixels = 8usize << i;
        stride(
            &mut found,
            pixels as f32,
            (width / pixels).max(1),
            *heads,
            nms.least_score,
        );
    }
    nms.apply(found)
}

/// Faces of UltraFace: `scores` holds background and face, `boxes` left, top, right, bottom as shares of the picture.
pub fn ultraface(scores: &[f32], boxes: &[f32], nms: &Nms) -> Vec<Detection> {
    let rows = scores.chunks_exact(2).zip(boxes.chunks_exact(4));
    let found = rows
        .filter(|(s, _)| s[1] >= nms.least_score)
        .map(|(s, b)| Detection {
            rect: Rect {
                left: b[0],
                top: b[1],
                right: b[2],
                bottom: b[3],
            },
            class: 0,
            score: s[1],
            points: Vec::new(),
        });
    nms.apply(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_face_of_each() {
        let nms = Nms {
            least_score: 0.5,
            ..Nms::default()
        };
        // 16 pixels wide: two cells of stride 8 in a row; the face is in the second cell of the second row.
        let (mut cls, mut bbox, mut kps) = ([0.0; 4], [0.0; 16], [0.0; 40]);
        cls[3] = 0.81;
        bbox[12..].copy_from_slice(&[0.5, 0.25, libm::logf(2.0), 0.0]);
        kps[30] = 0.5;
        let none: [&[f32]; 4] = [&[0.0], &[0.0], &[0.0; 4], &[0.0; 10]];
        let found = yunet(16, &[[&cls, &[1.0; 4], &bbox, &kps], none, none], &nms);
        assert_eq!(found.len(), 1);
        assert!((found[0].score - 0.9).abs() < 1e-6);
        let r = found[0].rect;
        for (a, e) in [
            (r.left, 4.0),
            (r.right, 20.0),
            (r.top, 6.0),
            (r.bottom, 14.0),
        ] {
            assert!((a - e).abs() < 1e-4, "{r:?}");
        }
        assert_eq!(found[0].points[0], (12.0, 8.0));
        let found = ultraface(
            &[0.9, 0.1, 0.2, 0.8],
            &[0.0, 0.0, 1.0, 1.0, 0.1, 0.2, 0.3, 0.4],
            &nms,
        );
        assert_eq!((found.len(), found[0].rect.top), (1, 0.2));
    }
}
