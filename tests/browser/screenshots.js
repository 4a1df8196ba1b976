// SPDX-License-Identifier: GPL-2.0-only
//
// Makes the pictures of the documentation. Usage: node screenshots.js PAIRSIM FOLDER
'use strict';
const path = require('node:path');
const {makePage, launch, open} = require('./browser.js');

const [program, folder] = process.argv.slice(2);

/** Name of the picture, scenario, deep link, and what is done before the picture is taken. */
const pictures = [
  ['view', 'scenarios/quickstart.json', '#t=61.99ms&cpu=0', {}, '#next'],
  ['view-dark', 'scenarios/quickstart.json', '#t=62.004ms&cpu=0&w=40us', {colorScheme: 'dark'}, '#next'],
  ['lesson-core-scheduling', 'scenarios/catalogue/i02a-one-hog-each.json', '#t=20ms&cpu=0', {}],
  ['lesson-batch-and-drain', 'scenarios/kernel/v04-2plus2-hogs-skewed.json', '#t=20ms&cpu=0&w=60ms', {}, '#next'],
  ['lesson-preemption', 'scenarios/catalogue/r03-kicked-and-kept.json', '#t=10ms&cpu=0&w=40ms', {}],
];

(async () => {
  const browser = await launch();
  for (const [name, scenario, link, options, press] of pictures) {
    const page = await open(browser, makePage(program, `${name}.html`, scenario, '--until', '100ms') + link,
                            {viewport: {width: 1100, height: 760}, ...options});
    if (press) await page.click(press);
    await page.evaluate(() => document.activeElement.blur());
    await page.screenshot({path: path.join(folder, `${name}.png`)});
    await page.context().close();
    console.log(`${name}.png`);
  }
  await browser.close();
})();
