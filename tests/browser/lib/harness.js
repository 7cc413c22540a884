// SPDX-License-Identifier: GPL-2.0
// TAP, captures, a browser, and packages that are only needed here.
'use strict';
const { execFileSync, spawnSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { createRequire } = require('module');

const here = path.resolve(__dirname, '..');
const built = path.resolve(process.env.O || 'build');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'dmasync-browser-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));

let count = 0, failed = 0;

function ok(good, what, ...more) {
	count++;
	console.log((good ? 'ok ' : 'not ok ') + count + ' - ' + what);
	if (!good) {
		failed++;
		more.forEach(m => console.log('# ' + (typeof m === 'string' ? m : JSON.stringify(m))));
	}
}

function is(got, want, what) {
	const a = JSON.stringify(got), b = JSON.stringify(want);
	ok(a === b, what, 'got ' + a, 'want ' + b);
}

function near(got, want, tolerance, what) {
	ok(Math.abs(got - want) <= tolerance, what, 'got ' + got, 'want ' + want);
}

// Where the packages of package-lock.json are; installed if they are not.
function packages() {
	const run = spawnSync(path.join(here, 'install'), { encoding: 'utf8' });
	if (run.status === 75) {
		console.log('1..0 # SKIP ' + run.stderr.trim());
		process.exit(0);
	}
	if (run.status !== 0)
		throw new Error(run.error || run.stderr);
	return run.stdout.trim();
}

const installed = packages();
const load = createRequire(path.join(installed, 'package.json'));

function chromium() {
	for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
		const found = spawnSync('sh', ['-c', 'command -v ' + name], { encoding: 'utf8' });
		if (found.status === 0)
			return found.stdout.trim();
	}
	throw new Error('no chromium: scripts/setup --browser installs it');
}

// Capture of a kind that flame_gen knows, made once.
function capture(kind) {
	const file = path.join(scratch, kind);
	if (!fs.existsSync(file))
		execFileSync(path.join(built, 'unit', 'flame_gen'), [kind, file]);
	return file;
}

let outputs = 0;

// File with what `dmasynctop flame` prints.
function flame(suffix, ...args) {
	const file = path.join(scratch, 'out' + outputs++ + suffix);
	execFileSync(path.join(built, 'dmasynctop'), ['flame', ...args, '-o', file]);
	return file;
}

// Runs @test with a browser and ends with the plan.
async function main(test) {
	const browser = await load('playwright-core').chromium.launch({
		executablePath: chromium(),
		args: ['--no-sandbox', '--enable-unsafe-swiftshader'],
	});
	try {
		await test(browser);
	} catch (e) {
		ok(false, 'runs to its end', ...String(e.stack).split('\n'));
	}
	await browser.close();
	console.log('1..' + count);
	process.exitCode = failed ? 1 : 0;
}

module.exports = { ok, is, near, capture, flame, main, load, installed, scratch };
