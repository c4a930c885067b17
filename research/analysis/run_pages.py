"""The runs of a records folder for a browser: a searchable list, and each run's curves and config.

A page that opens from a disk may load scripts, but may not read other files; so what belongs to a
run lies in scripts, one for all runs whose ids begin alike, which are loaded on demand.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from research.sweeps.records.record import Record

# Characters of an id: at most 256 files.
SHARD = 2
LISTED = ("dataset", "arch", "optimizer", "learning_rate", "regularization", "seed")


def scripts(records: Sequence[Record]) -> dict[str, str]:
    """The text of each script by its name: `runs.js` for the list, `runs-ab.js` for ids `ab…`.

    Settings that most runs share stand once, in the list.
    """
    common = _common(records)
    rows = [_row(record) for record in records]
    listed = {"columns": ["run", "status", *LISTED, "metric"], "common": common, "rows": rows}
    texts = {"runs.js": f"const RUNS = {_json(listed)};\n"}
    shards: dict[str, dict[str, Any]] = {}
    for record in records:
        shards.setdefault(record.run_id[:SHARD], {})[record.run_id] = _details(record, common)
    for name, runs in shards.items():
        texts[f"runs-{name}.js"] = f"loaded({_json(runs)});\n"
    return texts


def _common(records: Sequence[Record]) -> dict[str, str]:
    """The most frequent value of each setting."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        for key, value in record.config.items():
            counts.setdefault(key, Counter())[value] += 1
    return {key: counter.most_common(1)[0][0] for key, counter in counts.items()}


def _row(record: Record) -> list[str]:
    names = [name for name in record.metrics if name.startswith("test/")]
    metric = f"{names[0]} {record.metrics[names[0]]:.4g}" if names else ""
    settings = [record.config.get(key, "") for key in LISTED]
    return [record.run_id, record.status, *settings, metric]


def _details(record: Record, common: Mapping[str, str]) -> dict[str, Any]:
    """What a run differs in from the common settings, its metrics and curves to five digits."""
    config = {key: value for key, value in record.config.items() if common.get(key) != value}
    return {
        "config": config,
        "without": [key for key in common if key not in record.config],
        "metrics": {name: _rounded(value) for name, value in record.metrics.items()},
        "curves": {name: [_rounded(v) for v in curve] for name, curve in record.curves.items()},
        "error": record.cause,
    }


def _rounded(value: float) -> float | None:
    """Five digits; None for what JSON has no number for."""
    # Five digits keep the page small, and a curve shows no more.
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _json(value: Any) -> str:
    """JSON that may stand in a script: no text can end it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")


BROWSER = """
<style>.curves { display: flex; flex-wrap: wrap; } figcaption { font-size: .8rem; }</style>
<p><input id="search" placeholder="words that a run must have: mlp finished dropout" size="60">
<span id="count"></span></p>
<div id="list"></div><div id="run"></div>
<script src="runs.js"></script>
<script>
const MOST = 200, LOADED = {};
const element = id => document.getElementById(id);
const cell = (tag, text) => {
  const made = document.createElement(tag); made.textContent = text; return made; };
function list() {
  const words = element("search").value.toLowerCase().split(/\\s+/).filter(Boolean);
  const rows = RUNS.rows.filter(row => words.every(w => row.join(" ").toLowerCase().includes(w)));
  element("count").textContent = rows.length + " of " + RUNS.rows.length + " runs" +
    (rows.length > MOST ? "; the first " + MOST + " are listed" : "");
  const table = document.createElement("table"), head = document.createElement("tr");
  RUNS.columns.forEach(name => head.append(cell("th", name)));
  table.append(head);
  rows.slice(0, MOST).forEach(row => {
    const line = document.createElement("tr");
    row.forEach((text, i) => {
      const made = cell("td", i ? text : "");
      if (!i) { const link = cell("a", text); link.href = "#" + text; made.append(link); }
      line.append(made); });
    table.append(line); });
  element("list").replaceChildren(table);
}
function loaded(runs) { Object.assign(LOADED, runs); show(); }
function curve(name, values) {
  const known = values.filter(v => v !== null), low = Math.min(...known);
  const high = Math.max(...known), span = (high - low) || 1, end = Math.max(values.length - 1, 1);
  const points = values.map((v, i) => v === null ? "" :
    (i / end * 280 + 10).toFixed(1) + "," + (90 - (v - low) / span * 80).toFixed(1)).join(" ");
  const box = document.createElement("figure");
  box.innerHTML = '<svg width="300" height="100"><polyline fill="none" stroke="#0072B2" ' +
    'stroke-width="1.5" points="' + points + '"/></svg>';
  box.append(cell("figcaption", name + ": " + values[0] + " → " + values[values.length - 1] +
    " over " + values.length + " epochs"));
  return box;
}
function pairs(title, values) {
  const table = document.createElement("table");
  Object.entries(values).forEach(([name, value]) => {
    const line = document.createElement("tr");
    line.append(cell("td", name), cell("td", value)); table.append(line); });
  const part = document.createElement("section");
  part.append(cell("h3", title), table); return part;
}
function show() {
  const id = location.hash.slice(1);
  if (!RUNS.rows.some(row => row[0] === id)) { element("run").replaceChildren(); return; }
  const run = LOADED[id];
  if (!run) {
    const script = document.createElement("script");
    script.src = "runs-" + id.slice(0, 2) + ".js"; document.body.append(script); return; }
  const config = {...RUNS.common, ...run.config};
  run.without.forEach(key => delete config[key]);
  const curves = document.createElement("section"); curves.className = "curves";
  Object.entries(run.curves).forEach(([name, values]) => curves.append(curve(name, values)));
  element("run").replaceChildren(cell("h2", "Run " + id), cell("p", run.error), curves,
    pairs("Metrics", run.metrics), pairs("Config", config));
  element("run").scrollIntoView();
}
element("search").addEventListener("input", list);
window.addEventListener("hashchange", show);
list(); show();
</script>
"""
