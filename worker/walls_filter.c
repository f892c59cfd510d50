/*
 * The filter of system calls. A refused call raises SIGSYS in us, whose handler counts it and
 * lets the call fail with EPERM: the caller goes on, and the loop logs it (walls_refused).
 */
#include "worker/walls.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* siginfo's si_code; glibc 2.36 doesn't tell */
#endif

/* How a signal handler makes the call that was refused return EPERM. */
#if defined(__x86_64__)
#define REFUSE_ACTION SCMP_ACT_TRAP
#define REFUSED_RESULT(context) (context)->uc_mcontext.gregs[REG_RAX]
#elif defined(__aarch64__)
#define REFUSE_ACTION SCMP_ACT_TRAP
#define REFUSED_RESULT(context) (context)->uc_mcontext.regs[0]
#else
#define REFUSE_ACTION SCMP_ACT_ERRNO(EPERM)
#endif

/* Of the whole process, as the filter is. */
static _Atomic uint64_t refused_count;
static atomic_int refused_last = -1;

uint64_t walls_refused(int *ret_syscall)
{
	*ret_syscall = atomic_load(&refused_last);
	return atomic_load(&refused_count);
}

const char *walls_syscall_name(int number, char text[32])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	if (name != NULL)
		snprintf(text, 32, "%s", name);
	else
		snprintf(text, 32, "%d", number);
	free(name);
	return text;
}

#ifdef REFUSED_RESULT
static void on_refused(int signal_number, siginfo_t *info, void *data)
{
	ucontext_t *context = data;

	(void)signal_number;
	/* Somebody sent it: no call to answer. */
	if (info->si_code != SYS_SECCOMP)
		return;
	atomic_store(&refused_last, info->si_syscall);
	atomic_fetch_add(&refused_count, 1);
	REFUSED_RESULT(context) = (__typeof__(REFUSED_RESULT(context)))-EPERM;
}

static int handle_refused(void)
{
	struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_RESTART};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}
#else
static int handle_refused(void)
{
	return 0;
}
#endif

static int add_names(scmp_filter_ctx filter)
{
	static const int allowed[] = {
#define ALLOW(name) SCMP_SYS(name),
#define KILL(name)
#include "worker/syscalls.def"
#undef ALLOW
#undef KILL
	};
	static const int deadly[] = {
#define ALLOW(name)
#define KILL(name) SCMP_SYS(name),
#include "worker/syscalls.def"
#undef ALLOW
#undef KILL
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; err == 0 && i < sizeof(deadly) / sizeof(deadly[0]); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	return err;
}

#define ALLOW_IF(filter, call, ...)                                                                \
	seccomp_rule_add_array((filter), SCMP_ACT_ALLOW, SCMP_SYS(call),                           \
			       sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) /                      \
				       sizeof(struct scmp_arg_cmp),                                \
			       (struct scmp_arg_cmp[]){__VA_ARGS__})

static int add_fcntl(scmp_filter_ctx filter)
{
	static const int commands[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(commands) / sizeof(commands[0]); i++)
		err = ALLOW_IF(filter, fcntl, SCMP_A1(SCMP_CMP_EQ, (unsigned)commands[i]));
	return err;
}

static int add_arguments(scmp_filter_ctx filter, int segment_fd)
{
	int err;

	/* To the socket's other end: a datagram could be addressed to any socket of the system. */
	err = ALLOW_IF(filter, sendto, SCMP_A4(SCMP_CMP_EQ, 0));
	/* No code but what was there at the start. */
	if (err == 0)
		err = ALLOW_IF(filter, mmap, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (err == 0)
		err = ALLOW_IF(filter, mprotect, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* A room's memory. */
	if (err == 0)
		err = ALLOW_IF(filter, fallocate, SCMP_A0(SCMP_CMP_EQ, (unsigned)segment_fd),
			       SCMP_A1(SCMP_CMP_EQ, 0));
	/* glibc's fstat; a path would be empty, but who can see into a pointer. */
	if (err == 0)
		err = ALLOW_IF(filter, newfstatat, SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
	/* abort(), and a fault's handler that raises the signal again. */
	if (err == 0)
		err = ALLOW_IF(filter, tgkill, SCMP_A0(SCMP_CMP_EQ, (unsigned)getpid()));
	if (err == 0)
		err = ALLOW_IF(filter, ioctl, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
	if (err == 0)
		err = ALLOW_IF(filter, ioctl, SCMP_A1(SCMP_CMP_EQ, FIONREAD));
	/* getrlimit: its own, and no new ones. */
	if (err == 0)
		err = ALLOW_IF(filter, prlimit64, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0));
	return err == 0 ? add_fcntl(filter) : err;
}

int walls_filter(int segment_fd)
{
	scmp_filter_ctx filter = seccomp_init(REFUSE_ACTION);
	int err;

	if (filter == NULL)
		return -ENOMEM;
	/* The walls have set no_new_privs, or know why not. */
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	/* A binary tree; old libraries know none, then it is a list. */
	if (err == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/*
	 * Kernels before 5.16 slow a filtered process down against reads of its own memory by code
	 * that somebody else wrote; we run none.
	 */
	if (err == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	if (err == 0)
		err = add_names(filter);
	if (err == 0)
		err = add_arguments(filter, segment_fd);
	if (err == 0)
		err = handle_refused();
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
