// SPDX-License-Identifier: GPL-2.0-only
//
// What tests and screenshots share: Debian's Chromium without a network, and pages made by the program.
'use strict';
const assert = require('node:assert');
const {execFileSync} = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {chromium} = require('playwright-core');

const root = path.resolve(__dirname, '../..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pairsim-browser-'));
process.on('exit', () => fs.rmSync(folder, {recursive: true, force: true}));

/** Runs the program; returns what it prints. */
function pairsim(program, ...args) {
  return execFileSync(program, args, {cwd: root, encoding: 'utf8', maxBuffer: 1 << 28});
}

/** Makes a page; returns its address. */
function makePage(program, name, ...args) {
  const file = path.join(folder, name);
  pairsim(program, 'view', ...args, '-o', file);
  return 'file://' + file;
}

function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync'],
  });
}

/** Runs the ready study of the batch duration, or a small one with the same charts; returns its page's address. */
function makeStudyPage(program, {small}) {
  const study = path.join(folder, 'study.json');
  const ready = JSON.parse(fs.readFileSync(path.join(root, 'scenarios/studies/batch-duration.json'), 'utf8'));
  if (small) { // with two groups, so that every kind of chart is there
    ready.scenario.duration = '1s';
    ready.warmup = '100ms';
    ready.replications = 3;
    ready.factors[0].range.points = 4;
    ready.factors.push({pointer: '/tasks/0/count', name: 'hogs', values: [4, 8]});
    ready.baseline = {hogs: 8};
  }
  fs.writeFileSync(study, JSON.stringify(ready));
  const results = path.join(folder, 'results');
  pairsim(program, 'study', study, '--out', results, '--report');
  return 'file://' + path.join(results, 'report.html');
}

/** Opens @p address and waits until all of it is shown: until @p ready is there. Problems go into page.problems. */
async function open(browser, address, options = {}, ready = 'body[data-ready]') {
  const context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
  const page = await context.newPage();
  page.problems = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => page.problems.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url().split('#')[0] !== address.split('#')[0]) page.problems.push(`request: ${request.url()}`);
  });
  await page.goto(address);
  await page.waitForSelector(ready);
  return page;
}

/** How people look at a page: options of open(). */
const looks = {
  'in light': {colorScheme: 'light'},
  'in dark': {colorScheme: 'dark'},
  'at 200 % zoom': {viewport: {width: 640, height: 450}, deviceScaleFactor: 2},
};

async function assertAccessible(page) {
  await page.evaluate(fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const {violations} = await page.evaluate(() => window.axe.run());
  assert.deepStrictEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`), []);
}

module.exports = {pairsim, makePage, makeStudyPage, launch, open, looks, assertAccessible};
