/*
 * What the running test holds: servers, connections, programs, folders. Each
 * thing is handed over once; the end of the test gives all of it back in reverse
 * order, and a failure lets each describe itself (log tails, the last lines).
 *
 *	must(ws->fd >= 0, "cannot connect to port %u", port);
 *
 * `must` ends the test, `should` only marks it as failed and goes on.
 */
#ifndef TESTS_INTEGRATION_OWNED_H
#define TESTS_INTEGRATION_OWNED_H

#include <criterion/criterion.h>
#include <stdbool.h>

/* How long anything that is sure to happen may take; only failures wait so long. */
#define PATIENCE_MS 10000u

/* AddressSanitizer keeps what is freed: memory isn't judged then. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* `describe` may be NULL. Both are called with `thing`. */
void owned_add(void *thing, void (*finish)(void *), void (*describe)(void *));
/* Finishes one thing now. */
void owned_finish(void *thing);
/* The .fini of every suite. */
void owned_finish_all(void);
/* Prints the failure and what every owned thing has to say. */
void owned_describe_all(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A Criterion test that gives back what it owns as its last step, so that a
 * server which does not stop as it should fails the test: what fails in a .fini
 * counts for nothing. After a failure the .fini does it.
 */
#define OwnedTest(suite, name)                                                                     \
	static void suite##_##name(void);                                                          \
	Test(suite, name)                                                                          \
	{                                                                                          \
		suite##_##name();                                                                  \
		owned_finish_all();                                                                \
	}                                                                                          \
	static void suite##_##name(void)

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			owned_describe_all(__FILE__, __LINE__, __VA_ARGS__);                       \
			cr_assert_fail("%s", #condition);                                          \
		}                                                                                  \
	} while (0)

#define should(condition, ...)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			owned_describe_all(__FILE__, __LINE__, __VA_ARGS__);                       \
			cr_expect_fail("%s", #condition);                                          \
		}                                                                                  \
	} while (0)

#endif
