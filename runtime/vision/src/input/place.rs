//! Where a picture goes: what is cut out of it, how large it becomes, where it lies in the model's input.

use super::{Anchor, Preprocess, ResizeRule};

/// The way from picture to input and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Width and height of the picture.
    pub picture: (u32, u32),
    /// What is cut out first: left, top, width, height in pixels of the picture.
    pub window: (u32, u32, u32, u32),
    /// Width and height that the window is resized to.
    pub resized: (u32, u32),
    /// What of the resized picture is kept: left, top, width, height.
    pub kept: (u32, u32, u32, u32),
    /// Where the kept part lies in the input: left, top.
    pub at: (u32, u32),
    /// Width and height of the input.
    pub input: (u32, u32),
}

/// Half of `n`, halves to even.
fn half_to_even(n: u32) -> u32 {
    if n % 4 == 3 { n / 2 + 1 } else { n / 2 }
}

impl Placement {
    /// For pictures of `width` × `height`.
    pub fn new(d: &Preprocess, width: u32, height: u32) -> Self {
        let [h, w] = d.size;
        let whole = Self {
            picture: (width, height),
            window: (0, 0, width, height),
            resized: (w, h),
            kept: (0, 0, w, h),
            at: (0, 0),
            input: (w, h),
        };
        let (iw, ih) = (f64::from(width), f64::from(height));
        match d.resize {
            ResizeRule::Stretch => whole,
            ResizeRule::Crop => {
                let fraction = f64::from(d.crop_fraction);
                let scale = (iw / f64::from(w)).min(ih / f64::from(h)) * fraction;
                let side = |n: u32, limit: f64| {
                    (libm::round(f64::from(n) * scale).min(limit) as u32).max(1)
                };
                let (cw, ch) = (side(w, iw), side(h, ih));
                Self {
                    window: ((width - cw) / 2, (height - ch) / 2, cw, ch),
                    ..whole
                }
            }
            ResizeRule::Shorter => {
                let longer = |long: u32, short: u32| {
                    let n = u64::from(d.shorter) * u64::from(long) / u64::from(short);
                    n.min(u64::from(super::MAX_SIDE)) as u32
                };
                let (rw, rh) = if width <= height {
                    (d.shorter, longer(height, width))
                } else {
                    (longer(width, height), d.shorter)
                };
                let kept = (half_to_even(rw - w), half_to_even(rh - h), w, h);
                Self {
                    resized: (rw, rh),
                    kept,
                    ..whole
                }
            }
            ResizeRule::Letterbox => {
                let scale = (f64::from(w) / iw).min(f64::from(h) / ih);
                let side = |n: f64, limit: u32| (libm::rint(n * scale) as u32).clamp(1, limit);
                let (rw, rh) = (side(iw, w), side(ih, h));
                let at = match d.anchor {
                    Anchor::Center => ((w - rw) / 2, (h - rh) / 2),
                    Anchor::TopLeft => (0, 0),
                };
                Self {
                    resized: (rw, rh),
                    kept: (0, 0, rw, rh),
                    at,
                    ..whole
                }
            }
        }
    }

    /// Each axis: place in the input, first pixel kept, first pixel of the window, its size, its size when resized.
    fn axes(&self) -> [[f32; 5]; 2] {
        let (x, y, w, h) = self.window;
        [
            [self.at.0, self.kept.0, x, w, self.resized.0],
            [self.at.1, self.kept.1, y, h, self.resized.1],
        ]
        .map(|axis| axis.map(|v| v as f32))
    }

    /// From a point of the input, in pixels, to the point of the picture.
    pub fn to_picture(&self, x: f32, y: f32) -> (f32, f32) {
        let [across, down] = self.axes();
        let back = |v: f32, [at, kept, window, size, resized]: [f32; 5]| {
            window + (v - at + kept) * (size / resized)
        };
        (back(x, across), back(y, down))
    }

    /// From a point of the picture to the point of the input.
    pub fn to_input(&self, x: f32, y: f32) -> (f32, f32) {
        let [across, down] = self.axes();
        let there = |v: f32, [at, kept, window, size, resized]: [f32; 5]| {
            (v - window) * (resized / size) - kept + at
        };
        (there(x, across), there(y, down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_as_the_usual_programs_do() {
        // torchvision: Resize(256) of 500×375 gives 341×256; CenterCrop(224) begins at (58, 16): 58.5 to even.
        let mut d = Preprocess {
            resize: ResizeRule::Shorter,
            shorter: 256,
            ..Preprocess::new([224, 224])
        };
        let p = Placement::new(&d, 500, 375);
        assert_eq!((p.resized, p.kept), ((341, 256), (58, 16, 224, 224)));
        let p = Placement::new(&d, 375, 500);
        assert_eq!((p.resized, p.kept), ((256, 341), (16, 58, 224, 224)));
        // Ultralytics' letterbox of 1280×720 into 640×640: 640×360, 140 rows above.
        d = Preprocess {
            resize: ResizeRule::Letterbox,
            ..Preprocess::new([640, 640])
        };
        let p = Placement::new(&d, 1280, 720);
        assert_eq!((p.resized, p.at), ((640, 360), (0, 140)));
        assert_eq!(p.to_picture(320.0, 320.0), (640.0, 360.0));
        assert_eq!(p.to_input(640.0, 360.0), (320.0, 320.0));
        d.anchor = Anchor::TopLeft;
        assert_eq!(Placement::new(&d, 1280, 720).at, (0, 0));
        d = Preprocess {
            resize: ResizeRule::Crop,
            crop_fraction: 0.5,
            ..Preprocess::new([10, 20])
        };
        let p = Placement::new(&d, 100, 100);
        assert_eq!(p.window, (25, 37, 50, 25));
        assert_eq!(p.to_picture(0.0, 0.0), (25.0, 37.0));
        assert_eq!(p.to_picture(20.0, 10.0), (75.0, 62.0));
    }

    #[test]
    fn extreme_sizes_stay_inside() {
        for resize in [
            ResizeRule::Stretch,
            ResizeRule::Crop,
            ResizeRule::Shorter,
            ResizeRule::Letterbox,
        ] {
            let d = Preprocess {
                resize,
                shorter: 40,
                crop_fraction: 0.01,
                ..Preprocess::new([40, 7])
            };
            for (w, h) in [(1, 1), (1, 65_535), (65_535, 1), (65_535, 65_535), (39, 41)] {
                let p = Placement::new(&d, w, h);
                let inside = |(at, n): (u32, u32), limit: u32| n >= 1 && at + n <= limit;
                assert!(
                    inside((p.window.0, p.window.2), w) && inside((p.window.1, p.window.3), h),
                    "{p:?}"
                );
                assert!(
                    inside((p.kept.0, p.kept.2), p.resized.0)
                        && inside((p.kept.1, p.kept.3), p.resized.1),
                    "{p:?}"
                );
                assert!(
                    inside((p.at.0, p.kept.2), 7) && inside((p.at.1, p.kept.3), 40),
                    "{p:?}"
                );
            }
        }
    }
}
