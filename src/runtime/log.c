// SPDX-License-Identifier: GPL-2.0
/* Messages on stderr, held back while a full-screen view owns the terminal. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <dmasync/log.h>

#define HELD_SIZE 4096

/* A message has no context to travel in: this is the one place that keeps state of its own. */
static struct {
	bool on;
	char text[HELD_SIZE];
	size_t len;
	char last[LOG_LINE_SIZE];
} held;

static void emit(const char *prefix, const char *fmt, va_list ap)
{
	char line[LOG_LINE_SIZE];
	int len;

	vsnprintf(line, sizeof(line), fmt, ap);
	snprintf(held.last, sizeof(held.last), "%s", line);
	if (!held.on) {
		fprintf(stderr, "dmasynctop: %s%s\n", prefix, line);
		return;
	}
	len = snprintf(held.text + held.len, sizeof(held.text) - held.len, "dmasynctop: %s%s\n",
		       prefix, line);
	if (len > 0 && (size_t)len < sizeof(held.text) - held.len)
		held.len += len;
	else
		held.text[held.len] = '\0';
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("warning: ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("", fmt, ap);
	va_end(ap);
}

void log_drop(void)
{
	held.len = 0;
	held.text[0] = '\0';
	held.last[0] = '\0';
}

bool log_hold(bool on)
{
	bool before = held.on;

	if (held.on && !on)
		fputs(held.text, stderr);
	if (held.on != on)
		log_drop();
	held.on = on;
	return before;
}

const char *log_held(void)
{
	return held.last;
}
