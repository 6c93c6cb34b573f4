# SPDX-License-Identifier: MIT
"""Pictures of a sweep (sweep.h5): what each parameter does, heat maps of two, the Pareto front of two
metrics. A figure is drawn of the points that are done; replications are averaged."""
import numpy
import pandas
from matplotlib import colors

from . import look

RESULT_START, RESULT_END = "replication", "run_seed"  # the parameters' columns lie between


def is_sweep(trace):
    return "cpsim_sweep_format" in trace.attributes


def parameters(trace):
    """Keys that the sweep varied and that took more than one value."""
    columns = list(trace["points"].columns)
    varied = columns[columns.index(RESULT_START) + 1 : columns.index(RESULT_END)]
    return [key for key in varied if trace["points"][key].nunique() > 1]


def metrics(trace):
    points = trace["points"]
    after = list(points.columns)[list(points.columns).index("error") + 1 :]
    return [name for name in after if pandas.api.types.is_float_dtype(points[name]) and points[name].notna().any()]


def done(trace):
    """Points that are done, replications averaged."""
    points = trace["points"]
    points = points[points["status"] == "done"]
    keys = parameters(trace)
    return points.groupby(keys, sort=True, as_index=False)[metrics(trace)].mean() if keys and len(points) else points


def more_is_better(metric):
    return any(word in metric for word in ("per_second", "mfu", "goodput", "share", "sustained"))


def first_metric(trace):
    """What one asks first of such a run: the sweep's first metric."""
    return metrics(trace)[0] if metrics(trace) else None


def label(trace, name):
    unit = trace.units["points"].get(name, "1")
    return name if unit == "1" else f"{name}, {unit}"


def short(value):
    if isinstance(value, (int, float, numpy.number)):
        return f"{value:g}" if value < 1e3 else f"{value:,.0f}"
    return str(value)


# --- one metric against one or two parameters ---


def grid(trace, metric):
    """The metric as a table of two parameters (the others at their best); None when it takes one."""
    keys = parameters(trace)
    if len(keys) < 2:
        return None
    points = done(trace)
    best = "max" if more_is_better(metric) else "min"
    rows, columns = sorted(keys, key=lambda key: points[key].nunique())[-2:]
    return points.pivot_table(index=rows, columns=columns, values=metric, aggfunc=best)


def draw_heat_map(trace, width=look.WIDE, metric=None):
    metric = metric or first_metric(trace)
    table = grid(trace, metric) if metric else None
    if table is None or min(table.shape) < 2 or max(table.shape) > 60:
        return None
    values = table.to_numpy(dtype=float)
    figure, axes = look.figure(width, 1.2 + 0.36 * len(table))
    positive = values[numpy.isfinite(values)]
    scale = colors.LogNorm if positive.min() > 0 and positive.max() > 20 * positive.min() else colors.Normalize
    norm = scale(positive.min(), positive.max())
    # Cells are rectangles, not a picture, so that a page can colour their text and they scale.
    light, dark = numpy.array(colors.to_rgb("#eef3f9")), numpy.array(colors.to_rgb("#0b2a4f"))
    size = 8 if width * 72 / table.shape[1] > 36 else 6
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            value = values[row, column]
            if not numpy.isfinite(value):
                axes.text(column, row, "-", ha="center", va="center", fontsize=size)
                continue
            share = float(norm(value))
            cell = colors.to_hex(light + share * (dark - light))
            axes.add_patch(look.patches.Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=cell, edgecolor="#ffffff", linewidth=1))
            # Inks of a cell's own, which no dark page may turn round.
            ink = "#fefefe" if share > 0.5 else "#010101"
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", color=ink, fontsize=size)
    axes.set_xticks(range(table.shape[1]), [short(value) for value in table.columns], fontsize=8)
    axes.set_yticks(range(table.shape[0]), [short(value) for value in table.index], fontsize=8)
    if width < 5:
        axes.tick_params(axis="x", rotation=45)
    axes.set(xlim=(-0.5, table.shape[1] - 0.5), ylim=(table.shape[0] - 0.5, -0.5), title=label(trace, metric),
             xlabel=label(trace, table.columns.name), ylabel=label(trace, table.index.name))  # fmt: skip
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


def draw_effect(trace, width=look.WIDE, metric=None):
    """The metric against the parameter with the most values, a curve a value of the next."""
    metric, keys = metric or first_metric(trace), parameters(trace)
    if not metric or not keys:
        return None
    points = done(trace)
    keys = sorted(keys, key=lambda key: -points[key].nunique())
    across, curves = keys[0], keys[1] if len(keys) > 1 else None
    best = "max" if more_is_better(metric) else "min"
    figure, axes = look.figure(width, 3.4)
    numeric = pandas.api.types.is_numeric_dtype(points[across])
    groups = points.groupby(curves) if curves else [("", points)]
    for (value, own), shade, dashes, marker in zip(groups, look.SHADES, look.DASHES, look.MARKERS):
        line = own.groupby(across)[metric].agg(best).dropna()
        places = line.index if numeric else range(len(line))
        axes.plot(places, line.to_numpy(), color=shade, linestyle=dashes, marker=marker, markersize=4,
                  label=f"{curves} = {short(value)}" if curves else None)  # fmt: skip
    axes.set(xlabel=label(trace, across), ylabel=label(trace, metric))
    values = points[across]
    if numeric and values.min() > 0 and values.max() > 20 * values.min():
        look.logarithmic(axes, "x")
    if points[metric].min() > 0 and points[metric].max() > 20 * points[metric].min():
        look.logarithmic(axes, "y")
    if not numeric:
        axes.set_xticks(range(len(line)), [short(value) for value in line.index])
    if curves:
        axes.legend(fontsize=7.5)
    return figure


# --- Pareto ---


def front(points, first, second):
    """Which points nothing beats in both metrics, as a boolean array."""
    sign = [-1.0 if more_is_better(metric) else 1.0 for metric in (first, second)]
    x, y = (s * points[metric].to_numpy(dtype=float) for s, metric in zip(sign, (first, second)))
    order = numpy.lexsort((y, x))
    kept, best = numpy.zeros(len(points), dtype=bool), numpy.inf
    for index in order:
        if y[index] < best:
            kept[index], best = True, y[index]
    return kept


def pareto_metrics(trace):
    """A pair worth weighing: the first metric, and what it costs."""
    names = metrics(trace)
    first = first_metric(trace)
    wanted = ["output_tokens_per_second", "tokens_per_second", "dollars_per_million_tokens", "joules_per_token", "joules",
              "network_bytes", "memory_bytes_per_gpu"]  # fmt: skip
    second = next((name for name in wanted if name in names and name != first), None)
    return (first, second) if second else None


def draw_pareto(trace, width=look.WIDE, pair=None):
    pair = pair or pareto_metrics(trace)
    if pair is None:
        return None
    first, second = pair
    points = done(trace).dropna(subset=list(pair))
    if len(points) < 3:
        return None
    kept = front(points, first, second)
    figure, axes = look.figure(width, 3.8)
    axes.plot(points[first], points[second], linestyle="none", marker="o", markersize=3.5, color="#888888", label="points")
    best = points[kept].sort_values(first)
    axes.plot(best[first], best[second], color=look.SHADES[1], marker="o", markersize=5, label="nothing is better in both")
    keys = parameters(trace)[:3]
    for number, row in enumerate(best.to_dict("records")):
        if len(best) <= 12 or number % (len(best) // 6) == 0:
            text = ", ".join(f"{key.rsplit('.', 1)[-1]} {short(row[key])}" for key in keys) if width > 5 else short(row[keys[0]])
            axes.annotate(text, (row[first], row[second]), xytext=(5, 4), textcoords="offset points", fontsize=6.5)
    for which, name in (("x", first), ("y", second)):
        if points[name].min() > 0 and points[name].max() > 20 * points[name].min():
            look.logarithmic(axes, which)
    better = {True: "more is better", False: "less is better"}
    axes.set(xlabel=f"{label(trace, first)} ({better[more_is_better(first)]})",
             ylabel=f"{label(trace, second)}\n({better[more_is_better(second)]})")  # fmt: skip
    axes.legend(fontsize=7.5)
    return figure


def summary_rows(trace, most=10):
    """The best points by the first metric, as rows of text with a head."""
    metric, keys = first_metric(trace), parameters(trace)
    if not metric:
        return [["no metric"]]
    points = done(trace).sort_values(metric, ascending=not more_is_better(metric)).head(most)
    shown = [*keys, *metrics(trace)[:6]]
    rows = [[label(trace, name) for name in shown]]
    return rows + [[short(value) if name in keys else f"{value:.4g}" for name, value in row.items()]
                   for row in points[shown].to_dict("records")]  # fmt: skip


def counts(trace):
    """{status: points}"""
    return {str(status): int(count) for status, count in trace["points"]["status"].value_counts(sort=False).items()}
