//! The transform against its definition in f64.

use std::f64::consts::PI;

use redpoll_voice::{Complex, RealFft};

use crate::signal::{made, real};

#[test]
fn every_length_equals_the_definition_and_turns_back() {
    let lengths = (2..=64).step_by(2).chain([74, 100, 400, 480, 512, 1024]);
    for n in lengths {
        let x = &real(&made(4000))[2000..2000 + n];
        let mut fft = RealFft::new(n).unwrap();
        let mut spectrum = vec![Complex::default(); fft.bins()];
        fft.forward(x, &mut spectrum);
        let norm = x.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
        for (k, z) in spectrum.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (t, x) in x.iter().enumerate() {
                let phase = -2.0 * PI * ((k * t) % n) as f64 / n as f64;
                re += f64::from(*x) * phase.cos();
                im += f64::from(*x) * phase.sin();
            }
            let error = (re - f64::from(z.re)).hypot(im - f64::from(z.im));
            // Rounding grows with the root of the number of passes; a prime factor sums in one pass.
            assert!(
                error <= 1e-6 * norm * (n as f64).sqrt(),
                "{n}: bin {k}: {error}"
            );
        }
        let mut back = vec![0.0; n];
        fft.inverse(&spectrum, &mut back);
        for (x, y) in x.iter().zip(&back) {
            assert!((x - y).abs() < 1e-6, "{n}: {x} {y}");
        }
    }
}

#[test]
fn lengths_that_make_no_sense_are_refused() {
    for n in [0, 1, 3, 401, 65538] {
        assert!(RealFft::new(n).is_none());
    }
}

#[test]
fn short_signals_are_followed_by_zeros() {
    let mut fft = RealFft::new(16).unwrap();
    let (mut a, mut b) = ([Complex::default(); 9], [Complex::default(); 9]);
    let mut padded = [0.0; 16];
    padded[..5].copy_from_slice(&[1.0, -2.0, 3.0, 0.5, 0.25]);
    fft.forward(&padded[..5], &mut a);
    fft.forward(&padded, &mut b);
    assert_eq!(a, b);
}
