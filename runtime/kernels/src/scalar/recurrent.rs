//! One time step of one row of a recurrent cell, its products with the state already made.
//!
//! The usual activations (sigmoid and tanh) get loops of their own, which the compiler turns into lanes; any other goes
//! through [`math::activation`] element by element. Both compute the same formula in the same order.

use crate::math;
use crate::params::Cell;
use redpoll_plan::op::{Activation, Cell as Kind, Gate};

/// Products of a gate: `hidden` elements from `gate · stride`.
#[inline(always)]
fn gate(q: &[f32], stride: usize, gate: usize, hidden: usize) -> &[f32] {
    &q[gate * stride..][..hidden]
}

#[inline(always)]
fn is(activation: &Activation, gate: Gate) -> bool {
    activation.function == gate
}

#[inline(always)]
fn bounded(x: f32, clip: f32) -> f32 {
    math::clamp(x, -clip, clip)
}

/// Activation `a` of `x`.
#[inline(always)]
fn any(a: &Activation, x: f32) -> f32 {
    math::activation(a.function, a.alpha, a.beta, x)
}

/// The state `h` after a step, also written to `y`; `c` of an LSTM likewise. `x` are the projected inputs `[gates][hidden]`,
/// `q` the products of gate `g` from `g · stride`. Formulas: [`redpoll_plan::op::RecurrentF32`].
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn recurrent_cell(
    p: &Cell<'_>,
    x: &[f32],
    q: &[f32],
    stride: usize,
    h: &mut [f32],
    c: &mut [f32],
    y: &mut [f32],
) {
    let clip = p.clip;
    let usual = is(&p.u, Gate::Sigmoid) && is(&p.v, Gate::Tanh);
    let (u, v, w) = (p.u, p.v, p.w);
    match p.kind {
        Kind::Rnn if is(&u, Gate::Tanh) => rnn(p, x, q, h, y, |x| math::tanh(bounded(x, clip))),
        Kind::Rnn => rnn(p, x, q, h, y, |x| any(&u, bounded(x, clip))),
        Kind::Gru | Kind::GruResetAfter if usual => gru(
            p,
            x,
            (q, stride),
            h,
            y,
            |x| math::sigmoid(bounded(x, clip)),
            |x| math::tanh(bounded(x, clip)),
        ),
        Kind::Gru | Kind::GruResetAfter => gru(
            p,
            x,
            (q, stride),
            h,
            y,
            |x| any(&u, bounded(x, clip)),
            |x| any(&v, bounded(x, clip)),
        ),
        Kind::Lstm | Kind::LstmCoupled if usual && is(&w, Gate::Tanh) => lstm(
            p,
            x,
            (q, stride),
            (h, c),
            y,
            |x| math::sigmoid(bounded(x, clip)),
            |x| math::tanh(bounded(x, clip)),
            math::tanh,
        ),
        Kind::Lstm | Kind::LstmCoupled => lstm(
            p,
            x,
            (q, stride),
            (h, c),
            y,
            |x| any(&u, bounded(x, clip)),
            |x| any(&v, bounded(x, clip)),
            |x| any(&w, x),
        ),
    }
}

/// `out = r · h` with the reset gate `r = u(x_r + q_r)`, for a GRU that scales the state before its product.
///
/// # Panics
/// If a slice is shorter than the parameters say.
#[inline(always)]
pub fn recurrent_reset(
    p: &Cell<'_>,
    x: &[f32],
    q: &[f32],
    stride: usize,
    h: &[f32],
    out: &mut [f32],
) {
    let n = p.hidden;
    let (x, q) = (gate(x, n, 1, n), gate(q, stride, 1, n));
    let (h, out, clip, u) = (&h[..n], &mut out[..n], p.clip, p.u);
    if is(&u, Gate::Sigmoid) {
        for i in 0..n {
            out[i] = math::sigmoid(bounded(x[i] + q[i], clip)) * h[i];
        }
    } else {
        for i in 0..n {
            out[i] = any(&u, bounded(x[i] + q[i], clip)) * h[i];
        }
    }
}

#[inline(always)]
fn rnn(p: &Cell<'_>, x: &[f32], q: &[f32], h: &mut [f32], y: &mut [f32], u: impl Fn(f32) -> f32) {
    let n = p.hidden;
    let (x, q, h, y) = (&x[..n], &q[..n], &mut h[..n], &mut y[..n]);
    for i in 0..n {
        h[i] = u(x[i] + q[i]);
    }
    y.copy_from_slice(h);
}

#[inline(always)]
fn gru(
    p: &Cell<'_>,
    x: &[f32],
    (q, stride): (&[f32], usize),
    h: &mut [f32],
    y: &mut [f32],
    u: impl Fn(f32) -> f32,
    v: impl Fn(f32) -> f32,
) {
    let n = p.hidden;
    let of = |g| (gate(x, n, g, n), gate(q, stride, g, n));
    let ((xz, qz), (xr, qr), (xn, qn)) = (of(0), of(1), of(2));
    let (h, y) = (&mut h[..n], &mut y[..n]);
    let after = p.kind == Kind::GruResetAfter;
    for i in 0..n {
        let z = u(xz[i] + qz[i]);
        let product = if after {
            u(xr[i] + qr[i]) * qn[i]
        } else {
            qn[i]
        };
        let new = v(xn[i] + product);
        h[i] = (1.0 - z) * new + z * h[i];
    }
    y.copy_from_slice(h);
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn lstm(
    p: &Cell<'_>,
    x: &[f32],
    (q, stride): (&[f32], usize),
    (h, c): (&mut [f32], &mut [f32]),
    y: &mut [f32],
    u: impl Fn(f32) -> f32,
    v: impl Fn(f32) -> f32,
    w: impl Fn(f32) -> f32,
) {
    let n = p.hidden;
    let of = |g| (gate(x, n, g, n), gate(q, stride, g, n));
    let ((xi, qi), (xo, qo), (xf, qf), (xc, qc)) = (of(0), of(1), of(2), of(3));
    let (h, c, y) = (&mut h[..n], &mut c[..n], &mut y[..n]);
    let coupled = p.kind == Kind::LstmCoupled;
    match p.peepholes {
        None => {
            for i in 0..n {
                let input = u(xi[i] + qi[i]);
                let forget = if coupled {
                    1.0 - input
                } else {
                    u(xf[i] + qf[i])
                };
                let cell = forget * c[i] + input * v(xc[i] + qc[i]);
                c[i] = cell;
                h[i] = u(xo[i] + qo[i]) * w(cell);
            }
        }
        Some(peepholes) => {
            let hole = |g| gate(peepholes, n, g, n);
            let (pi, po, pf) = (hole(0), hole(1), hole(2));
            for i in 0..n {
                let input = u(xi[i] + qi[i] + pi[i] * c[i]);
                let forget = if coupled {
                    1.0 - input
                } else {
                    u(xf[i] + qf[i] + pf[i] * c[i])
                };
                let cell = forget * c[i] + input * v(xc[i] + qc[i]);
                c[i] = cell;
                h[i] = u(xo[i] + qo[i] + po[i] * cell) * w(cell);
            }
        }
    }
    y.copy_from_slice(h);
}
