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
    /// Sine, argument in radians; so the others.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
    /// −1, 0 or 1, NaN for NaN; also of whole numbers.
    Sign,
    /// True for NaN, f32 → bool.
    IsNan,
    /// True for infinities of the signs chosen, f32 → bool.
    IsInf {
        /// +∞ counts.
        positive: bool,
        /// −∞ counts.
        negative: bool,
    },
    /// Every bit flipped, whole numbers.
    BitNot,
    /// The low bits of a whole number, read as a narrower integer: how those wrap around.
    Wrap {
        /// Bits kept, 1 to 32.
        bits: u8,
        /// The top one of them is a sign.
        signed: bool,
    },
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
            Self::Sin => "Sin",
            Self::Cos => "Cos",
            Self::Tan => "Tan",
            Self::Asin => "Asin",
            Self::Acos => "Acos",
            Self::Atan => "Atan",
            Self::Sinh => "Sinh",
            Self::Cosh => "Cosh",
            Self::Asinh => "Asinh",
            Self::Acosh => "Acosh",
            Self::Atanh => "Atanh",
            Self::Sign => "Sign",
            Self::IsNan => "IsNaN",
            Self::IsInf { .. } => "IsInf",
            Self::BitNot => "BitNot",
            Self::Wrap { .. } => "Wrap",
        }
    }

    /// True when the result is bool.
    pub fn is_test(self) -> bool {
        matches!(self, Self::Not | Self::IsNan | Self::IsInf { .. })
    }

    /// True for functions of whole numbers only.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::BitNot | Self::Wrap { .. })
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
    LessOrEqual,
    GreaterOrEqual,
    /// Remainder with the divisor's sign.
    Mod,
    /// Remainder with the dividend's sign.
    Fmod,
    /// Of truth values, or of the bits of whole numbers; so the others.
    And,
    Or,
    Xor,
    /// Bits towards the top; 0 from the width on.
    ShiftLeft,
    /// Bits towards the bottom, zeros from the top; 0 from the width on.
    ShiftRight,
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
            Self::LessOrEqual => "LessOrEqual",
            Self::GreaterOrEqual => "GreaterOrEqual",
            Self::Mod => "Mod",
            Self::Fmod => "Fmod",
            Self::And => "And",
            Self::Or => "Or",
            Self::Xor => "Xor",
            Self::ShiftLeft => "ShiftLeft",
            Self::ShiftRight => "ShiftRight",
        }
    }

    /// True when the result is bool.
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::Less | Self::Greater | Self::LessOrEqual | Self::GreaterOrEqual
        )
    }

    /// True for functions of bits: truth values and whole numbers.
    pub fn is_bitwise(self) -> bool {
        matches!(
            self,
            Self::And | Self::Or | Self::Xor | Self::ShiftLeft | Self::ShiftRight
        )
    }
}
