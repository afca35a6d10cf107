//! The ways to resize, named after the programs that models were trained with.

/// How pixels between pixels are made. One name, one result: the same bytes on every target.
///
/// | name | antialiased | arithmetic |
/// |---|---|---|
/// | `pil_*` | when shrinking, except `pil_nearest` | Pillow's for 8 bits: weights of 22 bits, rounded after each axis |
/// | `cv_linear` | no | OpenCV's `INTER_LINEAR` for 8 bits: weights of 11 bits |
/// | `cv_area` | yes | OpenCV's `INTER_AREA` for shrinking; enlarging is `cv_linear` |
/// | `cv_nearest` | no | OpenCV's `INTER_NEAREST` |
/// | `tf_*` | no | TensorFlow's bilinear: float, not rounded between resizing and normalising |
///
/// In descriptions `nearest`, `bilinear`, `bicubic`, `box` and `lanczos` mean Pillow's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Filter {
    /// Pillow's `NEAREST`.
    #[cfg_attr(feature = "std", serde(alias = "pil_nearest"))]
    Nearest,
    /// Pillow's `BOX`: the mean of what a pixel covers.
    #[cfg_attr(feature = "std", serde(alias = "pil_box"))]
    Box,
    /// Pillow's `BILINEAR`, which torchvision uses too.
    #[default]
    #[cfg_attr(feature = "std", serde(alias = "pil_bilinear"))]
    Bilinear,
    /// Pillow's `BICUBIC` (a = −0.5).
    #[cfg_attr(feature = "std", serde(alias = "pil_bicubic"))]
    Bicubic,
    /// Pillow's `LANCZOS`.
    #[cfg_attr(feature = "std", serde(alias = "pil_lanczos"))]
    Lanczos,
    /// OpenCV's `INTER_NEAREST`.
    CvNearest,
    /// OpenCV's `INTER_LINEAR`.
    CvLinear,
    /// OpenCV's `INTER_AREA`.
    CvArea,
    /// `tf.image.resize(…, "bilinear")` of TensorFlow 2 without antialiasing: pixel centres at halves.
    TfBilinear,
    /// TensorFlow 1's `resize_bilinear`: pixel 0 on pixel 0.
    TfBilinearLegacy,
    /// TensorFlow 1's `resize_bilinear` with `align_corners`.
    TfBilinearCorners,
}
