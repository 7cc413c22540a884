// SPDX-License-Identifier: GPL-2.0
/* Takes the terminal for the live view, and gives it back whatever happens. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <dmasync/bar.h>
#include <dmasync/log.h>
#include "tui.h"
#include <term.h> /* last: it defines macros with names such as lines */

/*
 * What a crash handler needs has to lie ready: curses must not be called from there. Signals of
 * errors cannot go through a descriptor, so this is the one place with a handler.
 */
static struct {
	struct termios saved;
	bool has_saved;
	char leave[256];
	size_t len;
	SCREEN *screen;
} term;

static const int crash_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };

static int keep_char(int c)
{
	if (term.len < sizeof(term.leave))
		term.leave[term.len++] = c;
	return c;
}

static void keep_capability(const char *name)
{
	const char *s = tigetstr(name);

	if (s && s != (char *)-1)
		tputs(s, 1, keep_char);
}

/* What crashes did before the full screen came up. */
static struct sigaction before[sizeof(crash_signals) / sizeof(*crash_signals)];

static void release_crashes(void)
{
	size_t i;

	for (i = 0; i < sizeof(crash_signals) / sizeof(*crash_signals); i++)
		sigaction(crash_signals[i], &before[i], NULL);
}

static void crash(int sig)
{
	ssize_t n = write(STDOUT_FILENO, term.leave, term.len);

	(void)n;
	if (term.has_saved)
		tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	/* Back end's turn, if it has something to undo. */
	release_crashes();
	raise(sig);
}

static void catch_crashes(void)
{
	static char stack[16384];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = {
		.sa_handler = crash,
		.sa_flags = SA_RESETHAND | SA_ONSTACK | SA_NODEFER,
	};
	size_t i;

	sigaltstack(&alternative, NULL);
	for (i = 0; i < sizeof(crash_signals) / sizeof(*crash_signals); i++)
		sigaction(crash_signals[i], &action, &before[i]);
}

bool tui_possible(const char **why)
{
	const char *name = getenv("TERM");
	int err;

	*why = NULL;
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return false;
	if (!name || !*name) {
		*why = "TERM is not set";
		return false;
	}
	if (setupterm(name, STDOUT_FILENO, &err) != OK) {
		*why = "no terminfo entry for this TERM";
		return false;
	}
	if (!tigetstr("cup"))
		*why = "this TERM cannot place the cursor";
	del_curterm(cur_term);
	return !*why;
}

static void choose_look(struct tui_look *look)
{
	const char *no_color = getenv("NO_COLOR");

	*look = (struct tui_look){
		.title = A_BOLD,
		.heading = A_REVERSE,
		.sorted = A_REVERSE | A_BOLD,
		.selected = A_REVERSE,
		.key = A_REVERSE,
		.bar = A_NORMAL,
		.alarm = A_REVERSE | A_BOLD,
		.faint = A_DIM,
		.utf8 = locale_is_utf8(),
	};
	if (!has_colors() || (no_color && *no_color) || start_color() == ERR)
		return;
	use_default_colors();
	init_pair(1, COLOR_BLACK, COLOR_GREEN);
	init_pair(2, COLOR_BLACK, COLOR_CYAN);
	init_pair(3, COLOR_GREEN, -1);
	init_pair(4, COLOR_WHITE, COLOR_RED);
	look->heading = COLOR_PAIR(1);
	look->sorted = COLOR_PAIR(2);
	look->selected = COLOR_PAIR(2);
	look->key = COLOR_PAIR(2);
	look->bar = COLOR_PAIR(3);
	look->alarm = COLOR_PAIR(4) | A_BOLD;
}

int term_begin(struct tui_look *look)
{
	term.has_saved = !tcgetattr(STDIN_FILENO, &term.saved);
	term.screen = newterm(NULL, stdout, stdin);
	if (!term.screen) {
		log_error("cannot open the terminal for the live view; use -b for text");
		return -ENOTTY;
	}
	term.len = 0;
	keep_capability("sgr0");
	keep_capability("cnorm");
	keep_capability("rmkx");
	keep_capability("rmcup");
	catch_crashes();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	choose_look(look);
	return 0;
}

void term_end(void)
{
	endwin();
	delscreen(term.screen);
	term.screen = NULL;
	release_crashes();
}

void term_resize(void)
{
	struct winsize ws;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col)
		resizeterm(ws.ws_row, ws.ws_col);
	clearok(stdscr, TRUE);
}

void term_suspend(void)
{
	struct sigaction stop = { .sa_handler = SIG_DFL }, old;
	sigset_t mask;

	endwin();
	/*
	 * The default action, once: a shell sees a stop that looks as it should, and where nobody
	 * could continue us (an orphaned process group) the kernel ignores it.
	 */
	sigaction(SIGTSTP, &stop, &old);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	raise(SIGTSTP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	sigaction(SIGTSTP, &old, NULL);
	term_resize();
	refresh();
}
