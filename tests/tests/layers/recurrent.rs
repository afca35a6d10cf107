//! LSTM, GRU and RNN.

use redpoll_graph::{Data, Tensor};
use redpoll_tests::build::{Random, tensor};
use redpoll_tests::one_node::{Case, Operand};
use redpoll_tests::onnx::ort_is_present;

/// Steps, rows, inputs, hidden size.
type Sizes = [usize; 4];

const TOLERANCE: f64 = 1e-5;

fn scaled(random: &mut Random, shape: &[usize], size: f32) -> Tensor {
    let data = (0..shape.iter().product()).map(|_| random.float(size));
    tensor(shape, Data::F32(data.collect()))
}

struct Layer {
    op: &'static str,
    sizes: Sizes,
    direction: &'static str,
    bias: bool,
    states: bool,
    peepholes: bool,
    lengths: Option<Vec<i32>>,
    batch_first: bool,
}

impl Layer {
    fn new(op: &'static str, sizes: Sizes) -> Self {
        Self {
            op,
            sizes,
            direction: "forward",
            bias: true,
            states: false,
            peepholes: false,
            lengths: None,
            batch_first: false,
        }
    }

    fn case(&self) -> Case {
        let [steps, batch, input, hidden] = self.sizes;
        let mut random = Random::new((steps * 7 + batch * 31 + input * 101 + hidden) as u64);
        let directions = if self.direction == "bidirectional" {
            2
        } else {
            1
        };
        let gates = match self.op {
            "LSTM" => 4,
            "GRU" => 3,
            _ => 1,
        };
        let rows = gates * hidden;
        let (x, state) = if self.batch_first {
            ([batch, steps, input], [batch, directions, hidden])
        } else {
            ([steps, batch, input], [directions, batch, hidden])
        };
        let constant = Operand::Constant;
        let mut case = Case::new(self.op);
        case.outputs = if self.op == "LSTM" { 3 } else { 2 };
        case.node = case
            .node
            .with_int("hidden_size", hidden as i64)
            .with_string("direction", self.direction);
        if self.batch_first {
            case.node = case.node.with_int("layout", 1);
        }
        let size = 2.0 / (hidden as f32).sqrt();
        case.operands = vec![
            Operand::Input(random.floats(&x)),
            constant(scaled(&mut random, &[directions, rows, input], 0.4)),
            constant(scaled(&mut random, &[directions, rows, hidden], size)),
        ];
        let mut add = |given: bool, operand: Operand| {
            case.operands
                .push(if given { operand } else { Operand::None });
        };
        add(
            self.bias,
            constant(scaled(&mut random, &[directions, 2 * rows], 0.5)),
        );
        match &self.lengths {
            Some(l) => add(
                true,
                Operand::Input(tensor(&[l.len()], Data::I32(l.clone()))),
            ),
            None => add(false, Operand::None),
        }
        add(
            self.states,
            Operand::Input(scaled(&mut random, &state, 1.0)),
        );
        if self.op == "LSTM" {
            add(
                self.states,
                Operand::Input(scaled(&mut random, &state, 1.0)),
            );
            add(
                self.peepholes,
                constant(scaled(&mut random, &[directions, 3 * hidden], 0.5)),
            );
        }
        while matches!(case.operands.last(), Some(Operand::None)) {
            case.operands.pop();
        }
        case
    }
}

const OPS: [&str; 3] = ["LSTM", "GRU", "RNN"];

#[test]
fn sizes_and_directions() {
    let with_ort = ort_is_present();
    for op in OPS {
        for sizes in [
            [1, 1, 1, 1],
            [7, 1, 5, 16],
            [4, 3, 6, 20],
            [3, 2, 9, 48],
            [9, 1, 4, 33],
        ] {
            for direction in ["forward", "reverse", "bidirectional"] {
                let mut layer = Layer::new(op, sizes);
                layer.direction = direction;
                layer.states = sizes[1] > 1;
                layer.bias = sizes[3] != 20;
                let mut case = layer.case();
                case.check(&format!("{op} {sizes:?} {direction}"), TOLERANCE, with_ort);
                if op == "GRU" {
                    case.node = case.node.with_int("linear_before_reset", 1);
                    let what = format!("{op} reset after {sizes:?} {direction}");
                    case.check(&what, TOLERANCE, with_ort);
                }
            }
        }
    }
}

#[test]
fn rows_of_different_lengths() {
    let with_ort = ort_is_present();
    for op in OPS {
        for direction in ["forward", "reverse", "bidirectional"] {
            let mut layer = Layer::new(op, [6, 4, 5, 18]);
            layer.direction = direction;
            layer.states = true;
            layer.lengths = Some(vec![6, 1, 3, 5]);
            layer
                .case()
                .check(&format!("{op} {direction}"), TOLERANCE, with_ort);
        }
    }
}

/// A row of no steps keeps its state; ONNX Runtime refuses such a batch or clears the state, so it is not asked.
#[test]
fn rows_without_steps() {
    for op in OPS {
        let mut layer = Layer::new(op, [3, 2, 4, 16]);
        layer.states = true;
        layer.lengths = Some(vec![0, 3]);
        layer.case().check(op, TOLERANCE, false);
    }
}

/// ONNX Runtime refuses `layout` 1: held against the same layer with `layout` 0 by way of the evaluator.
#[test]
fn batch_first() {
    for op in OPS {
        for direction in ["reverse", "bidirectional"] {
            let mut layer = Layer::new(op, [5, 2, 3, 16]);
            layer.direction = direction;
            layer.states = true;
            layer.batch_first = true;
            layer
                .case()
                .check(&format!("{op} {direction}"), TOLERANCE, false);
        }
    }
}

#[test]
fn peepholes_and_coupled_gates() {
    let with_ort = ort_is_present();
    for direction in ["forward", "bidirectional"] {
        let mut layer = Layer::new("LSTM", [5, 3, 4, 17]);
        layer.direction = direction;
        layer.peepholes = true;
        layer.states = true;
        let mut case = layer.case();
        case.check(&format!("peepholes {direction}"), TOLERANCE, with_ort);
        case.node = case.node.with_int("input_forget", 1);
        case.check(
            &format!("coupled peepholes {direction}"),
            TOLERANCE,
            with_ort,
        );
    }
    let mut case = Layer::new("LSTM", [4, 1, 4, 16]).case();
    case.node = case.node.with_int("input_forget", 1);
    case.check("coupled", TOLERANCE, with_ort);
}

/// Operator, functions, their alphas and betas.
type Activations = (
    &'static str,
    &'static [&'static str],
    &'static [f32],
    &'static [f32],
);

#[test]
fn activations_and_clip() {
    let with_ort = ort_is_present();
    let lists: [Activations; 7] = [
        ("RNN", &["Relu"], &[], &[]),
        ("RNN", &["ScaledTanh"], &[0.7], &[1.3]),
        ("GRU", &["HardSigmoid", "Softsign"], &[0.3], &[0.4]),
        ("GRU", &["Sigmoid", "LeakyRelu"], &[0.1], &[]),
        (
            "LSTM",
            &["HardSigmoid", "Tanh", "Softplus"],
            &[0.25],
            &[0.45],
        ),
        (
            "LSTM",
            &["Sigmoid", "Elu", "ThresholdedRelu"],
            &[0.9, 0.2],
            &[],
        ),
        ("LSTM", &["Sigmoid", "Affine", "Relu"], &[0.8], &[0.1]),
    ];
    for (op, names, alpha, beta) in lists {
        for clip in [None, Some(0.6)] {
            let mut case = Layer::new(op, [4, 2, 3, 19]).case();
            case.node = case.node.with_strings("activations", names);
            if !alpha.is_empty() {
                case.node = case.node.with_floats("activation_alpha", alpha);
            }
            if !beta.is_empty() {
                case.node = case.node.with_floats("activation_beta", beta);
            }
            if let Some(clip) = clip {
                case.node = case.node.with_float("clip", clip);
            }
            case.check(&format!("{op} {names:?} {clip:?}"), TOLERANCE, with_ort);
        }
    }
    for op in OPS {
        let mut case = Layer::new(op, [6, 1, 3, 32]).case();
        case.node = case.node.with_float("clip", 0.3);
        case.check(&format!("{op} clip"), TOLERANCE, with_ort);
    }
}
