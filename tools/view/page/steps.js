// SPDX-License-Identifier: GPL-2.0-only
//
// Step mode: one record after the other, with its sentence, what it changed, and why.

const byId = (id) => document.getElementById(id);

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Replaces what is in @p list by items with these texts. */
function fillList(list, texts) {
  list.replaceChildren(...texts.map((text) => element('li', text)));
}

class Steps {
  /** @p goTo(t, cpu): moves the cursor there. */
  constructor(run, goTo) {
    this.run = run;
    this.goTo = goTo;
    this.record = -1; ///< the chosen record, or -1: an instant between records
    const scope = byId('scope');
    scope.append(element('option', 'all CPUs', {value: '-1'}));
    run.header.pairs.forEach((pair, i) => scope.append(element('option', `cpus ${pair.join(' and ')}`, {value: i})));
    byId('next').addEventListener('click', () => this.step(1));
    byId('previous').addEventListener('click', () => this.step(-1));
    this.showTopics();
  }

  /** docs/explanation/decisions.md: its headings, paragraphs and code words. */
  showTopics() {
    const text = byId('explanations-text').textContent.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    for (const part of text.split(/^## /m).slice(1)) {
      const [heading, ...rest] = part.split('\n');
      const topic = element('div', '', {id: `topic-${heading.trim()}`});
      topic.append(element('h3', heading.trim(), {tabindex: '-1'}));
      for (const paragraph of rest.join('\n').trim().split(/\n\n+/)) {
        const p = element('p', '');
        paragraph.replaceAll('\n', ' ').split('`').forEach((piece, i) => {
          p.append(i % 2 === 1 ? element('code', piece) : piece.replaceAll('*', ''));
        });
        topic.append(p);
      }
      byId('topics').append(topic);
    }
  }

  isWanted(record) {
    const {run} = this;
    const pair = Number(byId('scope').value);
    const decides = run.header.sentences[run.records.sentences[record]].decision;
    return (byId('all-records').checked || decides) && (pair < 0 || run.concerns(record, pair));
  }

  /** To the next (1) or previous (-1) record that is wanted. */
  step(direction, from = this.record) {
    const {records} = this.run;
    if (!records) return;
    let record = from;
    if (record < 0) record = this.run.recordsUntil(this.at) - (direction > 0 ? 1 : 0);
    do record += direction; while (record >= 0 && record < records.n && !this.isWanted(record));
    if (record < 0 || record >= records.n) {
      byId('message').textContent = direction > 0 ? 'no later decision' : 'no earlier decision';
      return;
    }
    this.show(record);
    this.goTo(records.times[record], records.cpus[record]);
  }

  /** Shows an instant without a decision. */
  showInstant(t, cpu) {
    this.record = -1;
    this.at = t;
    byId('when').textContent = `at ${formatDuration(t)}`;
    byId('sentence').textContent = `cpu ${cpu} ${this.run.activity(cpu, this.run.spanAt(cpu, t))}`;
    byId('where').textContent = '';
    if (this.run.records) this.showState(this.run.recordsUntil(t), t, cpu, null);
  }

  show(record) {
    const {run} = this;
    const {times, cpus, sentences} = run.records;
    const info = run.header.sentences[sentences[record]];
    this.record = record;
    this.at = times[record];
    byId('when').textContent = `at ${formatDuration(times[record])}, record ${record + 1} of ${run.records.n}`;
    byId('sentence').textContent = run.sentence(record);
    byId('where').textContent = `in ${info.function}${info.step ? ': ' + info.step : ''} (trace: ${info.kind})`;
    byId('why').textContent = `Why? See “${info.topic}”`;
    byId('why').href = `#topic-${info.topic}`;
    for (const topic of byId('topics').children) topic.classList.toggle('here', topic.id === `topic-${info.topic}`);
    this.showState(record + 1, times[record], Math.max(0, cpus[record]), record);
  }

  /** pair_ctx, CPUs and queues after @p nrRecords records; what changed with @p record, if given. */
  showState(nrRecords, t, cpu, record) {
    const {run} = this;
    const pair = run.pairOf[cpu];
    const table = byId('ctx');
    table.hidden = pair < 0;
    if (pair >= 0) {
      const after = run.ctxAt(pair, nrRecords);
      const before = record === null ? after : run.ctxAt(pair, record);
      table.caption.textContent = `pair_ctx of cpus ${run.header.pairs[pair].join(' and ')}`;
      table.tBodies[0].replaceChildren(...Object.keys(after).map((field) => {
        const row = document.createElement('tr');
        const changed = before[field] !== after[field];
        row.append(element('th', field, {scope: 'row'}), element('td', before[field]),
                   element('td', after[field] + (changed ? ' (changed)' : ''), changed ? {class: 'changed'} : {}));
        return row;
      }));
    }
    const cpus = pair < 0 ? [cpu] : run.header.pairs[pair];
    fillList(byId('now'), cpus.map((c) => {
      const span = run.spanAt(c, t);
      const [from, to] = [run.cpus[c].starts[span], run.cpus[c].starts[span + 1]];
      return `cpu ${c} ${run.activity(c, span)}, from ${formatDuration(from)} to ${formatDuration(to)} (${formatDuration(to - from)})`;
    }));
    const old = record === null ? null : run.queuesAt(record);
    fillList(byId('queues'), run.queuesAt(nrRecords).map(([name, entries, exact], i) => {
      const shown = entries.slice(0, 20).join(', ') + (entries.length > 20 ? ', ...' : '');
      const changed = old && old[i][1].join() !== entries.join() ? ' (changed)' : '';
      return `${name}: ${entries.length}${entries.length ? ': ' : ''}${exact ? shown : 'contents not known'}${changed}`;
    }));
  }
}
