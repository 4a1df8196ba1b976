// SPDX-License-Identifier: GPL-2.0-only
//
// The picture: lanes on a canvas. What is narrower than a pixel is drawn as what held longest in the pixel; levels of
// merged spans keep the work for a picture in proportion to its width, not to the length of the run.

// Colours that colour-blind readers can tell apart (Okabe and Ito); later cgroups get them again with a border.
const CGROUP_COLOURS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#f0e442', '#d55e00', '#0072b2'];
const GUTTER = 84;
const RULER = 22;
const CPU_HEIGHT = 22;
const PAIR_HEIGHT = 12;
const QUEUE_HEIGHT = 18;
const GAP = 8;
const MERGED = 16;
const MOST_ARROWS = 300;

/** Levels over a lane {starts, codes}: each element of one covers MERGED of the level below. @p merge picks its code. */
function levelsOf(lane, merge) {
  const levels = [lane];
  while (levels.at(-1).codes.length > 2048) {
    const {starts, codes} = levels.at(-1);
    const n = Math.ceil(codes.length / MERGED);
    const above = {starts: new Float64Array(n + 1), codes: new Uint32Array(n)};
    for (let i = 0; i < n; ++i) {
      const first = i * MERGED;
      const last = Math.min(first + MERGED, codes.length);
      above.starts[i] = starts[first];
      above.codes[i] = merge(starts, codes, first, last);
    }
    above.starts[n] = starts[codes.length];
    levels.push(above);
  }
  return levels;
}

/** The code that holds longest in [first, last). */
function longestCode(starts, codes, first, last) {
  let best = codes[first];
  let most = -1;
  for (let i = first; i < last; ++i) {
    let time = 0;
    for (let k = i; k < last; ++k) if (codes[k] === codes[i]) time += starts[k + 1] - starts[k];
    if (time > most) [best, most] = [codes[i], time];
  }
  return best;
}

function highestCode(starts, codes, first, last) {
  let best = 0;
  for (let i = first; i < last; ++i) if (codes[i] > best) best = codes[i];
  return best;
}

/** The finest level with at most a few elements per pixel between t0 and t1. */
function levelFor(levels, t0, t1, width) {
  for (const level of levels) {
    const visible = upperBound(level.starts, t1) - upperBound(level.starts, t0);
    if (visible <= 4 * width) return level;
  }
  return levels.at(-1);
}

class Picture {
  constructor(run, canvas) {
    this.run = run;
    this.canvas = canvas;
    this.g = canvas.getContext('2d', {alpha: false});
    this.spanLevels = run.cpus.map((lane) => levelsOf(lane, longestCode));
    this.pairLevels = run.ctxs.map((ctx) => levelsOf(this.pairLane(ctx), longestCode));
    this.brokenLevels = run.header.pairs.map((_, i) => levelsOf(this.brokenLane(i), highestCode));
    this.queueLanes = [];
    this.held = new Float64Array(run.header.first_cgroup_code + run.header.cgroups.length * 2 + 2);
    this.layOut();
    this.makeFills();
  }

  /** A pair's spans of one cgroup, draining or not: code 2 * (cgroup + 1) + draining. */
  pairLane(ctx) {
    const starts = [0];
    const codes = [0];
    for (let i = 0; i < ctx.times.length; ++i) {
      const code = 2 * ctx.cgroups[i] + (ctx.bits[i] >> 4 & 1);
      if (code === codes.at(-1)) continue;
      if (ctx.times[i] === starts.at(-1)) codes[codes.length - 1] = code;
      else {
        starts.push(ctx.times[i]);
        codes.push(code);
      }
    }
    starts.push(this.run.end);
    return {starts: Float64Array.from(starts), codes: Uint32Array.from(codes)};
  }

  /** When a pair broke a claim: code 1. An instant is drawn as a nanosecond. */
  brokenLane(pair) {
    const {findings, pairOf, end} = this.run;
    const starts = [0];
    const codes = [0];
    for (let i = 0; i < findings.n; ++i) {
      if (findings.cpus[i] < 0 || pairOf[findings.cpus[i]] !== pair) continue;
      const [from, to] = [findings.starts[i], Math.max(findings.ends[i], findings.starts[i] + 1)];
      if (codes.length > 1 && from <= starts.at(-1)) {
        starts[starts.length - 1] = Math.max(starts.at(-1), to); // goes on, or overlaps with another claim
        continue;
      }
      starts.push(from, to);
      codes.push(1, 0);
    }
    starts.push(Math.max(end, starts.at(-1)));
    return {starts: Float64Array.from(starts), codes: Uint32Array.from(codes)};
  }

  /** Length of a queue over time. */
  queueLane({pushed, popped}) {
    const {times} = this.run.records;
    const starts = [0];
    const codes = [0];
    for (let i = 0, k = 0; i < pushed.length || k < popped.length;) {
      const push = k >= popped.length || (i < pushed.length && pushed[i] < popped[k]);
      const t = times[push ? pushed[i++] : popped[k++]];
      const length = Math.max(0, i - k);
      if (t === starts.at(-1)) codes[codes.length - 1] = Math.max(codes.at(-1), length);
      else {
        starts.push(t);
        codes.push(length);
      }
    }
    starts.push(this.run.end);
    return {starts: Float64Array.from(starts), codes: Uint32Array.from(codes)};
  }

  addQueues() {
    const used = [...this.run.queues.filter((q) => q.pushed.length > 0), this.run.topQ];
    this.queueLanes = used.map((queue) => {
      const lane = this.queueLane(queue);
      return {queue, levels: levelsOf(lane, highestCode), highest: highestCode(lane.starts, lane.codes, 0, lane.codes.length)};
    });
    this.layOut();
  }

  layOut() {
    this.rows = [];
    this.cpuRow = [];
    let y = RULER + 4;
    const add = (row, height) => {
      this.rows.push({...row, y, height});
      y += height + 2;
    };
    const addCpu = (cpu) => {
      this.cpuRow[cpu] = this.rows.length;
      add({type: 'cpu', cpu, label: `cpu ${cpu}`}, CPU_HEIGHT);
    };
    this.run.header.pairs.forEach((pair, i) => {
      addCpu(pair[0]);
      addCpu(pair[1]);
      add({type: 'pair', pair: i, label: `pair ${pair.join('+')}`}, PAIR_HEIGHT);
      y += GAP;
    });
    for (let cpu = 0; cpu < this.run.header.cpus; ++cpu) if (this.run.pairOf[cpu] < 0) addCpu(cpu);
    for (const lane of this.queueLanes) add({type: 'queue', lane, label: lane.queue.name}, QUEUE_HEIGHT);
    this.height = y + 4;
  }

  /** Colours and patterns of the present theme. */
  makeFills() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    this.theme = {page: of('--page'), text: of('--text'), soft: of('--soft'), line: of('--line'), broken: of('--broken'), panel: of('--panel'), link: of('--link')};
    this.idleFills = [this.theme.page, this.pattern('\\'), this.pattern('/'), this.pattern('-'), this.pattern('.')];
    this.drainFill = this.pattern('/', true);
    this.overviewImage = null;
  }

  pattern(kind, clear = false) {
    const size = 8;
    const tile = new OffscreenCanvas(size, size);
    const g = tile.getContext('2d');
    if (!clear) {
      g.fillStyle = this.theme.page;
      g.fillRect(0, 0, size, size);
    }
    g.strokeStyle = g.fillStyle = clear ? this.theme.text : this.theme.soft;
    g.lineWidth = 1.4;
    const line = (x0, y0, x1, y1) => {
      g.beginPath();
      g.moveTo(x0, y0);
      g.lineTo(x1, y1);
      g.stroke();
    };
    if (kind === '.') {
      g.fillRect(1, 1, 2, 2);
      g.fillRect(5, 5, 2, 2);
    } else if (kind === '-') {
      line(0, 2, size, 2);
      line(0, 6, size, 6);
    } else {
      for (const x of [-size, 0, size]) kind === '/' ? line(x, size, x + size, 0) : line(x, 0, x + size, size);
    }
    return this.g.createPattern(tile, 'repeat');
  }

  cgroupFill(cgroup) {
    return CGROUP_COLOURS[(cgroup + CGROUP_COLOURS.length - 1) % CGROUP_COLOURS.length];
  }

  fillOf(code) {
    const {first_higher_code: higher, first_cgroup_code: cgroup} = this.run.header;
    if (code < higher) return this.idleFills[code];
    return code < cgroup ? this.theme.text : this.cgroupFill(code - cgroup);
  }

  /** Calls paint(x0, x1, code) for pixel spans of one code, each pixel once, from left to right. */
  forSpans(levels, view, paint) {
    const width = view.width - GUTTER;
    const {starts, codes} = levelFor(levels, view.t0, view.t1, width);
    const scale = width / (view.t1 - view.t0);
    const {held} = this;
    const touched = [];
    let column = -1;
    let [runStart, runEnd, runCode] = [0, 0, -1];
    const emit = (x0, x1, code) => {
      if (code === runCode && x0 === runEnd) {
        runEnd = x1;
        return;
      }
      if (runCode >= 0) paint(GUTTER + runStart, GUTTER + runEnd, runCode);
      [runStart, runEnd, runCode] = [x0, x1, code];
    };
    const closeColumn = () => {
      if (touched.length === 0) return;
      let best = touched[0];
      for (const code of touched) if (held[code] > held[best]) best = code;
      for (const code of touched) held[code] = 0;
      touched.length = 0;
      emit(column, column + 1, best);
    };
    const hold = (x, code, amount) => {
      if (x !== column) {
        closeColumn();
        column = x;
      }
      if (held[code] === 0) touched.push(code);
      held[code] += amount;
    };
    const first = Math.max(0, upperBound(starts, view.t0, codes.length) - 1);
    for (let i = first; i < codes.length && starts[i] < view.t1; ++i) {
      const a = Math.max(0, (starts[i] - view.t0) * scale);
      const b = Math.min(width, (starts[i + 1] - view.t0) * scale);
      if (b <= a) continue;
      const from = Math.floor(a);
      const to = Math.floor(b);
      if (from === to) {
        hold(from, codes[i], b - a);
        continue;
      }
      hold(from, codes[i], from + 1 - a);
      closeColumn();
      if (to > from + 1) emit(from + 1, to, codes[i]);
      if (b > to) hold(to, codes[i], b - to);
    }
    closeColumn();
    emit(-1, -1, -2);
  }

  /** Calls paint(x0, x1, code) for pixel spans with the highest code that each pixel has. */
  forHighest(levels, view, paint) {
    const width = view.width - GUTTER;
    const {starts, codes} = levelFor(levels, view.t0, view.t1, width);
    let [column, top] = [-1, 0];
    const flush = () => column >= 0 && paint(GUTTER + column, GUTTER + column + 1, top);
    for (let i = Math.max(0, upperBound(starts, view.t0, codes.length) - 1); i < codes.length && starts[i] < view.t1; ++i) {
      const from = Math.max(0, Math.floor(this.xOf(view, starts[i])) - GUTTER);
      const to = Math.min(width, Math.ceil(this.xOf(view, starts[i + 1])) - GUTTER);
      if (from !== column) {
        flush();
        [column, top] = [from, 0];
      }
      top = Math.max(top, codes[i]);
      if (to > from + 1) {
        flush();
        paint(GUTTER + from + 1, GUTTER + to, codes[i]);
        [column, top] = [to - 1, codes[i]];
      }
    }
    flush();
  }

  /** A CPU's lane. One colour after the other, because changing the colour is what costs time. */
  fillSpans(g, levels, view, y, height) {
    const byCode = new Map();
    this.forSpans(levels, view, (x0, x1, code) => {
      if (!byCode.has(code)) byCode.set(code, []);
      byCode.get(code).push(x0, x1);
    });
    for (const [code, edges] of byCode) this.fillEdges(g, this.fillOf(code), edges, y, height);
  }

  fillEdges(g, fill, edges, y, height) {
    g.fillStyle = fill;
    for (let i = 0; i < edges.length; i += 2) g.fillRect(edges[i], y, edges[i + 1] - edges[i], height);
  }

  xOf(view, t) {
    return GUTTER + (t - view.t0) / (view.t1 - view.t0) * (view.width - GUTTER);
  }

  timeOf(view, x) {
    return view.t0 + (x - GUTTER) / (view.width - GUTTER) * (view.t1 - view.t0);
  }

  /** @p view: t0, t1 (ns), width, height, scroll (CSS pixels), and the cursor {t, cpu}. */
  draw(view) {
    const {g, theme} = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.canvas.style.width = `${view.width}px`;
      this.canvas.style.height = `${view.height}px`;
    }
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.fillStyle = theme.page;
    g.fillRect(0, 0, view.width, view.height);
    g.font = '12px system-ui, sans-serif';
    g.textBaseline = 'middle';
    for (const row of this.rows) {
      const y = row.y - view.scroll;
      if (y + row.height < 0 || y > view.height) continue;
      if (row.type === 'cpu') this.drawCpu(row, y, view);
      else if (row.type === 'pair') this.drawPair(row, y, view);
      else this.drawQueue(row, y, view);
      g.fillStyle = theme.page;
      g.fillRect(0, y, GUTTER, row.height);
      g.fillStyle = theme.text;
      g.fillText(row.label, 4, y + row.height / 2, GUTTER - 8);
    }
    if (this.run.kicks) this.drawKicks(view);
    this.drawCursor(view);
    this.drawRuler(view);
  }

  drawCpu(row, y, view) {
    const {g, run} = this;
    this.fillSpans(g, this.spanLevels[row.cpu], view, y, row.height);
    this.labelSpans(row, y, view);
    if (view.cursor.cpu === row.cpu) {
      g.strokeStyle = this.theme.link;
      g.lineWidth = 2;
      g.strokeRect(GUTTER - 1, y - 1, view.width - GUTTER, row.height + 2);
      g.lineWidth = 1;
    }
    if (run.header.cgroups.length > CGROUP_COLOURS.length + 1) this.borderLateCgroups(row, y, view);
  }

  /** Spans that are wide enough: from `first` on, until draw() returns false. */
  forWideSpans(cpu, view, draw) {
    const {starts, codes} = this.run.cpus[cpu];
    const first = Math.max(0, upperBound(starts, view.t0, codes.length) - 1);
    if (upperBound(starts, view.t1) - first > 400) return;
    for (let i = first; i < codes.length && starts[i] < view.t1; ++i) {
      const x0 = Math.max(GUTTER, this.xOf(view, starts[i]));
      const x1 = Math.min(view.width, this.xOf(view, starts[i + 1]));
      if (x1 - x0 > 26) draw(i, codes[i], x0, x1);
    }
  }

  labelSpans(row, y, view) {
    const {g, run} = this;
    const {first_higher_code: higher, first_cgroup_code: cgroup} = run.header;
    this.forWideSpans(row.cpu, view, (i, code, x0, x1) => {
      if (code < higher) return;
      const dark = code < cgroup || this.cgroupFill(code - cgroup) === '#0072b2';
      g.fillStyle = code < cgroup ? this.theme.page : dark ? '#fff' : '#000';
      const name = code < cgroup ? ['rt', 'dl', 'stop'][code - higher] : run.pidName(run.cpus[row.cpu].pids[i]);
      g.save();
      g.beginPath();
      g.rect(x0, y, x1 - x0 - 2, row.height);
      g.clip();
      g.fillText(name, x0 + 4, y + row.height / 2);
      g.restore();
    });
  }

  borderLateCgroups(row, y, view) {
    const late = this.run.header.first_cgroup_code + CGROUP_COLOURS.length + 1;
    this.g.strokeStyle = '#000';
    this.forWideSpans(row.cpu, view, (i, code, x0, x1) => {
      if (code >= late) this.g.strokeRect(x0 + 1.5, y + 1.5, x1 - x0 - 3, row.height - 3);
    });
  }

  drawPair(row, y, view) {
    const {g, theme, run} = this;
    const byCgroup = new Map();
    const drains = [];
    const extend = (edges, x0, x1) => (edges.at(-1) === x0 ? edges[edges.length - 1] = x1 : edges.push(x0, x1));
    this.forSpans(this.pairLevels[row.pair], view, (x0, x1, code) => {
      if (!byCgroup.has(code >> 1)) byCgroup.set(code >> 1, []);
      extend(byCgroup.get(code >> 1), x0, x1);
      if (code & 1) extend(drains, x0, x1);
    });
    for (const [cgroup, edges] of byCgroup) {
      this.fillEdges(g, cgroup === 0 ? theme.panel : this.cgroupFill(cgroup - 1), edges, y, row.height);
    }
    this.fillEdges(g, this.drainFill, drains, y, row.height);
    g.fillStyle = theme.broken;
    const broken = [];
    this.forHighest(this.brokenLevels[row.pair], view, (x0, x1, code) => code > 0 && extend(broken, x0, x1));
    for (let i = 0; i < broken.length; i += 2) { // at least three pixels, so that none is overlooked
      g.fillRect(Math.max(GUTTER, broken[i] - 1), y + row.height, Math.max(3, broken[i + 1] - broken[i]), 4);
    }
  }

  drawQueue(row, y, view) {
    const {g, theme} = this;
    const {levels, highest} = row.lane;
    g.strokeStyle = theme.line;
    g.strokeRect(GUTTER + .5, y + .5, view.width - GUTTER - 1, row.height - 1);
    g.fillStyle = theme.soft;
    const bottom = y + row.height;
    g.beginPath();
    g.moveTo(GUTTER, bottom);
    this.forHighest(levels, view, (x0, x1, length) => {
      const top = bottom - (highest === 0 ? 0 : Math.round((row.height - 2) * length / highest));
      g.lineTo(x0, top);
      g.lineTo(x1, top);
    });
    g.lineTo(view.width, bottom);
    g.fill();
  }

  drawKicks(view) {
    const {g, theme} = this;
    const {start, serviced, arrive, from, to} = this.run.kicks;
    const first = Math.max(0, upperBound(start, view.t0) - 4);
    const last = upperBound(start, view.t1);
    const middle = (cpu) => this.rows[this.cpuRow[cpu]].y - view.scroll + CPU_HEIGHT / 2;
    g.strokeStyle = g.fillStyle = theme.text;
    if (last - first > MOST_ARROWS) {
      for (let i = first; i < last;) {
        const x = Math.max(GUTTER, Math.floor(this.xOf(view, start[i])));
        g.fillRect(x, middle(to[i]) - CPU_HEIGHT / 2 - 1, 1, 3);
        i = Math.max(i + 1, upperBound(start, this.timeOf(view, x + 1)));
      }
      return;
    }
    for (let i = first; i < last; ++i) {
      const [x0, x1, x2] = [start[i], serviced[i], arrive[i]].map((t) => this.xOf(view, t));
      if (x2 < GUTTER || x0 < GUTTER) continue;
      const [y0, y1] = [middle(from[i]), middle(to[i])];
      g.beginPath();
      g.arc(x0, y0, 2.5, 0, 7);
      g.fill();
      g.beginPath();
      g.moveTo(x0, y0);
      g.lineTo(x1, y0);
      g.lineTo(x2, y1);
      g.stroke();
      const back = y1 > y0 ? -1 : 1;
      g.beginPath();
      g.moveTo(x2, y1);
      g.lineTo(x2 - 3.5, y1 + 7 * back);
      g.lineTo(x2 + 3.5, y1 + 7 * back);
      g.fill();
    }
  }

  drawCursor(view) {
    const {g} = this;
    const x = this.xOf(view, view.cursor.t);
    if (x < GUTTER || x > view.width) return;
    g.strokeStyle = this.theme.link;
    g.lineWidth = 2;
    g.beginPath();
    g.moveTo(x, RULER);
    g.lineTo(x, view.height);
    g.stroke();
    g.lineWidth = 1;
  }

  drawRuler(view) {
    const {g, theme} = this;
    g.fillStyle = theme.page;
    g.fillRect(0, 0, view.width, RULER);
    g.fillStyle = g.strokeStyle = theme.text;
    const wanted = 100 * (view.t1 - view.t0) / (view.width - GUTTER);
    const power = 10 ** Math.max(0, Math.floor(Math.log10(wanted)));
    const step = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted) ?? 10 * power);
    g.beginPath();
    for (let t = Math.ceil(view.t0 / step) * step; t <= view.t1; t += step) {
      const x = Math.round(this.xOf(view, t)) + .5;
      g.moveTo(x, RULER - 6);
      g.lineTo(x, RULER);
      g.fillText(formatDuration(t), x + 3, RULER / 2 - 2);
    }
    g.stroke();
  }

  /** The whole run in a strip, and the part that the picture shows. */
  drawOverview(canvas, view) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(view.width * ratio);
    const height = Math.round(34 * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      this.overviewImage = null;
    }
    const g = canvas.getContext('2d');
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const whole = {...view, t0: 0, t1: this.run.end};
    if (!this.overviewImage) {
      this.overviewImage = new OffscreenCanvas(width, height);
      const o = this.overviewImage.getContext('2d');
      o.setTransform(ratio, 0, 0, ratio, 0, 0);
      o.fillStyle = this.theme.page;
      o.fillRect(0, 0, view.width, 34);
      this.spanLevels.forEach((levels, cpu) => {
        const [y0, y1] = [cpu, cpu + 1].map((n) => Math.floor(n * 30 / this.spanLevels.length));
        this.fillSpans(o, levels, whole, y0, Math.max(1, y1 - y0));
      });
      o.fillStyle = this.theme.broken;
      for (const levels of this.brokenLevels) {
        this.forHighest(levels, whole, (x0, x1, code) => code > 0 && o.fillRect(x0, 30, Math.max(2, x1 - x0), 4));
      }
    }
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.drawImage(this.overviewImage, 0, 0);
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [x0, x1] = [view.t0, view.t1].map((t) => this.xOf(whole, t));
    g.fillStyle = 'rgba(127, 127, 127, .45)';
    g.fillRect(GUTTER, 0, x0 - GUTTER, 34);
    g.fillRect(x1, 0, view.width - x1, 34);
    g.strokeStyle = this.theme.link;
    g.lineWidth = 2;
    g.strokeRect(x0, 1, Math.max(2, x1 - x0), 32);
  }
}
