# SPDX-License-Identifier: MIT
"""Draws the pictures of README.md from the shipped scenarios and the paper's measured points.

    python3 analysis/pictures.py build/release/cpsim [FOLDER]      (default: docs/pictures)

Needs matplotlib, pandas and h5py. Each picture is simulated anew; nothing is kept between runs.
"""
from __future__ import annotations

import pathlib
import sys
import tempfile
from typing import Callable, Dict, List

from matplotlib.figure import Figure

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path[0] = str(SOURCE)  # as a program: the package is beside this folder, not in it

from analysis import accuracy, cpsim_trace, figures, look, scaling  # noqa: E402


def draw_layers(cpsim: str) -> Figure:
    """One layer of the first prefill of two scenarios, as rank 0 ran it."""
    drawn, panels = look.figure(look.WIDE, 3.9, 2)
    for axes, scenario in zip(panels, ["how-many-nodes.yaml", "follow-up-prompt.yaml"]):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "run.h5"
            phase = scaling.run(cpsim, scenario, "-o", str(path))["phases"][0]
            trace = cpsim_trace.load(path, tables=["operators"])
        figures.draw_layer(axes, figures.layer_of(trace, 0))
        axes.set_title(
            f"{scenario}: {phase['new_tokens']:,} new tokens on {phase['cached_tokens']:,} cached, {phase['ring']}"
        )
    panels[-1].set_xlabel("time since the start of the layer, ms")
    look.legend_below(drawn, look.KINDS.values(), 5)
    return drawn


PICTURES: Dict[str, Callable[[str], Figure]] = {
    "accuracy.png": accuracy.draw,
    "ttft.png": scaling.draw_ttft,
    "pass-kv-pass-q.png": scaling.draw_rings,
    "layer.png": draw_layers,
}


def main(arguments: List[str]) -> int:
    if len(arguments) not in (1, 2):
        print("usage: pictures.py CPSIM [FOLDER]", file=sys.stderr)
        return 2
    cpsim = str(pathlib.Path(arguments[0]).resolve())
    folder = pathlib.Path(arguments[1]) if len(arguments) == 2 else SOURCE / "docs/pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        look.save(draw(cpsim), folder / name)
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
