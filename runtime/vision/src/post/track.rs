//! Following boxes from frame to frame: a Kalman filter of constant speed for each coordinate, boxes matched by overlap.

use alloc::vec::Vec;

use super::{Detection, Rect};

/// Place and speed along one axis, with their variances.
#[derive(Clone, Copy, Debug)]
struct Axis {
    at: f32,
    speed: f32,
    /// Variance of the place, covariance, variance of the speed.
    p: [f32; 3],
}

/// How much speed changes from frame to frame, and how far boxes are off, as variances relative to the size of the box.
const DRIFT: f32 = 0.01;
const NOISE: f32 = 0.02;

impl Axis {
    fn new(at: f32) -> Self {
        Self {
            at,
            speed: 0.0,
            p: [1.0, 0.0, 1.0],
        }
    }

    fn predict(&mut self) {
        self.at += self.speed;
        let [a, b, c] = self.p;
        self.p = [a + 2.0 * b + c + DRIFT, b + c, c + DRIFT];
    }

    fn correct(&mut self, seen: f32) {
        let [a, b, c] = self.p;
        let (k, l) = (a / (a + NOISE), b / (a + NOISE));
        let off = seen - self.at;
        self.at += k * off;
        self.speed += l * off;
        self.p = [(1.0 - k) * a, (1.0 - k) * b, c - l * b];
    }
}

/// A thing that is followed.
#[derive(Clone, Debug)]
pub struct Track {
    /// Its number, never used again.
    pub id: u64,
    /// The box last found, or where it should be now.
    pub found: Detection,
    /// Frames since it was last found.
    pub lost: u32,
    /// Frames in which it was found.
    pub hits: u32,
    axes: [Axis; 4],
}

impl Track {
    fn rect(&self) -> Rect {
        let [left, top, right, bottom] = self.axes.map(|a| a.at);
        Rect {
            left,
            top,
            right,
            bottom,
        }
    }
}

/// Gives boxes numbers that last.
#[derive(Clone, Debug)]
pub struct Tracker {
    /// Least overlap of a box with where its track should be.
    pub least_iou: f32,
    /// Frames after which a lost track is given up.
    pub most_lost: u32,
    tracks: Vec<Track>,
    next: u64,
}

impl Default for Tracker {
    fn default() -> Self {
        Self {
            least_iou: 0.3,
            most_lost: 10,
            tracks: Vec::new(),
            next: 1,
        }
    }
}

impl Tracker {
    /// Takes the boxes of the next frame; gives all tracks, lost ones too.
    pub fn push(&mut self, boxes: &[Detection]) -> &[Track] {
        for track in &mut self.tracks {
            track.axes.iter_mut().for_each(Axis::predict);
            track.found.rect = track.rect();
            track.lost += 1;
        }
        let mut pairs = Vec::new();
        for (t, track) in self.tracks.iter().enumerate() {
            for (b, found) in boxes
                .iter()
                .enumerate()
                .filter(|(_, b)| b.class == track.found.class)
            {
                let iou = track.found.rect.iou(&found.rect);
                if iou >= self.least_iou {
                    pairs.push((iou, t, b));
                }
            }
        }
        // The pair with the largest overlap first; a track and a box are used once.
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut used = alloc::vec![false; boxes.len()];
        for (_, t, b) in pairs {
            let track = &mut self.tracks[t];
            if used[b] || track.lost == 0 {
                continue;
            }
            used[b] = true;
            let r = boxes[b].rect;
            for (axis, seen) in track
                .axes
                .iter_mut()
                .zip([r.left, r.top, r.right, r.bottom])
            {
                axis.correct(seen);
            }
            track.lost = 0;
            track.hits = track.hits.saturating_add(1);
            track.found = boxes[b].clone();
        }
        let most_lost = self.most_lost;
        self.tracks.retain(|t| t.lost <= most_lost);
        for found in boxes
            .iter()
            .zip(used)
            .filter(|(_, used)| !used)
            .map(|(b, _)| b)
        {
            let r = found.rect;
            self.tracks.push(Track {
                id: self.next,
                found: found.clone(),
                lost: 0,
                hits: 1,
                axes: [r.left, r.top, r.right, r.bottom].map(Axis::new),
            });
            self.next += 1;
        }
        &self.tracks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32, y: f32) -> Detection {
        Detection {
            rect: Rect::around(x, y, 20.0, 20.0),
            score: 0.9,
            ..Detection::default()
        }
    }

    #[test]
    fn two_that_cross_keep_their_numbers_and_one_is_found_again() {
        let mut tracker = Tracker::default();
        for frame in 0..20 {
            let x = frame as f32 * 4.0;
            let mut boxes = alloc::vec![at(x, 50.0), at(80.0 - x, 58.0)];
            if frame == 8 {
                boxes.remove(0);
            }
            let tracks = tracker.push(&boxes);
            assert_eq!(tracks.len(), 2, "frame {frame}");
            let of = |id: u64| tracks.iter().find(|t| t.id == id).unwrap();
            if frame > 2 {
                assert!(
                    (of(1).found.rect.left - (x - 10.0)).abs() < 3.0,
                    "frame {frame}: {:?}",
                    of(1)
                );
                assert!(
                    (of(2).found.rect.left - (70.0 - x)).abs() < 3.0,
                    "frame {frame}: {:?}",
                    of(2)
                );
            }
            assert_eq!(of(1).lost, u32::from(frame == 8));
        }
        for _ in 0..=10 {
            tracker.push(&[]);
        }
        assert_eq!(tracker.push(&[at(0.0, 0.0)])[0].id, 3);
    }
}
