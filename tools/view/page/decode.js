// SPDX-License-Identifier: GPL-2.0-only
//
// Reads the page's data: what tools/view/page_data.cpp writes, in the same order.

function bytesOf(id) {
  const text = document.getElementById(id).textContent;
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Reads LEB128 numbers; exact up to 2^53. */
class ByteReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  number() {
    const bytes = this.bytes;
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let shift = 7;
    do {
      byte = bytes[this.at++];
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte >= 0x80);
    return value;
  }

  signed() {
    const n = this.number();
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
  }
}

/** A CPU's spans: span i holds from starts[i] to starts[i + 1]. */
function readSpans(reader, header) {
  const lanes = [];
  for (let cpu = 0; cpu < header.cpus; ++cpu) {
    const n = reader.number();
    const starts = new Float64Array(n + 1);
    const codes = new Uint32Array(n);
    const pids = new Uint32Array(n);
    let t = 0;
    for (let i = 0; i < n; ++i) {
      starts[i] = t;
      t += reader.number();
      codes[i] = reader.number();
      if (codes[i] >= header.first_cgroup_code) pids[i] = reader.number();
    }
    starts[n] = t;
    lanes.push({starts, codes, pids});
  }
  return lanes;
}

function readCtxs(reader, header) {
  return header.pairs.map(() => {
    const n = reader.number();
    const ctx = {
      records: new Uint32Array(n), times: new Float64Array(n), cgroups: new Uint32Array(n), bits: new Uint8Array(n),
      started: new Float64Array(n),
    };
    let record = 0;
    let t = 0;
    for (let i = 0; i < n; ++i) {
      ctx.records[i] = record += reader.number();
      ctx.times[i] = t += reader.number();
      ctx.cgroups[i] = reader.number();
      ctx.bits[i] = reader.number();
      ctx.started[i] = reader.number();
    }
    return ctx;
  });
}

/** All findings; the first ones are in the header too, in words. */
function readFindings(reader) {
  const n = reader.number();
  const all = {n, starts: new Float64Array(n), ends: new Float64Array(n), cpus: new Int32Array(n)};
  let t = 0;
  for (let i = 0; i < n; ++i) {
    all.starts[i] = t += reader.number();
    all.ends[i] = t + reader.number();
    all.cpus[i] = reader.number() - 1;
  }
  return all;
}

function readQueue(reader) {
  const exact = reader.number() === 1;
  const pushed = new Uint32Array(reader.number());
  const values = new Uint32Array(pushed.length);
  let record = 0;
  for (let i = 0; i < pushed.length; ++i) {
    pushed[i] = record += reader.number();
    values[i] = reader.number();
  }
  const popped = new Uint32Array(reader.number());
  record = 0;
  for (let i = 0; i < popped.length; ++i) popped[i] = record += reader.number();
  return {exact, pushed, values, popped};
}

/** The fields of a record that each sentence shows. */
function usesOf(header) {
  return header.sentences.map(({text}) => ['{task:', '{a:', '{b:', '{value:'].map((place) => text.includes(place)));
}

function readRecords(reader, header) {
  const uses = usesOf(header);
  const n = reader.number();
  const all = {
    n, times: new Float64Array(n), sentences: new Uint8Array(n), cpus: new Int32Array(n), tasks: new Uint32Array(n),
    a: new Uint32Array(n), b: new Uint32Array(n), values: new Float64Array(n),
  };
  let t = 0;
  for (let i = 0; i < n; ++i) {
    all.times[i] = t += reader.number();
    const sentence = all.sentences[i] = reader.number();
    all.cpus[i] = reader.number() - 1;
    const use = uses[sentence];
    if (use[0]) all.tasks[i] = reader.number();
    if (use[1]) all.a[i] = reader.number();
    if (use[2]) all.b[i] = reader.number();
    if (use[3]) all.values[i] = reader.signed();
  }
  return all;
}

/** Index of the first element of the sorted @p array that is above @p value. */
function upperBound(array, value, length = array.length) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (array[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** "1.5us", as format_duration() in tools/io/units.cpp. */
function formatDuration(ns) {
  const units = [['s', 1e9], ['ms', 1e6], ['us', 1e3], ['ns', 1]];
  const magnitude = Math.abs(ns);
  const [name, per] = units.find(([, unit]) => magnitude >= unit) || units[3];
  const whole = Math.floor(magnitude / per);
  const rest = magnitude % per;
  const digits = rest === 0 ? '' : '.' + String(per + rest).slice(1).replace(/0+$/, '');
  return (ns < 0 ? '-' : '') + whole + digits + name;
}

/** Nanoseconds of "12.3ms"; NaN for anything else. */
function parseDuration(text) {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(s|ms|us|ns)?\s*$/.exec(text);
  if (!match || (!match[2] && Number(match[1]) !== 0)) return NaN;
  return Math.round(Number(match[1]) * {s: 1e9, ms: 1e6, us: 1e3, ns: 1}[match[2] || 'ns']);
}
