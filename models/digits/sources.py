"""Where the sounds come from: every clip as float32 samples at 8 kHz with its class, training apart from test.

* Spoken digits: the Free Spoken Digit Dataset (six speakers, 8 kHz, CC BY-SA 4.0). Speakers `theo` and `yweweler` are for the test only.
* More voices, for training only: espeak-ng with all its English accents and voice variants, flite's five voices, and the prompts of
  asterisk-core-sounds-en-wav (one speaker, CC BY-SA 3.0), all from Debian.
* Speech that is no digit: other words from the same, `jarvis` of Picovoice's wake-word recordings (`alexa` for the test) and
  LibriSpeech (utterances of eight speakers; two for the test).
* Noise: Speech Commands' recordings; the last 10 s of each, and all of `running_tap`, are for the test.
"""

import io
import itertools
import subprocess
import wave
from pathlib import Path

import numpy as np

from frontend import RATE
from model import DIGITS, NOISE, UNKNOWN

TEST_SPEAKERS = ("theo", "yweweler")
TEST_READERS = ("3331", "533")  # of LibriSpeech
TEST_NOISE = "running_tap"
ASTERISK = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029")
FLITE = ("kal", "kal16", "awb", "rms", "slt")
# Words that are no digits, some of which sound like one.
WORDS = (
    "yes no up down left right on off stop go hello house table water window lights kitchen music play pause volume weather today tomorrow morning "
    "evening door open close turn red green blue yellow happy dog cat bird tree car train bus street phone call message alarm timer minute hour "
    "please thanks okay wait now never tune gone fun won heaven tricks sticks hive live hate late wine fine mind line fore door tea tree free thee "
    "hero arrow sorrow through shoe true wrong run person lemon sever nice night light fight sick six-pack ten eleven twelve hundred thousand "
    "coffee banana orange river mountain computer keyboard assistant alexa jarvis marvin sheila bed wow follow forward backward learn visual"
).split()
# Prompts whose words include a digit are left out of the unknown speech.
DIGIT_PROMPTS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero", "digits", "silence", "beep", "tone", "ring")


def resample(samples, rate):
    """To 8 kHz: a windowed-sinc low-pass, then linear interpolation between the samples that it leaves."""
    samples = np.asarray(samples, np.float32)
    if rate == RATE:
        return samples
    if rate > RATE:
        cut, half = 0.46 * RATE / rate, 48
        at = np.arange(-half, half + 1)
        taps = 2 * cut * np.sinc(2 * cut * at) * np.hamming(len(at))
        samples = np.convolve(samples, taps / taps.sum(), "same")
    at = np.arange(int(len(samples) * RATE / rate)) * rate / RATE
    return np.interp(at, np.arange(len(samples)), samples).astype(np.float32)


def read_wave(source):
    """16-bit mono WAV as float32 at 8 kHz; `source` is a path or bytes."""
    # Programs that write to a pipe leave the length at a placeholder: what is there is what counts.
    with wave.open(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as file:
        assert file.getnchannels() == 1 and file.getsampwidth() == 2, source
        return resample(np.frombuffer(file.readframes(1 << 24), "<i2") / np.float32(32768), file.getframerate())


def trim(samples, floor=0.02):
    """Without the quiet ends: what lies between the first and the last 10 ms above `floor` of the loudest."""
    step = RATE // 100
    power = np.add.reduceat(samples**2, np.arange(0, len(samples), step))
    loud = np.flatnonzero(power > floor**2 * power.max())
    return samples[loud[0] * step : (loud[-1] + 1) * step] if len(loud) else samples


def spoken(speaker_is_test, folder):
    """FSDD: (samples, digit, name)."""
    for path in sorted(Path(folder).glob("*.wav")):
        digit, speaker, _ = path.stem.split("_")
        if (speaker in TEST_SPEAKERS) == speaker_is_test:
            yield trim(read_wave(path)), int(digit), path.stem


def espeak(word, accent, variant, pitch, speed):
    command = ["espeak-ng", "-v", f"{accent}+{variant}", "-p", str(pitch), "-s", str(speed), "--stdout", word]
    return trim(read_wave(subprocess.run(command, check=True, capture_output=True).stdout))


def flite(word, voice, stretch):
    command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", word, "-o", "/dev/stdout"]
    return trim(read_wave(subprocess.run(command, check=True, capture_output=True).stdout))


def variants():
    """The names of espeak-ng's voice variants that sound like people: no robots, no whisper."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    names = sorted({line.split()[4].rsplit("/")[-1] for line in listed})
    odd = ("robo", "demonic", "whisper", "fast", "announce", "croak", "zac", "boris", "half", "storm")
    return [n for n in names if not any(o in n.lower() for o in odd)]


def synthetic(random, digit_takes, word_takes):
    """(samples, class, name) from the speech synthesisers, each take in another voice, pitch and speed."""
    voices = list(itertools.product(ACCENTS, variants()))
    takes = [(w, i) for i, w in enumerate(DIGITS) for _ in range(digit_takes)] + [(w, UNKNOWN) for w in WORDS for _ in range(word_takes)]
    for number, (word, label) in enumerate(takes):
        if number % 6 == 5:
            voice, stretch = FLITE[random.integers(len(FLITE))], round(float(random.uniform(0.8, 1.3)), 2)
            yield flite(word, voice, stretch), label, f"flite-{voice}-{word}"
        else:
            accent, variant = voices[random.integers(len(voices))]
            pitch, speed = int(random.integers(20, 80)), int(random.integers(120, 210))
            yield espeak(word, accent, variant, pitch, speed), label, f"espeak-{accent}-{variant}-{word}"


def prompts():
    """Asterisk's prompts: the ten digits, and sentences without one."""
    for digit in range(10):
        yield trim(read_wave(ASTERISK / "digits" / f"{digit}.wav")), digit, f"asterisk-{digit}"
    for path in sorted(ASTERISK.glob("*.wav")):
        if not any(word in path.stem.split("-") for word in DIGIT_PROMPTS):
            yield trim(read_wave(path)), UNKNOWN, f"asterisk-{path.stem}"


def read_flac(path):
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32")
    return resample(samples, rate)


def other_speech(is_test, shared):
    """LibriSpeech and the wake words, as unknown: (samples, class, name). Files that do not decode are counted and left out."""
    broken = 0
    paths = [p for p in sorted((shared / "librispeech40").glob("*.flac")) if (p.stem.split("-")[0] in TEST_READERS) == is_test]
    paths += sorted((shared / "wake" / ("alexa" if is_test else "jarvis")).glob("*.flac"))
    for path in paths:
        try:
            yield trim(read_flac(path)), UNKNOWN, path.stem
        except RuntimeError:
            broken += 1
    if broken:
        print(f"{broken} FLAC files do not decode: left out")


def noise(is_test, shared):
    """(samples, class, name)."""
    for path in sorted((shared / "noise").glob("*.wav")):
        samples = read_wave(path)
        kept = len(samples) - 10 * RATE
        if is_test:
            yield samples if path.stem == TEST_NOISE else samples[kept:], NOISE, path.stem
        elif path.stem != TEST_NOISE:
            yield samples[:kept], NOISE, path.stem
