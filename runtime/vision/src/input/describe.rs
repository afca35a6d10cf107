//! The description of how a picture becomes a model's input.

use alloc::string::String;
use alloc::vec::Vec;

use super::MAX_SIDE;
use crate::VisionError;
use crate::resize::Filter;
use crate::task::Task;

/// Most pixels on a side of a model's input.
pub const MAX_INPUT_SIDE: u32 = 8192;

/// How the picture is brought to size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
pub enum ResizeRule {
    /// To the size, whatever the aspect.
    #[default]
    Stretch,
    /// The centre, `crop_fraction` of the short side in the aspect of the size, is cut out and then scaled.
    Crop,
    /// The short side is scaled to `shorter`, then the centre is cut out (torchvision's `Resize` and `CenterCrop`).
    Shorter,
    /// Scaled to fit into the size, the rest filled with `fill`.
    Letterbox,
}

/// Where the picture lies in a letterbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Anchor {
    /// In the middle.
    #[default]
    Center,
    /// At the left and the top.
    TopLeft,
}

/// Channel order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
#[allow(missing_docs)]
pub enum ColorOrder {
    #[default]
    Rgb,
    Bgr,
    /// One channel, made before resizing.
    Gray,
}

/// Axis order of the model's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
#[allow(missing_docs)]
pub enum Layout {
    #[default]
    Nchw,
    Nhwc,
}

/// What the numbers of the input are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
pub enum Values {
    /// (pixel · scale − mean) / std, quantised with the input's scale where it has one.
    #[default]
    Real,
    /// The pixel itself in a u8 input, the pixel − 128 in an i8 input, whatever the input's scale.
    Bytes,
}

/// Where a sample's class comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "lowercase"))]
pub enum Labels {
    /// No classes.
    #[default]
    None,
    /// The number before the first `_` of the file name.
    Prefix,
    /// The index of the picture's folder among the sorted folders.
    Folder,
}

/// The description. As TOML it is a file `preprocess.toml`, and the text `preprocess` of a plan's metadata.
///
/// ```
/// use redpoll_vision::{ColorOrder, Preprocess};
///
/// let clothes = Preprocess {
///     color: ColorOrder::Gray,
///     scale: 1.0 / 255.0,
///     ..Preprocess::new([28, 28])
/// };
/// assert_eq!(clothes.shape(), [1, 1, 28, 28]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(deny_unknown_fields))]
pub struct Preprocess {
    /// Height and width that the model sees.
    pub size: [u32; 2],
    /// How the picture is brought to size.
    #[cfg_attr(feature = "std", serde(default))]
    pub resize: ResizeRule,
    /// Part of the short side that stays, for [`ResizeRule::Crop`].
    #[cfg_attr(feature = "std", serde(default = "one"))]
    pub crop_fraction: f32,
    /// Length of the short side, for [`ResizeRule::Shorter`].
    #[cfg_attr(feature = "std", serde(default, skip_serializing_if = "is_zero"))]
    pub shorter: u32,
    /// Pixel value around a letterbox, 0 to 255.
    #[cfg_attr(feature = "std", serde(default))]
    pub fill: f32,
    /// Place in a letterbox.
    #[cfg_attr(feature = "std", serde(default))]
    pub anchor: Anchor,
    /// Interpolation.
    #[cfg_attr(feature = "std", serde(default))]
    pub filter: Filter,
    /// Channel order.
    #[cfg_attr(feature = "std", serde(default))]
    pub color: ColorOrder,
    /// Axis order.
    #[cfg_attr(feature = "std", serde(default))]
    pub layout: Layout,
    /// What the numbers of the input are.
    #[cfg_attr(feature = "std", serde(default))]
    pub values: Values,
    /// Factor on the pixel (0..=255).
    #[cfg_attr(feature = "std", serde(default = "one"))]
    pub scale: f32,
    /// Subtracted after the factor: one a channel, or one for all.
    #[cfg_attr(feature = "std", serde(default))]
    pub mean: Vec<f32>,
    /// Divided by after that: one a channel, or one for all.
    #[cfg_attr(feature = "std", serde(default))]
    pub std: Vec<f32>,
    /// Where the class of a sample comes from.
    #[cfg_attr(feature = "std", serde(default))]
    pub labels: Labels,
    /// Added to the class (1 for models with a background class 0).
    #[cfg_attr(feature = "std", serde(default))]
    pub label_offset: usize,
    /// What the model is for.
    #[cfg_attr(
        feature = "std",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    pub task: Option<Task>,
    /// Names of the classes, or of the letters of text.
    #[cfg_attr(feature = "std", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub classes: Vec<String>,
}

#[cfg(feature = "std")]
fn one() -> f32 {
    1.0
}

#[cfg(feature = "std")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Preprocess {
    /// Pixels 0 to 255 in red, green and blue, stretched to height and width, NCHW.
    pub fn new(size: [u32; 2]) -> Self {
        Self {
            size,
            resize: ResizeRule::default(),
            crop_fraction: 1.0,
            shorter: 0,
            fill: 0.0,
            anchor: Anchor::default(),
            filter: Filter::default(),
            color: ColorOrder::default(),
            layout: Layout::default(),
            values: Values::default(),
            scale: 1.0,
            mean: Vec::new(),
            std: Vec::new(),
            labels: Labels::default(),
            label_offset: 0,
            task: None,
            classes: Vec::new(),
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        if self.color == ColorOrder::Gray { 1 } else { 3 }
    }

    /// Shape of one sample, with the batch of 1.
    pub fn shape(&self) -> [usize; 4] {
        let [h, w] = self.size.map(|d| d as usize);
        match self.layout {
            Layout::Nchw => [1, self.channels(), h, w],
            Layout::Nhwc => [1, h, w, self.channels()],
        }
    }

    /// Looks for what cannot be.
    ///
    /// # Errors
    /// [`VisionError::Description`] with what must hold.
    pub fn check(&self) -> Result<(), VisionError> {
        let must = |holds: bool, what: &'static str| {
            if holds {
                Ok(())
            } else {
                Err(VisionError::Description(what))
            }
        };
        let sides = 1..=MAX_INPUT_SIDE;
        must(
            self.size.iter().all(|d| sides.contains(d)),
            "size must be 1 to 8192 on each side",
        )?;
        must(
            self.crop_fraction > 0.0 && self.crop_fraction <= 1.0,
            "crop_fraction must be above 0 and at most 1",
        )?;
        if self.resize == ResizeRule::Shorter {
            must(
                self.shorter >= *self.size.iter().max().unwrap_or(&0)
                    && self.shorter <= MAX_SIDE / 4,
                "shorter must be at least the larger side of size and at most 16383",
            )?;
        }
        must((0.0..=255.0).contains(&self.fill), "fill must be 0 to 255")?;
        let channels = self.channels();
        let fits = |v: &[f32]| v.len() <= 1 || v.len() == channels;
        must(fits(&self.mean), "mean needs 1 number, or one a channel")?;
        must(fits(&self.std), "std needs 1 number, or one a channel")?;
        must(!self.std.contains(&0.0), "std must not be 0")?;
        let numbers = self.mean.iter().chain(&self.std);
        must(
            self.scale.is_finite() && numbers.into_iter().all(|v| v.is_finite()),
            "scale, mean and std must be finite",
        )
    }

    /// Value of a pixel (0 to 255) of channel `c`.
    pub fn normalize(&self, pixel: f32, c: usize) -> f32 {
        let pick = |v: &[f32], default: f32| match v {
            [] => default,
            [one] => *one,
            many => many.get(c).copied().unwrap_or(default),
        };
        (pixel * self.scale - pick(&self.mean, 0.0)) / pick(&self.std, 1.0)
    }
}
