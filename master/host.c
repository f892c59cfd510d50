#include "master/host.h"

#include "base/buf.h"

#include <glob.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* logind leaves system users alone: those up to login.defs' SYS_UID_MAX. */
#define SYSTEM_UID_MAX 999u
#define CONF_MAX (64u << 10)

unsigned long host_raise_open_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			limit.rlim_cur = before;
	}
	return (unsigned long)limit.rlim_cur;
}

/* The last `RemoveIPC=` of one file wins over `removes`, the word so far. */
static bool read_word(const char *path, bool removes)
{
	struct buf text = BUF_INIT;
	char *rest = NULL;

	if (buf_read_file(&text, path, CONF_MAX) == 0 && text.data != NULL) {
		for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest)) {
			const char *value;

			line += strspn(line, " \t");
			if (strncmp(line, "RemoveIPC", 9) != 0)
				continue;
			value = line + 9;
			value += strspn(value, " \t=");
			removes = strncasecmp(value, "yes", 3) == 0 ||
				  strncasecmp(value, "true", 4) == 0 ||
				  strncasecmp(value, "on", 2) == 0 || value[0] == '1';
		}
	}
	buf_finish(&text);
	return removes;
}

bool host_conf_removes_ipc(const char *etc)
{
	struct buf path = BUF_INIT;
	glob_t found = {0};
	bool removes = true; /* logind's default */

	buf_printf(&path, "%s/logind.conf", etc);
	if (!path.failed)
		removes = read_word(path.data, removes);
	buf_reset(&path);
	buf_printf(&path, "%s/logind.conf.d/*.conf", etc);
	if (!path.failed && glob(path.data, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			removes = read_word(found.gl_pathv[i], removes);
	}
	globfree(&found);
	buf_finish(&path);
	return removes;
}

bool host_removes_ipc(void)
{
	struct stat st;

	return getuid() > SYSTEM_UID_MAX && stat("/run/systemd/system", &st) == 0 &&
	       host_conf_removes_ipc("/etc/systemd");
}
