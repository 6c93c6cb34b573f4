# SPDX-License-Identifier: MIT
"""How pictures look: few shades that keep their order in grey, a hatch or dash where neighbours
would be alike, axes with units, nothing else."""
from __future__ import annotations

import io
import re
from typing import Any, Dict, Iterable, Sequence, Tuple

import matplotlib
import numpy

matplotlib.use("Agg")
from matplotlib import patches, pyplot, ticker, transforms  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from . import output  # noqa: E402

Style = Tuple[str, str, str]  # shade, hatch, what the legend says
Facts = Dict[str, Tuple[float, str]]  # name: value, unit

# Dark to light, so that the order survives in grey; every curve has its own dashes and marker too.
SHADES = ["#000000", "#1b4f8a", "#b5432a", "#2e8b57", "#b8860b"]
DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
MARKERS = ["o", "s", "^", "D", "v"]

KINDS = {  # of operators: shade, hatch, what the legend says
    "gemm": ("#1b4f8a", "", "GEMMs"),
    "attention": ("#d98c3f", "//", "attention"),
    "memory": ("#bcd4ea", "", "norms, activations, copies"),
    "host": ("#ffffff", "", "waits for its host"),
    "collective": ("#5a5a5a", "\\\\", "communication"),
}

# What a page on a dark screen replaces; report.css gives the variables their values.
INKS = {
    "#000000": "ink", "#444444": "ink-soft", "#888888": "ink-soft", "#dddddd": "grid", "#ffffff": "paper",
    "#1b4f8a": "blue", "#b5432a": "red", "#2e8b57": "green", "#b8860b": "gold", "#d98c3f": "orange",
    "#bcd4ea": "pale", "#5a5a5a": "grey",
}  # fmt: skip

WIDE, NARROW = 7.2, 3.5  # inches: a page, a phone

pyplot.rcParams.update(
    {
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.grid": True,
        "grid.color": "#dddddd",
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.dpi": 110,
        "hatch.linewidth": 0.5,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "svg.fonttype": "none",
        "svg.hashsalt": "cpsim",
    }
)


def bar_style(shade: str, hatch: str = "") -> Dict[str, Any]:
    return {"facecolor": shade, "hatch": hatch, "edgecolor": "#000000", "linewidth": 0.4}


def legend_below(drawn: Figure, entries: Iterable[Style], columns: int) -> None:
    """Under the axes, in room made for it. `entries`: (shade, hatch, label)."""
    handles = [patches.Patch(**bar_style(shade, hatch), label=label) for shade, hatch, label in entries]
    share = (0.2 * -(-len(handles) // columns) + 0.05) / drawn.get_size_inches()[1]
    drawn.get_layout_engine().set(rect=(0, share, 1, 1 - share))
    drawn.legend(handles=handles, loc="lower center", ncol=columns, fontsize=7.5)


def legend_under(drawn: Figure, axes: Axes, columns: int) -> None:
    """The legend of `axes` under the figure, off the data, in room made for it."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    share = (0.2 * -(-len(handles) // columns) + 0.05) / drawn.get_size_inches()[1]
    drawn.get_layout_engine().set(rect=(0, share, 1, 1 - share))
    drawn.legend(handles=handles, labels=labels, loc="lower center", ncol=columns, fontsize=7.5)


def figure(width: float, height: float, rows: int = 1, **options: Any) -> Tuple[Figure, Any]:
    drawn, axes = pyplot.subplots(rows, 1, figsize=(width, height), layout="constrained", **options)
    return drawn, axes


def save(drawn: Figure, path: output.Path) -> None:
    """To PNG, SVG or PDF, by the name. The same figure gives the same bytes."""
    suffix = str(path).rsplit(".", 1)[-1].lower()
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    output.write(path, lambda part: drawn.savefig(part, metadata=metadata.get(suffix)))
    pyplot.close(drawn)


def inline_svg(drawn: Figure, prefix: str, label: str) -> str:
    """An <svg> for a page: its colours are the page's variables, its ids its own, its text text."""
    stream = io.StringIO()
    drawn.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    pyplot.close(drawn)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', rf'<svg viewBox="\1" role="img" aria-label="{label}">', text, count=1)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    for shade, name in INKS.items():
        text = text.replace(shade, f"var(--{name})")
    # Text has no colour of its own in matplotlib's SVG: black by default.
    return text.replace("<text ", '<text fill="var(--ink)" ')


# --- numbers for people ---


def logarithmic(axes: Axes, which: str) -> None:
    """Makes the x or y axis logarithmic, with 1, 2, 5 of each decade as plain text."""
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 300 * low else (1,)
    axis.set_major_locator(ticker.LogLocator(subs=subs))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_formatter(ticker.NullFormatter())


def plain(value: float) -> str:
    """A tick of a logarithmic axis as text, not as a formula that a page cannot colour."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def engineering(axes: Axes, which: str) -> None:
    """Ticks of large numbers with a prefix, 5M, in place of 5 and a 1e6 at the axis' end."""
    axis = getattr(axes, f"{which}axis")
    if max(map(abs, axis.get_view_interval())) >= 1e4:
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: prefixed(value)))


def whole(axes: Axes, which: str) -> None:
    """Ticks of what is counted: no 2.5 sequences."""
    getattr(axes, f"{which}axis").set_major_locator(ticker.MaxNLocator(integer=True))


def prefixed(value: float) -> str:
    """12500000 is 12.5M."""
    for scale, prefix in _STEPS:
        if abs(value) >= scale:
            return f"{value / scale:g}{prefix}"
    return f"{value:g}"


# Where the text of a point may stand, in points from it: the first that is free is taken.
_PLACES = [(5, 4, "left", "bottom"), (5, -4, "left", "top"), (-5, 4, "right", "bottom"), (-5, -4, "right", "top"),
           (0, 7, "center", "bottom"), (0, -7, "center", "top"), (5, -15, "left", "top"), (5, 15, "left", "bottom"),
           (-5, -15, "right", "top"), (-5, 15, "right", "bottom"), (0, -18, "center", "top"), (0, 18, "center", "bottom")]  # fmt: skip


def line_points(axes: Axes) -> Any:
    """The lines of `axes` as points in pixels, one every two, and its markers: [n, 2]."""
    found = [numpy.empty((0, 2))]
    for line in axes.lines:
        corners = line.get_transform().transform(line.get_xydata())
        found.append(corners[numpy.isfinite(corners).all(axis=1)])
        if line.get_linestyle() not in ("None", "none", "", " "):
            for start, end in zip(corners[:-1], corners[1:]):
                count = min(2000, 1 + int(numpy.hypot(*(end - start)) / 2)) if numpy.isfinite([start, end]).all() else 0
                found.append(start + numpy.linspace(0, 1, count)[:, None] * (end - start))
    return numpy.concatenate(found)


def crosses(box: transforms.Bbox, points: Any) -> bool:
    return bool(((points > box.min) & (points < box.max)).all(axis=1).any())


def annotate_apart(axes: Axes, points: Sequence[Tuple[float, float, str]], fontsize: float = 6.5,
                   places: Sequence[Tuple[float, float, str, str]] = tuple(_PLACES)) -> None:
    """Writes beside each (x, y, text) where nothing else that it wrote stands, not over the y axis, off
    the lines and markers where there is such a place, on the page's own ground where there is none; a text
    without room is left out. Call it last: it needs to know where the axes end up."""
    drawn = axes.figure
    drawn.draw_without_rendering()
    taken = [text.get_window_extent() for text in axes.texts]
    for other in drawn.axes:
        taken += [text.get_window_extent() for text in (other.title, other._left_title, other.xaxis.label) if text.get_text()]
    lines = line_points(axes)
    legend = axes.get_legend()
    if legend is not None:
        taken.append(legend.get_window_extent())
    room = drawn.bbox
    for x, y, _ in points:
        place = axes.transData.transform((x, y))
        taken.append(transforms.Bbox([place - 2.5, place + 2.5]))
    for x, y, text in points:
        tries = [(place, apart) for apart in (True, False) for place in places]
        for (dx, dy, side, height), apart in tries:
            note = axes.annotate(text, (x, y), xytext=(dx, dy), textcoords="offset points", ha=side, va=height, fontsize=fontsize,
                                 bbox=None if apart else {"facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.75, "pad": 0.3})  # fmt: skip
            note.set_in_layout(False)
            box = note.get_window_extent().padded(1.5)  # another font is a little wider
            inside = box.x0 >= axes.bbox.x0 and box.x1 <= room.x1 and box.y0 >= room.y0 and box.y1 <= room.y1
            on_line = crosses(box, lines) or box.y0 < axes.bbox.y0  # the x axis is a line too
            if inside and not any(box.overlaps(other) for other in taken) and not (apart and on_line):
                taken.append(box)
                break
            note.remove()


_STEPS = [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")]


def quantity(value: float, unit: str) -> str:
    """Three digits and a unit: 0.0123 s is 12.3 ms."""
    if value != value:
        return "not modelled"
    small = [(1e-3, "m"), (1e-6, "u")] if unit == "s" else []
    steps = [(1, "")] + small if unit == "s" else _STEPS
    if value == 0:
        return f"0 {unit}"
    for scale, prefix in steps:
        if abs(value) >= scale or (scale, prefix) == steps[-1]:
            scaled = value / scale
            digits = max(0, 2 - len(str(int(abs(scaled)))) + 1)
            if float(f"{scaled:.{digits}f}") == 0:
                return f"0 {unit}"
            return f"{scaled:,.{digits}f} {prefix}{unit}"
    return f"{value:g} {unit}"


def percent(share: float) -> str:
    return "-" if share != share else f"{100 * share:.1f} %"
