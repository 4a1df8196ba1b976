// SPDX-License-Identifier: GPL-2.0-only
//
// What tests and screenshots share: Debian's Chromium without a network, and pages made by the program.
'use strict';
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

/** Opens @p address and waits until all of it is shown. Problems go into page.problems. */
async function open(browser, address, options = {}) {
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
  await page.waitForSelector('body[data-ready]');
  return page;
}

module.exports = {root, pairsim, makePage, launch, open};
