//! Optimize: rewrites the imported graph, one rule a file.
