# SPDX-License-Identifier: MIT
"""What a report has for who has a question: the same runs as pictures that answer a pointer. Hovering says a point's values, a
drag zooms, the legend filters, a click leads on: from a request to the steps it lived through, from a step or a phase to its
operators, from a point of a sweep or a plan to its scenario and the command that runs it. Drawn by plotly, which Debian's
python3-plotly or PyPI's plotly brings, in the page itself: nothing is fetched. explore.js has what a click does."""
from __future__ import annotations

import base64
import gzip
import json
import pathlib
import re
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy
import pandas

from . import figures as drawn
from . import look, sweep
from .cpsim_trace import Trace, phases_of

Runs = Sequence[Tuple[str, Trace]]  # "run 1: ", or "" of one alone
Drawing = Dict[str, Any]

SCRIPT = pathlib.Path(__file__).with_name("explore.js")
MOST_POINTS = 20000  # of a trace; of more, evenly spread ones
MOST_LINES = 2000  # of parallel axes and fronts: the best by the first figure
MOST_CHANGES = 30


class NoPlotly(ValueError):
    """plotly is not there."""


def library() -> str:
    """plotly.js, packed for a page."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise NoPlotly("pictures that answer need plotly (Debian: python3-plotly; pip install plotly)") from None
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def spread(frame: pandas.DataFrame) -> pandas.DataFrame:
    if len(frame) <= MOST_POINTS:
        return frame
    return frame.iloc[numpy.linspace(0, len(frame) - 1, MOST_POINTS).astype(int)]


def rounded(values: Any) -> List[Optional[float]]:
    """Numbers as short as a screen can show."""
    return [None if not numpy.isfinite(value) else float(f"{value:.6g}") for value in numpy.asarray(values, dtype=float)]


def figure(name: str, heading: str, doc: str, data: List[Dict[str, Any]], **layout: Any) -> Drawing:
    return {"name": name, "heading": heading, "doc": doc, "data": data, "layout": layout}


def axis(title: str, **more: Any) -> Dict[str, Any]:
    return {"title": {"text": title, "standoff": 8}, **more}


# 0.05, 0.1, 0.2: not the 5, 1, 2 that plotly writes at an axis of decades.
DECADES = {"type": "log", "dtick": "D2", "tickformat": "~g"}

# plotly's names of look's hatches, for screens and eyes without colours.
HATCHES = {"//": "/", "\\\\": "\\", "xx": "x", "..": ".", "": ""}


def height_of(rows: int) -> int:
    """Pixels of bars side by side, each with its name."""
    return max(380, 120 + 20 * rows)


def seconds(value: float) -> str:
    return look.quantity(value, "s")


def requests_figure(runs: Runs) -> Optional[Drawing]:
    """Each request as a point: when it came, and how long until its first token."""
    data = []
    for run, trace in runs:
        requests = trace.get("requests")
        if requests is None or requests.empty:
            continue
        answered = requests[requests["first_token"] > requests["arrival"]]
        for kind, own in answered.groupby("class", observed=True) if "class" in answered else [("", answered)]:
            own = spread(own)
            said = [
                f"{run}request {index}{f' of {kind}' if kind else ''}: {row['prompt_tokens']:,} tokens asked, {row['output_tokens']:,} answered"
                f"<br>waited {seconds(row['scheduled'] - row['arrival'])}, first token after {seconds(row['first_token'] - row['arrival'])}, "
                f"all after {seconds(row['last_token'] - row['arrival'])}"
                f"<br>replica {row['replica']}, {row['cached_tokens']:,} tokens cached, put off {row['preemptions']} times"
                for index, row in zip(own.index, own.to_dict("records"))
            ]
            leads = [{"to": "steps", "group": f"{run}{row['replica']}", "span": rounded([row["arrival"], row["first_token"]])}
                     for row in own.to_dict("records")]  # fmt: skip
            data.append({"type": "scatter", "mode": "markers", "name": f"{run}{kind or 'requests'}", "x": rounded(own["arrival"]),
                         "y": rounded(own["first_token"] - own["arrival"]), "text": said, "hoverinfo": "text", "customdata": leads,
                         "marker": {"size": 5}})  # fmt: skip
    return figure("requests", "Requests", "Every request. A click shows the steps between its arrival and its first token.", data,
                  xaxis=axis("arrival, s"), yaxis=axis("TTFT, s", **DECADES)) if data else None  # fmt: skip


def steps_figure(runs: Runs) -> Optional[Drawing]:
    data = []
    for run, trace in runs:
        steps = trace.get("steps")
        if steps is None or steps.empty:
            continue
        for replica, own in steps.groupby("replica"):
            own = spread(own)
            shown = trace["phases"]["name"].astype(str) if "like" in own and not trace.get("phases", pandas.DataFrame()).empty else None
            leads = [{} if shown is None else {"to": "operators", "group": f"{run}{shown[row]}"} for row in own.get("like", [])]
            said = [
                f"{run}replica {replica}, {seconds(row['start'])}: {row['steps']:,} step{'s' if row['steps'] > 1 else ''} in {seconds(row['duration'])}"
                f"<br>{row['decodes']:,} sequences decode, {row['prompts']:,} prompts with {row['prompt_tokens']:,} tokens"
                f"<br>{row['waiting']:,} wait, {row['kv_tokens']:,} tokens in the cache"
                for row in own.to_dict("records")
            ]
            data.append({"type": "scatter", "mode": "markers", "name": f"{run}replica {replica}", "x": rounded(own["start"]),
                         "y": rounded(own["duration"] / own["steps"]), "text": said, "hoverinfo": "text",
                         "meta": {"group": f"{run}{replica}"}, "customdata": leads, "marker": {"size": 4}})  # fmt: skip
    return figure("steps", "Steps", "Every step of every replica, or several alike as one. A click shows its operators.", data,
                  xaxis=axis("time, s"), yaxis=axis("duration of a step, s", **DECADES)) if data else None  # fmt: skip


PARTS = {"gemm": "GEMMs", "attention": "attention", "memory_kernels": "memory kernels", "tp_collective": "collectives",
         "ring_exposed": "ring, exposed", "host": "host", "other": "other"}  # fmt: skip


def phases_figure(runs: Runs) -> Optional[Drawing]:
    rows = [(f"{run}{row['name']}", row) for run, trace in runs if not trace.get("phases", pandas.DataFrame()).empty
            for row in trace["phases"].iloc[drawn.heaviest(trace, 100 if len(phases_of(trace)) else 12)].to_dict("records")
            if "gemm" in row]  # fmt: skip
    data = []
    for part, name in PARTS.items():
        values = [row.get(part, 0.0) for _, row in rows]
        if any(value > 0 for value in values):
            said = [f"{label}: {name} {seconds(value)}, {100 * value / row['duration']:.1f} % of {seconds(row['duration'])}"
                    for (label, row), value in zip(rows, values)]  # fmt: skip
            data.append({"type": "bar", "orientation": "h", "name": name, "y": [label for label, _ in rows], "x": rounded(values), "text": said,
                         "hoverinfo": "text", "textposition": "none", "ink": look.INKS[drawn.PARTS[part][0]],
                         "hatch": HATCHES[drawn.PARTS[part][1]],
                         "customdata": [{"to": "operators", "group": label} for label, _ in rows]})  # fmt: skip
    doc = "Where the time of each phase goes; of a service, of the steps that stand for most of its time. A click shows its operators."
    return figure("phases", "Phases", doc, data, barmode="stack",
                  xaxis=axis("time, s"), yaxis={"autorange": "reversed", "automargin": True}, height=height_of(len(rows))) if data else None  # fmt: skip


INKS_OF_KINDS = {kind: look.INKS[shade] for kind, (shade, _, _) in look.KINDS.items()}  # as in the pictures below


def layer_span(operators: pandas.DataFrame, begun: float) -> List[Optional[float]]:
    """From where to where one layer runs, ms after `begun`: the first of the segment with the most rows."""
    own = operators[operators["segment"] == operators["segment"].mode().iloc[0]]
    own = own[own["layer"] == own["layer"].iloc[0]]
    start, end = 1e3 * float(own["start"].min() - begun), 1e3 * float((own["start"] + own["duration"]).max() - begun)
    return rounded([start - 0.02 * (end - start), end + 0.02 * (end - start)])


OPERATORS_DOC = """What ran on the first rank of one phase, or in one step of a service, one layer of each kind: click a phase or a step
above for another, drag to zoom. A step shows those alike: of as many prompt tokens, sequences and cached tokens, within a factor of two."""


def operators_figure(runs: Runs) -> Optional[Drawing]:
    """The operators of each phase on its first rank: a bar from start to end, a row a stream."""
    data, first = [], ""
    spans: Dict[str, List[Optional[float]]] = {}
    for run, trace in runs:
        operators, phases = trace.get("operators"), trace.get("phases")
        if operators is None or operators.empty or phases is None or phases.empty:
            continue
        operators = operators[operators["rank"] == operators["rank"].min()]
        first = first or f"{run}{phases['name'].iloc[drawn.heaviest(trace, 1)[0]]}"
        for phase, own in operators.groupby("phase"):
            label = f"{run}{phases['name'].iloc[int(phase)]}"
            own, begun = spread(own), float(own["start"].min())
            span = layer_span(own, begun)
            spans.setdefault(label, span)
            for kind, some in own.groupby("kind", observed=True):
                said = [f"{label}, {row['segment']} layer {row['layer']}: {row['name']}<br>{seconds(row['duration'])} from {seconds(row['start'])}, "
                        f"bound by {row['bound']}<br>{look.quantity(row['flops'], 'FLOP')}, {look.quantity(row['bytes'], 'B')}"
                        for row in some.to_dict("records")]  # fmt: skip
                data.append({"type": "bar", "orientation": "h", "name": str(kind), "ink": INKS_OF_KINDS.get(str(kind), "green"),
                             "hatch": HATCHES[look.KINDS[str(kind)][1]] if str(kind) in look.KINDS else "",
                             "base": rounded(1e3 * (some["start"] - begun)), "x": rounded(1e3 * some["duration"]),
                             "y": [str(stream) for stream in some["stream"]], "text": said, "hoverinfo": "text", "textposition": "none",
                             "meta": {"group": label, "span": span}, "visible": label == first})  # fmt: skip
    return figure("operators", "Operators", OPERATORS_DOC, data, barmode="overlay",
                  xaxis=axis("time since it began, ms", range=spans.get(first)),
                  yaxis={"automargin": True}) if data else None  # fmt: skip


def dimension(trace: Trace, points: pandas.DataFrame, name: str) -> Optional[Dict[str, Any]]:
    """An axis of a parameter or figure; names in alphabetical order. None: all points have the same."""
    values, label = points[name], sweep.name_of(trace, name).rsplit(".", 1)[-1].replace("_", " ")
    if values.notna().sum() == 0 or values.nunique() < 2:
        return None
    if values.dtype.kind in "iufb":
        return {"label": label, "values": rounded(values)}
    names = sorted(map(str, values.unique()))
    return {"label": label, "values": [names.index(str(value)) for value in values],
            "tickvals": list(range(len(names))), "ticktext": names}  # fmt: skip


def point_of(trace: Trace, row: Dict[str, Any], shown: Sequence[str]) -> Dict[str, str]:
    """What a click on a point says: its parameters and figures, the command that runs it, its scenario."""
    keys = [f"{key} = {sweep.written(trace, key, row[key])}" for key in sweep.independent(trace)]
    words = [f"{sweep.name_of(trace, name)}: {sweep.value_text(trace, name, row[name])}" for name in shown]
    return {"text": "; ".join([*keys, *words]), "command": sweep.command(trace, row), "scenario": sweep.point_scenario(trace, row)}


def points_figures(trace: Trace) -> List[Drawing]:
    """A sweep or a plan: every point as a line over its parameters and figures, and as a point of two figures."""
    keys, metrics = sweep.independent(trace), sweep.metrics(trace)
    if not metrics:
        return []
    points = sweep.done(trace).sort_values(metrics[0], ascending=not sweep.more_is_better(metrics[0])).head(MOST_LINES).reset_index(drop=True)
    made = []
    axes = [found for found in (dimension(trace, points, name) for name in [*keys, *metrics[:6]]) if found is not None]
    rows = [point_of(trace, row, metrics[:3]) for row in points.to_dict("records")]
    if len(axes) > 1:
        doc = (f"Every point that ran is a line{f' ({MOST_LINES:,} of them, the best)' if len(points) == MOST_LINES else ''}. Drag along an axis to "
               "keep those that cross there; below stands the best of them.")  # fmt: skip
        made.append({**figure("axes", "Parallel axes", doc, [{"type": "parcoords", "labelangle": -20, "dimensions": axes}]), "rows": rows})
    pair = sweep.pareto_metrics(trace)
    if pair is not None:
        first, second = pair
        some = points.dropna(subset=list(pair))
        best, own_load = pandas.Series(False, index=some.index), sweep.contests(trace, some)
        for _, alike in own_load:  # a shorter prompt beats no longer one
            best[alike.index] = sweep.front(alike, first, second)
        beaten = "nothing is better in both" if len(own_load) == 1 else "nothing of the same workload is better in both"
        data = []
        joined = "lines+markers" if len(own_load) == 1 else "markers"
        for name, mode, own, ink in (("others", "markers", some[~best], "grey"), (beaten, joined, some[best].sort_values(first), "red")):
            leads = [point_of(trace, row, pair) for row in own.to_dict("records")]
            data.append({"type": "scatter", "mode": mode, "name": name, "x": rounded(own[first]),
                         "y": rounded(own[second]), "text": [lead["text"].replace("; ", "<br>") for lead in leads], "hoverinfo": "text",
                         "customdata": leads, "line": {"shape": "hv", "dash": "dot", "width": 1}, "ink": ink,
                         "marker": {"size": 6 if name == "others" else 10}})  # fmt: skip
        made.append(figure("front", "Pareto front", "Two figures of every point. A click gives its scenario and the command that runs it.", data,
                           xaxis=axis(sweep.label(trace, first)), yaxis=axis(sweep.label(trace, second))))  # fmt: skip
    return made


def changes_figure(traces: Sequence[Trace]) -> Optional[Drawing]:
    """Of two runs: the figures that both have and that differ, by how much of the first's value."""
    one, two = (trace.attributes for trace in traces)
    found = []
    for name in one:
        values = [run.get(name) for run in (one, two)]
        if name != "seed" and not re.search(r"_(low|high)_", name) and all(isinstance(value, (int, float, numpy.number)) for value in values):
            before, after = float(values[0]), float(values[1])  # type: ignore[arg-type]
            if before == before and after == after and before != 0 and before != after:
                found.append((after / before - 1, name, before, after))
    if not found:
        return None
    found = sorted(found, key=lambda row: -abs(row[0]))[:MOST_CHANGES]
    said = [f"{name}: {before:.6g} in run 1, {after:.6g} in run 2, {100 * share:+.1f} %" for share, name, before, after in found]
    data = [{"type": "bar", "orientation": "h", "name": "change", "x": rounded([100 * row[0] for row in found]), "y": [row[1] for row in found],
             "text": said, "hoverinfo": "text", "textposition": "none"}]  # fmt: skip
    return figure("changes", "What changed", "Figures of both runs that differ most, as a share of the first's.", data,
                  xaxis=axis("change, %"), yaxis={"autorange": "reversed", "automargin": True},
                  height=height_of(len(found)))  # fmt: skip


def figures(traces: Sequence[Trace]) -> List[Drawing]:
    if len(traces) == 1 and sweep.is_sweep(traces[0]):
        return points_figures(traces[0])
    runs = [(f"run {number}: " if len(traces) > 1 else "", trace) for number, trace in enumerate(traces, 1)]
    made = [draw(runs) for draw in (requests_figure, steps_figure, phases_figure, operators_figure)]
    made = [changes_figure(traces) if len(traces) == 2 else None, *made]
    return [one for one in made if one is not None]


def section(traces: Sequence[Trace]) -> str:
    """The part of a page with them; "" where there is nothing to ask."""
    made = figures(traces)
    if not made:
        return ""
    packed = library()
    body = '<h2 id="explore">Explore</h2>\n<noscript><style>.answers { display: none; }</style>\n<p>Without scripts: the pictures below.</p></noscript>\n'
    body += '<div class="answers">\n'
    for one in made:
        body += (f'<h3>{one["heading"]}</h3>\n<p>{one["doc"]}</p>\n<div class="explore" id="explore-{one["name"]}"></div>\n'
                 f'<p class="said" id="said-{one["name"]}" role="status"></p>\n')  # fmt: skip
    body += "</div>\n"
    told = {one["name"]: {key: one[key] for key in ("data", "layout", "rows") if key in one} for one in made}
    data = json.dumps(told, separators=(",", ":")).replace("<", "\\u003c")
    body += f'<script type="application/json" id="explore-data">{data}</script>\n'
    body += f'<script type="text/plain" id="explore-library">{packed}</script>\n'
    return body + f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script>\n"
