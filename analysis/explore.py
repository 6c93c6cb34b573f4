# SPDX-License-Identifier: MIT
"""What a report has for who has a question: the same runs as pictures that answer a pointer. Hovering says a point's values, a
drag zooms, the legend filters, a click leads on: from a request to the steps it lived through, from a phase to its operators,
from a point of a sweep to the command that runs it. Drawn by plotly, which Debian's python3-plotly or PyPI's plotly brings, in
the page itself: nothing is fetched. explore.js has what a click does."""
import base64
import gzip
import json
import pathlib
import re

import numpy
import pandas

from . import look, sweep

SCRIPT = pathlib.Path(__file__).with_name("explore.js")
MOST_POINTS = 20000  # of a trace; of more, evenly spread ones


class NoPlotly(ValueError):
    """plotly is not there."""


def library():
    """plotly.js, packed for a page."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise NoPlotly("pictures that answer need plotly (Debian: python3-plotly; pip install plotly)") from None
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def spread(frame):
    if len(frame) <= MOST_POINTS:
        return frame
    return frame.iloc[numpy.linspace(0, len(frame) - 1, MOST_POINTS).astype(int)]


def rounded(values):
    """Numbers as short as a screen can show."""
    return [None if not numpy.isfinite(value) else float(f"{value:.6g}") for value in numpy.asarray(values, dtype=float)]


def figure(name, heading, doc, data, **layout):
    return {"name": name, "heading": heading, "doc": doc, "data": data, "layout": layout}


def axis(title, **more):
    return {"title": {"text": title}, **more}


def seconds(value):
    return look.quantity(value, "s")


def requests_figure(runs):
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
                  xaxis=axis("arrival, s"), yaxis=axis("TTFT, s", type="log")) if data else None  # fmt: skip


def steps_figure(runs):
    data = []
    for run, trace in runs:
        steps = trace.get("steps")
        if steps is None or steps.empty:
            continue
        for replica, own in steps.groupby("replica"):
            own = spread(own)
            said = [
                f"{run}replica {replica}, {seconds(row['start'])}: {row['steps']:,} step{'s' if row['steps'] > 1 else ''} in {seconds(row['duration'])}"
                f"<br>{row['decodes']:,} sequences decode, {row['prompts']:,} prompts with {row['prompt_tokens']:,} tokens"
                f"<br>{row['waiting']:,} wait, {row['kv_tokens']:,} tokens in the cache"
                for row in own.to_dict("records")
            ]
            data.append({"type": "scatter", "mode": "markers", "name": f"{run}replica {replica}", "x": rounded(own["start"]),
                         "y": rounded(own["duration"] / own["steps"]), "text": said, "hoverinfo": "text",
                         "meta": {"group": f"{run}{replica}"}, "marker": {"size": 4}})  # fmt: skip
    return figure("steps", "Steps", "Every step of every replica, or several alike as one.", data,
                  xaxis=axis("time, s"), yaxis=axis("duration of a step, s", type="log")) if data else None  # fmt: skip


PARTS = {"gemm": "GEMMs", "attention": "attention", "memory_kernels": "memory kernels", "tp_collective": "collectives",
         "ring_exposed": "ring, exposed", "host": "host", "other": "other"}  # fmt: skip


def phases_figure(runs):
    rows = [(f"{run}{row['name']}", row) for run, trace in runs for row in trace.get("phases", pandas.DataFrame()).head(100).to_dict("records")
            if "gemm" in row]  # fmt: skip
    data = []
    for part, name in PARTS.items():
        values = [row.get(part, 0.0) for _, row in rows]
        if any(value > 0 for value in values):
            said = [f"{label}: {name} {seconds(value)}, {100 * value / row['duration']:.1f} % of {seconds(row['duration'])}"
                    for (label, row), value in zip(rows, values)]  # fmt: skip
            data.append({"type": "bar", "orientation": "h", "name": name, "y": [label for label, _ in rows], "x": rounded(values), "text": said,
                         "hoverinfo": "text", "textposition": "none", "customdata": [{"to": "operators", "group": label} for label, _ in rows]})  # fmt: skip
    return figure("phases", "Phases", "Where the time of each phase goes. A click shows its operators.", data, barmode="stack",
                  xaxis=axis("s"), yaxis={"autorange": "reversed", "automargin": True}) if data else None  # fmt: skip


def operators_figure(runs):
    """The operators of each phase on its first rank: a bar from start to end, a row a stream."""
    data, first = [], None
    for run, trace in runs:
        operators, phases = trace.get("operators"), trace.get("phases")
        if operators is None or operators.empty or phases is None or phases.empty:
            continue
        operators = operators[operators["rank"] == operators["rank"].min()]
        for phase, own in operators.groupby("phase"):
            label = f"{run}{phases['name'].iloc[int(phase)]}"
            first = first or label
            for kind, some in spread(own).groupby("kind", observed=True):
                said = [f"{label}, {row['segment']} layer {row['layer']}: {row['name']}<br>{seconds(row['duration'])} from {seconds(row['start'])}, "
                        f"bound by {row['bound']}<br>{look.quantity(row['flops'], 'FLOP')}, {look.quantity(row['bytes'], 'B')}"
                        for row in some.to_dict("records")]  # fmt: skip
                data.append({"type": "bar", "orientation": "h", "name": str(kind), "base": rounded(some["start"]), "x": rounded(some["duration"]),
                             "y": [str(stream) for stream in some["stream"]], "text": said, "hoverinfo": "text", "textposition": "none",
                             "meta": {"group": label}, "visible": label == first})  # fmt: skip
    return figure("operators", "Operators", "What ran on the first rank of one phase: click a phase above for another, drag to zoom.", data,
                  barmode="overlay", xaxis=axis("s"), yaxis={"automargin": True}) if data else None  # fmt: skip


def command(trace, row):
    """The command that runs a point of a sweep alone."""
    changes = " ".join(f"--set '{key}={row[key]}'" for key in sweep.parameters(trace))
    base = re.search(r'(?:^|[{,])\s*"?base"?\s*:\s*"?([^",}#\n]+)', trace.attributes.get("sweep", ""), re.MULTILINE)
    return f"cpsim {base[1].strip() if base else 'BASE.yaml'} {changes}"


def points_figures(trace):
    """A sweep: every point as a line over its parameters and figures, and as a point of two figures."""
    points = sweep.done(trace)
    keys, metrics = sweep.independent(trace), sweep.metrics(trace)
    made = []
    dimensions = []
    for name in [*keys, *metrics[:6]]:
        values = points[name]
        if values.dtype.kind in "iufb":
            if values.notna().any() and values.nunique() > 1:
                dimensions.append({"label": sweep.name_of(trace, name), "values": rounded(values)})
        elif values.nunique() > 1:
            names = sorted(map(str, values.unique()))
            dimensions.append({"label": sweep.name_of(trace, name), "values": [names.index(str(value)) for value in values],
                               "tickvals": list(range(len(names))), "ticktext": names})  # fmt: skip
    if len(dimensions) > 1:
        made.append(figure("axes", "Parallel axes", "Every point that ran is a line. Drag along an axis to keep those that cross there.",
                           [{"type": "parcoords", "dimensions": dimensions}]))  # fmt: skip
    pair = sweep.pareto_metrics(trace)
    if pair is not None:
        first, second = pair
        some = points.dropna(subset=list(pair))
        best = sweep.front(some, first, second)
        data = []
        for name, own in (("nothing is better in both", some[best]), ("points", some[~best])):
            rows = own.to_dict("records")
            said = [
                "<br>".join([*(f"{key} = {row[key]}" for key in keys),
                             *(f"{sweep.name_of(trace, metric)}: {sweep.value_text(trace, metric, row[metric])}" for metric in pair)])
                for row in rows
            ]  # fmt: skip
            data.append({"type": "scatter", "mode": "markers", "name": name, "x": rounded(own[first]), "y": rounded(own[second]), "text": said,
                         "hoverinfo": "text", "customdata": [{"command": command(trace, row)} for row in rows], "marker": {"size": 8}})  # fmt: skip
        made.append(figure("front", "Pareto front", "Two figures of every point. A click gives the command that runs it.", data,
                           xaxis=axis(sweep.label(trace, first)), yaxis=axis(sweep.label(trace, second))))  # fmt: skip
    return made


def figures(traces):
    if len(traces) == 1 and sweep.is_sweep(traces[0]):
        return points_figures(traces[0])
    runs = [(f"run {number}: " if len(traces) > 1 else "", trace) for number, trace in enumerate(traces, 1)]
    drawn = [draw(runs) for draw in (requests_figure, steps_figure, phases_figure, operators_figure)]
    return [one for one in drawn if one is not None]


def section(traces):
    """The part of a page with them; "" where there is nothing to ask."""
    made = figures(traces)
    if not made:
        return ""
    packed = library()
    body = '<h2 id="explore">Explore</h2>\n<noscript><p>Without scripts: the pictures below.</p></noscript>\n'
    for one in made:
        body += (f'<h3>{one["heading"]}</h3>\n<p>{one["doc"]}</p>\n<div class="explore" id="explore-{one["name"]}"></div>\n'
                 f'<p class="said" id="said-{one["name"]}" role="status"></p>\n')  # fmt: skip
    data = json.dumps({one["name"]: {"data": one["data"], "layout": one["layout"]} for one in made}, separators=(",", ":")).replace("<", "\\u003c")
    body += f'<script type="application/json" id="explore-data">{data}</script>\n'
    body += f'<script type="text/plain" id="explore-library">{packed}</script>\n'
    return body + f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script>\n"
