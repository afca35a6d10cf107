//! Resizing, a row at a time, with the bytes of the program that a model was trained with.

mod columns_first;
mod filter;
mod separable;
mod taps;

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use columns_first::ColumnsFirst;
pub use filter::Filter;
use separable::{Area, CvLinear, Lerp, Pil, Separable, Whole};

/// A row of the result.
pub(crate) enum Row<'a> {
    Bytes(&'a [u8]),
    Real(&'a [f32]),
}

/// What is resized to what: all of `from` to `to`, of which only the columns and rows in `keep` are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Width and height of the source.
    pub from: (u32, u32),
    /// Width and height of the result.
    pub to: (u32, u32),
    pub keep: (Range<u32>, Range<u32>),
}

/// Makes the rows of a resized picture.
#[derive(Debug)]
pub(crate) struct Resizer(Kind);

#[derive(Debug)]
enum Kind {
    Nearest(Nearest),
    Pil(Separable<Pil>),
    PilColumns(ColumnsFirst),
    Linear(Separable<CvLinear>),
    Area(Separable<Area>),
    Whole(Separable<Whole>),
    Lerp(Separable<Lerp>),
}

#[derive(Debug)]
struct Nearest {
    channels: usize,
    x: Vec<u32>,
    y: Vec<u32>,
    source: Vec<u8>,
    out: Vec<u8>,
}

impl Nearest {
    fn row(&mut self, y: usize, read: &mut dyn FnMut(u32, &mut [u8])) -> &[u8] {
        read(self.y[y], &mut self.source);
        let n = self.channels;
        for (out, &x) in self.out.chunks_exact_mut(n).zip(&self.x) {
            out.copy_from_slice(&self.source[x as usize * n..][..n]);
        }
        &self.out
    }
}

impl Resizer {
    /// `channels` is 1 or 3; no size is 0.
    pub fn new(filter: Filter, channels: usize, sizes: &Sizes) -> Self {
        let (from, to) = (sizes.from, sizes.to);
        let (kx, ky) = sizes.keep.clone();
        let linear = |smaller: bool| {
            let make = if smaller {
                taps::cv_linear
            } else {
                taps::cv_area_larger
            };
            let (x, y) = (
                make(from.0, to.0, kx.clone(), false),
                make(from.1, to.1, ky.clone(), true),
            );
            Kind::Linear(Separable::new(CvLinear, channels, from, x, y))
        };
        let whole = |nx: u32, ny: u32| {
            let (x, y) = (taps::whole(nx, kx.clone()), taps::whole(ny, ky.clone()));
            let arithmetic = Whole {
                factor: 1.0 / (nx * ny) as f32,
                up: (nx, ny) == (2, 2),
            };
            Kind::Whole(Separable::new(arithmetic, channels, from, x, y))
        };
        let (nx, ny) = (from.0 / to.0, from.1 / to.1);
        let is_whole = nx * to.0 == from.0 && ny * to.1 == from.1;
        Self(match filter {
            Filter::Nearest | Filter::CvNearest => Kind::Nearest(Nearest {
                channels,
                source: vec![0; from.0 as usize * channels],
                out: vec![0; kx.len() * channels],
                x: taps::nearest(filter, from.0, to.0, kx),
                y: taps::nearest(filter, from.1, to.1, ky),
            }),
            Filter::Box | Filter::Bilinear | Filter::Bicubic | Filter::Lanczos => {
                let x = taps::pil(filter, from.0, to.0, kx);
                let y = taps::pil(filter, from.1, to.1, ky);
                if ColumnsFirst::wanted(from, to) {
                    Kind::PilColumns(ColumnsFirst::new(channels, from.0, x, y))
                } else {
                    Kind::Pil(Separable::new(Pil, channels, from, x, y))
                }
            }
            // Two by two pixels to one: linear and area are the same there.
            Filter::CvLinear if is_whole && (nx, ny) == (2, 2) => whole(2, 2),
            Filter::CvLinear => linear(true),
            Filter::CvArea if from.0 < to.0 || from.1 < to.1 => linear(false),
            Filter::CvArea if is_whole => whole(nx, ny),
            Filter::CvArea => {
                let x = taps::cv_area(from.0, to.0, kx);
                let y = taps::cv_area(from.1, to.1, ky);
                Kind::Area(Separable::new(Area, channels, from, x, y))
            }
            Filter::TfBilinear | Filter::TfBilinearLegacy | Filter::TfBilinearCorners => {
                let x = taps::tf_bilinear(filter, from.0, to.0, kx);
                let y = taps::tf_bilinear(filter, from.1, to.1, ky);
                Kind::Lerp(Separable::new(Lerp, channels, from, x, y))
            }
        })
    }

    /// Row `y` of those kept; `read` gives a row of the source. Rows are asked for in order.
    pub fn row(&mut self, y: usize, read: &mut dyn FnMut(u32, &mut [u8])) -> Row<'_> {
        match &mut self.0 {
            Kind::Nearest(r) => Row::Bytes(r.row(y, read)),
            Kind::Pil(r) => Row::Bytes(r.row(y, read)),
            Kind::PilColumns(r) => Row::Bytes(r.row(y, read)),
            Kind::Linear(r) => Row::Bytes(r.row(y, read)),
            Kind::Area(r) => Row::Bytes(r.row(y, read)),
            Kind::Whole(r) => Row::Bytes(r.row(y, read)),
            Kind::Lerp(r) => Row::Real(r.row(y, read)),
        }
    }
}
