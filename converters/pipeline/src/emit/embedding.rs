//! Gathering of slices and rows.

use redpoll_graph::{DType, Data, Node, Tensor};

use super::emitter::Emitter;
use super::layout::Layout;
use crate::{Error, ErrorKind};

impl Emitter<'_> {
    pub(super) fn gather(&mut self, node: &Node, axis: usize) -> Result<(), Error> {
        let data = self.real(node.inputs[0], Layout::Same)?;
        let indices = self.stored(node.inputs[1], Layout::Same)?;
        let name = self.output_name(node.output);
        let result = self.push("Gather", &[&data, &indices], &name, |n| {
            n.with_int("axis", axis as i64)
        });
        self.define(node.output, Layout::Same, result)
    }

    /// Gather from the table with a row of zeros behind it, which indices outside the table are sent to.
    pub(super) fn embedding(&mut self, node: &Node) -> Result<(), Error> {
        let indices = self.value(node.inputs[0]);
        let table = self.value(node.inputs[1]);
        let Some(constant) = &table.constant else {
            return Err(Error::new(
                ErrorKind::Internal,
                "an embedding's table is not constant",
            ));
        };
        let (rows, width) = (table.shape[0], table.shape[1]);
        let name = self.output_name(node.output);
        let zero_point = table.qparams.as_ref().map_or(0, |q| q.zero_point());
        fn extended<T: Clone>(v: &[T], zero: T, width: usize) -> Vec<T> {
            let mut v = v.to_vec();
            v.resize(v.len() + width, zero);
            v
        }
        let data = match constant.data() {
            Data::F32(v) => Data::F32(extended(v, 0.0, width)),
            Data::I8(v) => Data::I8(extended(v, zero_point as i8, width)),
            Data::U8(v) => Data::U8(extended(v, zero_point as u8, width)),
            _ => return Err(self.unsupported(node, "a table of this type")),
        };
        let wide = self.initializer(&table.name, &Tensor::new(vec![rows + 1, width], data)?)?;
        let wide = match &table.qparams {
            Some(q) => self.dequantize(&wide, table, q, q.axis, &format!("{name}_table"))?,
            None => wide,
        };
        let ids = self.stored(node.inputs[0], Layout::Same)?;
        let number = |v: i64| {
            let data = if indices.dtype == DType::I64 {
                Data::I64(vec![v])
            } else {
                Data::I32(vec![v as i32])
            };
            Tensor::new(Vec::new(), data)
        };
        let zero = self.initializer(&format!("{name}_zero"), &number(0)?)?;
        let count = self.initializer(&format!("{name}_count"), &number(rows as i64)?)?;
        let below = self.push("Less", &[&ids, &zero], &format!("{name}_below"), |n| n);
        let above = self.push(
            "GreaterOrEqual",
            &[&ids, &count],
            &format!("{name}_above"),
            |n| n,
        );
        let outside = self.push("Or", &[&below, &above], &format!("{name}_outside"), |n| n);
        let safe = self.push(
            "Where",
            &[&outside, &count, &ids],
            &format!("{name}_indices"),
            |n| n,
        );
        let result = self.push("Gather", &[&wide, &safe], &name, |n| n);
        self.define(node.output, Layout::Same, result)
    }
}
