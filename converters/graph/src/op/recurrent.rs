//! Recurrent layers: one direction over all time steps, the input already projected.

/// Which cell, with what only this cell knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// `h = f(x + r)`. ONNX RNN.
    Rnn,
    /// Gates z, r, n. ONNX GRU.
    Gru {
        /// The reset gate scales the product with the state, bias included, not the state itself
        /// (`linear_before_reset`).
        reset_after: bool,
    },
    /// Gates i, o, f, c. ONNX LSTM.
    Lstm {
        /// The forget gate is one less the input gate (`input_forget`).
        coupled: bool,
        /// Input, output and forget gates see the cell's state, weighted by an operand.
        peepholes: bool,
    },
}

impl Cell {
    /// Gates of the cell: rows of the weights by the size of the state.
    pub fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru { .. } => 3,
            Self::Lstm { .. } => 4,
        }
    }

    /// States of the cell: the hidden one, and the cell's own of an LSTM.
    pub fn states(self) -> usize {
        match self {
            Self::Rnn | Self::Gru { .. } => 1,
            Self::Lstm { .. } => 2,
        }
    }

    /// Activation functions of the cell.
    pub fn activations(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru { .. } => 2,
            Self::Lstm { .. } => 3,
        }
    }
}

/// An activation function inside a cell, by ONNX's names.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Activation {
    Sigmoid,
    Tanh,
    Relu,
    /// `alpha · x + beta`.
    Affine {
        alpha: f32,
        beta: f32,
    },
    /// `x < 0 ? alpha · x : x`.
    LeakyRelu {
        alpha: f32,
    },
    /// `x < alpha ? 0 : x`.
    ThresholdedRelu {
        alpha: f32,
    },
    /// `alpha · tanh(beta · x)`.
    ScaledTanh {
        alpha: f32,
        beta: f32,
    },
    /// `clamp(alpha · x + beta, 0, 1)`.
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    /// `x < 0 ? alpha · (exp(x) − 1) : x`.
    Elu {
        alpha: f32,
    },
    /// `x / (1 + |x|)`.
    Softsign,
    /// `log(1 + exp(x))`.
    Softplus,
}

/// Attributes of a recurrent layer; see [`Op::Recurrent`](super::Op::Recurrent).
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent {
    /// Which cell.
    pub cell: Cell,
    /// f of an RNN; f, g of a GRU; f, g, h of an LSTM.
    pub activations: Vec<Activation>,
    /// Bound on the magnitude of the arguments of f and g (as ONNX Runtime has it; not of h).
    pub clip: Option<f32>,
    /// Walks from the last step to the first.
    pub reverse: bool,
    /// The last operand holds the number of steps of each batch row.
    pub lengths: bool,
}
