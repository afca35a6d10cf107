//! Floats of 8 and 4 bits: what their bits mean.

/// A float format of at most 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmallFloat {
    /// 4 bits of exponent, 3 of mantissa, no infinity; NaN is all ones.
    E4M3Fn,
    /// As `E4M3Fn` with another bias; the only NaN is the negative zero.
    E4M3FnUz,
    /// 5 bits of exponent, 2 of mantissa, infinities as in IEEE 754.
    E5M2,
    /// As `E5M2` with another bias and no infinity; the only NaN is the negative zero.
    E5M2FnUz,
    /// 2 bits of exponent, 1 of mantissa: 0 to 6 by halves, ones and twos; neither infinity nor NaN.
    E2M1,
    /// 8 bits of exponent and nothing else: powers of two; NaN is all ones.
    E8M0,
}

impl SmallFloat {
    /// Bits of an element.
    pub fn bits(self) -> usize {
        match self {
            Self::E2M1 => 4,
            _ => 8,
        }
    }

    /// Bits behind the leading one.
    pub fn mantissa_bits(self) -> i32 {
        match self {
            Self::E4M3Fn | Self::E4M3FnUz => 3,
            Self::E5M2 | Self::E5M2FnUz => 2,
            Self::E2M1 => 1,
            Self::E8M0 => 0,
        }
    }

    /// What is taken off the stored exponent.
    fn bias(self) -> i32 {
        match self {
            Self::E4M3Fn => 7,
            Self::E4M3FnUz => 8,
            Self::E5M2 => 15,
            Self::E5M2FnUz => 16,
            Self::E2M1 => 1,
            Self::E8M0 => 127,
        }
    }

    /// Exponent of the least number with a leading one.
    pub fn least_exponent(self) -> i32 {
        1 - self.bias()
    }

    /// The largest number.
    pub fn max(self) -> f32 {
        match self {
            Self::E4M3Fn => 448.0,
            Self::E4M3FnUz => 240.0,
            Self::E5M2 | Self::E5M2FnUz => 57344.0,
            Self::E2M1 => 6.0,
            Self::E8M0 => 2f32.powi(127),
        }
    }

    /// What stands for a number beyond the largest where that is not kept: an infinity or NaN.
    pub fn beyond(self) -> f32 {
        match self {
            Self::E5M2 => f32::INFINITY,
            _ => f32::NAN,
        }
    }

    /// The number of these bits, exactly; bits above the element's are not looked at.
    pub fn decode(self, bits: u8) -> f32 {
        if self == Self::E8M0 {
            return match bits {
                0xff => f32::NAN,
                _ => 2f64.powi(i32::from(bits) - 127) as f32,
            };
        }
        let m = self.mantissa_bits();
        let size = 1u8 << (self.bits() - 1);
        let magnitude = bits & (size - 1);
        let negative = bits & size != 0;
        let exponent = i32::from(magnitude >> m);
        let mantissa = i32::from(magnitude & ((1 << m) - 1));
        let special = match self {
            Self::E4M3Fn if magnitude == 0x7f => Some(f32::NAN),
            Self::E5M2 if exponent == 31 && mantissa == 0 => Some(f32::INFINITY),
            Self::E5M2 if exponent == 31 => Some(f32::NAN),
            Self::E4M3FnUz | Self::E5M2FnUz if bits == 0x80 => Some(f32::NAN),
            _ => None,
        };
        // At most 4 significant bits and small exponents: exact.
        let value = special.unwrap_or_else(|| {
            let (whole, exponent) = match exponent {
                0 => (mantissa, self.least_exponent()),
                e => (mantissa + (1 << m), e - self.bias()),
            };
            (f64::from(whole) * 2f64.powi(exponent - m)) as f32
        });
        if negative { -value } else { value }
    }
}
