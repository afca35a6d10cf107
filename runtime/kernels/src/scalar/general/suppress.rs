//! Non-maximum suppression: of boxes that overlap, the one with the best score.

use redpoll_plan::op::NonMaxSuppression;

/// Least and greatest of both coordinates: `[x, y, x, y]`.
fn corners(centers: bool, b: &[f32]) -> [f32; 4] {
    if centers {
        let (w, h) = (b[2] / 2.0, b[3] / 2.0);
        return [b[0] - w, b[1] - h, b[0] + w, b[1] + h];
    }
    let (less, more) = (f32::min, f32::max);
    [
        less(b[1], b[3]),
        less(b[0], b[2]),
        more(b[1], b[3]),
        more(b[0], b[2]),
    ]
}

/// What two boxes have in common, as a share of what either covers.
fn overlap(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |c: [f32; 4]| (c[2] - c[0]) * (c[3] - c[1]);
    let common = [
        f32::max(a[0], b[0]),
        f32::max(a[1], b[1]),
        f32::min(a[2], b[2]),
        f32::min(a[3], b[3]),
    ];
    let apart = common[2] <= common[0] || common[3] <= common[1];
    if apart || area(a) <= 0.0 || area(b) <= 0.0 {
        return 0.0;
    }
    area(common) / ((area(a) + area(b)) - area(common))
}

/// The best box of `scores` above `least` that comes after `last` in the order of falling scores.
fn next(scores: &[f32], least: f32, last: Option<usize>) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, &score) in scores.iter().enumerate().filter(|s| *s.1 > least) {
        let after = last.is_none_or(|l| score < scores[l] || (score == scores[l] && i > l));
        if after && best.is_none_or(|b| score > scores[b]) {
            best = Some(i);
        }
    }
    best
}

/// See [`NonMaxSuppression`].
///
/// # Panics
/// If a slice is shorter than the parameters say.
pub fn non_max_suppression(p: &NonMaxSuppression, boxes: &[f32], scores: &[f32], y: &mut [i64]) {
    let (images, classes) = (p.images as usize, p.classes as usize);
    let (count, per_class) = (p.count as usize, p.per_class as usize);
    let corner = |image: usize, i: usize| {
        let at = (image * count + i) * 4;
        corners(p.centers == 1, &boxes[at..at + 4])
    };
    y.fill(0);
    let mut rows = 0;
    for image in 0..images {
        for class in 0..classes {
            let own = &scores[(image * classes + class) * count..][..count];
            let start = rows;
            let mut last = None;
            while let Some(i) = next(own, p.score, last).filter(|_| rows - start < per_class) {
                last = Some(i);
                let here = corner(image, i);
                let chosen = y[start * 3..rows * 3].chunks_exact(3);
                // The box of a row is not negative: it was put there.
                let taken = chosen
                    .map(|row| corner(image, row[2] as usize))
                    .any(|other| overlap(here, other) > p.iou);
                if !taken {
                    let row = [image as i64, class as i64, i as i64];
                    y[rows * 3..rows * 3 + 3].copy_from_slice(&row);
                    rows += 1;
                }
            }
        }
    }
    let end = images * classes * per_class * 3;
    y[end] = rows as i64;
}
