//! Recurrent cells of every tier against the definition: all cells, usual and unusual activations, wild numbers.

use crate::random::Random;
use crate::{others, same};
use redpoll_kernels::params::Cell;
use redpoll_kernels::{SCALAR, Tier};
use redpoll_plan::op::{Activation, Cell as Kind, Gate};

const KINDS: [Kind; 5] = [
    Kind::Rnn,
    Kind::Gru,
    Kind::GruResetAfter,
    Kind::Lstm,
    Kind::LstmCoupled,
];
const GATES: [Gate; 11] = [
    Gate::Sigmoid,
    Gate::Tanh,
    Gate::Relu,
    Gate::Affine,
    Gate::LeakyRelu,
    Gate::ThresholdedRelu,
    Gate::ScaledTanh,
    Gate::HardSigmoid,
    Gate::Elu,
    Gate::Softsign,
    Gate::Softplus,
];

fn activation(function: Gate) -> Activation {
    Activation {
        function,
        alpha: 0.3,
        beta: 0.4,
    }
}

#[test]
fn cells() {
    let mut r = Random(61);
    for round in 0..600 {
        let kind = KINDS[round % 5];
        let (hidden, gates) = (r.one_to(70) as usize, kind.gates());
        let mut any = |usual| {
            let other = GATES[r.below(11)];
            activation(if round % 3 == 0 { other } else { usual })
        };
        let (u, v, w) = (any(Gate::Sigmoid), any(Gate::Tanh), any(Gate::Tanh));
        let stride = hidden + r.below(9);
        let mut wild = |n: usize| -> Vec<f32> { (0..n).map(|_| r.wild_f32()).collect() };
        let (x, q) = (wild(gates * hidden), wild(gates * stride));
        let (h, c, holes) = (wild(hidden), wild(hidden), wild(3 * hidden));
        let p = Cell {
            kind,
            u,
            v,
            w,
            clip: if round % 4 == 0 { 0.7 } else { f32::INFINITY },
            hidden,
            peepholes: (round % 2 == 0).then_some(&holes[..]),
        };
        let run = |tier: &dyn Tier| {
            let (mut h, mut c, mut y) = (h.clone(), c.clone(), vec![0.0; hidden]);
            let mut scaled = vec![0.0; hidden];
            if kind == Kind::Gru {
                tier.recurrent_reset(&p, &x, &q, stride, &h, &mut scaled);
            }
            tier.recurrent_cell(&p, &x, &q, stride, &mut h, &mut c, &mut y);
            [h, c, y, scaled].concat()
        };
        let want = run(&SCALAR);
        for tier in others() {
            same(&want, &run(tier), &format!("{} {p:?}", tier.name()));
        }
    }
}
