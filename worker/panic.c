#include "worker/panic.h"

#include "base/build_id.h"
#include "shm/room_log.h"
#include "worker/walls.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_BYTES 65536u

/* A signal handler gets no argument of ours. */
static struct {
	struct shm *shm;
	uintptr_t start, end; /* of the program in memory */
	char build[BUILD_ID_SIZE];
} armed;

static uintptr_t address_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)context->uc_mcontext.pc;
#else
	(void)context;
	return 0;
#endif
}

/* Stores only: nothing here may take a lock, allocate, or trust what is broken. */
static void on_panic(int signal_number, siginfo_t *info, void *data)
{
	struct worker_slot *slot = &armed.shm->workers[armed.shm->slot];
	uintptr_t at = address_of(data);
	int saved = errno;

	(void)info;
	for (size_t i = 0; i < BUILD_ID_SIZE; i++)
		slot->panic_build[i] = armed.build[i];
	atomic_store_explicit(&slot->panic_at,
			      at >= armed.start && at < armed.end ? at - armed.start : 0,
			      memory_order_relaxed);
	atomic_store_explicit(&slot->panic_log,
			      atomic_load_explicit(&room_log_last, memory_order_relaxed),
			      memory_order_relaxed);
	atomic_store_explicit(&slot->panic_signal, (uint32_t)signal_number, memory_order_relaxed);
	/* Last: the rest is of this life. */
	atomic_store_explicit(&slot->panic_generation, armed.shm->generation, memory_order_release);
	/* Comes when this handler returns, and meets the default: SA_RESETHAND. */
	syscall(SYS_tgkill, getpid(), gettid(), signal_number);
	errno = saved;
}

int panic_arm(struct shm *shm)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
	struct sigaction action = {.sa_sigaction = on_panic,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
	/* Lives as long as the process: a stack that overflowed is no place to say so. */
	static char stack_memory[STACK_BYTES];
	const stack_t stack = {.ss_sp = stack_memory, .ss_size = sizeof(stack_memory)};
	int err = 0;

	/* Sanitizers have handlers of their own, which say more. */
	if (WALLS_OFF)
		return 0;
	armed.shm = shm;
	build_id_get(armed.build);
	build_id_span(&armed.start, &armed.end);
	sigemptyset(&action.sa_mask);
	if (sigaltstack(&stack, NULL) < 0)
		return -errno;
	for (size_t i = 0; err == 0 && i < sizeof(faults) / sizeof(faults[0]); i++)
		err = sigaction(faults[i], &action, NULL) < 0 ? -errno : 0;
	return err;
}
