//! Float functions against f64: largest error in ULP over a sweep, and the values at the ends.

use redpoll_kernels::{math, reduce};

/// Distance of `got` from the real `want` in units of the last place of `want` as f32.
fn ulp(got: f32, want: f64) -> f64 {
    let rounded = want as f32;
    if got == rounded || (got.is_nan() && rounded.is_nan()) {
        return 0.0;
    }
    let magnitude = rounded.abs().max(f32::MIN_POSITIVE);
    let step = f64::from(f32::from_bits(magnitude.to_bits() + 1)) - f64::from(magnitude);
    ((f64::from(got) - want) / step).abs()
}

/// The largest error over every `step`-th f32 in `lo..=hi`, both signs of the pattern walk included.
fn worst(lo: f32, hi: f32, f: fn(f32) -> f32, exact: fn(f64) -> f64) -> f64 {
    let mut worst = (0.0, 0.0);
    let mut check = |x: f32| {
        if (lo..=hi).contains(&x) {
            let e = ulp(f(x), exact(f64::from(x)));
            if e > worst.0 {
                worst = (e, x);
            }
        }
    };
    for bits in (0..0x7f80_0000u32).step_by(1511) {
        check(f32::from_bits(bits));
        check(-f32::from_bits(bits));
    }
    for i in 0..400_000 {
        check(lo + (hi - lo) * (i as f32 / 400_000.0));
    }
    println!("worst {} ULP at {}", worst.0, worst.1);
    worst.0
}

#[test]
fn exp_is_within_its_bound() {
    assert!(worst(-104.0, 88.72, math::exp, f64::exp) <= 2.0);
    assert_eq!(math::exp(0.0), 1.0);
    assert_eq!(math::exp(f32::NEG_INFINITY), 0.0);
    assert_eq!(math::exp(f32::INFINITY), f32::INFINITY);
    assert_eq!(math::exp(88.8), f32::INFINITY);
    assert!(math::exp(f32::NAN).is_nan());
}

#[test]
fn functions_made_from_exp_are_within_their_bounds() {
    assert!(worst(-17.0, 88.7, math::expm1, f64::exp_m1) <= 4.0);
    assert!(worst(-87.0, 87.0, math::sigmoid, |x| 1.0 / (1.0 + (-x).exp())) <= 4.0);
    assert!(worst(-87.0, 87.0, math::silu, |x| x / (1.0 + (-x).exp())) <= 5.0);
    assert!(worst(-30.0, 30.0, math::tanh, f64::tanh) <= 4.0);
    assert_eq!(math::tanh(f32::INFINITY), 1.0);
    assert_eq!(math::tanh(f32::NEG_INFINITY), -1.0);
    assert_eq!(math::sigmoid(f32::NEG_INFINITY), 0.0);
}

#[test]
fn rounding_is_half_to_even() {
    for bits in (0..=u32::MAX).step_by(997) {
        let x = f32::from_bits(bits);
        let (got, want) = (math::round_half_even(x), x.round_ties_even());
        assert!(got.to_bits() == want.to_bits() || x.is_nan(), "{x}");
    }
    for i in -1000..1000 {
        let x = i as f32 * 0.5;
        assert_eq!(
            math::round_half_even(x).to_bits(),
            x.round_ties_even().to_bits()
        );
    }
}

#[test]
fn sum_is_the_tree_of_16_lanes() {
    let x: Vec<f32> = (0..1000)
        .map(|i| ((i * 7919 % 1009) as f32 - 500.0) * 0.37)
        .collect();
    for len in 0..x.len() {
        let mut lanes = [0f32; 16];
        for (i, v) in x[..len].iter().enumerate() {
            lanes[i % 16] += v;
        }
        for width in [8, 4, 2, 1] {
            for j in 0..width {
                lanes[j] += lanes[j + width];
            }
        }
        assert_eq!(reduce::sum(&x[..len]).to_bits(), lanes[0].to_bits());
    }
}
