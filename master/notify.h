/*
 * What a service manager is told: sd_notify(3), whose protocol is one datagram of
 * NAME=VALUE lines to the socket that $NOTIFY_SOCKET names (a path, or '@' and an abstract
 * name). Without that variable nothing is sent, and nothing is an error.
 *
 * A dozen lines of our own, so that the process which reads everyone's keys doesn't load
 * libsystemd and what that brings along; its manual page describes the protocol for this purpose.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;                     /* -1: nobody listens */
	uint64_t watchdog_every_ms; /* 0: no watchdog */
	uint64_t watchdog_due_ms;
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; a bad value is logged and ignored. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/* One or more NAME=VALUE lines. What can't be sent is lost. */
void notify_send(const struct notify *notify, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The manager waits until notify_ready after this: a reload, an upgrade. */
void notify_reloading(const struct notify *notify);
void notify_ready(const struct notify *notify, const char *status);
/* "I turn", twice within the manager's deadline. Call at least once a second. */
void notify_alive(struct notify *notify, uint64_t now_mono_ms);

#endif
