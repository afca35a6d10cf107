//! Non-maximum suppression: of boxes that overlap, the one with the best score.

use std::cmp::Ordering;

use super::Call;
use super::element::elements;
use crate::error::Error;
use crate::op::NonMaxSuppression;
use crate::tensor::Data;

pub(super) fn non_max_suppression(n: &NonMaxSuppression, call: &Call<'_>) -> Result<Data, Error> {
    let boxes: &[f32] = elements(call.inputs[0])?;
    let scores: &[f32] = elements(call.inputs[1])?;
    let shape = call.inputs[1].shape();
    let (images, classes, count) = (shape[0], shape[1], shape[2]);
    let mut rows: Vec<[i64; 3]> = Vec::new();
    for image in 0..images {
        let corners: Vec<[f32; 4]> = boxes[image * count * 4..(image + 1) * count * 4]
            .chunks_exact(4)
            .map(|b| corners(n.centers, [b[0], b[1], b[2], b[3]]))
            .collect();
        for class in 0..classes {
            let own = &scores[(image * classes + class) * count..][..count];
            let mut order: Vec<usize> = (0..count).filter(|&i| own[i] > n.score).collect();
            order.sort_by(|&a, &b| {
                let falling = own[b].partial_cmp(&own[a]).unwrap_or(Ordering::Equal);
                falling.then(a.cmp(&b))
            });
            let mut chosen: Vec<usize> = Vec::new();
            for i in order {
                let taken = chosen
                    .iter()
                    .any(|&j| overlap(corners[i], corners[j]) > n.iou);
                if chosen.len() < n.per_class && !taken {
                    chosen.push(i);
                }
            }
            rows.extend(
                chosen
                    .iter()
                    .map(|&i| [image as i64, class as i64, i as i64]),
            );
        }
    }
    let number = rows.len() as i64;
    rows.resize(images * classes * n.per_class, [0; 3]);
    rows.push([number, 0, 0]);
    Ok(Data::I64(rows.concat()))
}

/// Least and greatest of both coordinates: `[x, y, x, y]`.
fn corners(centers: bool, b: [f32; 4]) -> [f32; 4] {
    if centers {
        let (w, h) = (b[2] / 2.0, b[3] / 2.0);
        [b[0] - w, b[1] - h, b[0] + w, b[1] + h]
    } else {
        [
            b[1].min(b[3]),
            b[0].min(b[2]),
            b[1].max(b[3]),
            b[0].max(b[2]),
        ]
    }
}

/// What two boxes have in common, as a share of what either covers.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |c: [f32; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    let common = [
        a[0].max(b[0]),
        a[1].max(b[1]),
        a[2].min(b[2]),
        a[3].min(b[3]),
    ];
    let apart = common[2] <= common[0] || common[3] <= common[1];
    if apart || area(a) <= 0.0 || area(b) <= 0.0 {
        return 0.0;
    }
    area(common) / ((area(a) + area(b)) - area(common))
}
