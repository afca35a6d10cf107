//! The description of how an image becomes a tensor, as TOML. The same text travels in the plan's metadata under
//! the key `preprocess`, so that the device does the same.
//!
//! ```toml
//! size = [224, 224]            # height, width that the model sees
//! resize = "crop"              # crop: centre crop of `crop_fraction` of the short side; stretch; shorter
//! crop_fraction = 0.875
//! filter = "bilinear"          # bilinear (antialiased, as Pillow's), nearest, bicubic
//! color = "rgb"                # rgb, bgr, gray
//! layout = "nchw"              # nchw, nhwc
//! scale = 0.00392156862745098  # value = (pixel · scale − mean) / std
//! mean = [0.485, 0.456, 0.406]
//! std = [0.229, 0.224, 0.225]
//! labels = "prefix"            # prefix: the number before the first _ of the file name; folder; none
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{invalid, io_error};
use crate::Error;

/// How the image is brought to size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResizeRule {
    /// To the size, whatever the aspect.
    #[default]
    Stretch,
    /// The short side is scaled to `size / crop_fraction`, then the centre is cut out.
    Crop,
}

/// Interpolation, antialiased when shrinking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Filter {
    Nearest,
    #[default]
    Bilinear,
    Bicubic,
}

/// Channel order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ColorOrder {
    #[default]
    Rgb,
    Bgr,
    Gray,
}

/// Axis order of the model's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Layout {
    #[default]
    Nchw,
    Nhwc,
}

/// Where a sample's class comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// No classes.
    #[default]
    None,
    /// The number before the first `_` of the file name.
    Prefix,
    /// The index of the image's folder among the sorted folders.
    Folder,
}

/// The description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Height and width that the model sees.
    pub size: [u32; 2],
    /// How the image is brought to size.
    #[serde(default)]
    pub resize: ResizeRule,
    /// Part of the short side that stays, for [`ResizeRule::Crop`].
    #[serde(default = "one")]
    pub crop_fraction: f32,
    /// Interpolation.
    #[serde(default)]
    pub filter: Filter,
    /// Channel order.
    #[serde(default)]
    pub color: ColorOrder,
    /// Axis order.
    #[serde(default)]
    pub layout: Layout,
    /// Factor on the pixel (0..=255).
    #[serde(default = "one")]
    pub scale: f32,
    /// Subtracted after the factor: one a channel, or one for all.
    #[serde(default)]
    pub mean: Vec<f32>,
    /// Divided by after that: one a channel, or one for all.
    #[serde(default)]
    pub std: Vec<f32>,
    /// Where the class comes from.
    #[serde(default)]
    pub labels: Labels,
    /// Added to the class (1 for models with a background class 0).
    #[serde(default)]
    pub label_offset: usize,
}

fn one() -> f32 {
    1.0
}

impl Preprocess {
    /// Reads and checks a description.
    ///
    /// # Errors
    /// When the file cannot be read or a field is unknown or out of range.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|e| io_error(path, e))?;
        let p: Self = toml::from_str(&text).map_err(|e| invalid(path, e))?;
        p.check().map_err(|e| invalid(path, e))?;
        Ok(p)
    }

    /// The description as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        if self.color == ColorOrder::Gray { 1 } else { 3 }
    }

    /// Shape of one sample, with the batch of 1.
    pub fn shape(&self) -> Vec<usize> {
        let [h, w] = self.size.map(|d| d as usize);
        match self.layout {
            Layout::Nchw => vec![1, self.channels(), h, w],
            Layout::Nhwc => vec![1, h, w, self.channels()],
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.size.iter().any(|&d| d == 0 || d > 8192) {
            return Err("size must be 1 to 8192 on each side".into());
        }
        if !(self.crop_fraction > 0.0 && self.crop_fraction <= 1.0) {
            return Err("crop_fraction must be above 0 and at most 1".into());
        }
        for (name, v) in [("mean", &self.mean), ("std", &self.std)] {
            if !v.is_empty() && v.len() != 1 && v.len() != self.channels() {
                return Err(format!("{name} needs 1 or {} numbers", self.channels()));
            }
        }
        if self.std.contains(&0.0) {
            return Err("std must not be 0".into());
        }
        Ok(())
    }

    /// Value of pixel `p` of channel `c`.
    pub fn normalize(&self, p: u8, c: usize) -> f32 {
        let pick = |v: &[f32], default: f32| match v {
            [] => default,
            [one] => *one,
            many => many[c],
        };
        (f32::from(p) * self.scale - pick(&self.mean, 0.0)) / pick(&self.std, 1.0)
    }
}
