"""The installed package on the bundled model. `pytest runtime/bindings/python/tests`."""

import threading
from pathlib import Path

import numpy as np
import pytest

import redpoll

FASHION = Path(__file__).resolve().parents[4] / "models" / "fashion"


@pytest.fixture(scope="session")
def data():
    with np.load(FASHION / "test.npz") as arrays:
        return arrays["x"], arrays["y"]


@pytest.fixture(scope="session")
def converted(tmp_path_factory, data):
    """Converted with calibration samples from a Python iterator."""
    out = tmp_path_factory.mktemp("out")
    with np.load(FASHION / "calibrate.npz") as arrays:
        samples = list(arrays["x"][:64])
    seen = []
    report = redpoll.convert(
        FASHION / "fashion.onnx",
        out,
        calibrate=(sample for sample in samples),
        evaluate=(data[0][:300], data[1][:300]),
        progress=lambda what, done, total: seen.append(what),
    )
    assert seen
    return out, report


def test_the_report_tells_both_accuracies(converted):
    out, report = converted
    assert report["calibration_samples"] == 64
    assert report["float"]["top1"] > 0.88
    assert abs(report["float"]["top1"] - report["int8"]["top1"]) < 0.02
    for name in ("model.plan", "model.int8.onnx", "report.json", "report.html"):
        assert (out / name).stat().st_size > 0


def test_a_session_classifies_as_well_as_the_report_says(converted, data):
    out, report = converted
    session = redpoll.Session(out / "model.plan")
    (x,), (y,) = session.inputs, session.outputs
    images, labels = data[0][:300], data[1][:300]
    right = 0
    for image, label in zip(images, labels):
        scores = session.run({x.name: image.reshape(x.shape)})[y.name]
        assert scores.dtype == np.float32 and list(scores.shape) == y.shape
        right += int(scores.argmax() == label)
    assert right / 300 == pytest.approx(report["int8"]["top1"], abs=1e-9)


def test_tiers_and_threads_give_the_same_bytes(converted, data):
    out, _ = converted
    image = data[0][:1]
    expected = None
    for tier in redpoll.tiers():
        for threads in (1, 2):
            session = redpoll.Session(out / "model.plan", tier=tier, threads=threads)
            name = session.inputs[0].name
            y = session.run({name: image.reshape(session.inputs[0].shape)})
            got = next(iter(y.values())).tobytes()
            expected = expected or got
            assert got == expected, (tier, threads)


def test_a_view_is_the_sessions_memory_and_keeps_it_alive(converted, data):
    out, _ = converted
    session = redpoll.Session(out / "model.plan")
    x, y = session.inputs[0], session.outputs[0]
    view = session.run({x.name: data[0][0].reshape(x.shape)}, copy=False)[y.name]
    kept = session.run({x.name: data[0][0].reshape(x.shape)})[y.name]
    assert np.array_equal(view, kept)
    address = view.__array_interface__["data"][0]
    again = session.run({x.name: data[0][1].reshape(x.shape)}, copy=False)[y.name]
    assert again.__array_interface__["data"][0] == address
    assert not np.array_equal(kept, again)
    with pytest.raises(ValueError, match="read-only"):
        again[...] = 0
    del session
    assert np.isfinite(again).all()


def test_an_input_that_was_refused_is_not_taken_for_written(converted, data):
    out, _ = converted
    session = redpoll.Session(out / "model.plan")
    x = session.inputs[0]
    with pytest.raises(ValueError, match="shape"):
        session.run({x.name: np.zeros((1, 1), np.float32)})
    with pytest.raises(ValueError, match="written"):
        session.run({})


def test_threads_share_a_session(converted, data):
    out, _ = converted
    session = redpoll.Session(out / "model.plan")
    x, y = session.inputs[0], session.outputs[0]
    images = [image.reshape(x.shape) for image in data[0][:8]]
    expected = [session.run({x.name: image})[y.name].tobytes() for image in images]
    wrong = []

    def work(i):
        for _ in range(50):
            if session.run({x.name: images[i]})[y.name].tobytes() != expected[i]:
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_onnxruntimes_names(data):
    options = redpoll.SessionOptions()
    options.intra_op_num_threads = 2
    session = redpoll.InferenceSession(
        str(FASHION / "fashion.onnx"), options, providers=["CPUExecutionProvider"]
    )
    (x,), (y,) = session.get_inputs(), session.get_outputs()
    assert x.type == "tensor(float)"
    feed = {x.name: data[0][:1].reshape(x.shape)}
    (scores,) = session.run(None, feed)
    (named,) = session.run([y.name], feed)
    (every,) = session.run([], feed)
    assert np.array_equal(scores, named) and np.array_equal(scores, every)
    from_bytes = redpoll.InferenceSession((FASHION / "fashion.onnx").read_bytes())
    assert np.array_equal(from_bytes.run(None, feed)[0], scores)
    plan = redpoll.InferenceSession(redpoll.compile(FASHION / "fashion.onnx"))
    assert np.array_equal(plan.run(None, feed)[0], scores)
    onnxruntime = pytest.importorskip("onnxruntime")
    other = onnxruntime.InferenceSession(str(FASHION / "fashion.onnx"))
    (expected,) = other.run(None, {x.name: data[0][:1]})
    assert np.allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_mistakes_are_exceptions_that_say_what_to_do(converted, tmp_path):
    out, _ = converted
    session = redpoll.Session(out / "model.plan")
    x = session.inputs[0]
    good = np.zeros(x.shape, np.float32)
    with pytest.raises(TypeError, match="astype"):
        session.run({x.name: good.astype(np.float64)})
    with pytest.raises(TypeError, match="NumPy array"):
        session.run({x.name: [1, 2, 3]})
    with pytest.raises(ValueError, match="shape"):
        session.run({x.name: good.reshape(-1)})
    with pytest.raises(ValueError, match="there are"):
        session.run({"nothing": good})
    with pytest.raises(ValueError, match="written"):
        redpoll.Session(out / "model.plan").run({})
    with pytest.raises(OSError, match="missing.plan"):
        redpoll.Session(tmp_path / "missing.plan")
    with pytest.raises(redpoll.RedpollError, match="plan"):
        redpoll.Session(b"junk")
    with pytest.raises(ValueError, match="avx9"):
        redpoll.Session(out / "model.plan", tier="avx9")
    with pytest.raises(ValueError, match="no provider"):
        redpoll.InferenceSession(out / "model.plan", providers=["MoonExecutionProvider"])
    with pytest.raises(redpoll.RedpollError, match="neither a plan nor"):
        redpoll.InferenceSession(b"junk")
    with pytest.raises(ValueError, match="no samples"):
        redpoll.convert(FASHION / "fashion.onnx", tmp_path, calibrate=[])
    with pytest.raises(TypeError, match="not list"):
        redpoll.convert(FASHION / "fashion.onnx", tmp_path, calibrate=[[1.0]])
    with pytest.raises(ValueError, match="sample 1 has"):
        redpoll.convert(FASHION / "fashion.onnx", tmp_path, calibrate=[good[0], {"file": good[0]}])


def test_what_progress_raises_is_raised(tmp_path):
    def stop(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redpoll.convert(
            FASHION / "fashion.onnx",
            tmp_path / "out",
            calibrate=[np.zeros((1, 28, 28), np.float32)],
            progress=stop,
        )
