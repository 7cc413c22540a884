#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0
// Pictures in a browser: zoom, search, keys, the view of BEFORE, texts that fit, hostile names.
'use strict';
const { ok, is, near, capture, flame, main } = require('./lib/harness.js');

// Of a round of calls in the capture "before", in us: see tests/unit/flame_gen.c.
const ROUND = 45 + 40 + 800 + 790 + 0.4;

async function open(browser, file, options = {}) {
	const page = await browser.newPage({ viewport: { width: 1200, height: 800 }, ...options });
	page.problems = [];
	page.on('pageerror', e => page.problems.push(e.message));
	page.on('request', r => page.problems.push(...(r.url().startsWith('file:') ? [] : [r.url()])));
	await page.goto('file://' + file);
	return page;
}

// Frames that can be seen: { name: { x, w, behind, match } }.
function shown(page) {
	return page.evaluate(() => Object.fromEntries(
		Array.from(document.querySelectorAll('.frames > g')).filter(g => g.style.display !== 'none').map(g => {
			const r = g.querySelector('rect');
			return [g.querySelector('title').textContent.split('\n')[0],
				{ x: Number(r.getAttribute('x')), w: Number(r.getAttribute('width')) + 0.6,
				  behind: g.classList.contains('behind'), match: g.classList.contains('match') }];
		})));
}

const frame = (page, name) => page.locator('.frames > g', { has: page.locator('title', { hasText: new RegExp('^' + name + '\\n') }) });
const focused = page => page.evaluate(() => document.activeElement.querySelector('title').textContent.split('\n')[0]);
const details = page => page.locator('.details').textContent();
const status = page => page.locator('[role=status]').textContent();

async function zooms(browser, file) {
	const page = await open(browser, file);
	const all = await shown(page);
	near(all.all.w, 1200, 0.1, 'the root is as wide as the window');
	near(all.dma_map_sg_attrs.w, 1200 * 45 / ROUND, 0.2, 'a width');
	await frame(page, 'vfs_read').locator('rect').click();
	const now = await shown(page);
	near(now.vfs_read.w, 1200, 0.1, 'zoom: what is clicked takes the width');
	near(now.dma_map_sg_attrs.w, 1200, 0.1, 'zoom: so does what it alone calls');
	ok(now.invoke_syscall.behind && !now.vfs_read.behind, 'zoom: callers step behind');
	ok(!now.dma_buf_ioctl && !now.dma_unmap_sg_attrs, 'zoom: the rest is hidden');
	is(await frame(page, 'dma_map_sg_attrs').locator('text').textContent(), 'dma_map_sg_attrs', 'zoom: names grow');
	await page.keyboard.press('Escape');
	await page.keyboard.press('Escape');
	is(await shown(page), all, 'Escape: out again, past frames of one width');
	await frame(page, 'begin_cpu_udmabuf').locator('rect').click();
	near((await shown(page)).begin_cpu_udmabuf.w, 1200, 0.1, 'zoom: again');
	await page.locator('[data-tool=reset]').click();
	is(await shown(page), all, 'reset');
	await frame(page, 'dma_unmap_sg_attrs').locator('rect').hover();
	const told = await details(page);
	ok(/dma_unmap_sg_attrs.*100 calls, 4\.00ms \(4,000,000 ns\), average 40\.0us; 12,800 entries.*12,800 dsb.*2\.39 % of all/.test(told),
	   'details of the frame under the pointer', told);
	is(page.problems, [], 'no errors, nothing fetched');
	await page.close();
}

async function searches(browser, file) {
	const page = await open(browser, file);
	await page.keyboard.press('/');
	await page.keyboard.type('sync_sg|udmabuf');
	const share = (100 * 1590 / ROUND).toFixed(2);
	is(await status(page), '4 frames, ' + share + ' % of all', 'search: matches above matches count once');
	const now = await shown(page);
	ok(now.begin_cpu_udmabuf.match && !now.dma_buf_ioctl.match, 'search: matches are marked');
	await page.keyboard.press('Enter');
	ok((await shown(page))[await focused(page)].match, 'search: Enter goes to a match');
	await frame(page, 'begin_cpu_udmabuf').locator('rect').click();
	is(await status(page), '2 frames, 100.00 % of the zoomed frame', 'search: share of what is zoomed to');
	await page.keyboard.press('0');
	await page.keyboard.press('Control+f');
	await page.keyboard.press('Control+a');
	await page.keyboard.type('(');
	is(await status(page), 'not a regular expression', 'search: says what is wrong');
	await page.keyboard.press('Escape');
	is(await status(page), '', 'search: Escape clears it');
	ok(!Object.values(await shown(page)).some(f => f.match), 'search: and the marks');
	is(page.problems, [], 'search: no errors');
	await page.close();
}

async function keys(browser, file) {
	const page = await open(browser, file);
	const reached = [];
	for (let i = 0; i < 4; i++) {
		await page.keyboard.press('Tab');
		reached.push(await page.evaluate(() => document.activeElement.getAttribute('aria-label') ||
			document.activeElement.querySelector('title').textContent.split('\n')[0]));
	}
	is(reached, ['Reset zoom', 'Keys (?)', 'search frames by regular expression', 'all'], 'Tab: tools, then frames');
	await page.keyboard.press('Shift+Tab');
	await page.keyboard.press('Tab');
	is(await focused(page).catch(() => 'no frame'), 'all', 'Tab: back to the frames');
	for (const [key, want] of [['ArrowUp', 'el0t_64_sync'], ['ArrowRight', 'el1h_64_irq'], ['ArrowRight', 'el1h_64_irq'],
				   ['ArrowLeft', 'el0t_64_sync'], ['ArrowUp', 'el0t_64_sync_handler'],
				   ['ArrowDown', 'el0t_64_sync'], ['Home', 'all']]) {
		await page.keyboard.press(key);
		is(await focused(page), want, key + ': ' + want);
	}
	await page.keyboard.press('ArrowUp');
	await page.keyboard.press('ArrowRight');
	ok(/^el1h_64_irq100 calls/.test((await details(page)).replace(/\s+(?=\d)/, '')), 'details of the focused frame');
	await page.keyboard.press('Enter');
	near((await shown(page)).el1h_64_irq.w, 1200, 0.1, 'Enter: zoom');
	await page.keyboard.press('Escape');
	ok((await shown(page)).vfs_read, 'Escape: out');
	await page.keyboard.press('?');
	ok(await page.locator('[role=dialog]').isVisible(), '?: help');
	await page.keyboard.press('Escape');
	is(await page.locator('[role=dialog]').count(), 0, 'Escape: help is gone');
	is(await focused(page), 'el1h_64_irq', 'the focus is back where it was');
	await page.locator('[data-tool=help]').focus();
	await page.keyboard.press('Enter');
	ok(await page.locator('[role=dialog]').isVisible(), 'Enter on a button');
	is(await page.locator('[role=tree] > [role=treeitem][aria-level="1"]').count(), 1, 'roles');
	is(page.problems, [], 'keys: no errors');
	await page.close();
}

async function compares(browser, file) {
	const page = await open(browser, file);
	let now = await shown(page);
	await frame(page, '__dma_sync_sg_for_cpu').locator('rect').hover();
	ok(/per entry of the run: to 1\/2560$/.test(await details(page)), 'details tell the change by the entry', await details(page));
	ok(now.new_path && !now.old_path, 'AFTER: what is new is there, what is gone is not');
	near(now.__dma_sync_sg_for_cpu.w, 240, 0.2, 'AFTER: widths');
	await page.locator('[data-tool=view]').click();
	now = await shown(page);
	ok(!now.new_path && now.old_path, 'BEFORE: the other way round');
	near(now.__dma_sync_sg_for_cpu.w, 1200 * 2560 / (128 + 128 + 2560 + 2560 + 1), 0.2, 'BEFORE: widths');
	ok(/widths of BEFORE/.test(await status(page)), 'BEFORE: is said');
	await frame(page, 'old_path').locator('rect').click({ force: true });
	near((await shown(page)).old_path.w, 1200, 0.1, 'BEFORE: zoom to what is gone');
	await page.keyboard.press('b');
	now = await shown(page);
	ok(now.new_path && !now.old_path, 'b: back, out of what is not there');
	is(page.problems, [], 'comparison: no errors');
	await page.close();
}

// Pixels from the details to the highest frame that is shown, and what the picture's height leaves below.
function gaps(page) {
	return page.evaluate(() => {
		const shown = Array.from(document.querySelectorAll('.frames > g')).filter(g => g.style.display !== 'none')
			.map(g => g.querySelector('rect').getBoundingClientRect());
		return [Math.min(...shown.map(r => r.top)) - document.querySelector('.details').getBoundingClientRect().bottom,
			document.querySelector('.foot').getBoundingClientRect().top - Math.max(...shown.map(r => r.bottom))];
	});
}

// Two kernels whose stacks differ in depth: neither view has a hole, or frames over texts.
async function fillsBothViews(browser, file) {
	const page = await open(browser, file);
	for (const view of ['AFTER', 'BEFORE', 'AFTER again']) {
		const [above, below] = await gaps(page);
		ok(above >= 0 && above < 34 && below >= 0 && below < 34, 'frames stand between the texts: ' + view, [above, below]);
		is(await misfits(page), [], 'texts fit: ' + view);
		await page.keyboard.press('b');
	}
	await page.close();
	const still = await open(browser, file, { javaScriptEnabled: false });
	const top = await still.locator('.frames > g').evaluateAll(list => Math.min(...list
		.filter(g => g.style.display !== 'none').map(g => g.querySelector('rect').getBoundingClientRect().top)));
	const head = await still.locator('.head').evaluate(g => g.getBoundingClientRect().bottom);
	ok(top > head && top - head < 34, 'nor has it without scripts', top, head);
	await still.close();
}

// Texts that reach over their frame, over the edge of the picture, or over each other.
function misfits(page) {
	return page.evaluate(() => {
		const width = Number(document.documentElement.getAttribute('viewBox').split(' ')[2]);
		const bad = [];
		for (const g of document.querySelectorAll('.frames > g')) {
			const text = g.querySelector('text'), rect = g.querySelector('rect');
			if (!text || !text.textContent || g.style.display === 'none')
				continue;
			const t = text.getBBox(), r = rect.getBBox();
			if (t.x < r.x || t.x + t.width > r.x + r.width)
				bad.push('frame ' + text.textContent);
		}
		for (const g of document.querySelectorAll('.button')) {
			const t = g.querySelector('text').getBBox(), r = g.querySelector('rect').getBBox();
			if (t.x < r.x + 6 || t.x + t.width > r.x + r.width - 6)
				bad.push('button ' + g.textContent);
		}
		const scale = width / document.documentElement.getBoundingClientRect().width;
		const boxes = [];
		for (const text of document.querySelectorAll('.head tspan, .head .k, .foot tspan, .tools text, .details tspan')) {
			// A text's box for k, the line's box for tspans.
			const r = text.getBoundingClientRect();
			if (!r.width)
				continue;
			if (r.right * scale > width + 0.5)
				bad.push('edge ' + text.textContent);
			boxes.push([text.textContent, r]);
		}
		boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
			if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 4 && q.top < p.bottom - 4)
				bad.push(a + ' over ' + b);
		}));
		return bad;
	});
}

// Least contrast (WCAG) of dark text on the frames, and of the texts around them on the page.
function contrast(page) {
	return page.evaluate(() => {
		const light = c => c.match(/\d+/g).slice(0, 3).map(v => v / 255)
			.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
			.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
		const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
		const fill = e => getComputedStyle(e).fill;
		const page = fill(document.querySelector('.page'));
		let least = 21;
		for (const text of document.querySelectorAll('.frames text'))
			least = Math.min(least, ratio(fill(text), fill(text.parentNode.querySelector('rect'))));
		for (const text of document.querySelectorAll('.head text, .foot text, .details text'))
			least = Math.min(least, ratio(fill(text), page));
		return least;
	});
}

async function fits(browser, files) {
	for (const [what, file] of Object.entries(files)) {
		for (const width of [1600, 1200, 640, 360]) {
			const page = await open(browser, file, { viewport: { width, height: 800 },
								 colorScheme: width < 700 ? 'dark' : 'light' });
			is(await misfits(page), [], what + ': texts fit at ' + width + ' px');
			const least = await contrast(page);
			ok(least >= 4.5, what + ': contrast at least 4.5 at ' + width + ' px', least);
			await page.close();
		}
		const page = await open(browser, file, { javaScriptEnabled: false });
		is(await page.locator('.tools, .button').count(), 0, what + ': no dead buttons without scripts');
		ok(await page.locator('.frames > g > text').count() > 1, what + ': names without scripts');
		await page.close();
	}
}

async function resists(browser, file) {
	const page = await open(browser, file);
	is(await page.evaluate(() => window.pwned), undefined, 'hostile: nothing ran');
	is(await page.evaluate(() => document.scripts ? document.querySelectorAll('script').length : 0), 1, 'hostile: one script');
	is(await page.locator('.frames [onclick]').count(), 0, 'hostile: no handlers');
	const names = Object.keys(await shown(page));
	for (const name of ['<script>window.pwned=1</script>', ']]></script><script>window.pwned=1</script>', '</title></svg>', '__proto__'])
		ok(names.includes(name) || name === '__proto__', 'hostile: shown as it is: ' + name, names);
	ok(names.includes('tab\ufffdhere and\ufffdline and \ufffd[31mred'), 'hostile: control characters are replaced');
	await page.keyboard.press('/');
	await page.keyboard.type('proto');
	ok(/^1 frame, /.test(await status(page)), 'hostile: search finds __proto__', await status(page));
	is(page.problems, [], 'hostile: no errors');
	await page.close();
}

main(async function (browser) {
	const before = capture('before'), after = capture('after');
	const one = flame('.svg', before);
	const two = flame('.svg', after, '--diff', before, '--weight=dsb');
	await zooms(browser, one);
	await searches(browser, one);
	await keys(browser, one);
	await compares(browser, two);
	const kernels = flame('.svg', 'tests/fixtures/ahci-7.3.dma', '--diff', 'tests/fixtures/ahci-6.12.dma');
	await fillsBothViews(browser, kernels);
	await resists(browser, flame('.svg', capture('hostile')));
	await fits(browser, {
		time: one,
		diff: two,
		kernels,
		nested: flame('.svg', capture('arch'), '--by=device', '--min-width=20'),
		samples: flame('.svg', after, '--diff', before, '--weight=calls', '--title=' + 'a long title '.repeat(20)),
	});
});
