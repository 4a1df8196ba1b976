// SPDX-License-Identifier: GPL-2.0-only
//
// The page: the view that is shown, and everything by which it is moved.

const many = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;

class Page {
  constructor() {
    this.run = new Run();
    this.lanes = byId('lanes');
    this.picture = new Picture(this.run, byId('picture'));
    this.view = {t0: 0, t1: this.run.end, width: 0, height: 0, scroll: 0, cursor: {t: 0, cpu: 0}};
    this.steps = new Steps(this.run, (t, cpu) => this.moveCursor(t, cpu, true));
    this.pointers = new Map();
    this.showHeader();
    this.listen();
    this.resize();
    this.draw();
    // Records are read after the first picture is on the screen.
    requestAnimationFrame(() => setTimeout(() => this.readRest()));
  }

  readRest() {
    performance.mark('first-picture');
    this.run.readRest();
    this.picture.addQueues();
    this.resize();
    if (!this.followLink()) this.steps.showInstant(this.view.cursor.t, this.view.cursor.cpu);
    this.redraw();
    document.body.dataset.ready = 'yes';
    performance.mark('ready');
  }

  // ---- what does not change -----------------------------------------------------------------------------------

  showHeader() {
    const {header} = this.run;
    byId('description').textContent = header.description;
    const ended = header.exit.kind === 'none' ? '' : ` The scheduler ended: ${header.exit.kind} ${header.exit.message}.`;
    byId('summary').textContent = `${many(header.cpus, 'CPU')} in ${many(header.pairs.length, 'pair')}, ${many(header.tasks.length, 'task')}, ` +
        `${formatDuration(header.end)}, ${many(header.violations, 'violation')}. pairsim ${header.version}.${ended}`;
    const names = [...header.cgroups, ...header.tasks].slice(0, 2000);
    byId('names').append(...names.map((name) => element('option', '', {value: name})));
    this.showLegend();
    const listed = header.findings.length;
    byId('violations-summary').textContent = header.violations === 0 ? 'No claim was broken.' :
        `${header.violations} in all${listed < header.violations ? `, the first ${listed} are listed` : ''}. Choose one to go there.`;
    byId('violations').append(...header.findings.map((f, i) => {
      const item = document.createElement('li');
      const button = element('button', `${formatDuration(f.start)}, ${formatDuration(f.end - f.start)}: ${f.sentence.replaceAll("`", "")} (${f.cause})`,
                             {type: 'button', title: `${f.why} Remedy: ${f.remedy || '-'}.`});
      button.addEventListener('click', () => this.goToViolation(i));
      item.append(button);
      return item;
    }));
  }

  showLegend() {
    const {header} = this.run;
    const swatch = (text, fill, bordered) => {
      const item = document.createElement('li');
      const canvas = element('canvas', '', {width: 28, height: 14, 'aria-hidden': 'true'});
      const g = canvas.getContext('2d');
      g.fillStyle = fill;
      g.fillRect(0, 0, 28, 14);
      g.strokeStyle = '#000';
      if (bordered) g.strokeRect(1.5, 1.5, 25, 11);
      item.append(canvas, text);
      return item;
    };
    const used = new Set();
    for (const {codes} of this.run.cpus) for (const code of codes) used.add(code);
    const items = header.cgroups.map((name, i) => [name, i])
        .filter(([, i]) => used.has(i + header.first_cgroup_code)).slice(0, 40)
        .map(([name, i]) => swatch(name, this.picture.cgroupFill(i), i > CGROUP_COLOURS.length));
    ['idle, nothing to do', 'idle: partner preempted', 'idle: the pair drains', 'idle: other cgroups wait', 'idle: not told']
        .forEach((text, code) => items.push(swatch(text, this.picture.idleFills[code])));
    items.push(swatch('higher class', this.picture.theme.text), swatch('violation', this.picture.theme.broken));
    items.push(element('li', '● request of a kick, ▲▼ arrival of its IPI'));
    byId('legend').replaceChildren(...items);
  }

  // ---- the view -----------------------------------------------------------------------------------------------

  resize() {
    const {view, picture} = this;
    view.width = this.lanes.clientWidth;
    const shown = Math.min(picture.height, Math.max(200, window.innerHeight * .6));
    this.lanes.style.height = `${shown + 2}px`;
    view.height = shown;
    byId('spacer').style.height = `${Math.max(0, picture.height - shown)}px`;
    byId('overview').style.width = `${view.width}px`;
    this.redraw();
  }

  redraw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.isDue = false;
    if (this.view.width <= GUTTER) return; // not laid out, or in a window that shows nothing
    this.view.scroll = this.lanes.scrollTop;
    this.picture.draw(this.view);
    this.picture.drawOverview(byId('overview'), this.view);
  }

  /** Shows [t0, t0 + span], moved into the run. */
  show(t0, span) {
    const {view, run} = this;
    span = Math.min(run.end, Math.max(span, 20));
    view.t0 = Math.max(0, Math.min(t0, run.end - span));
    view.t1 = view.t0 + span;
    this.redraw();
  }

  zoom(factor, x = (GUTTER + this.view.width) / 2) {
    const {view} = this;
    const t = this.picture.timeOf(view, Math.max(GUTTER, x));
    const span = Math.min(this.run.end, Math.max(20, (view.t1 - view.t0) * factor));
    this.show(t - (t - view.t0) * span / (view.t1 - view.t0), span);
  }

  pan(part) {
    const span = this.view.t1 - this.view.t0;
    this.show(this.view.t0 + span * part, span);
  }

  /** The cursor goes to @p t; @p follow: the view too, if t is not in it. */
  moveCursor(t, cpu, follow) {
    const {view} = this;
    view.cursor.t = Math.max(0, Math.min(t, this.run.end));
    if (cpu >= 0 && cpu < this.run.header.cpus) view.cursor.cpu = cpu;
    const span = view.t1 - view.t0;
    if (follow && (t < view.t0 || t > view.t1)) this.show(t - span / 2, span);
    const row = this.picture.rows[this.picture.cpuRow[view.cursor.cpu]];
    if (row.y < this.lanes.scrollTop + RULER) this.lanes.scrollTop = row.y - RULER;
    else if (row.y + row.height > this.lanes.scrollTop + view.height) this.lanes.scrollTop = row.y + row.height - view.height;
    const link = `#t=${formatDuration(view.cursor.t)}&cpu=${view.cursor.cpu}`;
    if (location.hash !== link) history.replaceState(null, '', link);
    this.redraw();
  }

  selectInstant(t, cpu, span) {
    if (span) this.show(t - span / 2, span);
    this.moveCursor(t, cpu, true);
    this.steps.showInstant(this.view.cursor.t, this.view.cursor.cpu);
  }

  /** #t=12.3ms, with &cpu=2 and &w=10ms if wanted. False if the address names no time. */
  followLink() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    const t = Math.round(parseDuration(parameters.get('t') ?? ''));
    if (Number.isNaN(t)) return false;
    const width = parseDuration(parameters.get('w') ?? '');
    this.selectInstant(t, Number(parameters.get('cpu') ?? this.view.cursor.cpu), Number.isNaN(width) ? 0 : width);
    return true;
  }

  goToViolation(i) {
    const {starts, ends, cpus} = this.run.findings;
    for (const [k, item] of Array.from(byId('violations').children).entries()) item.classList.toggle('here', k === i);
    byId('violations').children[i]?.scrollIntoView({block: 'nearest'});
    this.selectInstant(starts[i], cpus[i], Math.max((ends[i] - starts[i]) * 4, 50000));
    byId('message').textContent = `violation ${i + 1} of ${this.run.findings.n}`;
  }

  stepViolation(direction) {
    const {starts, n} = this.run.findings;
    const after = upperBound(starts, this.view.cursor.t);
    let i = after;
    if (direction < 0) for (i = after - 1; i >= 0 && starts[i] >= this.view.cursor.t;) --i;
    if (i < 0 || i >= n) byId('message').textContent = direction > 0 ? 'no later violation' : 'no earlier violation';
    else this.goToViolation(i);
  }

  /** The next or previous span of a task or cgroup whose name contains the text. */
  find(direction) {
    const {header, cpus} = this.run;
    const text = byId('find').value.trim().toLowerCase();
    if (text === '') return;
    const pids = header.tasks.map((name) => name.toLowerCase().includes(text));
    const cgroups = header.cgroups.map((name) => name.toLowerCase().includes(text));
    let best = null;
    cpus.forEach(({starts, codes, pids: running}, cpu) => {
      const from = upperBound(starts, this.view.cursor.t, codes.length) - (direction > 0 ? 0 : 1);
      for (let i = from; i >= 0 && i < codes.length; i += direction) {
        if (direction < 0 && starts[i] >= this.view.cursor.t) continue;
        if (codes[i] >= header.first_cgroup_code && (pids[running[i] - 1] || cgroups[codes[i] - header.first_cgroup_code])) {
          if (!best || (starts[i] - best.t) * direction < 0) best = {t: starts[i], cpu};
          break;
        }
      }
    });
    byId('message').textContent = best ? '' : `nothing ${direction > 0 ? 'later' : 'earlier'} matches`;
    if (best) this.selectInstant(best.t, best.cpu);
  }

  // ---- input --------------------------------------------------------------------------------------------------

  listen() {
    const on = (id, action) => byId(id).addEventListener('click', action);
    on('zoom-in', () => this.zoom(.5));
    on('zoom-out', () => this.zoom(2));
    on('fit', () => this.show(0, this.run.end));
    on('violation-next', () => this.stepViolation(1));
    on('violation-previous', () => this.stepViolation(-1));
    on('find-next', () => this.find(1));
    on('find-previous', () => this.find(-1));
    byId('find').addEventListener('keydown', (e) => e.key === 'Enter' && this.find(e.shiftKey ? -1 : 1));
    byId('go-to').addEventListener('keydown', (e) => {
      if (e.key !== 'Enter') return;
      const t = parseDuration(e.target.value);
      if (Number.isNaN(t)) byId('message').textContent = 'write a time with its unit, as in 12.3ms';
      else this.selectInstant(t, this.view.cursor.cpu);
    });
    byId('why').addEventListener('click', (e) => {
      e.preventDefault(); // the address stays that of the instant
      const topic = document.querySelector(e.target.getAttribute('href'));
      topic.scrollIntoView({block: 'center'});
      topic.querySelector('h3').focus({preventScroll: true});
    });
    document.addEventListener('keydown', (e) => this.onKey(e));
    window.addEventListener('resize', () => this.resize());
    window.addEventListener('hashchange', () => this.run.records && this.followLink());
    this.lanes.addEventListener('scroll', () => this.redraw());
    this.lanes.addEventListener('wheel', (e) => this.onWheel(e), {passive: false});
    this.lanes.addEventListener('pointerdown', (e) => this.onPointerDown(e));
    this.lanes.addEventListener('pointermove', (e) => this.onPointerMove(e));
    for (const name of ['pointerup', 'pointercancel']) this.lanes.addEventListener(name, (e) => this.onPointerUp(e));
    this.lanes.addEventListener('pointerleave', () => (byId('tooltip').hidden = true));
    const strip = byId('overview');
    const jump = (e) => {
      if (e.buttons === 0) return;
      const whole = {...this.view, t0: 0, t1: this.run.end};
      const span = this.view.t1 - this.view.t0;
      this.show(this.picture.timeOf(whole, e.clientX - strip.getBoundingClientRect().left) - span / 2, span);
    };
    strip.addEventListener('pointerdown', jump);
    strip.addEventListener('pointermove', jump);
    const newColours = () => {
      this.picture.makeFills();
      this.showLegend();
      this.redraw();
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', newColours);
    window.addEventListener('beforeprint', () => this.draw());
  }

  onKey(e) {
    if (e.ctrlKey || e.altKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
    const anywhere = {
      n: () => this.steps.step(1), p: () => this.steps.step(-1), v: () => this.stepViolation(1),
      V: () => this.stepViolation(-1),
    };
    const chooseCpu = (by) => {
      const order = this.picture.rows.filter((row) => row.type === 'cpu').map((row) => row.cpu);
      const i = order.indexOf(this.view.cursor.cpu) + by;
      if (i >= 0 && i < order.length) this.selectInstant(this.view.cursor.t, order[i]);
    };
    const onTimeline = {
      ArrowLeft: () => this.pan(-.2), ArrowRight: () => this.pan(.2), ArrowUp: () => chooseCpu(-1),
      ArrowDown: () => chooseCpu(1), '+': () => this.zoom(.5), '=': () => this.zoom(.5), '-': () => this.zoom(2),
      0: () => this.show(0, this.run.end), Home: () => this.pan(-1e9), End: () => this.pan(1e9),
    };
    const action = anywhere[e.key] ?? (this.lanes.contains(document.activeElement) ? onTimeline[e.key] : undefined);
    if (!action) return;
    e.preventDefault();
    action();
  }

  onWheel(e) {
    e.preventDefault();
    const moves = e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY);
    if (moves) this.pan((e.deltaX || e.deltaY) / 1000);
    else this.zoom(Math.exp(Math.max(-200, Math.min(200, e.deltaY)) / 400), this.xOf(e));
  }

  xOf(e) {
    return e.clientX - this.lanes.getBoundingClientRect().left - 1;
  }

  yOf(e) {
    return e.clientY - this.lanes.getBoundingClientRect().top - 1 + this.lanes.scrollTop;
  }

  onPointerDown(e) {
    this.lanes.setPointerCapture(e.pointerId);
    this.pointers.set(e.pointerId, {x: this.xOf(e), start: this.xOf(e), moved: false});
  }

  onPointerMove(e) {
    const pointer = this.pointers.get(e.pointerId);
    const x = this.xOf(e);
    if (!pointer) {
      this.showTooltip(e, x);
      return;
    }
    pointer.moved = pointer.moved || Math.abs(x - pointer.start) > 3;
    if (this.pointers.size === 1 && pointer.moved) {
      this.pan((pointer.x - x) / (this.view.width - GUTTER));
    } else if (this.pointers.size === 2) {
      const other = [...this.pointers.entries()].find(([id]) => id !== e.pointerId)[1].x;
      const [before, after] = [Math.abs(pointer.x - other), Math.abs(x - other)];
      if (before > 5 && after > 5) this.zoom(before / after, (x + other) / 2);
      pointer.moved = true;
    }
    pointer.x = x;
  }

  onPointerUp(e) {
    const pointer = this.pointers.get(e.pointerId);
    this.pointers.delete(e.pointerId);
    if (!pointer || pointer.moved || pointer.x < GUTTER) return;
    const row = this.picture.rows.find((r) => this.yOf(e) >= r.y && this.yOf(e) < r.y + r.height);
    const cpu = row?.type === 'cpu' ? row.cpu : this.view.cursor.cpu;
    if (row?.type === 'pair') {
      const t = this.picture.timeOf(this.view, pointer.x);
      const near = 4 * (this.view.t1 - this.view.t0) / this.view.width;
      const {n, starts, ends, cpus} = this.run.findings;
      for (let i = 0; i < n && starts[i] - near <= t; ++i) {
        if (cpus[i] >= 0 && this.run.pairOf[cpus[i]] === row.pair && ends[i] + near >= t) return this.goToViolation(i);
      }
    }
    this.selectInstant(Math.round(this.picture.timeOf(this.view, pointer.x)), cpu);
  }

  /** Exact numbers of what is under the pointer. */
  textAt(row, t) {
    const {run} = this;
    const [from, to, text] = row.type === 'cpu' ? this.cpuText(row.cpu, t) : row.type === 'pair' ? this.pairText(row.pair, t) :
        [null, null, `${row.label}: ${run.queuesAt(run.recordsUntil(t)).find(([name]) => name === row.label)[1].join(', ') || 'empty'}`];
    const when = from === null ? `at ${formatDuration(Math.round(t))}` :
        `${formatDuration(from)} to ${formatDuration(to)}, ${formatDuration(to - from)}`;
    return `${text}\n${when}`;
  }

  cpuText(cpu, t) {
    const span = this.run.spanAt(cpu, t);
    return [this.run.cpus[cpu].starts[span], this.run.cpus[cpu].starts[span + 1], `cpu ${cpu} ${this.run.activity(cpu, span)}`];
  }

  pairText(pair, t) {
    const ctx = this.run.ctxs[pair];
    const i = upperBound(ctx.times, t) - 1;
    const fields = Object.entries(this.run.ctxVersion(pair, i)).map(([name, value]) => `${name}=${value}`).join('\n');
    return [i < 0 ? 0 : ctx.times[i], i + 1 < ctx.times.length ? ctx.times[i + 1] : this.run.end, fields];
  }

  showTooltip(e, x) {
    const tooltip = byId('tooltip');
    const y = this.yOf(e);
    const row = this.picture.rows.find((r) => y >= r.y && y < r.y + r.height);
    tooltip.hidden = !row || x < GUTTER || (row.type === 'queue' && !this.run.records);
    if (tooltip.hidden) return;
    tooltip.textContent = this.textAt(row, this.picture.timeOf(this.view, x));
    tooltip.style.left = `${Math.max(0, Math.min(e.clientX + 14, window.innerWidth - tooltip.offsetWidth - 8))}px`;
    tooltip.style.top = `${Math.max(0, Math.min(e.clientY + 14, window.innerHeight - tooltip.offsetHeight - 8))}px`;
  }
}

const page = new Page();
