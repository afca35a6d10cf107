//! Options of the built-in operators, decoded.

use crate::flatbuffer::Table;
use crate::{Error, Result};

/// What is fused behind an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// Clamped to −1 … 1.
    ReluN1To1,
    /// Clamped to 0 … 6.
    Relu6,
    /// Hyperbolic tangent.
    Tanh,
    /// The sign bit, which is not supported.
    SignBit,
}

impl Activation {
    fn of(code: i8) -> Result<Self> {
        Ok(match code {
            0 => Self::None,
            1 => Self::Relu,
            2 => Self::ReluN1To1,
            3 => Self::Relu6,
            4 => Self::Tanh,
            5 => Self::SignBit,
            other => return Err(Error::malformed(format!("activation {other}"))),
        })
    }
}

/// How windows treat borders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// As many windows as steps fit into the input, borders filled: the larger half behind.
    #[default]
    Same,
    /// Only whole windows.
    Valid,
}

impl Padding {
    fn of(code: i8) -> Result<Self> {
        match code {
            0 => Ok(Self::Same),
            1 => Ok(Self::Valid),
            other => Err(Error::malformed(format!("padding {other}"))),
        }
    }
}

/// A window that walks over height and width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Window {
    pub padding: Padding,
    pub stride: [i32; 2],
    /// Distance of neighbouring taps; 1 where there is none.
    pub dilation: [i32; 2],
    /// Size, for pooling; else that of the weights.
    pub kernel: [i32; 2],
    pub activation: Activation,
}

/// Options of an operator; what it does without them is the default of each field.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub enum Options {
    /// None in the file.
    #[default]
    None,
    /// A kind that no operator here needs, by its number.
    Other(u8),
    /// Convolutions and pooling.
    Window(Window),
    FullyConnected {
        activation: Activation,
        shuffled: bool,
        keep_dims: bool,
    },
    Softmax {
        beta: f32,
    },
    Concatenation {
        axis: i32,
        activation: Activation,
    },
    /// Arithmetic with nothing but an activation.
    Activated(Activation),
    Resize {
        align_corners: bool,
        half_pixel: bool,
    },
    Reshape(Option<Vec<i32>>),
    Block(i32),
    Gather {
        axis: i32,
        batch_dims: i32,
    },
    Reducer {
        keep_dims: bool,
    },
    Squeeze(Vec<i32>),
    Split(i32),
    StridedSlice {
        begin: i32,
        end: i32,
        ellipsis: i32,
        new_axis: i32,
        shrink_axis: i32,
        offset: bool,
    },
    /// PACK, UNPACK, ONE_HOT.
    Axis(i32),
    LeakyRelu(f32),
    MirrorPad {
        symmetric: bool,
    },
    /// IF (taken where true, else) and WHILE (condition, body).
    Subgraphs([i32; 2]),
    /// CALL_ONCE.
    Call(i32),
    VarHandle {
        container: String,
        name: String,
    },
    BatchMatMul {
        adj_x: bool,
        adj_y: bool,
    },
    Cumsum {
        exclusive: bool,
        reverse: bool,
    },
    Gelu {
        approximate: bool,
    },
    Lstm {
        activation: Activation,
        cell_clip: f32,
        projection_clip: f32,
        time_major: bool,
        /// Both directions in one result.
        merge: bool,
    },
    Rnn {
        activation: Activation,
        time_major: bool,
        /// Both directions in one result.
        merge: bool,
    },
    Svdf {
        rank: i32,
        activation: Activation,
    },
    LocalResponse {
        radius: i32,
        bias: f32,
        alpha: f32,
        beta: f32,
    },
}

impl Options {
    /// Decodes the table of a kind.
    pub(crate) fn read(kind: u8, table: Option<Table<'_, '_>>) -> Result<Self> {
        let Some(t) = table else {
            return Ok(Self::None);
        };
        let activation = |slot| Activation::of(t.i8(slot)?);
        let window = |dilations: Option<usize>, act: usize| -> Result<Window> {
            let dilation = match dilations {
                Some(slot) => [t.i32(slot + 1, 1)?, t.i32(slot, 1)?],
                None => [1, 1],
            };
            Ok(Window {
                padding: Padding::of(t.i8(0)?)?,
                stride: [t.i32(2, 0)?, t.i32(1, 0)?],
                dilation,
                kernel: [0, 0],
                activation: activation(act)?,
            })
        };
        Ok(match kind {
            0 => Self::None,
            1 => Self::Window(window(Some(4), 3)?),
            2 => Self::Window(window(Some(5), 4)?),
            5 => Self::Window(Window {
                kernel: [t.i32(4, 0)?, t.i32(3, 0)?],
                ..window(None, 5)?
            }),
            49 => Self::Window(window(None, 3)?),
            8 => Self::FullyConnected {
                activation: activation(0)?,
                shuffled: t.i8(1)? != 0,
                keep_dims: t.bool(2, false)?,
            },
            9 => Self::Softmax { beta: t.f32(0)? },
            10 => Self::Concatenation {
                axis: t.i32(0, 0)?,
                activation: activation(1)?,
            },
            11 | 12 | 21 | 28 | 29 => Self::Activated(activation(0)?),
            13 => Self::LocalResponse {
                radius: t.i32(0, 0)?,
                bias: t.f32(1)?,
                alpha: t.f32(2)?,
                beta: t.f32(3)?,
            },
            14 => Self::Lstm {
                activation: activation(0)?,
                cell_clip: t.f32(1)?,
                projection_clip: t.f32(2)?,
                time_major: true,
                merge: false,
            },
            69 => Self::Lstm {
                activation: activation(0)?,
                cell_clip: t.f32(1)?,
                projection_clip: t.f32(2)?,
                time_major: t.bool(4, true)?,
                merge: t.bool(3, false)?,
            },
            71 => Self::Lstm {
                activation: activation(0)?,
                cell_clip: t.f32(1)?,
                projection_clip: t.f32(2)?,
                time_major: t.bool(3, false)?,
                merge: false,
            },
            6 => Self::Svdf {
                rank: t.i32(0, 0)?,
                activation: activation(1)?,
            },
            7 => Self::Rnn {
                activation: activation(0)?,
                time_major: true,
                merge: false,
            },
            31 | 70 => Self::Rnn {
                activation: activation(1)?,
                time_major: t.bool(0, false)?,
                merge: t.bool(2, false)? && kind == 70,
            },
            15 => Self::Resize {
                align_corners: t.bool(2, false)?,
                half_pixel: t.bool(3, false)?,
            },
            74 => Self::Resize {
                align_corners: t.bool(0, false)?,
                half_pixel: t.bool(1, false)?,
            },
            17 => Self::Reshape(t.i32s(0)?),
            19 | 94 => Self::Block(t.i32(0, 0)?),
            23 => Self::Gather {
                axis: t.i32(0, 0)?,
                batch_dims: t.i32(1, 0)?,
            },
            27 => Self::Reducer {
                keep_dims: t.bool(0, false)?,
            },
            30 => Self::Squeeze(t.i32s(0)?.unwrap_or_default()),
            35 | 79 => Self::Split(t.i32(0, 0)?),
            32 => Self::StridedSlice {
                begin: t.i32(0, 0)?,
                end: t.i32(1, 0)?,
                ellipsis: t.i32(2, 0)?,
                new_axis: t.i32(3, 0)?,
                shrink_axis: t.i32(4, 0)?,
                offset: t.bool(5, false)?,
            },
            59 | 64 => Self::Axis(t.i32(1, 0)?),
            61 => Self::Axis(t.i32(0, 0)?),
            75 => Self::LeakyRelu(t.f32(0)?),
            77 => Self::MirrorPad {
                symmetric: t.i8(0)? == 1,
            },
            92 | 93 => Self::Subgraphs([t.i32(0, 0)?, t.i32(1, 0)?]),
            103 => Self::Call(t.i32(0, 0)?),
            111 => Self::VarHandle {
                container: t.string(0)?,
                name: t.string(1)?,
            },
            101 => Self::BatchMatMul {
                adj_x: t.bool(0, false)?,
                adj_y: t.bool(1, false)?,
            },
            102 => Self::Cumsum {
                exclusive: t.bool(0, false)?,
                reverse: t.bool(1, false)?,
            },
            116 => Self::Gelu {
                approximate: t.bool(0, false)?,
            },
            other => Self::Other(other),
        })
    }

    /// The activation that is fused, whatever the kind.
    pub fn activation(&self) -> Activation {
        match self {
            Self::Window(w) => w.activation,
            Self::FullyConnected { activation, .. }
            | Self::Concatenation { activation, .. }
            | Self::Lstm { activation, .. }
            | Self::Rnn { activation, .. }
            | Self::Svdf { activation, .. }
            | Self::Activated(activation) => *activation,
            _ => Activation::None,
        }
    }
}
