"""ONNX Runtime's static quantiser on the samples of `prepare.py`: the numbers that Redpoll's have to be held against.

    pip install -r benches/accuracy/requirements.txt
    python benches/accuracy/prepare.py --shared ../shared --out out/acc
    python benches/accuracy/ort_baseline.py --shared ../shared --data out/acc --json benches/results/ort_quantizer_baseline.json

Every model is pre-processed as ONNX Runtime advises (graph optimisation, which folds BatchNormalization, and shape inference), quantised
as QDQ, per channel, s8 weights and s8 activations, once a calibration method, and run on one thread. Nothing is tuned per model.
Reported on the evaluation samples: top-1 of float and int8, how often the int8 top-1 answer is the float one, and the SQNR of the
outputs as the model gives them (softmax included where it has one): 10·log10(Σ float² / Σ (float − int8)²) over all of them.
"""

import argparse
import contextlib
import io
import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from catalogue import REPOSITORY, chosen

METHODS = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile, "entropy": CalibrationMethod.Entropy}
# Percentile and entropy hold every activation of every sample of a batch at once, so models with large inputs are fed
# this many samples at a time (ONNX Runtime then merges the histograms), all others in one go.
SAMPLES_AT_ONCE = 32
LARGE_BYTES = 32 << 20


class Samples(CalibrationDataReader):
    """Calibration samples one by one, in the order of the file."""

    def __init__(self, name, x):
        self.name, self.x, self.range = name, x, range(len(x))
        self.rewind()

    def __len__(self):
        return len(self.x)

    def set_range(self, start_index, end_index):
        self.range = range(start_index, min(end_index, len(self.x)))
        self.rewind()

    def rewind(self):
        self.at = iter(self.range)

    def get_next(self):
        i = next(self.at, None)
        return None if i is None else {self.name: self.x[i : i + 1]}


def outputs(path, x):
    """The first output for each sample, one at a time on one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    results = [session.run(None, {name: x[i : i + 1]})[0].reshape(-1) for i in range(len(x))]
    return np.stack(results).astype(np.float64)


def top1(answers, labels):
    return round(100 * float(np.mean(answers.argmax(1) == labels)), 3)


def compare(reference, answers, labels):
    """What is reported of one int8 model."""
    noise = np.sum((reference - answers) ** 2)
    return {
        "top1": top1(answers, labels),
        "agreement": round(100 * float(np.mean(reference.argmax(1) == answers.argmax(1))), 3),
        "sqnr_db": round(10 * float(np.log10(np.sum(reference**2) / noise)), 2) if noise else None,
    }


def quantise(prepared, quantised, x, method):
    name = onnx.load(prepared, load_external_data=False).graph.input[0].name
    options = {"CalibStridedMinMax": SAMPLES_AT_ONCE} if x.nbytes > LARGE_BYTES else {}
    quantize_static(
        str(prepared),
        str(quantised),
        Samples(name, x),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=METHODS[method],
        extra_options=options,
    )


def measure(model, float_path, folder, methods):
    calibrate, evaluate = (np.load(folder / f"{part}.npz") for part in ("calibrate", "evaluate"))
    x, labels = evaluate["x"], evaluate["y"]
    reference = outputs(float_path, x)
    result = {
        "calibrated_on": len(calibrate["x"]),
        "evaluated_on": len(x),
        "float": {"top1": top1(reference, labels)},
        "int8": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(str(float_path), str(prepared), skip_symbolic_shape=True)
        for method in methods:
            quantised = Path(scratch) / f"{method}.onnx"
            with contextlib.redirect_stdout(io.StringIO()):  # the histogram methods tell their progress
                quantise(prepared, quantised, calibrate["x"], method)
            entry = compare(reference, outputs(quantised, x), labels) | {"bytes": quantised.stat().st_size}
            result["int8"][method] = entry
            print(row(model.name, result, method), flush=True)
    return result


def row(name, result, method):
    e, drop = result["int8"][method], result["float"]["top1"] - result["int8"][method]["top1"]
    return (
        f"{name:20} {method:11} {result['evaluated_on']:5} {result['float']['top1']:8.2f} {e['top1']:8.2f} {drop:+7.2f} "
        f"{e['agreement']:9.2f} {e['sqnr_db']:8.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared", help="folder with models/ and data/")
    parser.add_argument("--data", type=Path, required=True, help="what prepare.py wrote")
    parser.add_argument("--json", type=Path, help="file for the results; those of models not measured now are kept")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated: minmax, percentile, entropy")
    parser.add_argument("models", nargs="*", help="names of models (default: all)")
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)

    kept = json.loads(options.json.read_text())["models"] if options.json and options.json.exists() else {}
    print(f"{'model':20} {'method':11} {'n':>5} {'float':>8} {'int8':>8} {'drop':>7} {'agree %':>9} {'SQNR dB':>8}")
    for model in chosen(options.models):
        kept[model.name] = measure(model, model.file(options.shared, REPOSITORY), options.data / model.name, options.methods.split(","))
        if options.json:
            scheme = "QDQ, per channel, s8 weights, s8 activations"
            report = {"onnxruntime": ort.__version__, "onnx": onnx.__version__, "scheme": scheme, "models": kept}
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
