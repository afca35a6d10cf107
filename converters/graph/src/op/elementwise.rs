//! Element-wise functions.

use super::Clamp;

/// Functions of one f32 (quantised: a table).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UnaryFn {
    /// Bounds; ReLU, ReLU6, Clip, Max/Min with a constant.
    Clamp(Clamp),
    /// `x < 0 ? alpha · x : x`.
    LeakyRelu {
        /// Slope below zero.
        alpha: f32,
    },
    /// `x < 0 ? alpha · (exp(x) − 1) : x`.
    Elu {
        /// Scale below zero.
        alpha: f32,
    },
    /// `1 / (1 + exp(−x))`.
    Sigmoid,
    /// `clamp(alpha · x + beta, 0, 1)`.
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x · clamp(x / 6 + 0.5, 0, 1)`.
    HardSwish,
    /// `x · sigmoid(x)`.
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// `x · Φ(x)` with the error function.
    Gelu,
    /// `0.5 · x · (1 + tanh(0.7978845834732056 · (x + 0.044714998453855515 · x³)))`.
    GeluTanh,
    /// `log(1 + exp(x))`.
    Softplus,
    /// Natural exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / x`.
    Reciprocal,
    /// Error function.
    Erf,
    /// `−x`.
    Neg,
    /// `|x|`.
    Abs,
    /// Towards −∞.
    Floor,
    /// Towards +∞.
    Ceil,
    /// To nearest, half to even.
    Round,
    /// Logical not, bool → bool.
    Not,
}

impl UnaryFn {
    /// Name as printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clamp(_) => "Clamp",
            Self::LeakyRelu { .. } => "LeakyRelu",
            Self::Elu { .. } => "Elu",
            Self::Sigmoid => "Sigmoid",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::HardSwish => "HardSwish",
            Self::Silu => "Silu",
            Self::Tanh => "Tanh",
            Self::Gelu => "Gelu",
            Self::GeluTanh => "GeluTanh",
            Self::Softplus => "Softplus",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Reciprocal => "Reciprocal",
            Self::Erf => "Erf",
            Self::Neg => "Neg",
            Self::Abs => "Abs",
            Self::Floor => "Floor",
            Self::Ceil => "Ceil",
            Self::Round => "Round",
            Self::Not => "Not",
        }
    }
}

/// Functions of two operands. Comparisons give bool, the others the operands' type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryFn {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Max,
    Min,
    Equal,
    Less,
    Greater,
}

impl BinaryFn {
    /// Name as printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Pow => "Pow",
            Self::Max => "Max",
            Self::Min => "Min",
            Self::Equal => "Equal",
            Self::Less => "Less",
            Self::Greater => "Greater",
        }
    }

    /// True when the result is bool.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Equal | Self::Less | Self::Greater)
    }
}
