//! Rounding of f32 to narrower floats: BF16 and those of 8 and 4 bits, whose values the graph holds as f32.

use redpoll_graph::op::{BinaryFn, Clamp, UnaryFn};
use redpoll_graph::{DType, ValueId};
use redpoll_onnx::{DataType, SmallFloat};

use super::compose::Compose;
use super::importer::Importer;
use super::node::{OnnxNode, Stop, gap};

/// What a float format keeps of a number.
struct Format {
    mantissa_bits: i32,
    least_exponent: i32,
    /// The largest number, and what stands for larger ones; `None` where f32 itself goes to infinity.
    end: Option<(f32, f32)>,
}

/// Cast of `x` to BF16 or a float of at most 8 bits, with the attributes `saturate` and `round_mode` of the node.
pub(crate) fn cast(
    import: &mut Importer<'_>,
    node: &OnnxNode<'_>,
    x: ValueId,
    to: DataType,
) -> Result<ValueId, Stop> {
    let saturate = node.int_or("saturate", 1)? != 0;
    let upwards = matches!(node.text_or("round_mode", "up")?, "up");
    let c = &mut Compose::new(import, node);
    let same = c.import.floats.get(&x) == Some(&to);
    let x = c.cast(x, DType::F32)?;
    let y = match to {
        _ if same => x,
        DataType::Small(SmallFloat::E8M0) if !upwards => {
            return gap("powers of two are rounded up only");
        }
        DataType::Small(SmallFloat::E8M0) => power_of_two(c, x)?,
        DataType::Small(float) => {
            let format = Format {
                mantissa_bits: float.mantissa_bits(),
                least_exponent: float.least_exponent(),
                end: Some((float.max(), float.beyond())),
            };
            if float == SmallFloat::E2M1 {
                // It has no NaN, and nothing beyond its largest number.
                let y = rounded(c, x, &format, true)?;
                let nan = c.unary(UnaryFn::IsNan, x)?;
                let zero = c.number(0.0)?;
                c.select(nan, zero, y)?
            } else {
                rounded(c, x, &format, saturate)?
            }
        }
        _ => {
            let format = Format {
                mantissa_bits: 7,
                least_exponent: -126,
                end: None,
            };
            rounded(c, x, &format, false)?
        }
    };
    if y != x {
        c.import.note(y, to);
    }
    Ok(y)
}

/// `⌊log2 |x|⌋`, or 1 less where that is close to a whole number.
fn exponent(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let log = c.unary(UnaryFn::Log, x)?;
    let log = c.scale(log, std::f32::consts::LOG2_E)?;
    c.unary(UnaryFn::Floor, log)
}

/// `x` to the nearest number of the format, halves to even. An exponent that is 1 too small, or too large right below a
/// power of two, gives the same result.
fn rounded(
    c: &mut Compose<'_, '_, '_, '_>,
    x: ValueId,
    format: &Format,
    saturate: bool,
) -> Result<ValueId, Stop> {
    let magnitude = c.unary(UnaryFn::Abs, x)?;
    let e = exponent(c, magnitude)?;
    let bounds = Clamp {
        lo: format.least_exponent as f32,
        hi: 127.0,
    };
    let e = c.unary(UnaryFn::Clamp(bounds), e)?;
    let bits = c.number(format.mantissa_bits as f32)?;
    let e = c.sub(e, bits)?;
    let two = c.number(2.0)?;
    let step = c.binary(BinaryFn::Pow, two, e)?;
    let steps = c.div(x, step)?;
    let steps = c.unary(UnaryFn::Round, steps)?;
    let y = c.mul(steps, step)?;
    let Some((max, beyond)) = format.end else {
        return Ok(y);
    };
    let size = c.unary(UnaryFn::Abs, y)?;
    let max = c.number(max)?;
    let over = c.binary(BinaryFn::Greater, size, max)?;
    let sign = c.unary(UnaryFn::Sign, y)?;
    let end = if saturate { max } else { c.number(beyond)? };
    let end = c.mul(sign, end)?;
    c.select(over, end, y)
}

/// The least power of two that is not below `x`, from 2⁻¹²⁷ to 2¹²⁷.
fn power_of_two(c: &mut Compose<'_, '_, '_, '_>, x: ValueId) -> Result<ValueId, Stop> {
    let e = exponent(c, x)?;
    let one = c.number(1.0)?;
    let e = c.sub(e, one)?;
    let bounds = Clamp {
        lo: -127.0,
        hi: 127.0,
    };
    let e = c.unary(UnaryFn::Clamp(bounds), e)?;
    let two = c.number(2.0)?;
    let mut y = c.binary(BinaryFn::Pow, two, e)?;
    let most = c.number(2f32.powi(127))?;
    for _ in 0..3 {
        let below = c.binary(BinaryFn::Less, y, x)?;
        let double = c.add(y, y)?;
        let double = c.binary(BinaryFn::Min, double, most)?;
        y = c.select(below, double, y)?;
    }
    let nan = c.unary(UnaryFn::IsNan, x)?;
    c.select(nan, x, y)
}
