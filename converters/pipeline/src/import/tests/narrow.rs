//! Integers of widths that the graph has not wrap around at their own, and the model's own functions are written out.

use redpoll_onnx::proto::{AttributeProto, FunctionProto, NodeProto, OperatorSetIdProto};
use redpoll_onnx::{Model, TensorData};

use super::{imported, model, node, run};

fn cast(from: &str, to: &str, number: i64) -> NodeProto {
    NodeProto::new("Cast", to, [from], [to]).with_int("to", number)
}

/// `x` (0 to 7, less 4) as an integer type, an operator with a constant of that type, and back to floats.
fn through(number: i64, op: &str, constant: TensorData) -> Vec<f32> {
    let nodes = vec![
        cast("x", "a", number),
        NodeProto::new(op, "b", ["a", "c"], ["b"]),
        node("Cast", &["b"]).with_int("to", 1),
    ];
    run(&model(13, &[8], &[("c", constant)], nodes)).1
}

#[test]
fn narrow_integers_wrap_around_at_their_width() {
    let i16s = TensorData::from_i16(&[], &[32_767]).expect("fits");
    let sums = through(5, "Add", i16s);
    // −4 … 3 plus 32767: from 1 on beyond the range.
    let expected = [32763, 32764, 32765, 32766, 32767, -32768, -32767, -32766];
    assert_eq!(sums, expected.map(|v| v as f32));

    let bytes = TensorData::from_u8(&[], &[5]).expect("fits");
    // Casts of negative floats to unsigned bytes saturate at 0.
    let differences = through(2, "Sub", bytes);
    let expected = [251, 251, 251, 251, 251, 252, 253, 254];
    assert_eq!(differences, expected.map(|v| v as f32));

    let signed = TensorData::from_i8(&[], &[50]).expect("fits");
    let products = through(3, "Mul", signed);
    let expected: Vec<f32> = (-4i8..4).map(|v| v.wrapping_mul(50).into()).collect();
    assert_eq!(products, expected);
}

#[test]
fn a_width_follows_what_only_moves() {
    let i16s = TensorData::from_i16(&[], &[32_767]).expect("fits");
    let nodes = vec![
        cast("x", "a", 5),
        NodeProto::new("Transpose", "t", ["a"], ["t"]),
        NodeProto::new("Add", "s", ["t", "c"], ["s"]),
        node("Cast", &["s"]).with_int("to", 1),
    ];
    let (_, y) = run(&model(13, &[8], &[("c", i16s)], nodes));
    assert_eq!(y[5..], [-32768.0, -32767.0, -32766.0]);
}

/// A model whose node `y` calls `scaled`, which multiplies by the attribute `factor` and adds `x`.
pub(super) fn with_function(call: NodeProto, defaults: Vec<AttributeProto>) -> Model {
    let constant = NodeProto::new("Constant", "k", [""; 0], ["k"]);
    let mut by_name = AttributeProto {
        name: "value_float".into(),
        ref_attr_name: "factor".into(),
        ..AttributeProto::default()
    };
    by_name.r#type = 1;
    let mut constant = constant;
    constant.attribute.push(by_name);
    let function = FunctionProto {
        name: "scaled".into(),
        domain: "own".into(),
        input: vec!["a".into()],
        output: vec!["b".into()],
        attribute: if defaults.is_empty() {
            vec!["factor".into()]
        } else {
            Vec::new()
        },
        attribute_proto: defaults,
        node: vec![
            constant,
            NodeProto::new("Mul", "m", ["a", "k"], ["product"]),
            NodeProto::new("Add", "s", ["product", "a"], ["b"]),
        ],
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        ..FunctionProto::default()
    };
    let mut proto = model(17, &[3], &[], vec![call]).into_proto();
    proto.functions.push(function);
    Model::from_proto(proto).expect("a model")
}

#[test]
fn functions_are_written_out() {
    let call = || node("scaled", &["x"]).in_domain("own");
    let (_, y) = run(&with_function(call().with_float("factor", 2.0), Vec::new()));
    assert_eq!(y, [-12.0, -9.0, -6.0]);
    let default = call().with_float("factor", -1.0).attribute;
    let (_, y) = run(&with_function(call(), default));
    assert_eq!(y, [0.0, 0.0, 0.0]);
}

#[test]
fn a_function_that_calls_itself_is_refused() {
    let mut proto = with_function(node("scaled", &["x"]).in_domain("own"), Vec::new()).into_proto();
    let again = NodeProto::new("scaled", "again", ["a"], ["b"]).in_domain("own");
    proto.functions[0].node = vec![again];
    let model = Model::from_proto(proto).expect("a model");
    let error = imported(&model).expect_err("endless");
    assert!(error.to_string().contains("too deep"), "{error}");
}
