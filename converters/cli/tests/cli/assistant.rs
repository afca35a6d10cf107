//! `redpoll listen --task assistant`: from a wake word to what is done, in assembled recordings.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::listen::{events, repository, samples, write};
use crate::redpoll;
use crate::setting::folder;

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect()
}

const GRAMMAR: &str = r#"
[slots]
digit = { zero = "0", two = "2", seven = "7" }
[[intent]]
name = "dial"
phrases = ["{number:digit} {rest:digit+}"]
run = ["touch", "FOLDER/{number}-{rest}"]
mqtt = { topic = "phone/{number}", payload = "{rest}" }
[[intent]]
name = "light"
phrases = ["two"]
answer = "ok.wav"
"#;

/// A broker for one message: what it was sent.
fn broker() -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let work = move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut head = [0; 2];
        socket.read_exact(&mut head).unwrap();
        assert_eq!(head[0], 0x10);
        let mut connect = vec![0; head[1].into()];
        socket.read_exact(&mut connect).unwrap();
        socket.write_all(&[0x20, 2, 0, 0]).unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        rest
    };
    (address, std::thread::spawn(work))
}

#[test]
fn a_command_is_understood_and_done() {
    let folder = folder("assistant");
    let grammar = folder.join("home.toml");
    let text = GRAMMAR.replace("FOLDER", folder.to_str().unwrap());
    std::fs::write(&grammar, text).unwrap();
    write(&folder.join("ok.wav"), &[0.25; 8000]);
    let (sound, model) = (
        repository("models/digits/sample.wav"),
        repository("models/digits/digits.onnx"),
    );
    let (address, message) = broker();
    let printed = redpoll!(
        "listen",
        sound,
        "--task",
        "assistant",
        "--wake-word",
        "four",
        "--words",
        model,
        "--pause",
        "2",
        "--grammar",
        grammar,
        "--mqtt",
        address,
        "--json"
    )
    .ok();
    let told = events(&printed);
    assert_eq!(kinds(&told), ["wake", "word", "word", "word", "intent"]);
    let intent = &told[4];
    assert_eq!(intent["intent"], "dial");
    assert_eq!(intent["slots"], json!({"number": "2", "rest": "7 0"}));
    assert_eq!(intent["words"], json!(["two", "seven", "zero"]));
    assert!(folder.join("2-7 0").exists());
    // PUBLISH with quality of service 0, then DISCONNECT.
    let want = [&[0x30, 12, 0, 7], &b"phone/27 0"[..], &[0xe0, 0]].concat();
    assert_eq!(message.join().unwrap(), want);
    // A shorter pause: the first word alone, whose answer is written where it would be heard.
    let (address, answers) = ("127.0.0.1:1", folder.join("answers.wav"));
    let printed = redpoll!(
        "listen",
        sound,
        "--task",
        "assistant",
        "--wake-word",
        "four",
        "--words",
        model,
        "--grammar",
        grammar,
        "--mqtt",
        address,
        "--answers",
        answers,
        "--json"
    )
    .ok();
    let told = events(&printed);
    assert_eq!(kinds(&told), ["wake", "word", "intent", "answered"]);
    let at = (told[2]["t"].as_f64().unwrap() * 16_000.0).round() as usize;
    let written = samples(&answers);
    assert!(
        written[..at]
            .iter()
            .chain(&written[at + 8000..])
            .all(|x| *x == 0.0)
    );
    assert!(written[at..at + 8000].iter().all(|x| *x == 0.25));
    assert!(written.len() >= samples(&sound).len() - 160);
}

#[test]
fn barging_in_cuts_an_answer_and_a_stop_word_forgets() {
    let folder = folder("assistant-barge");
    let grammar = folder.join("home.toml");
    let light = "[[intent]]\nname = \"light\"\nphrases = [\"two\"]\nanswer = \"long.wav\"";
    std::fs::write(&grammar, light).unwrap();
    write(&folder.join("long.wav"), &[0.25; 160_000]);
    let once = samples(&repository("models/digits/sample.wav"));
    let twice = folder.join("twice.wav");
    write(&twice, &[once.clone(), once].concat());
    let model = repository("models/digits/digits.onnx");
    let answers = folder.join("answers.wav");
    let printed = redpoll!(
        "listen",
        twice,
        "--task",
        "assistant",
        "--wake-word",
        "four",
        "--words",
        model,
        "--grammar",
        grammar,
        "--answers",
        answers,
        "--json"
    )
    .ok();
    let told = events(&printed);
    assert_eq!(
        kinds(&told)[..6],
        ["wake", "word", "intent", "barged_in", "wake", "word"]
    );
    let place = |i: usize| (told[i]["t"].as_f64().unwrap() * 16_000.0).round() as usize;
    let (begin, cut) = (place(2), place(3));
    let written = samples(&answers);
    let given = written[begin..].iter().take_while(|x| **x == 0.25).count();
    // It ends in the 10 ms in which the wake word was sure.
    assert!(
        (cut - begin..=cut - begin + 160).contains(&given),
        "{given} {begin} {cut}"
    );
    let printed = redpoll!(
        "listen",
        twice,
        "--task",
        "assistant",
        "--wake-word",
        "four",
        "--words",
        model,
        "--stop-word",
        "seven",
        "--pause",
        "2"
    )
    .ok();
    let stopped = printed.lines().position(|line| line.ends_with("stopped"));
    assert_eq!(stopped, Some(2), "{printed}");
}

#[test]
fn alexa_and_digits_without_a_pause_between_them() {
    let files = [
        "models/wake/mww_alexa_int8.tflite",
        "models/vad/silero_vad_16k_op15_f32.onnx",
        "data/wake/alexa/0.flac",
        "data/fsdd/4_theo_3.wav",
        "data/fsdd/7_yweweler_1.wav",
    ];
    let Some([wake, vad, alexa, four, seven]) = crate::listen::all(files) else {
        return;
    };
    let quiet = |seconds: f32| vec![0.0; (seconds * 16_000.0) as usize];
    let parts = [
        quiet(1.0),
        samples(&alexa),
        samples(&four),
        quiet(0.3),
        samples(&seven),
        quiet(3.0),
    ];
    let sound = folder("assistant-alexa").join("command.wav");
    write(&sound, &parts.concat());
    let model = repository("models/digits/digits.onnx");
    let printed = redpoll!(
        "listen",
        sound,
        "--task",
        "assistant",
        "--wake",
        wake,
        "--words",
        model,
        "--vad",
        vad,
        "--json"
    )
    .ok();
    let told = events(&printed);
    assert_eq!(kinds(&told), ["wake", "word", "word", "command"]);
    assert_eq!(told[3]["words"], json!(["four", "seven"]));
}

#[test]
fn the_example_is_understood() {
    let printed = redpoll!(
        "listen",
        repository("models/digits/sample.wav"),
        "--task",
        "assistant",
        "--wake-word",
        "four",
        "--words",
        repository("models/digits/digits.onnx"),
        "--grammar",
        repository("examples/voice-assistant/phone.toml"),
        "--pause",
        "2"
    )
    .ok();
    assert!(printed.contains("intent dial number=2 7 0"), "{printed}");
}

#[test]
fn what_an_assistant_cannot_do_is_told() {
    let folder = folder("assistant-errors");
    let model = repository("models/digits/digits.onnx");
    let sound = repository("models/digits/sample.wav");
    let grammar = |text: &str| {
        let path = folder.join("bad.toml");
        std::fs::write(&path, text).unwrap();
        redpoll!(
            "listen",
            sound,
            "--task",
            "assistant",
            "--wake-word",
            "four",
            "--words",
            model,
            "--grammar",
            path
        )
    };
    let intent = "[[intent]]\nname = \"a\"\n";
    let unknown = grammar(&format!("{intent}phrases = [\"lights two\"]")).fails(1);
    assert!(
        unknown.contains("does not know the word \"lights\"") && unknown.contains("zero"),
        "{unknown}"
    );
    let mqtt = format!("{intent}phrases = [\"two\"]\nmqtt = {{ topic = \"a\" }}");
    assert!(grammar(&mqtt).fails(1).contains("--mqtt"));
    assert!(grammar("phrase").fails(1).contains("bad.toml"));
    let prompt = format!("{intent}phrases = [\"two\"]\nanswer = \"none.wav\"");
    assert!(grammar(&prompt).fails(4).contains("none.wav"));
    let listen =
        |more: [&str; 2]| redpoll!("listen", sound, "--task", "assistant", more[0], more[1]);
    let words = model.to_str().unwrap();
    assert!(listen(["--words", words]).fails(1).contains("--wake"));
    assert!(listen(["--model", words]).fails(1).contains("--words"));
    let word = redpoll!(
        "listen",
        sound,
        "--task",
        "assistant",
        "--words",
        model,
        "--wake-word",
        "hal"
    );
    assert!(word.fails(1).contains("does not know the word \"hal\""));
    let plain = redpoll!(
        "listen", sound, "--task", "digits", "--model", model, "--vad", model
    );
    assert!(plain.fails(1).contains("--task assistant"));
    let pause = redpoll!(
        "listen",
        sound,
        "--task",
        "assistant",
        "--words",
        model,
        "--wake-word",
        "four",
        "--pause",
        "99"
    );
    assert!(pause.fails(1).contains("--pause 99"));
}
