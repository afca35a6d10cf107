//! Emit: a graph as a standard ONNX model; int8 values as QuantizeLinear/DequantizeLinear pairs (QDQ).
//!
//! The graph is channels-last inside, ONNX channels-first. Each value is written in the layout that its producer
//! makes, and in the other one only where a reader needs it, so that a convolutional network comes out without
//! transposes in the middle.
//!
//! Every integer operator becomes `DequantizeLinear → operator → QuantizeLinear`; a runtime that fuses the three
//! computes what [`redpoll_graph::op`] defines, up to how it rounds.

mod elementwise;
mod embedding;
mod emitter;
mod index;
mod layout;
mod movement;
mod product;
mod recurrent;
mod reduce;
mod resize;
mod suppress;
mod tensor;
mod window;

use redpoll_graph::Graph;

use crate::{Error, ErrorKind, Quantized};
use emitter::Emitter;

/// The opset of emitted models.
pub const OPSET: i64 = 17;

/// The bytes of a quantised model as ONNX.
///
/// # Errors
/// As [`emit_graph`].
pub fn emit(quantized: &Quantized) -> Result<Vec<u8>, Error> {
    emit_graph(quantized.graph())
}

/// The bytes of any graph as ONNX, float or int8.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for an operator that opset 17 cannot say; [`ErrorKind::Internal`] when the
/// graph is not valid.
pub fn emit_graph(graph: &Graph) -> Result<Vec<u8>, Error> {
    let mut emitter = Emitter::new(graph);
    for node in &graph.nodes {
        emitter.node(node)?;
    }
    let model = emitter.finish()?;
    model
        .to_bytes()
        .map_err(|e| Error::new(ErrorKind::Internal, e.to_string()))
}

#[cfg(test)]
mod tests {
    use redpoll_graph::{Data, Op, Tensor, eval};

    use super::emit_graph;
    use crate::import::{ImportOptions, import};
    use crate::optimize::optimize;

    /// The bundled model, optimised, written and read again, computes the same, and has one transpose at most: the one
    /// of its input.
    #[test]
    fn a_network_survives_the_way_out_and_in() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../models/fashion/fashion.onnx"
        );
        let limits = redpoll_onnx::Limits::default();
        let read = |model: &redpoll_onnx::Model| {
            optimize(import(model, &ImportOptions::default()).unwrap()).unwrap()
        };
        let first = read(&redpoll_onnx::Model::read(path, &limits).unwrap());
        let bytes = emit_graph(first.graph()).unwrap();
        let model = redpoll_onnx::Model::from_bytes(&bytes, &limits).unwrap();
        let turned = model
            .graph()
            .node
            .iter()
            .filter(|n| n.op_type == "Transpose")
            .count();
        assert!(turned <= 1, "{turned} transposes");
        let second = read(&model);
        assert!(
            second
                .graph()
                .nodes
                .iter()
                .all(|n| !matches!(n.op, Op::Transpose { .. }))
        );
        let pixels = (0..28 * 28)
            .map(|i| (i * 37 % 101) as f32 / 100.0)
            .collect();
        let x = [Tensor::new(vec![1, 1, 28, 28], Data::F32(pixels)).unwrap()];
        let a = eval::run(first.graph(), &x).unwrap();
        let b = eval::run(second.graph(), &x).unwrap();
        assert_eq!(a, b);
    }
}
