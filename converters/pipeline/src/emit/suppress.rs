//! Non-maximum suppression: ONNX gives only the boxes that are left; the graph's list has zeros behind them and their
//! number in its last row.

use redpoll_graph::op::NonMaxSuppression;
use redpoll_graph::{Node, Tensor};

use super::emitter::Emitter;
use super::layout::Layout;
use crate::Error;

impl Emitter<'_> {
    pub(super) fn non_max_suppression(
        &mut self,
        node: &Node,
        n: &NonMaxSuppression,
    ) -> Result<(), Error> {
        let boxes = self.real(node.inputs[0], Layout::Same)?;
        let scores = self.real(node.inputs[1], Layout::Same)?;
        let name = self.output_name(node.output);
        let room = self.value(node.output).shape[0] as i64 - 1;
        let mut number =
            |what: &str, tensor: Tensor| self.initializer(&format!("{name}_{what}"), &tensor);
        let most = number("most", Tensor::vector_i64(vec![n.per_class as i64]))?;
        let iou = number("iou", Tensor::vector_f32(vec![n.iou]))?;
        let score = number("score", Tensor::vector_f32(vec![n.score]))?;
        let room = number("room", Tensor::vector_i64(vec![room]))?;
        let zero = number("zero", Tensor::vector_i64(vec![0]))?;
        let zeros = number("zeros", Tensor::vector_i64(vec![0, 0]))?;
        let row = number("row", Tensor::vector_i64(vec![1, 3]))?;
        let part = |what: &str| format!("{name}_{what}");
        let operands = [&boxes, &scores, &most, &iou, &score].map(String::as_str);
        let chosen = self.push("NonMaxSuppression", &operands, &part("chosen"), |p| {
            p.with_int("center_point_box", n.centers.into())
        });
        let count = self.push("Shape", &[&chosen], &part("count"), |p| {
            p.with_int("start", 0).with_int("end", 1)
        });
        let left = self.push("Sub", &[&room, &count], &part("left"), |p| p);
        let borders = self.push("Concat", &[&zeros, &left, &zero], &part("borders"), |p| {
            p.with_int("axis", 0)
        });
        let list = self.push("Pad", &[&chosen, &borders], &part("list"), |p| p);
        let last = self.push("Concat", &[&count, &zeros], &part("last"), |p| {
            p.with_int("axis", 0)
        });
        let last = self.push("Reshape", &[&last, &row], &part("last_row"), |p| p);
        let all = self.push("Concat", &[&list, &last], &name, |p| p.with_int("axis", 0));
        self.define(node.output, Layout::Same, all)
    }
}
