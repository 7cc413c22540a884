// SPDX-License-Identifier: GPL-2.0
// Zoom, search, keyboard and the view of BEFORE, for a picture that is complete without them.
(function () {
	'use strict';
	const SVG = 'http://www.w3.org/2000/svg';
	const HTML = 'http://www.w3.org/1999/xhtml';
	const svg = document.currentScript.closest('svg');
	const size = {};
	for (const key of ['width', 'row', 'pad', 'char', 'word', 'line', 'swatch'])
		size[key] = Number(svg.dataset[key]);
	const layer = svg.querySelector('.frames');
	const head = svg.querySelector('.head');
	const foot = svg.querySelector('.foot');

	// Frames come with their descendants behind them, as in the tree.
	const frames = [];
	const numbers = new Map(); // of the frames by their elements
	const views = { after: [], before: [] };
	let view = 'after', zoomed = 0, current = 0, width = size.width, pattern = null;

	function make(parent, tag, attributes, text) {
		const e = document.createElementNS(SVG, tag);
		for (const key in attributes)
			e.setAttribute(key, attributes[key]);
		if (text !== undefined)
			e.textContent = text;
		parent.appendChild(e);
		return e;
	}

	// Rectangles are drawn a little narrower than frames are, so that neighbours stand apart.
	function withGap(w) {
		return w >= 2.4 ? w + 0.6 : w / 0.8;
	}

	function readFrames() {
		const path = [];
		for (const g of layer.children) {
			const [title, rect, text] = g.children;
			const depth = Math.round(-rect.getAttribute('y') / size.row) - 1;
			const lines = title.textContent.split('\n');
			const x = Number(rect.getAttribute('x')), w = withGap(Number(rect.getAttribute('width')));
			const i = frames.length;
			numbers.set(g, i);
			path[depth] = i;
			frames.push({ g, rect, text, depth, name: lines[0], lines, end: i + 1,
				      parent: depth ? path[depth - 1] : -1, match: false, shown: true });
			views.after.push(g.dataset.gone ? { x: 0, w: 0 } : { x, w });
			const b = (g.dataset.b || '0 0').split(' ').map(Number);
			views.before.push({ x: b[0], w: b[1] });
			for (let p = frames[i].parent; p >= 0; p = frames[p].parent)
				frames[p].end = i + 1;
			g.setAttribute('role', 'treeitem');
			g.setAttribute('aria-level', depth + 1);
			g.setAttribute('tabindex', i ? -1 : 0);
		}
	}

	function cut(name, room) {
		const chars = /[\ud800-\udfff]/.test(name) ? Array.from(name) : name;
		if (chars.length <= room)
			return name;
		return (typeof chars === 'string' ? chars.slice(0, room - 1) :
			chars.slice(0, room - 1).join('')) + '…';
	}

	function drawLabel(f, x, w) {
		const room = Math.floor((w - 6) / size.char);
		if (room < 3) {
			if (f.text)
				f.text.textContent = '';
			return;
		}
		if (!f.text)
			f.text = make(f.g, 'text', { y: -f.depth * size.row - 5 });
		f.text.setAttribute('x', x + 3);
		f.text.textContent = cut(f.name, room);
	}

	// Frames below the zoomed one take the whole width; what is beside them is hidden.
	function drawFrames() {
		const at = views[view], zoom = at[zoomed];
		const scale = width / zoom.w;
		frames.forEach(function (f, i) {
			const behind = i < zoomed && f.end > zoomed;
			const inside = i >= zoomed && i < frames[zoomed].end;
			f.shown = at[i].w > 0 && (behind || inside);
			f.g.style.display = f.shown ? '' : 'none';
			if (!f.shown)
				return;
			const x = behind ? 0 : (at[i].x - zoom.x) * scale;
			const w = behind ? width : at[i].w * scale;
			f.g.classList.toggle('behind', behind);
			f.rect.setAttribute('x', x.toFixed(2));
			f.rect.setAttribute('width', (w - Math.min(0.6, 0.2 * w)).toFixed(2));
			drawLabel(f, x, w);
		});
	}

	// ---- the page: texts are wrapped to the window ----
	let y = 0;

	function wrap(text, charWidth, line) {
		const words = text.textContent.trim().split(/\s+/);
		const room = Math.floor((width - 2 * size.pad) / charWidth);
		text.textContent = '';
		text.setAttribute('y', y + line - 4);
		let row = '', rows = [];
		for (const word of words) {
			if (row && row.length + 1 + word.length > room) {
				rows.push(row + ' ');
				row = '';
			}
			row += (row ? ' ' : '') + word;
		}
		rows.push(row);
		rows.forEach((r, i) => make(text, 'tspan', i ? { x: size.pad, dy: line } : { x: size.pad }, r));
		y += rows.length * line;
	}

	// Puts things side by side; on to the next line where one does not fit.
	function flow(items, step) {
		let x = size.pad;
		for (const [g, w] of items) {
			if (x > size.pad && x + w > width) {
				x = size.pad;
				y += step;
			}
			g.setAttribute('transform', 'translate(' + x + ' ' + y + ')');
			x += w;
		}
		y += step;
	}

	// Rows of the view that is shown: the other one may be deeper.
	function rows() {
		return 1 + frames.reduce((most, f, i) => views[view][i].w > 0 ? Math.max(most, f.depth) : most, 0);
	}

	function drawPage() {
		y = 8;
		for (const text of head.querySelectorAll('.h, .p'))
			wrap(text, text.matches('.h') ? 9.6 : size.word, text.matches('.h') ? 24 : size.line);
		y += 3;
		flow(Array.from(head.querySelectorAll('.key'), g =>
			[g, size.swatch + g.lastElementChild.getComputedTextLength() + 16]), size.line);
		y += 6;
		flow(tools.map(t => [t.g, t.width + 8]), 26);
		details.y = y;
		y += detailLines() * size.line + 4 + rows() * size.row;
		layer.setAttribute('transform', 'translate(0 ' + y + ')');
		y += 6;
		for (const text of foot.querySelectorAll('.p'))
			wrap(text, size.word, size.line);
		const height = y + size.pad;
		svg.setAttribute('width', width);
		svg.setAttribute('height', height);
		svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
		tell(frames[current]);
	}

	// ---- details of a frame ----
	const details = { g: make(svg, 'g', { class: 'details', 'aria-live': 'polite' }), y: 0 };

	function detailLines() {
		const text = frames[0].lines.slice(1).map(l => Math.ceil((l.length + 30) * size.word / width));
		return 1 + text.reduce((a, b) => a + b, 0);
	}

	function tell(f) {
		const save = y, limit = details.y + detailLines() * size.line;
		details.g.textContent = '';
		y = details.y;
		for (const line of f.lines) {
			if (y < limit)
				wrap(make(details.g, 'text', {}, line), size.word, size.line);
		}
		y = save;
	}

	function frameOf(target) {
		const g = target.closest && target.closest('.frames > g');
		return g ? numbers.get(g) : -1;
	}

	// ---- zoom and focus ----
	function zoom(i) {
		zoomed = i;
		drawFrames();
		search();
	}

	function out() {
		let p = frames[zoomed].parent;
		// Frames as wide as the one around them look the same: go on to one that does not.
		while (p > 0 && views[view][p].w >= views[view][zoomed].w - 0.01)
			p = frames[p].parent;
		zoom(Math.max(p, 0));
	}

	function focus(i) {
		if (i < 0 || !frames[i].shown)
			return;
		frames[current].g.setAttribute('tabindex', -1);
		current = i;
		frames[i].g.setAttribute('tabindex', 0);
		frames[i].g.focus();
	}

	function widest(i) {
		let best = -1;
		for (let c = i + 1; c < frames[i].end; c = frames[c].end) {
			if (frames[c].shown && (best < 0 || views[view][c].w > views[view][best].w))
				best = c;
		}
		return best;
	}

	// Nearest frame of the same depth to the left or right.
	function beside(i, step) {
		for (let c = i + step; c >= 0 && c < frames.length; c += step) {
			if (frames[c].depth === frames[i].depth && frames[c].shown)
				return c;
		}
		return -1;
	}

	// ---- search ----
	const share = { text: null };

	// Each place of the width counts once: matches inside a match add nothing.
	function matchedShare() {
		const at = views[view];
		let sum = 0, n = 0;
		for (let i = zoomed; i < frames[zoomed].end; i++) {
			if (frames[i].match && at[i].w > 0)
				n++;
		}
		for (let i = zoomed; i < frames[zoomed].end;) {
			const hit = frames[i].match && at[i].w > 0;
			sum += hit ? at[i].w : 0;
			i = hit ? frames[i].end : i + 1;
		}
		return { n, percent: 100 * sum / at[zoomed].w };
	}

	function search() {
		const shows = view === 'before' ? 'widths of BEFORE ' : '';
		const cache = new Map();
		for (const f of frames) {
			if (!cache.has(f.name))
				cache.set(f.name, Boolean(pattern && pattern.test(f.name)));
			f.match = cache.get(f.name);
			f.g.classList.toggle('match', f.match);
		}
		if (!pattern) {
			share.text.textContent = shows;
			return;
		}
		const m = matchedShare();
		share.text.textContent = shows + m.n + (m.n === 1 ? ' frame' : ' frames') + ', ' +
			m.percent.toFixed(2) + ' % of ' + (zoomed ? 'the zoomed frame' : 'all');
	}

	function setPattern(text) {
		try {
			pattern = text ? new RegExp(text, 'i') : null;
			search();
		} catch (e) {
			pattern = null;
			search();
			share.text.textContent = 'not a regular expression';
		}
	}

	// ---- tools: only with a script, so they are not in the file ----
	const bar = make(svg, 'g', { class: 'tools' });
	const tools = [];
	let input, toggle;

	function addButton(name, label, action) {
		const g = make(bar, 'g', { class: 'button', role: 'button', tabindex: 0, 'data-tool': name,
					   'aria-label': label });
		const rect = make(g, 'rect', { height: 20, rx: 3 });
		const text = make(g, 'text', { y: 14, 'text-anchor': 'middle' }, label);
		const w = Math.ceil(text.getComputedTextLength() + 18);
		rect.setAttribute('width', w);
		text.setAttribute('x', w / 2);
		g.addEventListener('click', action);
		g.addEventListener('keydown', function (e) {
			if (e.key !== 'Enter' && e.key !== ' ')
				return;
			e.preventDefault();
			e.stopPropagation();
			action();
		});
		tools.push({ g, width: w });
		return { g, text };
	}

	function addSearch() {
		const g = make(bar, 'g', {});
		const box = make(g, 'foreignObject', { width: 200, height: 22 });
		input = document.createElementNS(HTML, 'input');
		input.setAttribute('class', 'search');
		input.setAttribute('type', 'search');
		input.setAttribute('placeholder', 'search (regular expression)');
		input.setAttribute('aria-label', 'search frames by regular expression');
		box.appendChild(input);
		input.addEventListener('input', () => setPattern(input.value));
		tools.push({ g, width: 200 });
		const status = make(bar, 'g', { role: 'status' });
		share.text = make(status, 'text', { y: 14 });
		tools.push({ g: status, width: 230 });
	}

	function switchView() {
		if (!toggle)
			return;
		view = view === 'after' ? 'before' : 'after';
		toggle.text.textContent = view === 'after' ? 'Show BEFORE' : 'Show AFTER';
		toggle.g.setAttribute('aria-label', toggle.text.textContent);
		while (!views[view][zoomed].w)
			zoomed = frames[zoomed].parent;
		drawPage();
		zoom(zoomed);
	}

	const keys = [
		['click, Enter', 'zoom to a frame'],
		['Escape', 'zoom out, step by step'],
		['0', 'reset the zoom'],
		['Tab', 'to and from the frames'],
		['arrows', 'up: callee, down: caller, left and right: beside'],
		['Home', 'the frame at the bottom'],
		['/ or Ctrl-F', 'search'],
		['n, N', 'next, previous match'],
		['b', 'BEFORE and AFTER, in a comparison'],
		['?', 'this help; again or Escape: close'],
	];
	let help = null, helpFrom = null;

	function toggleHelp() {
		if (help) {
			help.remove();
			help = null;
			helpFrom.focus();
			return;
		}
		helpFrom = document.activeElement && svg.contains(document.activeElement) &&
			document.activeElement !== svg ? document.activeElement : frames[current].g;
		const w = Math.min(430, width - 20), top = Math.max(10, details.y - 40);
		help = make(svg, 'g', { class: 'help', role: 'dialog', 'aria-label': 'Keys', tabindex: -1,
					transform: 'translate(' + (width - w) / 2 + ' ' + top + ')' });
		make(help, 'rect', { width: w, height: keys.length * size.line + 16, rx: 4 });
		keys.forEach(function ([key, what], i) {
			make(help, 'text', { x: 12, y: 20 + i * size.line, 'font-weight': 'bold' }, key);
			make(help, 'text', { x: 100, y: 20 + i * size.line }, what);
		});
		help.addEventListener('click', toggleHelp);
		help.focus();
	}

	function nextMatch(step) {
		for (let k = 1; k <= frames.length; k++) {
			const i = (current + step * k + frames.length * 2) % frames.length;
			if (frames[i].match && frames[i].shown)
				return focus(i);
		}
	}

	function escape() {
		if (help)
			toggleHelp();
		else if (zoomed)
			out();
		else if (pattern) {
			input.value = '';
			setPattern('');
		}
	}

	function inSearch(e) {
		if (e.key !== 'Escape' && e.key !== 'Enter')
			return;
		e.preventDefault();
		if (e.key === 'Escape') {
			input.value = '';
			setPattern('');
		}
		focus(frames[current].shown ? current : zoomed);
		if (e.key === 'Enter')
			nextMatch(1);
	}

	const actions = {
		'Enter': () => zoom(current),
		'Escape': escape,
		'0': () => zoom(0),
		'ArrowUp': () => focus(widest(current)),
		'ArrowDown': () => focus(frames[current].parent),
		'ArrowLeft': () => focus(beside(current, -1)),
		'ArrowRight': () => focus(beside(current, 1)),
		'Home': () => focus(0),
		'/': () => input.focus(),
		'n': () => nextMatch(1),
		'N': () => nextMatch(-1),
		'b': switchView,
		'?': toggleHelp,
	};

	function onKey(e) {
		if (e.target === input)
			return inSearch(e);
		if (e.ctrlKey && e.key === 'f') {
			e.preventDefault();
			return input.focus();
		}
		// Keys for frames belong to the focused one, or to nobody else.
		if (e.ctrlKey || e.altKey || e.metaKey || !actions[e.key])
			return;
		if (e.target.closest && e.target.closest('.tools') && e.key === 'Enter')
			return;
		e.preventDefault();
		actions[e.key]();
	}

	function onFrame(e, action) {
		const i = frameOf(e.target);
		if (i >= 0)
			action(i);
	}

	function fit() {
		const room = document.documentElement === svg ? window.innerWidth : size.width;
		width = Math.max(300, room || size.width);
		drawPage();
		drawFrames();
	}

	readFrames();
	if (!frames.length)
		return;
	svg.classList.add('live');
	layer.setAttribute('role', 'tree');
	layer.setAttribute('aria-label', 'stacks, outermost function first');
	addButton('reset', 'Reset zoom', () => zoom(0));
	if (frames.some(f => f.g.dataset.b))
		toggle = addButton('view', 'Show BEFORE', switchView);
	addButton('help', 'Keys (?)', toggleHelp);
	addSearch();
	// Tools and details come before the frames for who tabs through.
	svg.insertBefore(bar, layer);
	svg.insertBefore(details.g, layer);
	layer.addEventListener('click', e => onFrame(e, function (i) {
		focus(i);
		zoom(i === zoomed ? 0 : i);
	}));
	layer.addEventListener('mouseover', e => onFrame(e, i => tell(frames[i])));
	layer.addEventListener('mouseleave', () => tell(frames[current]));
	// Not on the layer: an SVG element that listens to it takes the focus itself.
	document.addEventListener('focusin', e => onFrame(e, i => tell(frames[i])));
	(document.documentElement === svg ? window : svg).addEventListener('keydown', onKey);
	window.addEventListener('resize', fit);
	fit();
})();
