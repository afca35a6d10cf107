//! Models of a few bytes that ask for gigabytes are refused before anything of that size is made.

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{Model, TensorData};

use super::narrow::with_function;
use super::{floats, imported, model, node};
use crate::ErrorKind;

#[test]
fn transposed_convolutions_of_huge_strides_are_gaps() {
    let weights = |m: usize| floats(&[2, m, 2, 2], &vec![1.0; 8 * m]);
    let strided = |m, groups, strides: &[i64]| {
        let node = node("ConvTranspose", &["x", "w"])
            .with_ints("strides", strides)
            .with_int("group", groups);
        let model = model(17, &[1, 2, 3, 3], &[("w", weights(m))], vec![node]);
        imported(&model).map(drop)
    };
    assert!(strided(1, 1, &[64, 64]).is_ok());
    for (m, groups) in [(1, 1), (1, 2)] {
        for strides in [[128, 64], [1 << 20, 1 << 20]] {
            let error = strided(m, groups, &strides).expect_err("too many phases");
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(
                error.to_string().contains("strides of more than"),
                "{error}"
            );
        }
    }
    let error = strided(8193, 1, &[64, 64]).expect_err("beyond 2^26 weights");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error = strided(1, 1, &[1 << 40, 1 << 40]).expect_err("2^82 results");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[test]
fn functions_that_copy_a_large_constant_for_every_call_are_refused() {
    let mut proto = with_function(node("scaled", &["x"]).in_domain("own"), Vec::new()).into_proto();
    // A megabyte a call.
    let large = TensorData::from_f32(&[1 << 18], &vec![0.0; 1 << 18]).expect("fits");
    let constant = NodeProto::new("Constant", "large", [], ["unused"]);
    proto.functions[0]
        .node
        .push(constant.with_tensor("value", &large));
    for i in 0..300 {
        let name = format!("call_{i}");
        let call = NodeProto::new("scaled", &name, ["x"], [name.as_str()]).in_domain("own");
        proto.graph.as_mut().expect("a graph").node.push(call);
    }
    let error = imported(&Model::from_proto(proto).expect("a model")).expect_err("300 MB");
    assert!(error.to_string().contains("copy more than"), "{error}");
}
