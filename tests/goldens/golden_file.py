"""The writer of golden files: safetensors, in the few lines that the format takes."""

import json
import os
import struct

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def f32(value):
    """The float32 nearest to a number, as Rust will read it."""
    return float(numpy.float32(value))


def save_safetensors(path, tensors, metadata):
    """Eight bytes of header length, the header in JSON, the elements: https://github.com/huggingface/safetensors."""
    names = {"float32": "F32", "int32": "I32", "int64": "I64", "uint8": "U8"}
    # Wide elements first, so that each tensor lies on a multiple of its element's size.
    order = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    header, offset = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name in order:
        array = tensors[name]
        end = offset + array.nbytes
        header[name] = {"dtype": names[array.dtype.name], "shape": array.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(tensors[name].tobytes())
    print(f"{os.path.basename(path)}: {len(tensors)} tensors, {os.path.getsize(path):,} bytes")


class Golden:
    """Collects the cases of one file. Of numbers that are none there are only some if `nan`."""

    def __init__(self, family, nan=False):
        self.nan = nan
        self.path = os.path.join(HERE, family + ".safetensors")
        self.tensors, self.metadata = {}, {}

    def case(self, name, op, parameters):
        assert name not in self.metadata and "/" not in name, name
        self.metadata[name] = json.dumps({"op": op, **parameters})

    def add(self, case, tensors):
        assert case in self.metadata, case
        for role, tensor in tensors.items():
            name = f"{case}/{role}"
            assert name not in self.tensors, name
            array = tensor.detach().contiguous().numpy()
            # Labels and indices are 32-bit here, bytes stay bytes.
            kind = {"f": numpy.float32, "i": numpy.int32, "u": numpy.uint8}[array.dtype.kind]
            assert self.nan or not numpy.isnan(array).any(), name
            self.tensors[name] = numpy.ascontiguousarray(array.astype(kind)).reshape(array.shape)

    def save(self):
        save_safetensors(self.path, self.tensors, self.metadata)
