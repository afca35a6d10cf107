//! From a frame to the model's input in one pass, with nothing allocated for a frame.

use alloc::vec::Vec;

use super::{ColorOrder, Frame, Layout, Placement, Preprocess, Values};
use crate::VisionError;
use crate::resize::{Resizer, Row, Sizes};

/// Element type of a model's input, with its quantisation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// Real numbers.
    F32,
    /// Bytes that stand for `(q − zero_point) · scale`; with scale 0 the values are rounded and limited.
    U8 {
        /// Step.
        scale: f32,
        /// The byte for 0.
        zero_point: i32,
    },
    /// Signed bytes, likewise.
    I8 {
        /// Step.
        scale: f32,
        /// The byte for 0.
        zero_point: i32,
    },
}

/// A model's input.
#[derive(Debug)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Input<'a> {
    F32(&'a mut [f32]),
    U8(&'a mut [u8]),
    I8(&'a mut [i8]),
}

/// The value of every pixel value, a table a channel, and how to make others.
#[derive(Debug)]
struct Levels {
    tables: Vec<[i32; 256]>,
    real: Vec<[f32; 256]>,
    values: Values,
    target: Target,
}

impl Target {
    fn quantize(self, values: Values, pixel: f32, value: f32) -> i32 {
        let (low, high) = match self {
            Self::I8 { .. } => (-128, 127),
            _ => (0, 255),
        };
        let (scale, zero_point) = match self {
            Self::F32 => (0.0, 0),
            Self::U8 { scale, zero_point } | Self::I8 { scale, zero_point } => (scale, zero_point),
        };
        let round = |v: f32| libm::rintf(v) as i32;
        let q = match values {
            Values::Bytes => round(pixel).saturating_add(low),
            Values::Real if scale == 0.0 => round(value),
            Values::Real => round(value / scale).saturating_add(zero_point),
        };
        q.clamp(low, high)
    }
}

/// A type of elements that an input can have.
trait Element: Copy {
    fn level(levels: &Levels, c: usize, pixel: u8) -> Self;
    fn real(levels: &Levels, d: &Preprocess, c: usize, pixel: f32) -> Self;
}

impl Element for f32 {
    fn level(levels: &Levels, c: usize, pixel: u8) -> Self {
        levels.real[c][usize::from(pixel)]
    }
    fn real(_: &Levels, d: &Preprocess, c: usize, pixel: f32) -> Self {
        match d.values {
            Values::Bytes => pixel,
            Values::Real => d.normalize(pixel, c),
        }
    }
}

macro_rules! byte_element {
    ($t:ty) => {
        impl Element for $t {
            fn level(levels: &Levels, c: usize, pixel: u8) -> Self {
                levels.tables[c][usize::from(pixel)] as $t
            }
            fn real(levels: &Levels, d: &Preprocess, c: usize, pixel: f32) -> Self {
                levels
                    .target
                    .quantize(levels.values, pixel, d.normalize(pixel, c)) as $t
            }
        }
    };
}
byte_element!(u8);
byte_element!(i8);

/// Prepares frames of one size for one input.
///
/// ```
/// use redpoll_vision::{Format, Frame, Input, Preprocess, Preprocessor, Target};
///
/// # fn main() -> Result<(), redpoll_vision::VisionError> {
/// let description = Preprocess { scale: 1.0 / 255.0, ..Preprocess::new([1, 1]) };
/// let mut prepare = Preprocessor::new(&description, (2, 2), Target::F32)?;
/// let pixels = [255; 2 * 2 * 3];
/// let mut input = [0.0; 3];
/// prepare.fill(&Frame::new(Format::Rgb, 2, 2, &pixels)?, Input::F32(&mut input))?;
/// assert_eq!(input, [1.0; 3]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Preprocessor {
    description: Preprocess,
    placement: Placement,
    resizer: Resizer,
    levels: Levels,
}

impl Preprocessor {
    /// For frames of `size` (width, height, after turning).
    ///
    /// # Errors
    /// [`VisionError::Description`], [`VisionError::FrameSize`].
    pub fn new(
        description: &Preprocess,
        size: (u32, u32),
        target: Target,
    ) -> Result<Self, VisionError> {
        description.check()?;
        let sides = 1..=super::MAX_SIDE;
        if !sides.contains(&size.0) || !sides.contains(&size.1) {
            return Err(VisionError::FrameSize);
        }
        let placement = Placement::new(description, size.0, size.1);
        let (kx, ky, kw, kh) = placement.kept;
        let sizes = Sizes {
            from: (placement.window.2, placement.window.3),
            to: placement.resized,
            keep: (kx..kx + kw, ky..ky + kh),
        };
        let channels = description.channels();
        let values = description.values;
        let table = |c: usize| {
            core::array::from_fn(|p| {
                target.quantize(values, p as f32, description.normalize(p as f32, c))
            })
        };
        let real = |c: usize| {
            core::array::from_fn(|p| match values {
                Values::Bytes => p as f32,
                Values::Real => description.normalize(p as f32, c),
            })
        };
        let f32_input = target == Target::F32;
        Ok(Self {
            description: description.clone(),
            placement,
            resizer: Resizer::new(description.filter, channels, &sizes),
            levels: Levels {
                tables: (0..channels).filter(|_| !f32_input).map(table).collect(),
                real: (0..channels).filter(|_| f32_input).map(real).collect(),
                values,
                target,
            },
        })
    }

    /// Where pictures lie in the input.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Elements of the input.
    pub fn len(&self) -> usize {
        self.description.shape().iter().product()
    }

    /// Never: an input has a pixel.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Fills the input from a frame.
    ///
    /// # Errors
    /// [`VisionError::OtherSize`], [`VisionError::OutputLength`], [`VisionError::OutputType`].
    pub fn fill(&mut self, frame: &Frame<'_>, input: Input<'_>) -> Result<(), VisionError> {
        let (wanted, got) = (self.placement.picture, (frame.width(), frame.height()));
        if wanted != got {
            return Err(VisionError::OtherSize { wanted, got });
        }
        match (input, self.levels.target) {
            (Input::F32(out), Target::F32) => self.write(frame, out),
            (Input::U8(out), Target::U8 { .. }) => self.write(frame, out),
            (Input::I8(out), Target::I8 { .. }) => self.write(frame, out),
            _ => Err(VisionError::OutputType),
        }
    }

    fn write<E: Element>(&mut self, frame: &Frame<'_>, out: &mut [E]) -> Result<(), VisionError> {
        let needed = self.len();
        if out.len() != needed {
            return Err(VisionError::OutputLength {
                needed,
                got: out.len(),
            });
        }
        let (d, p, levels) = (&self.description, self.placement, &self.levels);
        let channels = d.channels();
        let (w, h) = (p.input.0 as usize, p.input.1 as usize);
        let bgr = d.color == ColorOrder::Bgr;
        let (pixel_step, channel_step) = match d.layout {
            Layout::Nhwc => (channels, 1),
            Layout::Nchw => (1, w * h),
        };
        let row_step = w * pixel_step;
        let (left, top) = (p.at.0 as usize, p.at.1 as usize);
        let (kw, kh) = (p.kept.2 as usize, p.kept.3 as usize);
        if (kw, kh) != (w, h) {
            for c in 0..channels {
                let value = E::real(levels, d, c, d.fill);
                let plane = out.get_mut(c * channel_step..).unwrap_or_default();
                plane
                    .iter_mut()
                    .step_by(pixel_step)
                    .take(w * h)
                    .for_each(|e| *e = value);
            }
        }
        let mut read =
            |y: u32, row: &mut [u8]| frame.read_row(p.window.0, p.window.1 + y, channels, row);
        for y in 0..kh {
            let row = self.resizer.row(y, &mut read);
            let begin = (top + y) * row_step + left * pixel_step;
            for c in 0..channels {
                // Source channel of channel `c` of the input.
                let from = if bgr { 2 - c } else { c };
                let out = out.get_mut(begin + c * channel_step..).unwrap_or_default();
                let out = out.iter_mut().step_by(pixel_step).take(kw);
                match row {
                    Row::Bytes(row) => {
                        let pixels = row.iter().skip(from).step_by(channels);
                        out.zip(pixels)
                            .for_each(|(e, &p)| *e = E::level(levels, c, p));
                    }
                    Row::Real(row) => {
                        let pixels = row.iter().skip(from).step_by(channels);
                        out.zip(pixels)
                            .for_each(|(e, &p)| *e = E::real(levels, d, c, p));
                    }
                }
            }
        }
        Ok(())
    }
}
