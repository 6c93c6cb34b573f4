# SPDX-License-Identifier: MIT
"""A run in words and figures, and what changed between two."""
from __future__ import annotations

import textwrap
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import look, scenario, serving, training
from .cpsim_trace import Trace, phases_of
from .figures import run_seconds
from .look import Facts

PARTS = ["gemm", "attention", "memory_kernels", "tp_collective", "ring_exposed", "host", "other"]
SUMS = {  # columns of /phases
    "nvlink_bytes": ("bytes over NVLink", "B"),
    "network_bytes": ("bytes between nodes", "B"),
    "flops": ("work", "FLOP"),
    "energy": ("energy", "J"),
}
LINKS = {"nvlink": "NVLink", "nic": "network card"}


def describe_phases(trace: Trace) -> str:
    """The phases, one line each: sizes and latency; then the parts of the duration as percentages."""
    phases = phases_of(trace)
    if training.is_training(trace):
        phases = phases.drop(columns=["cached_tokens", "ring"])
    names = {"name": "phase", "new_tokens": "new tokens", "cached_tokens": "cached", "ring": "ring", "latency": "latency"}
    shown = [name for name in names if name in phases]
    rows = [[names[name] for name in shown]]
    for row in phases[shown].to_dict("records"):
        text: Dict[str, Callable[[Any], str]]
        text = {"new_tokens": "{:,}".format, "cached_tokens": "{:,}".format, "latency": lambda value: look.quantity(value, "s"),
                "ring": lambda value: str(value).replace("_", "-")}  # fmt: skip
        rows.append([text.get(name, str)(row[name]) for name in shown])
    parts = [part for part in PARTS if part in phases and (phases[part] > 0).any()]
    shares = [["share of time", *(part.replace("_", " ") for part in parts)]]
    for row in phases.to_dict("records"):
        shares.append([row["name"], *(f"{100 * row[part] / row['duration']:.1f} %" if row["duration"] else "-" for part in parts)])
    return "\n".join([*aligned(rows, numbers=True), "", *aligned(shares, numbers=True)])


def totals(trace: Trace) -> Facts:
    """{name: (value, unit)}: what two runs are compared by."""
    facts = {} if training.is_training(trace) else {"simulated time": (run_seconds(trace), "s")}
    phases = phases_of(trace)
    if phases is not None and len(phases):
        for column, (name, unit) in SUMS.items():
            if column in phases:
                facts[name] = (float(phases[column].sum(skipna=False)), unit)
    gpus = trace.get("gpus")
    if gpus is not None and len(gpus):
        facts["GPUs"] = (float(len(gpus)), "")
        memory = [c for c in gpus if c.startswith("memory_") and c != "memory_capacity"]
        facts["memory of the fullest GPU"] = (float(gpus[memory].sum(axis=1).max()), "B")
    links = trace.get("links")
    if links is not None and len(links):
        for kind, own in links.groupby("kind", observed=True):
            facts[f"busiest {LINKS.get(kind, kind)}"] = (100 * float(own["utilisation"].max()), "%")
    return facts | training.facts(trace) | serving.facts(trace)


def fact_text(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.1f} %"
    if unit == "":
        return f"{value:,.0f}" if value == round(value) or value >= 100 else f"{value:.3g}"
    return look.quantity(value, unit)


def title(trace: Trace) -> str:
    return str(scenario.parse(trace.attributes.get("scenario", "")).get("title", "a run of cpsim"))


def summary_text(trace: Trace) -> str:
    lines = [title(trace), ""]
    phases = phases_of(trace)
    if phases is not None and len(phases):
        lines += [describe_phases(trace), ""]
    facts = totals(trace)
    width = max(map(len, facts))
    lines += [f"{name:{width}}  {fact_text(*fact)}" for name, fact in facts.items()]
    return "\n".join(lines)


# --- two runs ---


def changed_settings(first: Trace, second: Trace) -> List[Tuple[str, Any, Any]]:
    """[(key, value in the first, value in the second)] of the two scenarios; None: not there."""
    one, two = (scenario.flat(scenario.parse(trace.attributes.get("scenario", ""))) for trace in (first, second))
    keys = list(one) + [key for key in two if key not in one]
    return [(key, one.get(key), two.get(key)) for key in keys if one.get(key) != two.get(key)]


def change(before: float, after: float) -> str:
    """+12.3 %, or a word where there is no ratio."""
    if before != before or after != after:
        return ""
    if before == after:
        return "="
    return "new" if before == 0 else f"{100 * (after - before) / before:+.1f} %"


def changed_phases(first: Trace, second: Trace) -> List[Tuple[str, float, float, Optional[str], float]]:
    """One row a phase that both have: (name, latency before, after, part that changed most, by s)."""
    one, two = phases_of(first), phases_of(second)
    if one is None or two is None:
        return []
    rows = []
    two = two.drop_duplicates("name").set_index("name")
    for row in one.drop_duplicates("name").to_dict("records"):
        if row["name"] not in two.index:
            continue
        other = two.loc[row["name"]]
        deltas = {part: float(other[part] - row[part]) for part in PARTS if part in row and part in other}
        most = max(deltas, key=lambda part: abs(deltas[part]), default=None)
        by = deltas[most] if most is not None else 0.0
        rows.append((row["name"], row["latency"], float(other["latency"]), most if abs(by) > 1e-12 else None, by))
    return rows


WIDTH = 80  # of a terminal


def aligned(rows: Sequence[Sequence[str]], numbers: bool = False) -> List[str]:
    """Columns, two spaces between, in WIDTH columns: the widest are wrapped. `numbers`: flush right but for the first."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > 12:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for row in rows:
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths)]
        for index in range(max(map(len, cells))):
            words = [cell[index] if index < len(cell) else "" for cell in cells]
            sides = [f"{word:>{width}}" if numbers and at else f"{word:{width}}" for at, (word, width) in enumerate(zip(words, widths))]
            lines.append("  ".join(sides).rstrip())
    return lines


KINDS = {"service": "a service", "training": "a training run", "conversation": "a conversation", "sweep": "a sweep"}


def kind(trace: Trace) -> str:
    if "cpsim_sweep_format" in trace.attributes:
        return "sweep"
    if training.is_training(trace):
        return "training"
    return "service" if "requests" in trace else "conversation"


def why_text(first: Trace, second: Trace) -> List[str]:
    """Which wait of a service's requests grew, and by how much of the difference."""
    rows, waited = serving.why(first, second), (serving.waits(first), serving.waits(second))
    if not rows:
        return []
    before, after = (sum(run[0].values()) if run else 0.0 for run in waited)
    whole = sum(change for *_, change in rows)
    table = [["mean time of a request", "first", "second", "change", "of it"]]
    for name, one, two, change in rows:
        if one or two or abs(change) > 1e-9:
            values = ["" if value is None else look.quantity(value, "s") for value in (one, two)]
            table.append([name, *values, signed(change), f"{100 * change / whole:.0f} %" if abs(whole) > 1e-9 else "-"])
    table.append(["arrival to last token", look.quantity(before, "s"), look.quantity(after, "s"), signed(whole), ""])
    lines = aligned(table, numbers=True)
    name, *_, most = max(rows, key=lambda row: row[-1] * (1 if whole >= 0 else -1))
    if abs(whole) > 1e-3 * before:
        word = "longer" if whole > 0 else "shorter"
        lines += ["", f"A request takes {look.quantity(abs(whole), 's')} {word}, {100 * most / whole:.0f} % of it by {name}."]
    return lines


def signed(seconds: float) -> str:
    if abs(seconds) < 1e-9:
        return "0"
    return f"{'+' if seconds >= 0 else '-'}{look.quantity(abs(seconds), 's')}"


def comparison_text(first: Trace, second: Trace) -> str:
    if kind(first) != kind(second) or kind(first) == "sweep":
        of = f"{KINDS[kind(first)]}, the other of {KINDS[kind(second)]}" if kind(first) != kind(second) else "a sweep, as is the other"
        raise ValueError(f"cannot be compared: the one is of {of}; compare takes two runs of one kind")
    lines = [f"first   {title(first)}", f"second  {title(second)}", ""]
    settings = changed_settings(first, second)
    if settings:
        shown = [["setting", "first", "second"]]
        shown += [[key, *("-" if v is None else str(v) for v in (a, b))] for key, a, b in settings if key != "title"]
        lines += aligned(shown) if len(shown) > 1 else ["the same settings but for the title"]
    else:
        lines.append("the same settings")
    why = why_text(first, second)
    if why:
        lines += ["", *why]
    phases = changed_phases(first, second)
    if phases:
        rows = [["phase", "first", "second", "latency", "most of the change in its time"]]
        for name, before, after, part, delta in phases:
            cause = f"{part} {'+' if delta > 0 else '-'}{look.quantity(abs(delta), 's')}" if part else ""
            rows.append([name, look.quantity(before, "s"), look.quantity(after, "s"), change(before, after), cause])
        lines += ["", *aligned(rows)]
    one, two = totals(first), totals(second)
    rows = [["total", "first", "second", "change"]]
    for name in one:
        if name in two:
            before, after = one[name][0], two[name][0]
            rows.append([name, fact_text(*one[name]), fact_text(*two[name]), change(before, after)])
    return "\n".join([*lines, "", *aligned(rows)])
