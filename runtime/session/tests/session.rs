//! A session from the outside: loading, names, types, errors, threads, profile, peak.

mod net;

use net::{CLASSES, image, plan};
use redpoll_session::{Backend, DType, ErrorKind, Options, Session, Value, tiers};

fn session(options: &Options) -> Session {
    Session::from_bytes(plan(), options).unwrap()
}

fn outputs(session: &mut Session, seed: usize) -> (Vec<f32>, Vec<i8>) {
    session.set_input("image", &image(seed)).unwrap();
    session.run().unwrap();
    (
        session.output("scores").unwrap().to_vec(),
        session.output::<i8>(1).unwrap().to_vec(),
    )
}

#[test]
fn a_session_can_be_sent_to_another_thread() {
    let mut session = session(&Options::default().threads(2));
    let here = outputs(&mut session, 3);
    let there = std::thread::spawn(move || outputs(&mut session, 3))
        .join()
        .unwrap();
    assert_eq!(here, there);
}

#[test]
fn names_types_and_shapes() {
    let session = session(&Options::default());
    let [input] = session.inputs() else { panic!() };
    assert_eq!((input.name.as_str(), input.dtype), ("image", DType::F32));
    assert_eq!(
        (input.shape.as_slice(), input.bytes, input.len()),
        (&[1, 32, 32, 8][..], 32768, 8192)
    );
    let names: Vec<&str> = session.outputs().iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["scores", "mean"]);
    assert_eq!((session.threads(), session.arena_bytes()), (1, 65536));
}

#[test]
fn the_same_bits_for_every_tier_and_thread_count() {
    let mut one = session(&Options::default().tier("scalar"));
    let expected: Vec<_> = (0..3).map(|seed| outputs(&mut one, seed)).collect();
    assert_ne!(expected[0].1, expected[1].1);
    assert!((expected[0].0.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    for tier in tiers() {
        for threads in [1, 2, 3, 8] {
            let mut session = session(&Options::default().tier(tier).threads(threads));
            assert_eq!((session.tier(), session.threads()), (tier, threads));
            for _ in 0..10 {
                for (seed, expected) in expected.iter().enumerate() {
                    assert_eq!(
                        &outputs(&mut session, seed),
                        expected,
                        "{tier}, {threads} threads"
                    );
                }
            }
        }
    }
}

#[test]
fn a_mapped_file_gives_the_same() {
    let path = std::env::temp_dir().join(format!("redpoll-session-{}.plan", std::process::id()));
    std::fs::write(&path, plan()).unwrap();
    let mut mapped = Session::open(&path, &Options::default()).unwrap();
    assert_eq!(
        outputs(&mut mapped, 5),
        outputs(&mut session(&Options::default()), 5)
    );
    assert_eq!(mapped.plan_bytes(), plan());

    std::fs::write(&path, b"").unwrap();
    let error = Session::open(&path, &Options::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Plan);
    assert!(error.to_string().contains(".plan"), "{error}");
    std::fs::remove_file(&path).unwrap();
    let error = Session::open(&path, &Options::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Io);
}

#[test]
fn errors_name_what_is_wrong_and_what_there_is() {
    let kind_of = |result: Result<(), redpoll_session::Error>, part: &str| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        error.kind()
    };
    let mut s = session(&Options::default());
    assert_eq!(kind_of(s.run(), "\"image\""), ErrorKind::NotSet);
    assert_eq!(
        kind_of(s.set_input("picture", &[0f32]), "there are: image"),
        ErrorKind::NoSuchTensor
    );
    assert_eq!(
        kind_of(s.set_input(1, &[0f32]), "number 1"),
        ErrorKind::NoSuchTensor
    );
    assert_eq!(
        kind_of(s.set_input("image", &[0i8]), "holds F32, not i8"),
        ErrorKind::Type
    );
    assert_eq!(
        kind_of(s.set_input("image", &[0f32]), "8192 elements"),
        ErrorKind::Length
    );
    assert_eq!(
        kind_of(s.output::<f32>("mean").map(drop), "holds I8, not f32"),
        ErrorKind::Type
    );
    let bad = Session::from_bytes(b"no plan", &Options::default()).map(drop);
    assert_eq!(kind_of(bad, "convert the model again"), ErrorKind::Plan);
    let tier = Session::from_bytes(plan(), &Options::default().tier("mmx")).map(drop);
    assert_eq!(kind_of(tier, "there are: "), ErrorKind::Tier);
}

#[test]
fn an_input_that_a_run_destroyed_must_be_written_again() {
    let mut session = session(&Options::default());
    session
        .input_mut::<f32>("image")
        .unwrap()
        .copy_from_slice(&image(0));
    session.run().unwrap();
    let error = session.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSet);
    assert!(error.to_string().contains("reuses its memory"), "{error}");
    session
        .run_with(&[("image", Value::F32(&image(0)))])
        .unwrap();
}

#[test]
fn the_native_backend() {
    let mut session = session(&Options::default());
    let expected = outputs(&mut session, 2).0;
    let backend: &mut dyn Backend = &mut session;
    assert_eq!(backend.name(), "native");
    assert_eq!((backend.inputs().len(), backend.outputs().len()), (1, 2));
    backend.set_input(0, (&image(2)).into()).unwrap();
    backend.run().unwrap();
    assert_eq!(backend.output(0).unwrap(), Value::F32(&expected));
    assert!(backend.set_input(0, Value::I8(&[0])).is_err());
    assert!(backend.output(2).is_err());
}

#[test]
fn a_profile_has_every_step() {
    let mut session = session(&Options::default().threads(2));
    session.set_input("image", &image(0)).unwrap();
    let profile = session.profile(3).unwrap();
    let steps: Vec<_> = profile
        .iter()
        .map(|s| (s.name.as_str(), s.op, s.macs))
        .collect();
    assert_eq!(steps[1], ("conv_0", "ConvI8", 1024 * 72 * 32));
    assert_eq!(steps[6], ("softmax", "SoftmaxF32", 0));
    assert_eq!(steps.len(), 7);
    assert!(profile.iter().all(|s| s.ns > 0 && s.ns <= s.mean_ns));
    // The inputs stay set, and are what they were.
    session.run().unwrap();
    assert_eq!(session.output::<f32>(0).unwrap().len(), CLASSES);
    let expected = outputs(&mut self::session(&Options::default()), 0).0;
    assert_eq!(session.output::<f32>(0).unwrap(), expected);
}

#[test]
fn a_trace_has_every_result() {
    let mut session = session(&Options::default());
    session.set_input("image", &image(0)).unwrap();
    let trace = session.trace().unwrap();
    let names: Vec<_> = trace.iter().map(|s| s.tensor.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "quantized",
            "first",
            "second",
            "mean",
            "dense",
            "scores",
            "scores"
        ]
    );
    assert_eq!(trace[0].value().unwrap().len(), 8192);
    assert_eq!(trace[0].bytes[0] as i8, -128);
    session.run().unwrap();
    assert_eq!(
        trace[6].value().unwrap(),
        session.output_value("scores").unwrap()
    );
}

#[test]
fn too_little_memory_is_an_error() {
    let needed = 65536 + 8 * 128;
    assert!(Session::from_bytes(plan(), &Options::default().memory_limit(needed)).is_ok());
    let error = Session::from_bytes(plan(), &Options::default().memory_limit(needed - 1))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Memory);
}

/// The outputs' bits on the machine where this test was written; every other machine must give them as well.
#[test]
fn the_same_bits_on_every_machine() {
    let mut hash = 0xCBF2_9CE4_8422_2325u64;
    let mut session = session(&Options::default());
    for seed in 0..4 {
        let (scores, mean) = outputs(&mut session, seed);
        let bytes = scores
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .chain(mean.iter().map(|&v| v as u8));
        hash = bytes.fold(hash, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
    }
    assert_eq!(hash, 0x75C2_386E_4404_330A, "{hash:#x}");
}

#[test]
fn the_arena_is_used_to_its_end_and_no_further() {
    let mut session = session(&Options::default());
    session.set_input("image", &image(0)).unwrap();
    assert_eq!(session.measure_peak().unwrap(), 65536);
    session.run().unwrap();
}
