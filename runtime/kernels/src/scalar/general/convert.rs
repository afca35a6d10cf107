//! Element types.

/// Every element by `f`.
pub fn convert<X: Copy, Y>(x: &[X], y: &mut [Y], f: impl Fn(X) -> Y) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x));
}
