// SPDX-License-Identifier: GPL-2.0-only
//
// Makes the pictures of the documentation. Usage: node screenshots.js PAIRSIM FOLDER [quick]; quick: the study's picture
// is of a small study, made in seconds.
'use strict';
const {execFileSync} = require('node:child_process');
const path = require('node:path');
const {pairsim, makePage, makeStudyPage, launch, open} = require('./browser.js');

const [program, folder, quick] = process.argv.slice(2);

const quickstart = ['scenarios/quickstart.json'];
const twoPlusTwo = ['scenarios/kernel/v04-2plus2-hogs-skewed.json', '--until', '100ms'];

/** Name of the picture, what is shown, deep link, how the page is opened, and what is pressed before the picture. */
const pictures = [
  ['view', quickstart, '#t=61.99ms&cpu=0', {}, '#next'],
  ['view-dark', quickstart, '#t=62.004ms&cpu=0&w=40us', {colorScheme: 'dark'}, '#next'],
  ['lesson-1', [...twoPlusTwo, '--set', '/scheduler/name=fifo'], '#t=20ms&cpu=1', {}],
  ['lesson-3', twoPlusTwo, '#t=44.0185ms&cpu=0&w=30us', {}, '#next'],
  ['lesson-4', ['scenarios/catalogue/r03-kicked-and-kept.json'], '#t=31ms&cpu=1&w=30ms', {}],
  ['lesson-5', ['scenarios/catalogue/i02-kept-previous-task.json', '--until', '100ms'], '#t=50ms&cpu=0', {}],
  ['lesson-6', ['scenarios/kernel/v05pp-4plus4-hogs.json', '--until', '200ms'], '#t=100ms&cpu=0', {}],
];

(async () => {
  const browser = await launch();
  for (const [name, what, link, options, press] of pictures) {
    const page = await open(browser, makePage(program, `${name}.html`, ...what) + link,
                            {viewport: {width: 1100, height: 760}, ...options});
    if (press) await page.click(press);
    await page.evaluate(() => document.activeElement.blur());
    await page.screenshot({path: path.join(folder, `${name}.png`)});
    if (page.problems.length > 0) throw new Error(`${name}: ${page.problems.join('; ')}`);
    await page.context().close();
  }
  const study = await open(browser, makeStudyPage(program, {small: Boolean(quick)}), {viewport: {width: 1300, height: 1900}},
                           '#charts figure');
  await study.screenshot({path: path.join(folder, 'study-report.png')});
  if (study.problems.length > 0) throw new Error(`study-report: ${study.problems.join('; ')}`);
  await browser.close();
  const machine = pairsim(program, 'export', ...quickstart, '--format', 'dot');
  execFileSync('dot', ['-Tsvg', '-o', path.join(folder, 'lesson-2.svg')], {input: machine});
})();
