// SPDX-License-Identifier: MIT
// Draws what explore.py wrote into the page, in its colours, and does what a click means: customdata of a point may have `to` (a
// figure), `group` (whose traces are shown there), `span` (of its x axis), `command`.
(async () => {
  const text = id => document.getElementById(id).textContent;
  const packed = Uint8Array.from(atob(text("explore-library")), c => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const library = document.createElement("script");
  library.textContent = await new Response(unpacked).text();
  document.head.append(library);

  const figures = JSON.parse(text("explore-data"));
  const node = name => document.getElementById("explore-" + name);
  const dashes = ["circle", "square", "diamond", "cross", "triangle-up", "x"];
  const look = () => {
    const style = getComputedStyle(document.documentElement), ink = name => style.getPropertyValue("--" + name).trim();
    const axis = {gridcolor: ink("grid"), linecolor: ink("rule"), zerolinecolor: ink("rule")};
    return {
      font: {color: ink("ink"), family: "system-ui, sans-serif"}, paper_bgcolor: ink("paper"), plot_bgcolor: ink("paper"),
      colorway: ["blue", "orange", "green", "red", "grey", "gold", "pale"].map(ink), xaxis: axis, yaxis: axis,
      hoverlabel: {bgcolor: ink("paper"), font: {color: ink("ink")}}, hovermode: "closest", margin: {l: 60, r: 10, t: 10, b: 45},
      legend: {orientation: "h", y: -0.2}, height: 380, autosize: true, line: ink("blue"),
    };
  };
  const merge = (own, layout) => ({...own, ...layout, xaxis: {...own.xaxis, ...layout.xaxis}, yaxis: {...own.yaxis, ...layout.yaxis}});
  for (const [name, {data, layout}] of Object.entries(figures)) {
    const own = look();
    data.forEach((trace, index) => {
      if (trace.marker) trace.marker.symbol = dashes[index % dashes.length];
      if (trace.type === "parcoords") { trace.line = {color: own.line}; own.margin = {l: 60, r: 40, t: 70, b: 20}; }
    });
    await Plotly.newPlot(node(name), data, merge(own, layout), {responsive: true, displaylogo: false});
    node(name).on("plotly_click", event => clicked(name, event.points[0]));
  }

  async function clicked(name, point) {
    const lead = point.customdata || {}, said = document.getElementById("said-" + name);
    said.textContent = (point.text || "").replaceAll("<br>", "; ");
    if (lead.command) {
      const code = document.createElement("code");
      code.textContent = lead.command;
      said.append(document.createElement("br"), code);
    }
    const there = lead.to && node(lead.to);
    if (!there) return;
    const shown = there.data.map(trace => trace.meta.group === lead.group);
    if (shown.some(Boolean)) await Plotly.restyle(there, {visible: shown.map(one => one || "legendonly")});
    if (lead.span) {
      const [from, until] = lead.span, room = 0.1 * (until - from);
      await Plotly.relayout(there, {"xaxis.range": [from - room, until + room]});
      let count = 0;
      there.data.forEach((trace, index) => { if (shown[index]) count += trace.x.filter(x => x >= from && x <= until).length; });
      said.textContent += `; ${count} points below, from its arrival to its first token`;
    } else {
      await Plotly.relayout(there, {"xaxis.autorange": true});
    }
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const [name, {layout}] of Object.entries(figures)) Plotly.relayout(node(name), merge(look(), layout));
  });
  document.documentElement.dataset.explored = Object.keys(figures).length;
})();
