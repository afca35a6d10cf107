//! Limits that are enforced before anything large is allocated.

/// How large a file may be. The defaults take every model that this project knows of, with much room.
///
/// All are checked by a scan over the bytes before the messages are decoded, so a hostile file costs
/// time linear in its size and no memory beyond itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the model file, without external data.
    pub file_bytes: u64,
    /// Levels of graphs inside attributes of nodes; 0 allows only the main graph. Over 25 has no
    /// effect: messages may nest 90 deep, and each level takes three.
    pub subgraph_depth: usize,
    /// Nodes, all graphs and functions together.
    pub nodes: usize,
    /// Tensors: initialisers, attributes and parts of sparse tensors.
    pub tensors: usize,
    /// Fields on the wire, all messages together.
    pub fields: usize,
    /// Bytes that decoding may take in memory beyond eight times the file's size, estimated from above.
    pub decoded_bytes: u64,
    /// Bytes of external data that all tensors together may claim.
    pub external_bytes: u64,
}

impl Default for Limits {
    /// 2 GiB a file, 16 levels of subgraphs, 2¹⁸ nodes and as many tensors, 2²⁴ fields, 512 MiB decoded beyond 8 × the file, 16 GiB external.
    fn default() -> Self {
        Limits {
            file_bytes: 2 << 30,
            subgraph_depth: 16,
            nodes: 1 << 18,
            tensors: 1 << 18,
            fields: 1 << 24,
            decoded_bytes: 512 << 20,
            external_bytes: 16 << 30,
        }
    }
}
