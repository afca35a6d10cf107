"""Asks `redpoll listen --wyoming` through the client of the Python package wyoming: describe, ping, transcripts, wake words, speech.

    python runtime/wyoming/tests/client.py target/release/redpoll

Wake words and speech need the shared folder (REDPOLL_SHARED or ../shared), the rest only the repository.
"""

import asyncio
import json
import os
import subprocess
import sys
import wave
from pathlib import Path

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection, NotDetected

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("REDPOLL_SHARED", ROOT.parent / "shared"))
DIGITS = ROOT / "models/digits"


def read(path, silence=0.0):
    """(rate, width, channels, bytes) of a WAV file, with silence after it."""
    with wave.open(str(path)) as file:
        form = file.getframerate(), file.getsampwidth(), file.getnchannels()
        return *form, file.readframes(file.getnframes()) + bytes(int(silence * form[0]) * form[1] * form[2])


async def ask(address, request, sound, until):
    """The events that come for a sound, up to the first of the types `until`."""
    rate, width, channels, data = sound
    async with AsyncTcpClient(*address, connect_timeout=10, read_timeout=60) as client:
        await client.write_event(request.event())
        await client.write_event(AudioStart(rate, width, channels).event())
        step = rate // 25 * width * channels
        for at in range(0, len(data), step):
            await client.write_event(AudioChunk(rate, width, channels, data[at : at + step]).event())
        await client.write_event(AudioStop().event())
        events = []
        while not events or events[-1].type not in until:
            event = await client.read_event()
            assert event is not None, "the server closed the connection"
            assert not Error.is_type(event.type), Error.from_event(event)
            events.append(event)
        return events


async def bundled(address):
    async with AsyncTcpClient(*address, connect_timeout=10, read_timeout=10) as client:
        await client.write_event(Ping("hello").event())
        assert Pong.from_event(await client.read_event()).text == "hello"
        await client.write_event(Describe().event())
        info = Info.from_event(await client.read_event())
    model = info.asr[0].models[0]
    assert (model.name, model.installed, model.languages) == ("digits", True, ["en"]), model
    told = await asyncio.gather(*(ask(address, Transcribe(language="en"), read(DIGITS / "sample.wav"), {"transcript"}) for _ in range(4)))
    texts = {Transcript.from_event(events[-1]).text for events in told}
    assert texts == {"four two seven zero"}, texts
    print("transcripts of four clients at once:", *texts)
    return info


async def real(address, info):
    assert [m.name for m in info.wake[0].models] == ["hey_jarvis", "okay_nabu"], info.wake
    negative = await ask(address, Detect(names=["hey_jarvis"]), read(SHARED / "data/noise/pink_noise.wav"), {"not-detected"})
    assert NotDetected.is_type(negative[-1].type) and len(negative) == 1, negative
    speech = await ask(address, Detect(), read(SHARED / "data/vad15/testset-audio-03.wav", 1.0), {"not-detected"})
    started = [VoiceStarted.from_event(e).timestamp for e in speech if VoiceStarted.is_type(e.type)]
    stopped = [VoiceStopped.from_event(e).timestamp for e in speech if VoiceStopped.is_type(e.type)]
    assert len(started) == len(stopped) >= 2 and all(a < b for a, b in zip(started, stopped)), speech
    print("speech from", *(f"{a} to {b} ms" for a, b in zip(started, stopped)))


async def main(redpoll):
    models = SHARED / "models"
    whole = (models / "wake").exists() and (SHARED / "data/vad15").exists()
    command = [redpoll, "listen", "--wyoming", "0", "--json", "--words", DIGITS / "digits.onnx"]
    if whole:
        command += ["--vad", models / "vad/silero_vad_16k_op15_f32.onnx"]
        command += [x for name in ("hey_jarvis", "okay_nabu") for x in ("--wake", f"{name}={models}/wake/mww_{name}_int8.tflite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            host, port = json.loads(server.stdout.readline())["address"].rsplit(":", 1)
            info = await bundled((host, int(port)))
            if whole:
                await real((host, int(port)), info)
            else:
                print(f"skipped: wake words and speech: {SHARED} is not present")
        finally:
            server.kill()


asyncio.run(main(*sys.argv[1:]))
