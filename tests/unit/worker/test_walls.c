#include "worker/walls.h"

#include "base/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What is tried behind the walls: 0 if it went as it should, else the line that didn't. */
typedef int try_fn(void);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ % 250 + 1;                                                 \
	} while (0)
#define REFUSED(call) CHECK((errno = 0, (call)) < 0 && errno == EPERM)

static int segment_fd, other_fd;
static int pair[2]; /* ours and the walled-in process's */
static struct walls_report report;

static void setup(void)
{
	segment_fd = memfd_create("segment", MFD_CLOEXEC);
	other_fd = memfd_create("other", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(segment_fd, 1 << 20), 0);
	cr_assert_eq(ftruncate(other_fd, 1 << 20), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (WALLS_OFF)
		cr_skip("this build goes without walls");
}

TestSuite(walls, .init = setup, .timeout = 30);

static _Noreturn void walled_in(try_fn *try, pid_t parent)
{
	struct account account;
	struct buf error = BUF_INIT;
	struct walls_plan plan = {.account = &account, .parent = parent, .segment_fd = segment_fd};

	if (account_find("", &account, &error) < 0 || walls_raise(&plan, &report) < 0)
		_exit(255);
	_exit(try());
}

static pid_t begin(try_fn *try)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		walled_in(try, parent);
	return pid;
}

static int end(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_ok(try_fn *try)
{
	int status = end(begin(try));

	cr_assert(WIFEXITED(status), "died of signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "line %d (modulo 250)", WEXITSTATUS(status) - 1);
}

static void expect_death(try_fn *try, int signal_number)
{
	int status = end(begin(try));

	cr_assert(WIFSIGNALED(status), "it lives on: %d", status);
	cr_assert_eq(WTERMSIG(status), signal_number, "died of signal %d", WTERMSIG(status));
}

/* ---- files -------------------------------------------------------------------------- */

static int try_files(void)
{
	char name[32];
	int number;

	CHECK(walls_refused(&number) == 0);
	REFUSED(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	CHECK(walls_refused(&number) == 1);
	CHECK(strcmp(walls_syscall_name(number, name), "openat") == 0);
	REFUSED(open("/tmp/roomkey-walls", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	REFUSED(unlink("/tmp/roomkey-walls"));
	REFUSED(mkdir("/tmp/roomkey-walls", 0700));
	REFUSED(chdir("/"));
	REFUSED(memfd_create("mine", 0));
	CHECK(walls_refused(&number) == 6);
	return 0;
}

Test(walls, no_file_can_be_opened_and_the_try_is_counted)
{
	expect_ok(try_files);
}

Test(walls, landlock_alone_keeps_files_away)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(1);
		if (walls_landlock() < 0)
			_exit(2);
		_exit(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 3);
	}
	status = end(pid);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		cr_skip("this kernel has no landlock");
	cr_assert_eq(WEXITSTATUS(status), 0);
}

/* ---- other processes ------------------------------------------------------------------ */

static int try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int try_ptrace(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	return 1;
}

static int try_root(void)
{
	syscall(SYS_setuid, 0);
	return 1;
}

static int try_fork(void)
{
	REFUSED(fork());
	REFUSED(kill(getppid(), SIGTERM));
	return 0;
}

Test(walls, a_program_to_be_run_kills_whoever_tries)
{
	expect_death(try_exec, SIGSYS);
}

Test(walls, a_look_into_another_process_kills_whoever_tries)
{
	expect_death(try_ptrace, SIGSYS);
}

Test(walls, a_way_back_to_root_kills_whoever_tries)
{
	expect_death(try_root, SIGSYS);
}

Test(walls, no_process_can_be_made_or_killed)
{
	expect_ok(try_fork);
}

/* ---- sockets and memory ------------------------------------------------------------------ */

static int try_sockets(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fds[2];

	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	REFUSED(bind(pair[1], (struct sockaddr *)&to, sizeof(to)));
	REFUSED(connect(pair[1], (struct sockaddr *)&to, sizeof(to)));
	REFUSED(sendto(pair[1], "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	CHECK(send(pair[1], "x", 1, 0) == 1);
	return 0;
}

Test(walls, no_socket_can_be_made_or_led_elsewhere)
{
	expect_ok(try_sockets);
}

static int try_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED);
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	REFUSED(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	errno = 0;
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		      MAP_FAILED &&
	      errno == EPERM);
	return 0;
}

Test(walls, no_memory_becomes_code)
{
	expect_ok(try_code);
}

static int try_segment(void)
{
	CHECK(fallocate(segment_fd, 0, 4096, 65536) == 0);
	REFUSED(fallocate(segment_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	REFUSED(fallocate(other_fd, 0, 0, 4096));
	REFUSED(ftruncate(segment_fd, 0));
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment_fd, 0) != MAP_FAILED);
	return 0;
}

Test(walls, rooms_are_reserved_in_the_segment_and_nowhere_else)
{
	expect_ok(try_segment);
}

/* ---- what a worker goes on doing ------------------------------------------------------------ */

static void pass_descriptor(int fd)
{
	char byte = 'f';
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	cr_assert_eq(sendmsg(pair[0], &message, 0), 1);
}

static int try_work(void)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct epoll_event event;
	struct timespec moment = {.tv_nsec = 1000};
	int epoll = epoll_create1(EPOLL_CLOEXEC), number;
	uint64_t random;
	char *memory;

	/* The loop is there before the walls are. */
	CHECK(epoll < 0 && errno == EPERM);
	CHECK(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen > 0);
	CHECK(getrandom(&random, sizeof(random), 0) == sizeof(random));
	CHECK(eventfd(0, EFD_CLOEXEC) >= 0);
	CHECK(epoll_wait(-1, &event, 1, 0) < 0 && errno == EBADF);
	CHECK(poll(NULL, 0, 0) == 0);
	CHECK(nanosleep(&moment, NULL) == 0);
	CHECK(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) >= 0);
	for (size_t size = 1; size <= (size_t)64 << 20; size *= 4) {
		memory = malloc(size);
		CHECK(memory != NULL);
		memset(memory, 1, size);
		memory = realloc(memory, size * 2);
		CHECK(memory != NULL);
		free(memory);
	}
	CHECK(walls_refused(&number) == 1);
	return 0;
}

Test(walls, what_a_worker_does_all_day_is_allowed)
{
	pass_descriptor(other_fd);
	expect_ok(try_work);
}

static int try_abort(void)
{
	abort();
}

Test(walls, an_assertion_still_ends_in_its_signal)
{
	expect_death(try_abort, SIGABRT);
}

/* ---- how others see them --------------------------------------------------------------------- */

static int wait_for_byte(void)
{
	char byte;

	CHECK(send(pair[1], &report, sizeof(report), 0) == sizeof(report));
	CHECK(recv(pair[1], &byte, 1, 0) == 1);
	return 0;
}

static long field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	cr_assert_not_null(at, "no %s", name);
	return strtol(at + strlen(name), NULL, 10);
}

Test(walls, they_stand_in_proc_and_in_the_report)
{
	pid_t pid = begin(wait_for_byte);
	struct buf status = BUF_INIT;
	struct walls_report said;
	char path[64];

	cr_assert_eq(recv(pair[0], &said, sizeof(said), 0), (ssize_t)sizeof(said));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	cr_assert_eq(buf_read_file(&status, path, 65536), 0);
	cr_assert_eq(field(status.data, "\nNoNewPrivs:"), 1);
	cr_assert_eq(field(status.data, "\nSeccomp:"), 2);
	cr_assert_neq(field(status.data, "\nUid:"), 0);
	cr_assert_eq(field(status.data, "\nCapEff:"), 0);
	for (enum wall wall = 0; wall < WALL_COUNT; wall++)
		cr_assert((said.up >> wall & 1) != 0 ||
				  (wall == WALL_landlock && said.err[wall] < 0),
			  "%s: %s", wall_name(wall), strerror(-said.err[wall]));
	cr_assert_eq(send(pair[0], "", 1, 0), 1);
	cr_assert_eq(end(pid), 0);
	buf_finish(&status);
}

/* The death of the parent is arranged before a change of user, and forgotten by it. */
Test(walls, whoever_is_walled_in_still_ends_with_its_parent)
{
	pid_t middle = fork();
	struct pollfd gone = {.fd = pair[0], .events = POLLIN};
	struct walls_report said;

	if (middle == 0) {
		begin(wait_for_byte);
		pause();
	}
	cr_assert_eq(recv(pair[0], &said, sizeof(said), 0), (ssize_t)sizeof(said));
	close(pair[1]);
	kill(middle, SIGKILL);
	end(middle);
	/* The last copy of the other end goes with the grandchild. */
	cr_assert_eq(poll(&gone, 1, 20000), 1);
	cr_assert((gone.revents & POLLHUP) != 0 || recv(pair[0], &said, 1, MSG_DONTWAIT) <= 0);
}
