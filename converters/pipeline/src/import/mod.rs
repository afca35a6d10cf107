//! Import: ONNX messages become a graph, or the list of all gaps at once.
