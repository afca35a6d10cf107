//! Sound of the protocol to samples.

use serde_json::json;

use crate::error::ProtocolError;
use crate::event::Event;

/// Rates that are taken; between them every multiple of 25, so that a resampler's table stays below a megabyte.
const RATES: std::ops::RangeInclusive<u64> = 8_000..=48_000;
/// Channels that are mixed.
const MOST_CHANNELS: u64 = 8;

/// Form of the sound that a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Samples a second.
    pub rate: u32,
    /// Bytes of a sample: 2, 3 or 4, little-endian with sign.
    pub width: usize,
    /// Channels, interleaved.
    pub channels: usize,
}

impl Format {
    /// The form that `audio-start` and `audio-chunk` tell.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::Audio`] for a form that is not taken.
    pub fn of(event: &Event) -> Result<Self, ProtocolError> {
        let tell = |name: &str| {
            let value = event.data.get(name).cloned().unwrap_or(json!(null));
            format!("{name} {value}")
        };
        let wrong = |name, wanted| {
            let found = tell(name);
            ProtocolError::Audio(format!("{found}: expected {wanted}"))
        };
        let number = |name: &str| event.number(name).unwrap_or(0);
        let rate = number("rate");
        if !RATES.contains(&rate) || rate % 25 != 0 {
            return Err(wrong("rate", "8000 to 48000, a multiple of 25"));
        }
        if !(2..=4).contains(&number("width")) {
            return Err(wrong("width", "2, 3 or 4 bytes"));
        }
        if !(1..=MOST_CHANNELS).contains(&number("channels")) {
            return Err(wrong("channels", "1 to 8"));
        }
        Ok(Self {
            rate: rate as u32,
            width: number("width") as usize,
            channels: number("channels") as usize,
        })
    }

    /// Adds the mean of the channels, in −1..1, to `out`.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::Audio`] for bytes that are no whole number of samples.
    pub fn mix(&self, bytes: &[u8], out: &mut Vec<f32>) -> Result<(), ProtocolError> {
        let step = self.width * self.channels;
        if !bytes.len().is_multiple_of(step) {
            return Err(ProtocolError::Audio(format!(
                "{} bytes of sound are no whole number of samples of {step} bytes",
                bytes.len()
            )));
        }
        // The bytes of a sample at the top of 32 bits: their sign is the number's.
        let scale = 1.0 / (2_147_483_648.0 * self.channels as f32);
        out.extend(bytes.chunks_exact(step).map(|frame| {
            let sample = |bytes: &[u8]| {
                let mut top = [0; 4];
                top[4 - self.width..].copy_from_slice(bytes);
                i32::from_le_bytes(top) as f32
            };
            frame.chunks_exact(self.width).map(sample).sum::<f32>() * scale
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_and_number_of_channels() {
        let mix = |width, channels, bytes: &[u8]| {
            let format = Format {
                rate: 16_000,
                width,
                channels,
            };
            let mut out = Vec::new();
            format.mix(bytes, &mut out).map(|()| out)
        };
        assert_eq!(mix(2, 1, &[0, 0x80, 0, 0x40]).unwrap(), [-1.0, 0.5]);
        assert_eq!(mix(2, 2, &[0, 0x80, 0, 0x40]).unwrap(), [-0.25]);
        assert_eq!(mix(3, 1, &[0, 0, 0xc0]).unwrap(), [-0.5]);
        assert_eq!(mix(4, 1, &[0, 0, 0, 0x20]).unwrap(), [0.25]);
        assert!(mix(2, 2, &[0; 6]).is_err());
        assert_eq!(mix(2, 2, &[]).unwrap(), [0.0; 0]);
    }

    #[test]
    fn forms_that_are_not_taken_are_told() {
        let of = |rate: i64, width: i64, channels: i64| {
            let data = json!({"rate": rate, "width": width, "channels": channels});
            Format::of(&Event::new("audio-start", data)).map_err(|e| e.to_string())
        };
        assert!(of(16_000, 2, 1).is_ok() && of(11_025, 2, 1).is_ok() && of(44_100, 4, 8).is_ok());
        for (rate, width, channels, part) in [
            (7_999, 2, 1, "rate 7999"),
            (16_001, 2, 1, "rate 16001"),
            (i64::MAX, 2, 1, "rate"),
            (-1, 2, 1, "rate -1"),
            (16_000, 1, 1, "width 1"),
            (16_000, 5, 1, "width 5"),
            (16_000, 2, 0, "channels 0"),
            (16_000, 2, 9, "channels 9"),
        ] {
            let why = of(rate, width, channels).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
        let none = Format::of(&Event::new("audio-start", json!({}))).unwrap_err();
        assert!(none.to_string().contains("rate null"));
    }
}
