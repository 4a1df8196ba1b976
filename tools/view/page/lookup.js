// SPDX-License-Identifier: GPL-2.0-only
//
// The run: names, what held when, and sentences. Nothing is decided here; the program has decided it.

const IDLE_PID = 0;
const FIRST_HIGHER_PID = 0xffffff00;

class Run {
  constructor() {
    this.header = JSON.parse(document.getElementById('data-header').textContent);
    this.cpus = readSpans(new ByteReader(bytesOf('data-spans')), this.header);
    this.ctxs = readCtxs(new ByteReader(bytesOf('data-ctxs')), this.header);
    this.findings = readFindings(new ByteReader(bytesOf('data-findings')));
    this.end = Math.max(this.header.end, 1);
    this.pairOf = new Int32Array(this.header.cpus).fill(-1);
    this.partner = new Int32Array(this.header.cpus).fill(-1);
    this.header.pairs.forEach(([first, second], i) => {
      this.pairOf[first] = this.pairOf[second] = i;
      this.partner[first] = second;
      this.partner[second] = first;
    });
    this.records = null; // read after the first picture
  }

  readRest() {
    this.records = readRecords(new ByteReader(bytesOf('data-records')), this.header);
    const reader = new ByteReader(bytesOf('data-queues'));
    this.queues = this.header.cgroups.map((name) => ({name, ...readQueue(reader)}));
    this.topQ = {name: 'top_q', ...readQueue(reader)};
    const decides = this.header.sentences.map((s) => s.decision);
    const found = [];
    for (let i = 0; i < this.records.n; ++i) if (decides[this.records.sentences[i]]) found.push(i);
    this.decisions = Uint32Array.from(found);
    this.readKicks();
  }

  /** Each kick from its request to the moment when the target feels it. */
  readKicks() {
    const kinds = this.header.sentences.map((s) => s.kind);
    const {n, sentences, times, cpus, a} = this.records;
    const skips = this.header.sentences.map((s) => s.text.includes('leaves it alone'));
    const skipped = new Set();
    const open = new Map();
    const kicks = {start: [], end: [], from: [], to: []};
    for (let i = 0; i < n; ++i) {
      const kind = kinds[sentences[i]];
      if (kind === 'kick') {
        const key = cpus[i] * 65536 + a[i];
        if (!open.has(key)) open.set(key, []);
        open.get(key).push(kicks.start.length);
        kicks.start.push(times[i]);
        kicks.end.push(this.end);
        kicks.from.push(cpus[i]);
        kicks.to.push(a[i]);
      } else if (kind === 'kick_serviced') {
        for (const kick of open.get(cpus[i] * 65536 + a[i]) || []) {
          kicks.end[kick] = times[i];
          if (skips[sentences[i]]) skipped.add(kick);
        }
        open.delete(cpus[i] * 65536 + a[i]);
      }
    }
    const ipis = this.ipiTimes();
    this.kicks = {
      start: Float64Array.from(kicks.start), serviced: Float64Array.from(kicks.end), from: kicks.from, to: kicks.to,
      arrive: Float64Array.from(kicks.end, (t, i) => this.arrivalAfter(ipis.get(kicks.to[i]), t, skipped.has(i))),
    };
  }

  /** When the reschedule IPI of a kick that was serviced at @p t arrives; a kick that was skipped has none. */
  arrivalAfter(times, t, isSkipped) {
    if (isSkipped || !times) return t;
    const i = upperBound(times, t);
    return i < times.length ? times[i] : this.end;
  }

  /** For each CPU the times at which a reschedule IPI arrived. */
  ipiTimes() {
    const {n, sentences, times, cpus} = this.records;
    const kinds = this.header.sentences.map((s) => s.kind);
    const arrivals = new Map();
    for (let i = 0; i < n; ++i) {
      if (kinds[sentences[i]] !== 'ipi') continue;
      if (!arrivals.has(cpus[i])) arrivals.set(cpus[i], []);
      arrivals.get(cpus[i]).push(times[i]);
    }
    return arrivals;
  }

  pidName(pid) {
    if (pid === IDLE_PID) return 'the idle task';
    if (pid >= FIRST_HIGHER_PID) return `the ${['idle', 'ext', 'rt', 'dl', 'stop'][pid - FIRST_HIGHER_PID] || 'higher'} class`;
    return this.header.tasks[pid - 1] ?? `pid ${pid}`;
  }

  cgroupName(cgroup) {
    return this.header.cgroups[cgroup] ?? 'no cgroup';
  }

  /** Index of the span of @p cpu at @p t. */
  spanAt(cpu, t) {
    const {starts, codes} = this.cpus[cpu];
    return Math.max(0, Math.min(upperBound(starts, t, codes.length) - 1, codes.length - 1));
  }

  activity(cpu, span) {
    const {codes, pids} = this.cpus[cpu];
    const code = codes[span];
    if (code < this.header.first_higher_code) return this.header.idle_words[code];
    if (code < this.header.first_cgroup_code) {
      return 'is held by ' + this.pidName(FIRST_HIGHER_PID + 2 + code - this.header.first_higher_code);
    }
    return `runs ${this.pidName(pids[span])} of ${this.cgroupName(code - this.header.first_cgroup_code)}`;
  }

  mask(pair, bits) {
    return '{' + this.header.pairs[pair].filter((_, side) => (bits >> side & 1) !== 0).join(',') + '}';
  }

  /** pair_ctx of @p pair after the first @p nrRecords records, as texts. */
  ctxAt(pair, nrRecords) {
    const ctx = this.ctxs[pair];
    return this.ctxVersion(pair, upperBound(ctx.records, nrRecords - 1) - 1);
  }

  ctxVersion(pair, i) {
    const ctx = this.ctxs[pair];
    const [cgroup, bits, started] = i < 0 ? [0, 0, 0] : [ctx.cgroups[i], ctx.bits[i], ctx.started[i]];
    return {
      cgid: cgroup === 0 ? 'no cgroup' : this.cgroupName(cgroup - 1),
      started_at: started === 0 ? 'never' : formatDuration(started - 1),
      draining: bits & 16 ? 'yes' : 'no',
      active_mask: this.mask(pair, bits & 3),
      preempted_mask: this.mask(pair, bits >> 2 & 3),
    };
  }

  queueNames(queue, nrRecords, nameOf) {
    const pushed = upperBound(queue.pushed, nrRecords - 1);
    const popped = upperBound(queue.popped, nrRecords - 1);
    return Array.from(queue.values.subarray(Math.min(popped, pushed), pushed), nameOf);
  }

  /** Contents of all queues that were ever used, after the first @p nrRecords records. */
  queuesAt(nrRecords) {
    const all = this.queues.filter((q) => q.pushed.length > 0)
        .map((q) => [q.name, this.queueNames(q, nrRecords, (pid) => this.pidName(pid)), q.exact]);
    return [...all, ['top_q', this.queueNames(this.topQ, nrRecords, (c) => this.cgroupName(c)), this.topQ.exact]];
  }

  /** Number of records up to and including @p t. */
  recordsUntil(t) {
    return upperBound(this.records.times, t);
  }

  sentence(record) {
    const {sentences, cpus, tasks, a, b, values} = this.records;
    const fields = {task: tasks, a, b, value: values};
    return this.header.sentences[sentences[record]].text.replace(/\{(\w+)(?::(\w+))?\}/g, (_, field, type) => {
      if (field === 'cpu') return cpus[record];
      if (field === 'partner') return this.partner[cpus[record]] ?? 'none';
      const value = fields[field][record];
      if (type === 'pid') return this.pidName(value);
      if (type === 'cgroup') return this.cgroupName(value);
      return type === 'ns' ? formatDuration(value) : value;
    });
  }

  /** Is @p record about a CPU of @p pair? */
  concerns(record, pair) {
    const {cpus, a, sentences} = this.records;
    if (cpus[record] >= 0 && this.pairOf[cpus[record]] === pair) return true;
    const kind = this.header.sentences[sentences[record]].kind;
    return (kind === 'kick' || kind === 'kick_serviced' || kind === 'sched_wakeup') && this.pairOf[a[record]] === pair;
  }
}
