//! Running graphs: order of observation, wrong inputs, errors that depend on data, single nodes.

use redpoll_graph::op::{BinaryFn, PadMode, UnaryFn};
use redpoll_graph::{DType, Data, ErrorKind, Graph, Op, Tensor, eval, op};

fn binary(function: BinaryFn) -> Op {
    Op::Binary {
        function,
        clamp: None,
    }
}

/// y = −x + x; x is read twice; both the input and the sum are outputs.
fn small() -> Graph {
    let mut g = Graph::new("small");
    let x = g.add_input("x", DType::F32, vec![2]);
    let t = g.add_node("t", Op::Unary(UnaryFn::Neg), &[x]).unwrap();
    let y = g.add_node("y", binary(BinaryFn::Add), &[t, x]).unwrap();
    g.outputs.extend([y, x, y]);
    g
}

#[test]
fn every_value_is_observed_in_order_and_outputs_may_repeat() {
    let g = small();
    let mut seen = Vec::new();
    let input = Tensor::vector_f32(vec![1.0, 2.0]);
    let outputs = eval::run_with(&g, std::slice::from_ref(&input), &mut |id, tensor| {
        assert_eq!(tensor.shape(), g.value(id).shape);
        seen.push(g.value(id).name.clone());
    });
    assert_eq!(seen, ["x", "t", "y"]);
    let zero = Tensor::vector_f32(vec![0.0, 0.0]);
    assert_eq!(outputs.unwrap(), [zero.clone(), input, zero]);
}

#[test]
fn wrong_inputs_are_refused() {
    let g = small();
    let kind = |inputs: &[Tensor]| eval::run(&g, inputs).unwrap_err().kind();
    assert_eq!(kind(&[]), ErrorKind::Shape);
    assert_eq!(kind(&[Tensor::vector_f32(vec![1.0])]), ErrorKind::Shape);
    assert_eq!(kind(&[Tensor::vector_i64(vec![1, 2])]), ErrorKind::Type);
}

#[test]
fn errors_that_depend_on_data_name_the_node() {
    let mut g = Graph::new("data");
    let x = g.add_input("x", DType::I64, vec![2]);
    let i = g.add_input("i", DType::I64, vec![1]);
    let picked = g
        .add_node("picked", Op::Gather { axis: 0 }, &[x, i])
        .unwrap();
    let y = g
        .add_node("ratio", binary(BinaryFn::Div), &[x, picked])
        .unwrap();
    g.outputs.push(y);
    let run = |i| {
        eval::run(
            &g,
            &[Tensor::vector_i64(vec![7, 0]), Tensor::vector_i64(vec![i])],
        )
    };
    assert_eq!(run(-2).unwrap()[0].as_i64(), Some(&[1, 0][..]));
    assert_eq!(run(2).unwrap_err().node(), Some("picked"));
    assert_eq!(run(i64::MIN).unwrap_err().node(), Some("picked"));
    let by_zero = run(1).unwrap_err();
    assert_eq!(
        (by_zero.node(), by_zero.kind()),
        (Some("ratio"), ErrorKind::Invalid)
    );
}

#[test]
fn single_nodes_fold() {
    let mut g = Graph::new("fold");
    let a = g.add_constant("a", Tensor::vector_i64(vec![2, 3]));
    let b = g.add_constant("b", Tensor::vector_i64(vec![-1]));
    g.add_node("shape", Op::Concat { axis: 0 }, &[a, b])
        .unwrap();
    let operands: Vec<&Tensor> = [a, b].iter().filter_map(|&id| g.constant(id)).collect();
    let folded = eval::node(&g, &g.nodes[0], &operands).unwrap();
    assert_eq!(folded, Tensor::vector_i64(vec![2, 3, -1]));
    let error = eval::node(&g, &g.nodes[0], &operands[..1]).unwrap_err();
    assert_eq!(error.node(), Some("shape"));
}

#[test]
fn whole_numbers_wrap_and_borders_are_cast() {
    let mut g = Graph::new("whole");
    let x = g.add_input("x", DType::I32, vec![2]);
    let squared = g
        .add_node("squared", binary(BinaryFn::Mul), &[x, x])
        .unwrap();
    let pad = Op::Pad(op::Pad {
        before: vec![1],
        after: vec![0],
        mode: PadMode::Constant,
        value: -3.9,
    });
    let y = g.add_node("y", pad, &[squared]).unwrap();
    g.outputs.push(y);
    let input = Tensor::new(vec![2], Data::I32(vec![3, 65_536])).unwrap();
    assert_eq!(
        eval::run(&g, &[input]).unwrap()[0].as_i32(),
        Some(&[-3, 9, 0][..])
    );
}
