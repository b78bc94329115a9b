#!/usr/bin/env python3
"""Holds what this repository reads from files of weights against what PyTorch, NumPy and h5py read, bit by bit.

    cargo build -p tilewright-weights --example read_weights
    scripts/compare_weights.py target/debug/examples/read_weights FILE...

For every file: the number of tensors, and whether each name, shape and the SHA-256 of its elements is the same. PyTorch's files
are loaded with pickle's full powers: give it files that you trust.
"""

import hashlib
import subprocess
import sys


def digest(array):
    import numpy as np

    return str(list(array.shape)), hashlib.sha256(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def tensors(value, prefix=""):
    """Every tensor in nested dicts, lists and modules, by path."""
    import torch

    if isinstance(value, torch.nn.Module):
        value = value.state_dict()
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.dequantize() if value.is_quantized else value
        if value.dtype == torch.bfloat16:
            value = value.view(torch.int16)
        yield prefix[:-1] or "tensor", value.contiguous().numpy()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from tensors(item, f"{prefix}{key}.")
    elif isinstance(value, (list, tuple)):
        for key, item in enumerate(value):
            yield from tensors(item, f"{prefix}{key}.")


def arrays(value, prefix=""):
    """Every array in nested dicts and lists, by path."""
    import numpy as np

    if isinstance(value, (np.ndarray, np.generic)):
        yield prefix[:-1] or "tensor", np.asarray(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from arrays(item, f"{prefix}{key}.")
    elif isinstance(value, (list, tuple)):
        for key, item in enumerate(value):
            yield from arrays(item, f"{prefix}{key}.")


def torch_file(path):
    import torch

    try:
        return dict(tensors(torch.load(path, map_location="cpu")))
    except RuntimeError as error:
        if "torch.jit.load" not in str(error) and "TorchScript" not in str(error):
            raise
        return dict(tensors(torch.jit.load(path, map_location="cpu")))


def hdf5_file(path):
    import h5py

    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub" else None)
    return found


def expected(path):
    import numpy as np

    if path.endswith(".npz"):
        return {key: value for key, value in np.load(path).items() if value.dtype.kind in "fiub"}
    if path.endswith(".npy"):
        return {path.rsplit("/")[-1][:-4]: np.load(path)}
    if path.endswith((".h5", ".hdf5")):
        return hdf5_file(path)
    if path.endswith(".pkl"):
        import pickle

        with open(path, "rb") as file:
            return dict(arrays(pickle.load(file)))
    return torch_file(path)


def main(program, files):
    failed = 0
    for path in files:
        done = subprocess.run([program, path, "*"] if not path.endswith(".jit") else [program, path], capture_output=True, text=True)
        name = path.rsplit("/")[-1]
        if done.returncode:
            print(f"{name}: {done.stderr.strip()}")
            failed += 1
            continue
        lines = (line.split("\t") for line in done.stdout.splitlines())
        ours = {line[0]: (line[2], line[3]) for line in lines}
        theirs = {key: digest(value) for key, value in expected(path).items()}
        wrong = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
        failed += bool(wrong)
        print(f"{name}: {len(ours)} tensors, {len(ours) - len(wrong)} equal" + (f"; differ: {wrong[:5]}" if wrong else ""))
        for note in done.stderr.splitlines():
            print(f"  {note}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
