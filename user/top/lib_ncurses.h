/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ncurses, loaded by the one command that uses it. No other part of hokm-xdp loads it or needs it
 * to be installed.
 */
#ifndef HOKM_TOP_LIB_NCURSES_H
#define HOKM_TOP_LIB_NCURSES_H

#define NCURSES_NOMACROS 1
#include <ncurses.h>

/* clang-format off */
#define LIB_NCURSES_FUNCTIONS(f) \
	f(newterm) f(delscreen) f(endwin) f(cbreak) f(noecho) f(keypad) f(nodelay) f(wgetch) \
	f(werase) f(wmove) f(waddnstr) f(wattrset) f(wrefresh) f(clearok) f(curs_set) f(getmaxx) \
	f(getmaxy)
/* clang-format on */

#define LIB_NCURSES_POINTER(name) __typeof__(name) *(name);

struct lib_ncurses {
	LIB_NCURSES_FUNCTIONS(LIB_NCURSES_POINTER)
	WINDOW **screen; /* ncurses' variable stdscr */
};

/* The first call loads the library. NULL, with the cause on `err`, when it cannot be used. */
const struct lib_ncurses *lib_ncurses(FILE *err);

#endif
