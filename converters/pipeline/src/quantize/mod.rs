//! Quantize: a calibrated float graph becomes an int8 graph.

/// What quantisation did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantizeLog {
    /// Nodes that stayed float, with the reason.
    pub kept_float: Vec<(String, String)>,
}
