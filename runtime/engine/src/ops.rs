//! Which operations an engine is built with: the linker drops the code of all others.

pub use redpoll_plan::{AllOps, Ops};

/// Defines a type that lists operations by their names in the plan, as `redpoll inspect` prints them.
///
/// ```
/// use redpoll_engine::{Engine, EngineError, ops};
/// use redpoll_kernels::Scalar;
///
/// ops!(pub Keywords: ConvI8, DepthwiseI8, PoolI8);
///
/// fn engine<'p>(
///     plan: redpoll_plan::Plan<'p>,
///     tier: &'p Scalar,
/// ) -> Result<Engine<'p, Scalar, Keywords>, EngineError> {
///     Engine::with_ops(plan, tier)
/// }
/// ```
#[macro_export]
macro_rules! ops {
    ($(#[$meta:meta])* $vis:vis $name:ident: $($op:ident),* $(,)?) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis enum $name {}

        impl $crate::Ops for $name {
            const MASK: u64 = 0 $(| 1 << $crate::plan_op::$op::CODE)*;
        }
    };
}

#[cfg(test)]
mod tests {
    use super::Ops;

    #[test]
    fn a_list_has_a_bit_an_operation() {
        ops!(Two: ConvI8, Copy);
        ops!(Nothing:);
        assert_eq!(Two::MASK, 1 << 1 | 1 << 19);
        assert_eq!(Nothing::MASK, 0);
    }
}
