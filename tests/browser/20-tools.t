#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0
// What is written for other tools is read by them: speedscope and d3-flame-graph.
'use strict';
const fs = require('fs');
const path = require('path');
const { ok, is, near, capture, flame, main, load, installed, scratch } = require('./lib/harness.js');

const scope = path.join(installed, 'node_modules', 'speedscope', 'dist', 'release');

function schema(file, what) {
	const Ajv = load('ajv');
	const validate = new Ajv({ strict: false }).compile(
		JSON.parse(fs.readFileSync(path.join(scope, 'file-format-schema.json'))));
	const good = validate(JSON.parse(fs.readFileSync(file)));
	ok(good, what + ": valid by speedscope's schema", validate.errors);
}

// As speedscope's own command passes a file to the page.
async function openScope(browser, file, name) {
	const js = path.join(scratch, name + '.js');
	fs.writeFileSync(js, 'speedscope.loadFileFromBase64(' + JSON.stringify(name) + ', "' +
			 fs.readFileSync(file).toString('base64') + '")');
	const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
	page.problems = [];
	page.on('pageerror', e => page.problems.push(e.message));
	await page.goto('file://' + scope + '/index.html#localProfilePath=' + js);
	await page.getByText('Sandwich').click();
	await page.locator('table tr').nth(3).waitFor();
	return page;
}

async function speedscope(browser) {
	const file = flame('.json', capture('before'), '--speedscope', '--title=The title');
	schema(file, 'time');
	schema(flame('.json', capture('before'), '--speedscope', '--weight=bytes'), 'bytes');
	schema(flame('.json', capture('hostile'), '--speedscope', '--diff', capture('before')), 'two profiles');
	const page = await openScope(browser, file, 'time.json');
	const rows = await page.locator('table tr').allInnerTexts();
	const row = rows.find(r => r.includes('__dma_sync_sg_for_cpu')) || '';
	ok(/^80\.00ms \(48%\)\s+80\.00ms \(48%\)\s+__dma_sync_sg_for_cpu$/.test(row.trim()), 'speedscope: total and self of a function', row, rows.length);
	ok(rows.some(r => /^159\.04ms \(95%\)\s.*\sdma_buf_ioctl/s.test(r)), 'speedscope: total of a caller', rows);
	is(page.problems, [], 'speedscope: no errors');
	await page.close();
	const evil = await openScope(browser, flame('.json', capture('hostile'), '--speedscope'), 'hostile.json');
	ok((await evil.locator('table tr').allInnerTexts()).some(r => r.includes('</title></svg>')), 'speedscope: any name');
	await evil.close();
}

// Folded lines as the tree that d3-flame-graph takes.
function tree(text) {
	const root = { name: 'all', value: 0, children: [] };
	for (const line of text.trim().split('\n')) {
		const space = line.lastIndexOf(' ');
		const value = Number(line.slice(space + 1));
		let node = root;
		root.value += value;
		for (const name of line.slice(0, space).split(';')) {
			let next = node.children.find(c => c.name === name);
			if (!next)
				node.children.push(next = { name, value: 0, children: [] });
			next.value += value;
			node = next;
		}
	}
	return root;
}

async function d3(browser) {
	const data = tree(fs.readFileSync(flame('.folded', capture('before'), '--folded'), 'utf8'));
	is(data.value, 167540000, 'folded: the values add up');
	const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
	page.problems = [];
	page.on('pageerror', e => page.problems.push(e.message));
	await page.setContent('<div id="chart"></div>');
	const at = (...p) => path.join(installed, 'node_modules', ...p);
	// Each adds itself to the global d3, after those that it needs.
	for (const part of ['array', 'color', 'interpolate', 'format', 'time', 'time-format', 'scale', 'selection',
			    'dispatch', 'timer', 'ease', 'transition', 'hierarchy'])
		await page.addScriptTag({ path: at('d3-' + part, 'dist', 'd3-' + part + '.js') });
	await page.addScriptTag({ path: at('d3-flame-graph', 'dist', 'd3-flamegraph.umd.js') });
	await page.evaluate(d => window.d3.select('#chart').datum(d).call(
		window.flamegraph.default().width(1200).transitionDuration(0)), data);
	await page.locator('#chart g.frame').first().waitFor();
	const frames = await page.evaluate(() => window.d3.selectAll('#chart g.frame').data()
		.map(f => [f.data.name, (f.x1 - f.x0)]));
	const width = Object.fromEntries(frames);
	near(width.__dma_sync_sg_for_cpu, 800 / (45 + 40 + 800 + 790 + 0.4), 1e-6, 'd3-flame-graph: width of a frame');
	ok(width['ata_qc_issue [libata]'] > 0, 'd3-flame-graph: names with spaces');
	is(page.problems, [], 'd3-flame-graph: no errors');
	await page.close();
}

main(async function (browser) {
	await speedscope(browser);
	await d3(browser);
});
