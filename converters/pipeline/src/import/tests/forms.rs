//! The forms that operators had in different opsets give the same results.

use redpoll_onnx::TensorData;
use redpoll_onnx::proto::NodeProto;

use super::{floats, ints, model, node, run};

/// The same node in the opset where its operands were attributes, and in a later one where they are inputs.
fn alike(
    dims: &[usize],
    (old_opset, old): (i64, NodeProto),
    (new_opset, new, constants): (i64, NodeProto, &[(&str, TensorData)]),
) -> (Vec<usize>, Vec<f32>) {
    let want = run(&model(old_opset, dims, &[], vec![old]));
    assert_eq!(run(&model(new_opset, dims, constants, vec![new])), want);
    want
}

#[test]
fn clip() {
    let old = node("Clip", &["x"])
        .with_float("min", -1.0)
        .with_float("max", 2.0);
    let bounds = [("lo", floats(&[], &[-1.0])), ("hi", floats(&[1], &[2.0]))];
    let new = node("Clip", &["x", "lo", "hi"]);
    let (_, y) = alike(&[8], (7, old), (13, new, &bounds));
    assert_eq!(y, [-1.0, -1.0, -1.0, -1.0, 0.0, 1.0, 2.0, 2.0]);
    let upper = [("hi", floats(&[], &[1.0]))];
    let (_, y) = run(&model(
        13,
        &[8],
        &upper,
        vec![node("Clip", &["x", "", "hi"])],
    ));
    assert_eq!(y, [-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 1.0, 1.0]);
}

#[test]
fn squeeze_and_unsqueeze() {
    let axes = [("axes", ints(&[0, -1]))];
    let old = node("Squeeze", &["x"]).with_ints("axes", &[0, -1]);
    let new = node("Squeeze", &["x", "axes"]);
    let (shape, _) = alike(&[1, 3, 1, 1], (11, old), (13, new, &axes));
    assert_eq!(shape, [3, 1]);
    let old = node("Unsqueeze", &["x"]).with_ints("axes", &[0, -1]);
    let new = node("Unsqueeze", &["x", "axes"]);
    let (shape, _) = alike(&[2, 3], (11, old), (13, new, &axes));
    assert_eq!(shape, [1, 2, 3, 1]);
    let (shape, _) = run(&model(13, &[1, 3, 1], &[], vec![node("Squeeze", &["x"])]));
    assert_eq!(shape, [3]);
}

#[test]
fn reductions() {
    let axes = [("axes", ints(&[-1]))];
    let mean = |inputs: &[&str]| node("ReduceMean", inputs).with_int("keepdims", 0);
    let old = mean(&["x"]).with_ints("axes", &[-1]);
    let (_, y) = alike(&[2, 4], (13, old), (18, mean(&["x", "axes"]), &axes));
    assert_eq!(y, [-2.5, 1.5]);
    let old = node("ReduceSum", &["x"]).with_ints("axes", &[-1]);
    let (shape, _) = alike(
        &[2, 4],
        (12, old),
        (13, node("ReduceSum", &["x", "axes"]), &axes),
    );
    assert_eq!(shape, [2, 1]);
    let noop = node("ReduceSum", &["x"]).with_int("noop_with_empty_axes", 1);
    assert_eq!(run(&model(13, &[2, 4], &[], vec![noop])).0, [2, 4]);
    let all = node("ReduceMax", &["x"]).with_int("keepdims", 0);
    assert_eq!(
        run(&model(13, &[2, 4], &[], vec![all])),
        (vec![], vec![3.0])
    );
}

#[test]
fn slices() {
    let old = node("Slice", &["x"])
        .with_ints("starts", &[1, -3])
        .with_ints("ends", &[1000, -1])
        .with_ints("axes", &[0, 1]);
    let constants = [
        ("starts", ints(&[1, -3])),
        ("ends", ints(&[1000, -1])),
        ("axes", ints(&[0, 1])),
    ];
    let new = node("Slice", &["x", "starts", "ends", "axes"]);
    let (_, y) = alike(&[2, 4], (9, old), (13, new, &constants));
    assert_eq!(y, [1.0, 2.0]);
    let backwards = [
        ("starts", ints(&[-1])),
        ("ends", ints(&[-1000])),
        ("axes", ints(&[-1])),
        ("steps", ints(&[-2])),
    ];
    let node = node("Slice", &["x", "starts", "ends", "axes", "steps"]);
    let (shape, y) = run(&model(13, &[2, 4], &backwards, vec![node]));
    assert_eq!((shape, y), (vec![2, 2], vec![-1.0, -3.0, 3.0, 1.0]));
}

#[test]
fn pads() {
    let old = node("Pad", &["x"])
        .with_ints("pads", &[0, 1, 0, 2])
        .with_float("value", 9.0);
    let constants = [
        ("pads", ints(&[0, 1, 0, 2])),
        ("value", floats(&[], &[9.0])),
    ];
    let new = node("Pad", &["x", "pads", "value"]);
    let (_, y) = alike(&[1, 2], (10, old), (13, new, &constants));
    assert_eq!(y, [9.0, -4.0, -3.0, 9.0, 9.0]);
    let some = [("pads", ints(&[2, 1])), ("axes", ints(&[-1]))];
    let reflect = node("Pad", &["x", "pads", "", "axes"]).with_string("mode", "reflect");
    let (_, y) = run(&model(18, &[1, 3], &some, vec![reflect]));
    assert_eq!(y, [-2.0, -3.0, -4.0, -3.0, -2.0, -3.0]);
}

#[test]
fn softmax_before_opset_13_flattens() {
    let soft = |axis| node("Softmax", &["x"]).with_int("axis", axis);
    let sum = |y: &[f32]| y.iter().sum::<f32>();
    let (shape, flat) = run(&model(11, &[2, 2, 2], &[], vec![soft(1)]));
    assert_eq!(shape, [2, 2, 2]);
    assert!((sum(&flat[..4]) - 1.0).abs() < 1e-6);
    let (_, one_axis) = run(&model(13, &[2, 2, 2], &[], vec![soft(1)]));
    assert!((sum(&one_axis[..4]) - 2.0).abs() < 1e-6);
    let last = node("Softmax", &["x"]);
    let (_, y) = run(&model(13, &[2, 2, 2], &[], vec![last]));
    assert!((sum(&y[..2]) - 1.0).abs() < 1e-6);
}

#[test]
fn upsample_and_resize() {
    let scales = [1.0, 1.0, 2.0, 2.0];
    let old = node("Upsample", &["x"]).with_floats("scales", &scales);
    let constants = [("scales", floats(&[4], &scales))];
    let new = node("Resize", &["x", "", "scales"])
        .with_string("coordinate_transformation_mode", "asymmetric")
        .with_string("nearest_mode", "floor");
    let (shape, _) = alike(&[1, 1, 2, 2], (7, old.clone()), (13, new, &constants));
    assert_eq!(shape, [1, 1, 4, 4]);
    let middle = node("Resize", &["x", "scales"]);
    alike(&[1, 1, 2, 2], (7, old), (10, middle, &constants));
    let sizes = [("sizes", ints(&[3, 1]))];
    let by_sizes = node("Resize", &["x", "", "", "sizes"])
        .with_ints("axes", &[2, 3])
        .with_string("mode", "linear");
    assert_eq!(
        run(&model(18, &[1, 1, 2, 2], &sizes, vec![by_sizes])).0,
        [1, 1, 3, 1]
    );
}

#[test]
fn reshapes() {
    let shape = |wanted: &[i64], allow_zero| {
        let node = node("Reshape", &["x", "shape"]).with_int("allowzero", allow_zero);
        model(14, &[2, 3, 4], &[("shape", ints(wanted))], vec![node])
    };
    assert_eq!(run(&shape(&[0, -1], 0)).0, [2, 12]);
    assert_eq!(run(&shape(&[-1, 0, 2], 0)).0, [4, 3, 2]);
    assert!(super::imported(&shape(&[0, 24], 1)).is_err());
    assert!(super::imported(&shape(&[-1, -1], 0)).is_err());
    let flatten = |axis| {
        model(
            13,
            &[2, 3, 4],
            &[],
            vec![node("Flatten", &["x"]).with_int("axis", axis)],
        )
    };
    assert_eq!(run(&flatten(0)).0, [1, 24]);
    assert_eq!(run(&flatten(-1)).0, [6, 4]);
    assert_eq!(run(&flatten(3)).0, [24, 1]);
}

#[test]
fn shapes_fold() {
    let nodes = vec![
        NodeProto::new("Shape", "shape", ["x"], ["s"]).with_int("start", -2),
        NodeProto::new("Gather", "pick", ["s", "zero"], ["first"]),
        NodeProto::new("Mul", "double", ["first", "two"], ["twice"]),
        NodeProto::new("Concat", "join", ["twice", "rest"], ["shape2"]).with_int("axis", 0),
        node("Reshape", &["x", "shape2"]),
    ];
    let constants = [
        ("zero", ints(&[0])),
        ("two", ints(&[2])),
        ("rest", ints(&[-1])),
    ];
    let model = model(17, &[2, 3, 4], &constants, nodes);
    assert_eq!(run(&model).0, [6, 4]);
    assert_eq!(
        super::imported(&model)
            .expect("importable")
            .graph()
            .nodes
            .len(),
        1
    );
}

#[test]
fn windows() {
    let weights = [("w", floats(&[1, 1, 2, 2], &[1.0; 4]))];
    let conv = |pad: &str| {
        let node = node("Conv", &["x", "w"]).with_string("auto_pad", pad);
        run(&model(11, &[1, 1, 3, 3], &weights, vec![node]))
    };
    assert_eq!(conv("VALID").0, [1, 1, 2, 2]);
    assert_eq!(conv("SAME_UPPER").1[0], -4.0 - 3.0 - 1.0);
    assert_eq!(conv("SAME_LOWER").1[0], -4.0);
    let pool = |op: &str, include| {
        let node = node(op, &["x"])
            .with_ints("kernel_shape", &[2, 2])
            .with_ints("strides", &[2, 2])
            .with_int("ceil_mode", 1)
            .with_int("count_include_pad", include);
        run(&model(19, &[1, 1, 3, 3], &[], vec![node]))
    };
    assert_eq!(
        pool("MaxPool", 0),
        (vec![1, 1, 2, 2], vec![0.0, 1.0, 3.0, 4.0])
    );
    // What only ceil mode added is never counted.
    assert_eq!(pool("AveragePool", 1).1, pool("AveragePool", 0).1);
    assert_eq!(pool("AveragePool", 0).1, [-2.0, -0.5, 2.5, 4.0]);
}

#[test]
fn gemm() {
    let constants = [
        ("b", floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0])),
        ("c", floats(&[2], &[10.0, 20.0])),
    ];
    let gemm = |trans_b| {
        let node = node("Gemm", &["x", "b", "c"])
            .with_float("alpha", 2.0)
            .with_float("beta", 0.5)
            .with_int("transA", 1)
            .with_int("transB", trans_b);
        run(&model(13, &[2, 2], &constants, vec![node]))
    };
    // x = [[−4, −3], [−2, −1]], transposed.
    assert_eq!(gemm(0).1, [-15.0, -22.0, -7.0, -10.0]);
    assert_eq!(gemm(1).1, [-11.0, -30.0, -5.0, -16.0]);
}

#[test]
fn split_shares_what_is_left() {
    let nodes = vec![
        NodeProto::new("Split", "split", ["x"], ["a", "b", "c"])
            .with_int("axis", 0)
            .with_int("num_outputs", 3),
        node("Concat", &["c", "a"]).with_int("axis", 0),
    ];
    assert_eq!(run(&model(18, &[7], &[], nodes)).1, [2.0, -4.0, -3.0, -2.0]);
}

#[test]
fn half_precision_weights_become_floats() {
    // 1.5 and −2 in binary16.
    let half = TensorData::new(
        redpoll_onnx::DataType::F16,
        &[2],
        vec![0x00, 0x3e, 0x00, 0xc0],
    );
    let constants = [("h", half.expect("fits"))];
    let (_, y) = run(&model(13, &[2], &constants, vec![node("Mul", &["x", "h"])]));
    assert_eq!(y, [-6.0, 6.0]);
}
