#include "bench/report.h"

#include "base/buf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct {
	const char *path;
	struct buf text;
	uint64_t bad;
	unsigned invalid;
} report;

void report_row(const char *fmt, ...)
{
	char row[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row, sizeof(row), fmt, ap);
	va_end(ap);
	fputs(row, stdout);
	fflush(stdout);
	buf_append_str(&report.text, row);
}

static void cpu_name(char *out, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(out, size, "unknown CPU");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
			snprintf(out, size, "%.*s", (int)strcspn(strchr(line, ':') + 2, "\n"),
				 strchr(line, ':') + 2);
			break;
		}
	}
	if (file != NULL)
		fclose(file);
}

void report_begin(const char *path, const char *commit, unsigned rounds)
{
	struct utsname machine;
	char cpu[128];
	double load[1] = {0};

	report.path = path;
	uname(&machine);
	cpu_name(cpu, sizeof(cpu));
	getloadavg(load, 1);
	if (path != NULL)
		buf_append_str(&report.text,
			       "# Results\n\nWritten by `make bench`; README.md says how to read "
			       "them. Only the ratios mean anything elsewhere.\n\n");
	report_row("%s, %ld CPUs, Linux %s %s; commit %s; %u rounds, medians; load average at the "
		   "start %.1f\n\n",
		   cpu, sysconf(_SC_NPROCESSORS_ONLN), machine.release, machine.machine,
		   commit != NULL ? commit : "unknown", rounds, load[0]);
}

void report_bad(uint64_t deliveries)
{
	report.bad += deliveries;
}

void report_invalid(void)
{
	report.invalid++;
}

static bool write_file(void)
{
	char fresh[512];
	FILE *file;
	bool fine;

	snprintf(fresh, sizeof(fresh), "%s.new", report.path);
	file = fopen(fresh, "w");
	if (file == NULL)
		return false;
	fine = fwrite(report.text.data, 1, report.text.len, file) == report.text.len;
	fine = fclose(file) == 0 && fine;
	return fine && rename(fresh, report.path) == 0;
}

int report_end(void)
{
	double load[1] = {0};
	bool fine = true;

	getloadavg(load, 1);
	report_row("\n%" PRIu64 " deliveries lost, doubled or out of order; %u rounds made again "
		   "because the floor cut a member; load average at the end %.1f\n",
		   report.bad, report.invalid, load[0]);
	if (report.path != NULL)
		fine = !report.text.failed && write_file();
	if (!fine)
		perror(report.path);
	buf_finish(&report.text);
	return report.bad > 0 || !fine ? 1 : 0;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double report_median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare_double);
	return values[count / 2];
}
