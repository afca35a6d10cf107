//! The integer front end against pymicro-features: every value, on a made signal and on real recordings.

use redpoll_voice::MicroFrontEnd;

use crate::signal::{made, reference, shared};

fn features(samples: &[i16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    MicroFrontEnd::default().push(samples, |frame| {
        bytes.extend(frame.iter().flat_map(|x| x.to_le_bytes()));
    });
    bytes
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    })
}

#[test]
fn made_signal() {
    let (got, want) = (features(&made(16_000)), reference("micro.u16"));
    assert_eq!(got.len(), want.len());
    let different = got.iter().zip(&want).filter(|(a, b)| a != b).count();
    assert_eq!(different, 0);
}

#[test]
fn real_recordings() {
    let Some(data) = shared("data") else { return };
    let list = String::from_utf8(reference("micro.txt")).unwrap();
    let mut frames = 0;
    for line in list.lines() {
        let [file, count, hash] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let path = data.join(file);
        let samples: Vec<i16> = if file.ends_with("flac") {
            let mut reader = claxon::FlacReader::open(&path).unwrap();
            reader.samples().map(|x| x.unwrap() as i16).collect()
        } else {
            let mut reader = hound::WavReader::open(&path).unwrap();
            reader.samples().map(Result::unwrap).collect()
        };
        let got = features(&samples);
        assert_eq!(got.len() / 80, count.parse::<usize>().unwrap(), "{file}");
        assert_eq!(format!("{:016x}", fnv(&got)), hash, "{file}");
        frames += got.len() / 80;
    }
    assert!(frames > 10_000, "{frames}");
}
