//! Circular and hyperbolic functions and their inverses: those of the crate `libm`, the same bits everywhere.

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident = $libm:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(x: f32) -> f32 {
            libm::$libm(x)
        }
    )*};
}

functions! {
    /// Sine, radians.
    sin = sinf;
    /// Cosine, radians.
    cos = cosf;
    /// Tangent, radians.
    tan = tanf;
    /// Inverse sine.
    asin = asinf;
    /// Inverse cosine.
    acos = acosf;
    /// Inverse tangent.
    atan = atanf;
    /// Hyperbolic sine.
    sinh = sinhf;
    /// Hyperbolic cosine.
    cosh = coshf;
    /// Inverse hyperbolic sine.
    asinh = asinhf;
    /// Inverse hyperbolic cosine.
    acosh = acoshf;
    /// Inverse hyperbolic tangent.
    atanh = atanhf;
}
