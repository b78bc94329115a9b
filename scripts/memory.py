#!/usr/bin/env python3
"""The peak memory of a training step beside PyTorch's, as a table and as JSON.

PyTorch's peak is counted, not measured: the tensors that its autograd saves (torch.autograd.graph.saved_tensors_hooks; memory that
several share counts once), parameters, gradients, running statistics and SGD's momentum. Ours is what the memory report of the
context says (`tilewright memory`): the most that was held at once, in whole size classes, workspaces included. Times are medians
of all steps but each run's first.

    scripts/memory.py [--program target/release/tilewright] [--rounds N] [--output FILE.json] [NAME:BATCHxSIZE ...]

Needs PyTorch and torchvision (Debian: python3-torch python3-torchvision).
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
import torchvision

ROOT = Path(__file__).resolve().parent.parent
DEFAULT = ["resnet18:32x128", "resnet50:16x128", "unet_bn:2x128"]
WAYS = {
    "plain": (),
    "checkpointed": ("--checkpoint-activations",),
    "checkpointed, step on the way": ("--checkpoint-activations", "--step-on-the-way"),
}
DOCUMENT = ROOT / "docs" / "autograd.md"
MARKS = ("<!-- memory: scripts/memory.py -->", "<!-- /memory -->")
CLASSES = {"": 1000, "unet": 2}


class DoubleConv(torch.nn.Sequential):
    """3×3 convolution, BatchNorm, ReLU; twice."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[torch.nn.Module] = []
        for channels in (inputs, outputs):
            layers += [torch.nn.Conv2d(channels, outputs, 3, padding=1, bias=False), torch.nn.BatchNorm2d(outputs)]
            layers += [torch.nn.ReLU(inplace=True)]
        super().__init__(*layers)


class UNet(torch.nn.Module):
    """Ronneberger, Fischer and Brox with BatchNorm and "same" padding, up by transposed convolutions: our `unet_bn`."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        widths = [64, 128, 256, 512, 1024]
        self.down = torch.nn.ModuleList(DoubleConv(i, o) for i, o in zip([3, *widths], widths))
        turned = list(zip(widths[:0:-1], widths[-2::-1]))
        self.up = torch.nn.ModuleList(torch.nn.ConvTranspose2d(i, o, 2, stride=2) for i, o in turned)
        self.merge = torch.nn.ModuleList(DoubleConv(i, o) for i, o in turned)
        self.head = torch.nn.Conv2d(64, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = []
        for number, down in enumerate(self.down):
            x = down(torch.nn.functional.max_pool2d(x, 2) if number else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1]):
            x = merge(torch.cat([skip, up(x)], 1))
        return self.head(x)


def network(name: str, classes: int) -> torch.nn.Module:
    """The network as torchvision has it, or ours above."""
    if name.startswith("unet"):
        return UNet(classes)
    return getattr(torchvision.models, name)(num_classes=classes)


def pytorch(name: str, batch: int, size: int) -> dict[str, int]:
    """Bytes of a training step, by what they are for."""
    torch.manual_seed(0)
    model = network(name, CLASSES["unet" if name.startswith("unet") else ""]).train()
    parameters = sum(p.numel() * 4 for p in model.parameters())
    kept = sum(b.numel() * b.element_size() for b in model.buffers())
    own = {p.storage().data_ptr() for p in model.parameters()}
    saved: dict[int, int] = {}
    alive = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        pointer = tensor.storage().data_ptr()
        if pointer not in own:
            saved[pointer] = tensor.storage().nbytes()
            alive.append(tensor)  # or another tensor could get its address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = model(torch.randn(batch, 3, size, size))
        loss = (y * y).mean()
    del loss, y
    total = {"parameters": parameters, "kept": kept, "optimizer": parameters, "gradients": parameters}
    total["saved_for_backward"] = sum(saved.values())
    return total | {"peak": sum(total.values())}


def ours(program: str, name: str, batch: int, size: int, *flags: str) -> dict[str, Any]:
    """What `tilewright memory` says."""
    command = [program, "memory", name, "--input", f"{batch}x3x{size}x{size}", "--json", *flags]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for people."""
    lines = [
        "| network, batch | PyTorch's peak | parameters and momentum | saved for backward | peak | with checkpointing | a step takes "
        "| and steps on the way |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        peak = row["pytorch"]["peak"]
        plain, checkpointed, on_the_way = row["ours"].values()
        share = lambda way: f"{way['peak'] / 1e6:.0f} ({way['peak'] / peak:.2f})"
        kept = (plain["parameters"] + plain["kept"] + plain["optimizer"]) / 1e6
        time = statistics.median(checkpointed["seconds"]) / statistics.median(plain["seconds"])
        name = f"{row['network']}, {row['batch']} × 3 × {row['size']} × {row['size']}"
        saved = f"{plain['saved_for_backward'] / 1e6:.0f}, {checkpointed['saved_for_backward'] / 1e6:.0f} checkpointed"
        cells = [f"{peak / 1e6:.0f}", f"{kept:.0f}", saved, share(plain), share(checkpointed)]
        lines.append(f"| {name} | {' | '.join(cells)} | × {time:.2f} | {share(on_the_way)} |")
    return "\n".join(lines)


def show(answer: dict[str, Any]) -> None:
    """Writes the table into the document."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    text = f"{MARKS[0]}\n{table(answer['rows'])}\n{MARKS[1]}"
    DOCUMENT.write_text(before + text + after, encoding="utf-8")


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "target" / "release" / "tilewright"))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--show", type=Path, metavar="FILE.json", help="write this file's table into docs/autograd.md")
    parser.add_argument("--steps", default="3")
    parser.add_argument("--rounds", type=int, default=1, help="run all ways in turn so often, for times on a busy host")
    parser.add_argument("--note", default="", help="what to say of the build and the host")
    parser.add_argument("works", nargs="*", default=DEFAULT)
    arguments = parser.parse_args()
    if arguments.show:
        show(json.loads(arguments.show.read_text(encoding="utf-8")))
        return 0
    rows: list[dict[str, Any]] = []
    for work in arguments.works:
        name, _, shape = work.partition(":")
        batch, size = (int(number) for number in shape.split("x"))
        theirs = pytorch(name, batch, size)
        row: dict[str, Any] = {"network": name, "batch": batch, "size": size, "pytorch": theirs, "ours": {}}
        for way, flags in list(WAYS.items()) * arguments.rounds:
            classes = ("--classes", str(CLASSES["unet" if name.startswith("unet") else ""]))
            found = ours(arguments.program, name, batch, size, "--steps", arguments.steps, *classes, *flags)
            # The first step of a run compiles kernels.
            seconds = found["bytes"]["seconds"][1:] or found["bytes"]["seconds"]
            before = row["ours"].get(way, {"seconds": []})["seconds"]
            row["ours"][way] = found["bytes"] | {"seconds": before + seconds}
            row["device"], row["driver"] = found["device"], found["driver"]
            print(f"{work} {way}: {found['bytes']['peak'] / theirs['peak']:.3f} of PyTorch's", file=sys.stderr)
        rows.append(row)
    print(table(rows))
    if arguments.output:
        versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
        answer = {"date": datetime.date.today().isoformat(), "note": arguments.note, **versions, "rows": rows}
        arguments.output.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
