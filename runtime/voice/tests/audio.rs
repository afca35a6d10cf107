//! Files: formats, rates, channels; and broken ones, which must end in an error and stay small.

use redpoll_voice::audio::{AudioError, read, read_raw};

/// A WAV of 16 bits.
fn wav(channels: u16, rate: u32, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut out = Vec::new();
    out.extend(b"RIFF");
    out.extend((36 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend((rate * u32::from(channels) * 2).to_le_bytes());
    out.extend((channels * 2).to_le_bytes());
    out.extend(16u16.to_le_bytes());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

fn all(bytes: &[u8], rate: u32) -> (Vec<f32>, Result<(), AudioError>) {
    let mut out = Vec::new();
    let result = read(bytes, rate, |piece| {
        out.extend_from_slice(piece);
        true
    });
    (out, result)
}

#[test]
fn channels_are_averaged_and_rates_changed() {
    let (got, result) = all(&wav(2, 16_000, &[16384, 0, -8192, -8192]), 16_000);
    result.unwrap();
    assert_eq!(got, [0.25, -0.25]);
    let (got, result) = all(&wav(1, 48_000, &[16384; 4800]), 16_000);
    result.unwrap();
    assert_eq!(got.len(), 1600);
    assert!(got[100..1500].iter().all(|x| (x - 0.5).abs() < 1e-3));
}

#[test]
fn reading_stops_when_enough_was_heard() {
    let bytes = wav(1, 16_000, &[1; 100_000]);
    let mut pieces = 0;
    read(&bytes[..], 16_000, |_| {
        pieces += 1;
        false
    })
    .unwrap();
    assert_eq!(pieces, 1);
}

#[test]
fn raw_samples_in_any_pieces() {
    struct Drip<'a>(&'a [u8]);
    impl std::io::Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.len().min(out.len()).min(3);
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let samples: Vec<i16> = (0..1000).map(|i| i * 31 - 5000).collect();
    let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut got = Vec::new();
    read_raw(Drip(&bytes), 16_000, 16_000, |piece| {
        got.extend(piece.iter().map(|x| (x * 32768.0) as i16));
        true
    })
    .unwrap();
    assert_eq!(got, samples);
}

#[test]
fn what_is_no_recording_is_named() {
    assert!(matches!(
        all(b"\x89PNG....", 16_000).1,
        Err(AudioError::Format(_))
    ));
    assert!(matches!(all(b"RI", 16_000).1, Err(AudioError::Io(_))));
    let odd = wav(1, 7, &[0; 10]);
    assert!(matches!(
        all(&odd, 16_000).1,
        Err(AudioError::Rate { found: 7, .. })
    ));
    let none = wav(0, 16_000, &[]);
    assert!(all(&none, 16_000).1.is_err());
}

#[test]
fn promised_gigabytes_cost_nothing() {
    let mut bytes = wav(1, 16_000, &[100; 1000]);
    for length in [0x7fff_ffffu32, 0xffff_fffe, u32::MAX] {
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[40..44].copy_from_slice(&length.to_le_bytes());
        let (got, result) = all(&bytes, 16_000);
        assert!(got.len() <= 1000);
        // The end comes before the promised one: an error, or a length that is not believed.
        assert!(result.is_err(), "{length:x}");
    }
}

/// A little generator of damage.
fn damaged(good: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let head = good.len().min(80);
    let cut = (0..good.len()).step_by(7).map(|n| good[..n].to_vec());
    let changed = (0..head).flat_map(move |i| {
        [0u8, 1, 0x7f, 0x80, 0xff].map(|value| {
            let mut bytes = good.to_vec();
            bytes[i] = value;
            bytes
        })
    });
    let pairs = (0..head).flat_map(move |i| {
        (i + 1..head).map(move |j| {
            let mut bytes = good.to_vec();
            bytes[i] ^= 0xff;
            bytes[j] ^= 0x81;
            bytes
        })
    });
    cut.chain(changed).chain(pairs)
}

fn survives(good: &[u8]) {
    let mut tried = 0;
    for bytes in damaged(good) {
        let (got, _) = all(&bytes, 16_000);
        // At most 16 output samples an input byte: the smallest rate that is allowed.
        assert!(got.len() <= 16 * bytes.len() + 16 * 65536, "{}", got.len());
        tried += 1;
    }
    assert!(tried > 3000);
}

#[test]
fn broken_wavs() {
    survives(&wav(1, 16_000, &[1234; 300]));
    survives(&wav(2, 44_100, &[-77; 300]));
}

#[test]
fn broken_flacs() {
    let root = std::env::var_os("REDPOLL_SHARED").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        Into::into,
    );
    let path = root.join("data/wake/alexa/0.flac");
    let Ok(good) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not present", path.display());
        return;
    };
    survives(&good[..good.len().min(6000)]);
}
