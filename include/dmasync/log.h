/* SPDX-License-Identifier: GPL-2.0 */
/* Messages for people, on stderr: "dmasynctop: what failed: why; what to do". */
#ifndef DMASYNC_LOG_H
#define DMASYNC_LOG_H

#include <stdbool.h>

#define LOG_LINE_SIZE 512 /* of a message, with its end */

/* Each prints one line with the program's name in front; @fmt has no newline at its end. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * While messages are held they are kept in memory (the first few kilobytes) instead of printed, so
 * that they do not tear a full-screen view; letting go prints them all.
 * Returns whether they were before.
 */
bool log_hold(bool on);

/* Forgets what is held: the caller reports log_held() in its own way. Holding goes on. */
void log_drop(void);

/*
 * Newest message since holding began, ended or something was dropped, without the program's name;
 * empty when there is none.
 */
const char *log_held(void);

#endif
