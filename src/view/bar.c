// SPDX-License-Identifier: GPL-2.0
/* Bars, and how wide the output may be. */
#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <dmasync/bar.h>

#define MIN_COLUMNS 20

bool locale_is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

void bar_draw(char *buf, double part, double whole, int width, bool utf8)
{
	int eighths, col = 0;

	if (width > 256)
		width = 256;
	eighths = whole > 0 && part > 0 ? lround(part / whole * width * 8) : 0;
	if (part > 0 && !eighths)
		eighths = 1;
	if (eighths > width * 8)
		eighths = width * 8;
	if (!utf8)
		eighths = (eighths + 7) / 8 * 8;
	for (; eighths > 0; eighths -= 8, col++) {
		if (!utf8) {
			*buf++ = '#';
			continue;
		}
		/* U+2588 is a full block, U+2589 .. U+258F are 7/8 .. 1/8. */
		*buf++ = '\342';
		*buf++ = '\226';
		*buf++ = '\210' + (eighths >= 8 ? 0 : 8 - eighths);
	}
	for (; col < width; col++)
		*buf++ = ' ';
	*buf = '\0';
}

static bool terminal_width(int fd, int *width)
{
	struct winsize ws = {};

	if (!isatty(fd))
		return false;
	if (ioctl(fd, TIOCGWINSZ, &ws) || !ws.ws_col)
		*width = 80;
	else
		*width = ws.ws_col < MIN_COLUMNS ? MIN_COLUMNS : ws.ws_col;
	return true;
}

int output_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	int width;

	if (terminal_width(fileno(out), &width))
		return width;
	if (columns && atoi(columns) >= MIN_COLUMNS)
		return atoi(columns);
	if (terminal_width(STDERR_FILENO, &width))
		return width;
	return 0;
}
