# SPDX-License-Identifier: MIT
"""A run, several runs or a sweep as one HTML page: no network, no script; pictures are SVG in the
page, once for a wide screen and once for a phone, in the page's colours, dark or light."""
from __future__ import annotations

import html
import pathlib
import re
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from matplotlib.figure import Figure

from . import explore, figures, look, plans, scenario, serving, side_by_side, summary, sweep, training
from .cpsim_trace import Trace, phases_of

CSS = pathlib.Path(__file__).with_name("report.css")

Pictures = Sequence[Tuple[str, str, str, Callable[..., Optional[Figure]]]]
PICTURES: Pictures = [  # id, heading, caption, what draws it
    ("latency", "Latency", "Share of the measured requests that took at most so long.", serving.draw_latency),
    ("load", "Load over time", "Means over stretches of the run.", serving.draw_load),
    ("batch", "Batches", "How many sequences the steps had, by the time they took.", serving.draw_batch),
    ("schedule", "Schedule", "Every pass of every micro-batch through the stages of the first pipeline.", training.draw_schedule),
    ("stages", "Stages", "What each stage does with the step.", training.draw_stages),
    ("stage-memory", "Memory", "One GPU of each stage at its fullest.", training.draw_memory),
    ("time", "Where the time goes", "Each phase's time, split by what the GPU's user waits for.", figures.draw_phases),
    ("timeline", "Timeline", "One layer of each phase on its first rank, of training forward and backward; the streams overlap.", figures.draw_timeline),
    ("roofline", "Roofline", "Each kernel's rate against what the GPU's memory and matrix units allow. Far under the "
     "line: waits for its launch, or is too small to fill the GPU.", figures.draw_roofline),
    ("utilisation", "Utilisation", "Time in kernels and communication, hidden or not, so the two may pass 100 % together.",
     figures.draw_utilisation),
    ("memory", "Memory", "Each GPU at its fullest.", lambda trace, width: None if training.is_training(trace) else (
        figures.draw_memory(trace, width))),
    ("links", "Links", "Mean use over the run, the busiest link first.", figures.draw_links),
    ("link-series", "Links over time", "Mean rate out of GPUs in stretches of the run.", figures.draw_link_series),
]  # fmt: skip


def escape(value: Any) -> str:
    return html.escape(str(value), quote=True)


def path_text(text: str) -> str:
    """A setting's path, which may break after its dots and underscores."""
    return escape(text).replace(".", ".<wbr>").replace("_", "_<wbr>")


def table(rows: Sequence[Sequence[Any]], classes: str = "") -> str:
    """The first row is the head; of a table of words, the first column holds settings' paths."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    first = path_text if classes == "words" else escape
    body = "".join(f"<tr><td>{first(row[0])}</td>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>\n" for row in rows[1:])
    return f'<div class="scroll"><table class="{classes}"><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def picture(trace: Any, prefix: str, name: str, caption: str, draw: Callable[..., Optional[Figure]]) -> str:
    """A <figure>, or "" when there is nothing to draw."""
    versions = []
    for kind, width in (("wide", look.WIDE), ("narrow", look.NARROW)):
        drawn = draw(trace, width)
        if drawn is None:
            return ""
        versions.append(f'<div class="{kind}">{look.inline_svg(drawn, f"{prefix}{name}-{kind}", escape(caption))}</div>')
    return f'<figure>{"".join(versions)}<figcaption>{escape(caption)}</figcaption></figure>\n'


def subtitle(settings: Dict[str, Any], trace: Trace) -> str:
    def name(key: str) -> Any:
        value = settings.get(key)
        return value.get("title") or value.get("name") if isinstance(value, dict) else value

    parts = [name("model"), name("gpu"), name("cluster"), name("software")]
    all_there = len(trace.get("gpus", [])) > 0 and not training.is_training(trace)  # which has one of each stage
    used = len(trace["gpus"]) if all_there else serving.gpus(trace)
    count = f"{used:,} GPU{'s' if used > 1 else ''}"
    return " · ".join(str(part) for part in [count, *parts] if part)


def facts(trace: Trace) -> str:
    items = [(str(row["name"]), row["latency"], row["kind"]) for row in trace["phases"].head(6).to_dict("records")] if (
        "phases" in trace and "latency" in trace["phases"]) else []  # fmt: skip
    names = {"prefill": "TTFT", "decode": "TPOT"}
    cells = [(f"{names[kind]}, {name}", look.quantity(value, "s")) for name, value, kind in items if kind in names]
    totals = summary.totals(trace)
    own = {serving.quantile_name(label, share) for label in serving.LATENCIES.values() for share in serving.QUANTILES}
    cells += [(name, summary.fact_text(*fact)) for name, fact in totals.items() if name not in own]
    text = "<dl>" + "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>\n" for k, v in cells) + "</dl>\n"
    return text + (latency_table(totals) if own & set(totals) else "")


def latency_table(totals: look.Facts) -> str:
    rows = [["latency", *(f"p{100 * share:g}" for share in serving.QUANTILES)]]
    for label in serving.LATENCIES.values():
        rows.append([label, *(summary.fact_text(*totals[serving.quantile_name(label, share)]) for share in serving.QUANTILES)])
    return table(rows)


def phase_table(trace: Trace) -> str:
    phases = phases_of(trace)
    if phases is None or phases.empty or "latency" not in phases or training.is_training(trace):
        return ""
    rows = [["phase", "new", "cached", "ring", "start", "duration", "latency", "MFU", "NVLink", "network", "energy"]]
    for row in phases.head(200).to_dict("records"):
        rows.append([
            row["name"], f"{row['new_tokens']:,}", f"{row['cached_tokens']:,}", str(row["ring"]).replace("_", "-"),
            look.quantity(row["start"], "s"), look.quantity(row["duration"], "s"), look.quantity(row["latency"], "s"),
            look.percent(row["mfu"]), look.quantity(row["nvlink_bytes"], "B"), look.quantity(row["network_bytes"], "B"),
            look.quantity(row["energy"], "J"),
        ])  # fmt: skip
    return table(rows)


def written(value: Any) -> str:
    """A setting's value as a scenario has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


UNSAID = ("auto", "none", None)  # settings that leave a thing as it is: in the whole scenario below


def configuration(trace: Trace, settings: Dict[str, Any], prefix: str) -> str:
    text = trace.attributes.get("scenario", "")
    rows = []
    for key in ("layout", "precision", "attention", "workload", "detail", "memory"):
        if key in settings:
            rows += [(path, value) for path, value in scenario.flat(settings[key], key).items() if value not in UNSAID]
    cells = "".join(f"<div><dt>{path_text(path)}</dt><dd>{escape(written(value))}</dd></div>\n" for path, value in rows)
    return (
        f'<h2 id="{prefix}configuration">Configuration</h2>\n<dl class="settings">{cells}</dl>\n'
        f"<details><summary>The whole scenario, as it was understood</summary><pre>{escape(text)}</pre></details>\n"
    )


EXPLORE = '<a href="#explore">Explore</a>\n'


def run_section(trace: Trace, prefix: str, asked: str = "") -> str:
    """The body of one run; `asked` are pictures that answer, which come first."""
    settings = scenario.parse(trace.attributes.get("scenario", ""))
    sections = [("summary", "Summary", facts(trace) + phase_table(trace))]
    for name, heading, caption, draw in PICTURES:
        drawn = picture(trace, prefix, name, caption, draw)
        if drawn:
            sections.append((name, heading, drawn))
    body = f"<p>{escape(subtitle(settings, trace))}</p>\n"
    links = EXPLORE if asked else ""
    links += "".join(f'<a href="#{prefix}{name}">{escape(heading)}</a>\n' for name, heading, _ in sections)
    links += f'<a href="#{prefix}configuration">Configuration</a>'
    body += f"<nav>{links}</nav>\n{asked}"
    body += "".join(f'<h2 id="{prefix}{name}">{escape(heading)}</h2>\n{text}' for name, heading, text in sections)
    return body + configuration(trace, settings, prefix)


def comparison(traces: Sequence[Trace]) -> str:
    """Runs side by side: the settings that differ, then the totals."""
    flats = [scenario.flat(scenario.parse(trace.attributes.get("scenario", ""))) for trace in traces]
    keys = list(dict.fromkeys(key for flat in flats for key in flat))
    differing = [key for key in keys if len({str(flat.get(key)) for flat in flats}) > 1]
    names = [f"run {number}" for number in range(1, len(traces) + 1)]
    rows = [["setting", *names]] + [[key, *(written(flat.get(key, "-")) for flat in flats)] for key in differing]
    totals = [summary.totals(trace) for trace in traces]
    shared = [name for name in totals[0] if all(name in own for own in totals)]
    two = len(traces) == 2  # of which one can say what changed
    values = [["total", *names, *(["change"] if two else [])]]
    for name in shared:
        changed = [summary.change(totals[0][name][0], totals[1][name][0])] if two else []
        values.append([name, *(summary.fact_text(*own[name]) for own in totals), *changed])
    return f"<h2>Side by side</h2>\n{table(rows, 'words')}{table(values)}"


def document(heading: str, body: str, trace: Trace) -> str:
    known = trace.attributes.get("cpsim_version")
    versions = f"cpsim {known}, git {trace.attributes.get('git_revision', '')}" if known else "a plan of cpsim"
    if "simgrid_version" in trace.attributes:
        versions += f", SimGrid {trace.attributes['simgrid_version']}, trace format {trace.attributes['cpsim_format']}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(heading)}</title>\n'
        f"<style>\n{CSS.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<h1>{escape(heading)}</h1>\n{body}"
        f"<p>{escape(versions)}</p>\n</body>\n</html>\n"
    )


SWEEP_PICTURES: Pictures = [
    ("effect", "What the parameters do", "The first metric against the parameter with the most values.", sweep.draw_effect),
    ("heat-map", "Heat map", "The first metric over two parameters, the others at their best. A dash: impossible or not run.",
     sweep.draw_heat_map),
    ("pareto", "Pareto front", "Points that no other of the same workload beats in both metrics.", sweep.draw_pareto),
    ("batch", "Batch", "What a run to the same end takes, by the size of its batch.", training.draw_batch),
]  # fmt: skip


def sweep_body(trace: Trace) -> str:
    counts = sweep.counts(trace)
    cells = "".join(f"<div><dt>points {escape(status)}</dt><dd>{count:,}</dd></div>\n" for status, count in counts.items())
    body = f'<h2 id="summary">Summary</h2>\n<dl>{cells}</dl>\n{table(sweep.summary_rows(trace))}'
    for name, heading, caption, draw in SWEEP_PICTURES:
        drawn = picture(trace, "", name, caption, draw)
        if drawn:
            body += f'<h2 id="{name}">{escape(heading)}</h2>\n{drawn}'
    errors = trace["points"][trace["points"]["status"] != "done"]["error"].value_counts().head(20)
    if len(errors):
        rows = [["why points were rejected or failed", "points"], *([text, count] for text, count in errors.items())]
        body += f'<h2 id="errors">Left out</h2>\n{table(rows, "words prose")}'
    texts = [("sweep", "The sweep file"), ("base", "The scenario it starts from"), ("winner", "The winner")]
    for name, heading in texts:
        text = escape(trace.attributes.get(name, ""))
        if not text:
            continue
        body += f"<details><summary>{heading}</summary><pre>{text}</pre></details>\n"
    return body


BESIDE = [
    ("beside-time", "Time of the phases, run by run.", side_by_side.draw_phases),
    ("beside-latency", "Share of the measured requests that took at most so long, run by run.", side_by_side.draw_latency),
    ("beside-stages", "The busiest stage of each run's training step.", side_by_side.draw_steps),
]


def page(paths: Sequence[str], interactive: bool = False) -> str:
    """The HTML of one run, or of several, one after the other; with pictures that answer when they are asked for."""
    traces = [plans.open_trace(path) for path in paths]
    sweeps = [trace for trace in traces if sweep.is_sweep(trace)]
    if sweeps and len(traces) > 1:
        raise ValueError("a report is of runs, or of one sweep; not of both")
    asked = explore.section(traces) if interactive else ""
    if sweeps:
        text = sweep_body(traces[0])
        links = "".join(f'<a href="#{name}">{heading}</a>\n' for name, heading in re.findall(r'<h2 id="([\w-]+)">([^<]*)</h2>', text))
        body = f"<nav>{EXPLORE if asked else ''}{links}</nav>\n{asked}{text}"
        return document(str(traces[0].attributes.get("title", "a sweep of cpsim")), body, traces[0])
    if len(traces) == 1:
        return document(summary.title(traces[0]), run_section(traces[0], "", asked), traces[0])
    body = comparison(traces) + asked
    for name, caption, draw in BESIDE:
        drawn = picture(traces, "", name, caption, draw)
        if drawn:
            body += drawn
    for number, trace in enumerate(traces, 1):
        body += f"<h1>Run {number}: {escape(summary.title(trace))}</h1>\n{run_section(trace, f'run-{number}-')}"
    return document(f"{len(traces)} runs of cpsim", body, traces[0])
