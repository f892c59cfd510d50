/*
 * Places where a test kills the process, to prove that whoever comes next can mend what
 * is left. Nothing in a normal build.
 *
 *	CRASH_POINT(append_intent_open);
 *
 * With -DCRASH_POINTS each point calls crash_point("append_intent_open"), which the test
 * program defines (tests/crash/harness.c), and its name stands in the linker section
 * `crash_points`, so the program knows all of them: a point that is never reached is a
 * failure, not an oversight. A name begins with the area that its test program covers:
 * append_, window_, finish_, repair_, reset_, read_, bell_ (crash_append.c); room_, user_,
 * member_, session_, limit_, penalty_, janitor_, segment_ (crash_tables.c); start_ (crash_start.c);
 * claim_ (crash_names.c).
 *
 * MUTANT(name) is 1 in a build with -DMUTANT_<NAME>: the mistakes that the tests must find.
 */
#ifndef SHM_CRASH_POINT_H
#define SHM_CRASH_POINT_H

#ifdef CRASH_POINTS
void crash_point(const char *name);
#define CRASH_POINT(name)                                                                          \
	do {                                                                                       \
		static const char *crash_point_name                                                \
			__attribute__((section("crash_points"), used)) = #name;                    \
		crash_point(crash_point_name);                                                     \
	} while (0)
#else
#define CRASH_POINT(name) ((void)0)
#endif

#define MUTANT(name) (MUTANT_##name)

/* A reader believes what it copied without looking at `tail` again. */
#ifdef MUTANT_NO_TAIL_RECHECK
#define MUTANT_no_tail_recheck 1
#else
#define MUTANT_no_tail_recheck 0
#endif
/* A line exists before its bytes are there. */
#ifdef MUTANT_COMMIT_BEFORE_COPY
#define MUTANT_commit_before_copy 1
#else
#define MUTANT_commit_before_copy 0
#endif
/* An append leaves no word of what it is about to do. */
#ifdef MUTANT_NO_INTENT
#define MUTANT_no_intent 1
#else
#define MUTANT_no_intent 0
#endif

#endif
