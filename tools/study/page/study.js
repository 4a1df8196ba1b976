// SPDX-License-Identifier: GPL-2.0-only
//
// The report's page: charts and tables from the data that the page carries. Nothing is computed here that the
// program has not computed; numbers are only given units.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);

// Colours of Okabe and Ito (2008), which people with any colour vision can tell apart; shapes and dashes help as well.
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const shapes = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "cross"];
const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 6], [1, 3]];
const causes = ["forced_idle_drain", "forced_idle_preempted_partner", "forced_idle_other_cgroup", "forced_idle_wait_for_tick"];
const percentiles = ["wakeup_p50_ns", "wakeup_p90_ns", "wakeup_p99_ns", "wakeup_p999_ns"];
const titles = {
  throughput: "Throughput: useful work per CPU time", forced_idle: "Forced idle time of all CPUs",
  fairness: "Fairness between cgroups (Jain's index)", co_run: "Time in which a pair runs two cgroups (exclusive is broken)",
  cgroup_switches_per_s: "Switches to another cgroup", turn_ns: "Time between the cgroup changes of a pair",
  longest_wait_ns: "Longest wait of a runnable task", wakeup_p99_ns: "Wake-up latency, 99th percentile",
};
const standard = ["throughput", "forced_idle", "wakeup_p99_ns", "longest_wait_ns", "fairness", "co_run",
  "cgroup_switches_per_s", "turn_ns"];

function element(name, text, attributes = {}) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}

function digits(value) {
  return value === 0 ? "0" : Number(value.toPrecision(4)).toString();
}

function duration(ns) {
  const size = Math.abs(ns);
  return size >= 1e9 ? digits(ns / 1e9) + " s" : size >= 1e6 ? digits(ns / 1e6) + " ms"
    : size >= 1e3 ? digits(ns / 1e3) + " us" : digits(ns) + " ns";
}

function inWords(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return digits(value * 100) + " %";
  if (unit === "ns") return duration(value);
  return digits(value) + (unit === "1/s" ? "/s" : unit ? " " + unit : "");
}

function metricOf(name) { return data.metrics.find((m) => m.name === name); }
function valueOf(point, name) { const m = point.metrics[name]; return m && m.n > 0 ? m : null; }
function labelOf(point) { return point.parameters[data.x]; }
function pointsOf(group) { return group.points.map((i) => data.points[i]); }
function hasData(name) { return metricOf(name) && data.points.some((p) => valueOf(p, name)); }

function withInterval(m, unit) {
  if (!m) return "–";
  const half = m.low === null ? "" : " ± " + inWords((m.high - m.low) / 2, unit);
  return inWords(m.mean, unit) + half;
}

function table(head, rows) {
  const t = element("table");
  const headRow = t.createTHead().insertRow();
  head.forEach((h) => headRow.append(element("th", h, { scope: "col" })));
  const body = t.createTBody();
  rows.forEach((cells) => {
    const row = body.insertRow();
    cells.forEach((cell) => { const td = row.insertCell(); td.append(cell instanceof Node ? cell : String(cell)); });
  });
  const box = element("div", undefined, { class: "scroll", tabindex: "0" });
  box.append(t);
  return box;
}

// Whiskers: Chart.js has none of its own.
const whiskers = {
  id: "whiskers",
  afterDatasetsDraw(chart) {
    const { ctx } = chart;
    chart.data.datasets.forEach((set, index) => {
      if (!set.intervals || !chart.isDatasetVisible(index)) return;
      chart.getDatasetMeta(index).data.forEach((mark, i) => {
        const interval = set.intervals[i];
        if (!interval || mark.skip) return;
        const low = chart.scales.y.getPixelForValue(interval[0]);
        const high = chart.scales.y.getPixelForValue(interval[1]);
        ctx.save();
        ctx.beginPath();
        ctx.rect(chart.chartArea.left - 5, chart.chartArea.top, chart.chartArea.width + 10, chart.chartArea.height);
        ctx.clip();
        ctx.strokeStyle = set.borderColor;
        ctx.beginPath();
        ctx.moveTo(mark.x, low); ctx.lineTo(mark.x, high);
        ctx.moveTo(mark.x - 4, low); ctx.lineTo(mark.x + 4, low);
        ctx.moveTo(mark.x - 4, high); ctx.lineTo(mark.x + 4, high);
        ctx.stroke();
        ctx.restore();
      });
    });
  },
};

const xs = data.points.map((p) => p.x).filter((x) => x !== null);
const isLog = data.x_kind !== "name" && Math.min(...xs) > 0 && Math.max(...xs) / Math.min(...xs) > 30;

function xAxis() {
  const title = { display: true, text: data.x };
  if (data.x_kind === "name") return { type: "category", labels: pointsOf(data.groups[0]).map(labelOf), title };
  const text = (v) => (data.x_kind === "duration" ? duration(v) : digits(v));
  const isDecade = (v) => Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9;
  const ticks = { callback: (v) => (!isLog || isDecade(v) ? text(v) : ""), autoSkip: !isLog, maxRotation: 0 };
  return { type: isLog ? "logarithmic" : "linear", title, ticks, min: Math.min(...xs), max: Math.max(...xs) };
}

function yAxis(unit, extra = {}) {
  return { ticks: { callback: (v) => inWords(v, unit) }, ...extra };
}

function xOf(point) { return data.x_kind === "name" ? labelOf(point) : point.x; }

function line(label, points, name, style) {
  const values = points.map((p) => valueOf(p, name));
  return {
    label, metric: name,
    data: points.map((p, i) => ({ x: xOf(p), y: values[i] ? values[i].mean : null })),
    intervals: values.map((m) => (m && m.low !== null ? [m.low, m.high] : null)),
    borderColor: colours[style % colours.length], backgroundColor: colours[style % colours.length],
    borderDash: dashes[style % dashes.length], pointStyle: shapes[style % shapes.length], pointRadius: 4, borderWidth: 2,
  };
}

function figure(id, title, unit, config, tableOf) {
  const f = element("figure", undefined, { id: "chart-" + id });
  f.append(element("figcaption", title));
  const plot = element("div", undefined, { class: "plot" });
  const canvas = element("canvas", undefined, { role: "img", "aria-label": title + ". The table below has its data." });
  plot.append(canvas);
  f.append(plot);
  const details = element("details");
  details.append(element("summary", "Data of this chart"), tableOf);
  f.append(details);
  document.getElementById("charts").append(f);
  config.options = {
    animation: false, responsive: true, maintainAspectRatio: false,
    ...config.options,
    plugins: {
      legend: { display: config.data.datasets.length > 1, labels: { usePointStyle: true } },
      tooltip: { callbacks: { label: (c) => `${c.dataset.label}: ${inWords(c.parsed.y, unit)}` } },
      ...(config.options.plugins || {}),
    },
  };
  config.plugins = [whiskers];
  return new Chart(canvas, config);
}

function seriesTable(series, unit) {
  const rows = [];
  series.forEach(({ label, points, name }) => points.forEach((p) => {
    const m = valueOf(p, name);
    rows.push([label, labelOf(p), inWords(m && m.mean, unit), inWords(m && m.low, unit), inWords(m && m.high, unit), m ? m.n : 0]);
  }));
  return table(["series", data.x, "mean", "low", "high", "runs"], rows);
}

function lineChart(id, title, unit, series, scale = {}) {
  const means = series.flatMap(({ points, name }) => points.map((p) => valueOf(p, name)).filter(Boolean).map((m) => m.mean));
  const ends = series.flatMap(({ points, name }) => points.map((p) => valueOf(p, name)).filter((m) => m && m.low !== null));
  if (means.every((mean) => mean === 0)) {
    scale = { min: 0, suggestedMax: unit === "share" ? 0.01 : 1 };
  } else if (!scale.type && ends.length > 0) { // room for the whiskers; no metric is below zero
    scale = { suggestedMin: Math.max(0, Math.min(...ends.map((m) => m.low))), suggestedMax: Math.max(...ends.map((m) => m.high)) };
  }
  const datasets = series.map(({ label, points, name }, i) => line(label, points, name, i));
  figure(id, title, unit, { type: "line", data: { datasets }, options: { scales: { x: xAxis(), y: yAxis(unit, scale) } } },
    seriesTable(series, unit));
}

function groupName(group) { return group.name || "all points"; }

function metricCharts() {
  const own = data.metrics.map((m) => m.name).filter((n) => !(n in titles) && !causes.includes(n)
    && !/^(busy|higher_class|wakeup_|wakeups_|violations|emptied|switches|kicks|ipis)/.test(n));
  for (const name of [...standard, ...own].filter(hasData)) {
    const unit = metricOf(name).unit;
    const series = data.groups.map((g) => ({ label: groupName(g), points: pointsOf(g), name }));
    lineChart(name, titles[name] || name, unit, series);
  }
}

function causeCharts() {
  if (!causes.some(hasData)) return;
  data.groups.slice(0, 6).forEach((group, g) => {
    const points = pointsOf(group);
    const shown = causes.filter((name) => metricOf(name));
    const datasets = shown.map((name, i) => ({
      label: name.slice("forced_idle_".length).replaceAll("_", " "), metric: name, backgroundColor: colours[i],
      data: points.map((p) => { const m = valueOf(p, name); return m ? m.mean : null; }),
    }));
    const series = shown.map((name, i) => ({ label: datasets[i].label, points, name }));
    figure("causes-" + g, "Forced idle time by cause" + (group.name ? ": " + group.name : ""), "share", {
      type: "bar", data: { labels: points.map(labelOf), datasets },
      options: { scales: { x: { stacked: true, title: { display: true, text: data.x } }, y: yAxis("share", { stacked: true }) } },
    }, seriesTable(series, "share"));
  });
}

function latencyCharts() {
  if (!hasData("wakeup_p99_ns")) return;
  data.groups.slice(0, 6).forEach((group, g) => {
    const points = pointsOf(group);
    const series = percentiles.filter((name) => points.some((p) => valueOf(p, name)))
      .map((name) => ({ label: name.replace("wakeup_", "").replace("_ns", ""), points, name }));
    if (series.length) {
      lineChart("latency-" + g, "Wake-up latency" + (group.name ? ": " + group.name : ""), "ns", series, { type: "logarithmic" });
    }
  });
}

function paretoChart() {
  if (!hasData("wakeup_p99_ns") || !hasData("throughput")) return;
  const rows = [];
  const datasets = data.groups.map((group, g) => {
    const points = pointsOf(group).filter((p) => valueOf(p, "throughput") && valueOf(p, "wakeup_p99_ns"));
    points.forEach((p) => rows.push([groupName(group), labelOf(p), inWords(p.metrics.throughput.mean, "share"),
      inWords(p.metrics.wakeup_p99_ns.mean, "ns"), p.on_front ? "on the front" : ""]));
    return {
      label: groupName(group), borderColor: colours[g % colours.length],
      data: points.map((p) => ({ x: p.metrics.throughput.mean, y: p.metrics.wakeup_p99_ns.mean, label: labelOf(p) })),
      backgroundColor: points.map((p) => (p.on_front ? colours[g % colours.length] : "#fff")),
      pointStyle: shapes[g % shapes.length], pointRadius: points.map((p) => (p.on_front ? 7 : 4)), borderWidth: 2,
    };
  });
  figure("pareto", "Throughput against 99th percentile of wake-up latency (filled: on the Pareto front)", "ns", {
    type: "scatter", data: { datasets },
    options: {
      scales: {
        x: { title: { display: true, text: "throughput (more is better)" }, ticks: { callback: (v) => inWords(v, "share") } },
        y: yAxis("ns", { type: "logarithmic", title: { display: true, text: "p99 (less is better)" } }),
      },
      plugins: { tooltip: { callbacks: { label: (c) => `${data.x} ${c.raw.label}: ${inWords(c.raw.x, "share")}, ${inWords(c.raw.y, "ns")}` } } },
    },
  }, table(["series", data.x, "throughput", "p99", "front"], rows));
}

function writeHeader() {
  const header = document.getElementById("header");
  header.append(element("h1", data.name), element("p", data.description),
    element("p", `${data.runs} runs of ${data.points.length} points; intervals of ${digits(data.confidence * 100)} %; `
      + `pairsim ${data.version}; study ${data.study}`, { class: "facts" }));
}

function writeAdvice() {
  const box = document.getElementById("advice");
  data.groups.forEach((group) => {
    const part = element("div", undefined, { class: "advice" });
    if (group.name) part.append(element("h3", group.name));
    if (group.verdict) part.append(element("p", group.verdict, { class: "verdict" }));
    if (group.range) part.append(element("p", `Recommended ${data.x}: ${group.range}`, { class: "range" }));
    const list = element("ul");
    group.reasons.forEach((reason) => list.append(element("li", reason)));
    part.append(list);
    if (group.verdict || group.range || group.reasons.length) box.append(part);
  });
}

function parametersOf(point) { return data.factors.map((f) => point.parameters[f]); }

function writeDifferences() {
  if (!data.points.some((p) => p.baseline !== null)) return;
  const box = document.getElementById("differences");
  box.append(element("h2", "Differences from the baseline"),
    element("p", "Paired by seed: both runs of a pair have the same random draws, so that chance cancels."));
  const names = data.metrics.map((m) => m.name).filter((n) => data.points.some((p) => p.metrics[n].difference));
  const rows = data.points.filter((p, i) => p.baseline !== null && p.baseline !== i).map((p) => [...parametersOf(p),
    ...names.map((n) => withInterval(p.metrics[n].difference && { ...p.metrics[n].difference, n: 1 }, metricOf(n).unit))]);
  box.append(table([...data.factors, ...names], rows));
}

function writeTables() {
  const rows = data.points.map((p) => {
    const ended = Object.entries(p.ended).map(([kind, n]) => `${n}: ${kind}`).join(", ");
    return [...parametersOf(p), p.runs, ended || "none", ...data.metrics.map((m) => {
      const value = p.metrics[m.name];
      const seeds = value.n > 0 ? value.outlier_seeds : [];
      const cell = element("span", withInterval(valueOf(p, m.name), m.unit) + (seeds.length ? " *" : ""));
      if (seeds.length) cell.title = "outliers, kept in the mean: seeds " + seeds.join(", ");
      return cell;
    })];
  });
  const all = document.getElementById("all");
  all.append(table([...data.factors, "runs", "ended early", ...data.metrics.map((m) => m.name)], rows),
    element("p", "* some runs lie far from the others (modified z-score above 3.5). They are kept. Their seeds:"));
  const outliers = [];
  data.points.forEach((p) => data.metrics.forEach((m) => {
    const seeds = (p.metrics[m.name].outlier_seeds || []);
    if (seeds.length) outliers.push([...parametersOf(p), m.name, seeds.join(", ")]);
  }));
  const details = element("details");
  details.append(element("summary", `${outliers.length} cells with outliers`), table([...data.factors, "metric", "seeds"], outliers));
  all.append(details);
  document.getElementById("commands").append(table([...data.factors, "command"],
    data.points.map((p) => [...parametersOf(p), element("code", p.command)])));
}

writeHeader();
writeAdvice();
metricCharts();
causeCharts();
latencyCharts();
paretoChart();
writeDifferences();
writeTables();

// A printed chart has the size of the paper, and its data beside it.
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  Object.values(Chart.instances).forEach((chart) => chart.resize());
});
