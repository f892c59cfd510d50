#include "worker/walls.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const char *wall_name(enum wall wall)
{
	static const char *const names[] = {
#define WALL(name, takes) #name,
#include "worker/walls.def"
#undef WALL
	};

	return names[wall];
}

/* ---- small ones ------------------------------------------------------------------- */

/* All of them, also those a service manager gave us to bind a low port. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int limit(int resource)
{
	const struct rlimit nothing = {0, 0};

	return setrlimit((__rlimit_resource_t)resource, &nothing) < 0 ? -errno : 0;
}

/*
 * A log that goes to a file has to grow. The segment's file has its full size from the start,
 * so that reserving memory in it is no growth.
 */
static int set_limits(void)
{
	struct stat log;
	int err = limit(RLIMIT_CORE);

	if (err == 0)
		err = limit(RLIMIT_NPROC);
	if (err == 0 && (fstat(STDERR_FILENO, &log) < 0 || !S_ISREG(log.st_mode)))
		err = limit(RLIMIT_FSIZE);
	return err;
}

static int set_flag(int option, unsigned long value)
{
	return prctl(option, value, 0, 0, 0) < 0 ? -errno : 0;
}

/* ---- landlock ----------------------------------------------------------------------- */

/*
 * landlock(7). Debian 12's header knows the first ABI's rights only; what it lacks stands here, so
 * that a newer kernel takes more away.
 */
struct landlock_rules {
	uint64_t files, net, scoped;
};
#define LANDLOCK_VERSION 1u /* flag of landlock_create_ruleset: which ABI is it? */
#define LANDLOCK_ABI_MAX 6

static const struct {
	size_t size;
	struct landlock_rules rules;
} landlock_abis[LANDLOCK_ABI_MAX] = {
	{8, {.files = (UINT64_C(1) << 13) - 1}},            /* read, write, run, make, ... */
	{8, {.files = (UINT64_C(1) << 14) - 1}},            /* link into other folders */
	{8, {.files = (UINT64_C(1) << 15) - 1}},            /* truncate */
	{16, {.files = (UINT64_C(1) << 15) - 1, .net = 3}}, /* bind, connect */
	{16, {.files = (UINT64_C(1) << 16) - 1, .net = 3}}, /* ioctl on devices */
	{24,
	 {.files = (UINT64_C(1) << 16) - 1, .net = 3, .scoped = 3}}, /* abstract sockets, signals */
};

/* All that is named is forbidden, and no rule gives any of it back. */
int walls_landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
	long fd;
	int err = 0;

	if (abi < 1)
		return abi < 0 ? -errno : -ENOSYS;
	if (abi > LANDLOCK_ABI_MAX)
		abi = LANDLOCK_ABI_MAX;
	fd = syscall(SYS_landlock_create_ruleset, &landlock_abis[abi - 1].rules,
		     landlock_abis[abi - 1].size, 0);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_landlock_restrict_self, (int)fd, 0) < 0)
		err = -errno;
	close((int)fd);
	return err;
}

/* ---- all of them ---------------------------------------------------------------------- */

/*
 * A change of the user makes the kernel forget that we end with the master; and if it ended
 * meanwhile, somebody else is our parent by now.
 */
static void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static void note(struct walls_report *report, enum wall wall, int err)
{
	if (err == 0)
		report->up |= UINT32_C(1) << wall;
	report->err[wall] = err;
}

static void raise_rest(const struct walls_plan *plan, struct walls_report *report)
{
	end_with(plan->parent);
	note(report, WALL_capabilities, drop_capabilities());
	note(report, WALL_limits, set_limits());
	note(report, WALL_no_new_privs, set_flag(PR_SET_NO_NEW_PRIVS, 1));
	note(report, WALL_not_dumpable, set_flag(PR_SET_DUMPABLE, 0));
	note(report, WALL_landlock, walls_landlock());
	note(report, WALL_seccomp, walls_filter(plan->segment_fd));
}

int walls_raise(const struct walls_plan *plan, struct walls_report *ret_report)
{
	struct walls_report report = {0};
	int err;

	if (WALLS_OFF) {
		for (enum wall wall = 0; wall < WALL_COUNT; wall++)
			note(&report, wall, -EOPNOTSUPP);
		*ret_report = report;
		return 0;
	}
	/* gmtime_r reads /etc/localtime at the first line that is logged, whatever it is for. */
	tzset();
	err = account_enter(plan->account);
	if (err < 0 && plan->account->asked)
		return err;
	if (err == 0 && geteuid() == 0)
		err = -ECANCELED; /* the operator wants it so */
	note(&report, WALL_user, err);
	raise_rest(plan, &report);
	*ret_report = report;
	return 0;
}
