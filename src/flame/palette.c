// SPDX-License-Identifier: GPL-2.0
/* Colours: by layer and name, or by change. All carry dark text. */
#include <math.h>
#include "svg.h"

/* Middle of a layer's tones: hue in degrees, saturation and lightness in percent. */
static const struct {
	double hue, saturation, lightness;
} layers[LAYER_COUNT] = {
	[LAYER_KERNEL] = { 45, 14, 80 }, [LAYER_DRIVER] = { 275, 50, 80 },
	[LAYER_USER] = { 190, 18, 80 },	 [LAYER_ENTRY] = { 212, 60, 79 },
	[LAYER_IO] = { 128, 38, 73 },	 [LAYER_DMA] = { 38, 88, 68 },
	[LAYER_ARCH] = { 5, 82, 73 },
};

/* Changes: blue and red differ in lightness nowhere, but also for eyes that mix up red and green.
 */
static const char *const less[FLAME_STEPS] = { "#dceaf8", "#bfd9f4", "#a0c8ee", "#7fb4e7",
					       "#589ee0" };
static const char *const more[FLAME_STEPS] = { "#fde2d9", "#fac4b3", "#f7a791", "#f38b70",
					       "#ee6f52" };

static double channel(double hue, double saturation, double lightness, double n)
{
	double k = fmod(n + hue / 30, 12), a = saturation * fmin(lightness, 1 - lightness);

	return lightness - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1));
}

static void rule(FILE *f, const char *class, double hue, double saturation, double lightness)
{
	double s = saturation / 100, l = lightness / 100;

	fprintf(f, ".%s{fill:#%02x%02x%02x}\n", class,
		(unsigned int)lround(255 * channel(hue, s, l, 0)),
		(unsigned int)lround(255 * channel(hue, s, l, 8)),
		(unsigned int)lround(255 * channel(hue, s, l, 4)));
}

/* Tones alternate in lightness and drift in hue, so that neighbours stand apart. */
static void layer_rules(FILE *f)
{
	unsigned int layer, tone;
	char class[8];

	for (layer = 0; layer < LAYER_COUNT; layer++) {
		for (tone = 0; tone < SVG_TONES; tone++) {
			snprintf(class, sizeof(class), "%c%u", 'a' + layer, tone);
			rule(f, class, fmod(layers[layer].hue + 2.5 * tone - 9 + 360, 360),
			     layers[layer].saturation,
			     layers[layer].lightness + (tone % 4) * 3.2 - 4.8);
		}
	}
}

void svg_colours(const struct svg *s)
{
	unsigned int i;

	if (!s->t->diff) {
		layer_rules(s->f);
		return;
	}
	for (i = 0; i < FLAME_STEPS; i++)
		fprintf(s->f, ".l%u{fill:%s}.m%u{fill:%s}\n", i + 1, less[i], i + 1, more[i]);
	fputs(".same{fill:#d8d8d8}.new{fill:#f4d23c}.gone{fill:#c7a5e6}\n", s->f);
}

char *svg_class(const struct svg *s, __u32 node, char *buf)
{
	const struct flame_node *n = &s->t->nodes[node];
	struct flame_change c;

	if (!s->t->diff) {
		snprintf(buf, 8, "%c%u", 'a' + n->layer, s->t->names[n->name].hash % SVG_TONES);
		return buf;
	}
	c = flame_change(s->t, &s->scale, node);
	switch (c.verdict) {
	case FLAME_LESS:
	case FLAME_MORE:
		snprintf(buf, 8, "%c%u", c.verdict == FLAME_LESS ? 'l' : 'm', c.step);
		return buf;
	case FLAME_NEW:
		return "new";
	case FLAME_GONE:
		return "gone";
	case FLAME_SAME:
		break;
	}
	return "same";
}
