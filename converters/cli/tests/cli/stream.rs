//! `redpoll convert --stream`: the outputs of the steps, one after the other, are the offline model's bits.

use redpoll_onnx::proto::NodeProto;
use redpoll_onnx::{DataType, Dim, GraphBuilder, ModelBuilder, TensorData};
use redpoll_session::{Options, Session};

use crate::redpoll;
use crate::setting::folder;

const FRAMES: usize = 24;
const CHANNELS: usize = 3;

/// Two causal convolutions over `[1, 3, T]`, the second dilated.
fn causal() -> Vec<u8> {
    let mut graph = GraphBuilder::new("causal");
    let dims = [Dim::Fixed(1), Dim::Fixed(CHANNELS), Dim::Named("T".into())];
    graph.input("x", DataType::F32, &dims);
    for (name, seed) in [("a", 5), ("b", 11)] {
        let values: Vec<f32> = (0..CHANNELS * CHANNELS * 3)
            .map(|i| ((i * seed) % 17) as f32 / 17.0 - 0.5)
            .collect();
        let data = TensorData::from_f32(&[CHANNELS, CHANNELS, 3], &values).unwrap();
        graph.initializer(name, &data);
    }
    let node = |op: &str, inputs: &[&str], output: &str| {
        NodeProto::new(op, output, inputs.iter().copied(), [output])
    };
    graph.node(node("Conv", &["x", "a"], "first").with_ints("pads", &[2, 0]));
    graph.node(node("Tanh", &["first"], "bent"));
    let second = node("Conv", &["bent", "b"], "y");
    graph.node(
        second
            .with_ints("pads", &[4, 0])
            .with_ints("dilations", &[2]),
    );
    graph.output("y", DataType::F32, &dims);
    ModelBuilder::new(17)
        .build(graph)
        .unwrap()
        .to_bytes()
        .unwrap()
}

fn session(plan: &std::path::Path) -> Session {
    let plan = std::fs::read(plan).unwrap();
    Session::from_bytes(&plan, &Options::default()).unwrap()
}

/// Frame `t` of rows of `frames`.
fn frames(x: &[f32], frames: usize, from: usize, many: usize) -> Vec<f32> {
    x.chunks(frames)
        .flat_map(|row| row[from..from + many].to_vec())
        .collect()
}

#[test]
fn steps_give_the_bits_of_the_offline_model() {
    let dir = folder("stream");
    let model = dir.join("causal.onnx");
    std::fs::write(&model, causal()).unwrap();
    let dims = format!("T={FRAMES}");
    redpoll!("convert", model, "--dim", dims, "-o", dir.join("offline")).ok();
    let x: Vec<f32> = (0..CHANNELS * FRAMES)
        .map(|i| ((i * 29) % 31) as f32 / 31.0 - 0.4)
        .collect();
    let mut offline = session(&dir.join("offline/model.plan"));
    offline.set_input(0, &x).unwrap();
    offline.run().unwrap();
    let whole = offline.output::<f32>(0).unwrap().to_vec();

    for step in [1, 4] {
        let out = dir.join(format!("step{step}"));
        let told = format!("x=2:{step}");
        redpoll!("convert", model, "--dim", dims, "--stream", told, "-o", out).ok();
        let plan = out.join("model.plan");
        let about = redpoll!("inspect", plan, "--json").json();
        assert_eq!(
            about["inputs"][0]["shape"],
            serde_json::json!([1, CHANNELS, step])
        );
        assert!(about["state_bytes"].as_u64().unwrap() > 0, "{about}");
        let mut stream = session(&plan);
        for at in (0..FRAMES).step_by(step) {
            stream.set_input(0, &frames(&x, FRAMES, at, step)).unwrap();
            stream.run().unwrap();
            let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let ours = bits(stream.output::<f32>(0).unwrap());
            assert_eq!(ours, bits(&frames(&whole, FRAMES, at, step)), "frame {at}");
        }
    }
    let message = redpoll!(
        "convert", model, "--dim", dims, "--stream", "y=2", "-o", dir
    )
    .fails(1);
    assert!(message.contains('y'), "{message}");
}
