// SPDX-License-Identifier: GPL-2.0-only
//
// The page of `pairsim study --report` in a real browser: its charts show the means of the CSV.
// Usage: node study_test.js PAIRSIM
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const {test, before, after} = require('node:test');
const {makeStudyPage, launch, open, assertAccessible, looks} = require('./browser.js');

const program = process.argv[2];
let browser;
let address;

/** Rows of a CSV file without quoted line ends, as objects. */
function rowsOf(file) {
  const cells = (line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => m[2] ?? m[1].replaceAll('""', '"'));
  const [head, ...lines] = fs.readFileSync(file, 'utf8').trimEnd().split(/\r?\n/);
  const names = cells(head);
  return lines.map((line) => Object.fromEntries(cells(line).map((text, i) => [names[i], text])));
}

/** Mean of each metric at each point, by the point's labels. */
function meansOf(file, factors) {
  const values = new Map();
  for (const row of rowsOf(file)) {
    const point = factors.map((f) => row[f]).join('|');
    if (!values.has(point)) values.set(point, {});
    for (const [name, text] of Object.entries(row)) {
      if (text !== '' && !Number.isNaN(Number(text))) (values.get(point)[name] ??= []).push(Number(text));
    }
  }
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
  return new Map([...values].map(([point, lists]) =>
    [point, Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, mean(list)]))]));
}

before(async () => {
  browser = await launch();
  address = makeStudyPage(program, {small: true});
});
after(() => browser.close());

for (const [name, options] of Object.entries(looks)) {
  test(`the page opens without errors, requests and accessibility problems ${name}`, async () => {
    const page = await open(browser, address, options, '#charts figure');
    await assertAccessible(page);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    assert.match(await page.locator('.range').first().innerText(), /^Recommended/);
    assert.deepStrictEqual(page.problems, []);
    await page.context().close();
  });
}

test('every chart has a label and a table, and shows the means of the CSV', async (t) => {
  const page = await open(browser, address, {}, '#charts figure');
  const data = JSON.parse(await page.locator('#data').textContent());
  const means = meansOf(path.join(path.dirname(new URL(address).pathname), 'runs.csv'), data.factors);
  const charts = await page.evaluate(() => [...document.querySelectorAll('figure')].map((figure) => {
    const chart = Chart.getChart(figure.querySelector('canvas'));
    return {
      id: figure.id, rows: figure.querySelectorAll('tbody tr').length, height: chart.height,
      label: figure.querySelector('canvas').getAttribute('aria-label'),
      datasets: chart.data.datasets.map((set) => ({metric: set.metric || null, label: set.label, data: set.data})),
    };
  }));
  let compared = 0;
  for (const chart of charts) {
    assert.ok(chart.rows > 0 && chart.height > 0 && chart.label, `${chart.id} has no table, no height or no label`);
    if (chart.id === 'chart-pareto') continue;
    chart.datasets.forEach((dataset, index) => {
      const byMetric = /^chart-(causes|latency)-(\d+)$/.exec(chart.id);
      const group = data.groups[byMetric ? Number(byMetric[2]) : index];
      assert.strictEqual(dataset.data.length, group.points.length, `${chart.id}, ${dataset.label}`);
      group.points.forEach((point, i) => {
        const entry = dataset.data[i];
        const shown = entry !== null && typeof entry === 'object' ? entry.y : entry;
        const labels = data.factors.map((f) => data.points[point].parameters[f]).join('|');
        const truth = means.get(labels)[dataset.metric];
        const near = shown === null ? truth === undefined : Math.abs(shown - truth) <= 1e-9 * Math.abs(truth) + 1e-15;
        assert.ok(near, `${chart.id}, ${labels}: shows ${shown}, the CSV says ${truth}`);
        ++compared;
      });
    });
  }
  t.diagnostic(`${charts.length} charts, ${compared} numbers compared with the CSV`);
  assert.ok(charts.length >= 8 && compared >= 50, `only ${charts.length} charts with ${compared} numbers`);
  await page.context().close();
});

test('the page prints, with the data of its charts', async () => {
  const page = await open(browser, address, {}, '#charts figure');
  assert.ok((await page.pdf()).length > 50_000);
  assert.strictEqual(await page.locator('details:not([open])').count(), 0);
  await page.context().close();
});
