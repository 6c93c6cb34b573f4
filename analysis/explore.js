// SPDX-License-Identifier: MIT
// Draws what explore.py wrote into the page, in its colours, and does what a click means: customdata of a point may have `to` (a
// figure), `group` (whose traces are shown there), `span` (of its x axis), `command` and `scenario`. `rows` of parallel axes are the
// same of each line, the best first.
(async () => {
  const text = id => document.getElementById(id).textContent;
  const packed = Uint8Array.from(atob(text("explore-library")), c => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const library = document.createElement("script");
  library.textContent = await new Response(unpacked).text();
  document.head.append(library);

  const figures = JSON.parse(text("explore-data"));
  const node = name => document.getElementById("explore-" + name);
  const narrow = () => innerWidth < 640;
  const dashes = ["circle", "square", "diamond", "cross", "triangle-up", "x"];
  const look = () => {
    const style = getComputedStyle(document.documentElement), ink = name => style.getPropertyValue("--" + name).trim();
    const axis = {gridcolor: ink("grid"), linecolor: ink("rule"), zerolinecolor: ink("rule"), automargin: true};
    return {
      font: {color: ink("ink"), family: "system-ui, sans-serif", size: narrow() ? 10 : 12}, paper_bgcolor: ink("paper"), plot_bgcolor: ink("paper"),
      colorway: ["blue", "orange", "green", "red", "grey", "gold", "pale"].map(ink), xaxis: axis, yaxis: axis,
      hoverlabel: {bgcolor: ink("paper"), font: {color: ink("ink")}}, hovermode: "closest", margin: {l: 60, r: 10, t: 34, b: 45},
      legend: {orientation: "h", traceorder: "normal", yanchor: "top"}, height: 380, autosize: true, line: ink("blue"),
    };
  };
  const coloured = trace => {
    const style = getComputedStyle(document.documentElement), ink = name => style.getPropertyValue("--" + name).trim();
    const bar = {line: {color: ink("ink-soft"), width: 0.5},  // a hatch tells greys apart
                 pattern: {shape: trace.hatch || "", fillmode: "overlay", fgcolor: ink("ink"), fgopacity: 0.6, size: 8, solidity: 0.1}};
    trace.marker = {...trace.marker, color: ink(trace.ink), ...(trace.type === "bar" ? bar : {})};
    if (trace.line) trace.line = {...trace.line, color: ink(trace.ink)};
  };
  const merge = (own, layout) => ({...own, ...layout, xaxis: {...own.xaxis, ...layout.xaxis}, yaxis: {...own.yaxis, ...layout.yaxis}});
  for (const [name, {data, layout, rows}] of Object.entries(figures)) {
    const own = look();
    data.forEach((trace, index) => {
      if (trace.marker) trace.marker.symbol = dashes[index % dashes.length];
      if (trace.ink) coloured(trace);
      if (trace.type === "parcoords") { trace.line = {color: own.line}; own.margin = {l: 60, r: 60, t: 90, b: 20};
        own.width = Math.max(node(name).clientWidth, 78 * trace.dimensions.length); }
    });
    await Plotly.newPlot(node(name), data, merge(own, layout), {responsive: true, displaylogo: false});
    await fit(name, layout);
    node(name).on("plotly_click", event => clicked(name, event.points[0]));
    if (rows) node(name).on("plotly_restyle", () => brushed(name, rows));
  }

  // The legend under the title of the x axis, however many lines it takes, in room made for it.
  async function fit(name, layout) {
    const legend = node(name).querySelector(".legend");
    if (!legend) return;
    const title = 58, plot = (layout.height || 380) - 34 - 45, lines = legend.getBoundingClientRect().height;
    await Plotly.relayout(node(name), {height: plot + 34 + title + lines, "margin.b": title + lines, "legend.y": -title / plot});
  }

  // The command that runs a point, and its scenario as a text to keep.
  function show(said, lead) {
    if (lead.command) {
      const code = document.createElement("code");
      code.textContent = lead.command;
      said.append(document.createElement("br"), code);
    }
    if (lead.scenario) {
      const text = document.createElement("pre"), keep = document.createElement("a");
      text.textContent = lead.scenario;
      keep.href = "data:text/yaml;charset=utf-8," + encodeURIComponent(lead.scenario);
      keep.download = "point.yaml";
      keep.textContent = "keep it as point.yaml";
      said.append(text, keep);
    }
  }

  // What is left of parallel axes when some are dragged along: a range, or several, of each.
  function brushed(name, rows) {
    const axes = node(name).data[0].dimensions, said = document.getElementById("said-" + name);
    const within = (value, range) => !range || (Array.isArray(range[0]) ? range : [range]).some(([low, high]) => value >= low && value <= high);
    const left = rows.map((_, row) => row).filter(row => axes.every(axis => within(axis.values[row], axis.constraintrange)));
    said.textContent = left.length ? `${left.length} of ${rows.length} points; the best of them: ${rows[left[0]].text}` : "no point crosses there";
    if (left.length) show(said, rows[left[0]]);
  }

  async function clicked(name, point) {
    const lead = point.customdata || {}, said = document.getElementById("said-" + name);
    said.textContent = (point.text || "").replaceAll("<br>", "; ");
    show(said, lead);
    const there = lead.to && node(lead.to);
    if (!there) return;
    const shown = there.data.map(trace => trace.meta.group === lead.group);
    const others = lead.to === "operators" ? false : "legendonly";
    if (shown.some(Boolean)) await Plotly.restyle(there, {visible: shown.map(one => one || others)});
    if (lead.to === "operators") document.getElementById("said-operators").textContent = lead.group;
    if (lead.span) {
      const [from, until] = lead.span, room = 0.1 * (until - from);
      await Plotly.relayout(there, {"xaxis.range": [from - room, until + room]});
      let count = 0;
      there.data.forEach((trace, index) => { if (shown[index]) count += trace.x.filter(x => x >= from && x <= until).length; });
      said.textContent += `; ${count} points below, from its arrival to its first token`;
    } else {
      const first = there.data[shown.indexOf(true)];
      await Plotly.relayout(there, first && first.meta.span ? {"xaxis.range": first.meta.span} : {"xaxis.autorange": true});
    }
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", async () => {
    for (const [name, {data, layout}] of Object.entries(figures)) {
      data.forEach(trace => { if (trace.ink) coloured(trace); });
      await Plotly.react(node(name), data, merge(look(), layout));
      await fit(name, layout);
    }
  });
  document.documentElement.dataset.explored = Object.keys(figures).length;
})();
