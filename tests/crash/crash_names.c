/*
 * A master is killed at every step of deciding who owns a name; each $CRASH_ROUNDS (1000)
 * times. The next one finds every name with the owner that was told, no name with another,
 * and can go on deciding.
 */
#include "tests/crash/harness.h"

#include "master/keys_reload.h"

#include "base/log.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POINTS_MAX 16u
#define NAMES 24u          /* that a folder's life is about */
#define ROUNDS_A_FOLDER 8u /* then all names are free again */
#define CLAIMS 12u         /* of one master's life */

/* Two people's public keys. */
static const char keys_text[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHIe4cnwVcELdZezogKdsCal0G7ahliUn2bFlreV897p a\n"
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdLAI+B5V8vO5nJItnWER4eu/DzCVxGw+GYad0MGoAW b\n";

/* Shared with the masters: whom a name was granted to, 1 + the key's line; 0: nobody yet. */
struct told {
	_Atomic unsigned owner[NAMES];
};

struct crash {
	char folder[64];
	struct told *told;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void folder_renew(struct crash *crash)
{
	const char *tmp = getenv("TMPDIR");
	char path[128];
	int fd;

	if (crash->folder[0] != '\0')
		nftw(crash->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	snprintf(crash->folder, sizeof(crash->folder), "%s/rk-names-XXXXXX",
		 tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	if (mkdtemp(crash->folder) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/authorized_keys", crash->folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, keys_text, sizeof(keys_text) - 1) != sizeof(keys_text) - 1)
		abort();
	close(fd);
	memset(crash->told, 0, sizeof(*crash->told));
}

static void master_open_keys(struct crash *crash, struct keys *keys)
{
	static const char *const servers[] = {"localhost:8080", NULL};
	struct buf error = BUF_INIT;
	char path[128];
	struct config config = {.authorized_keys = path, .names_per_key = NAMES, .max_keys = 100};

	snprintf(path, sizeof(path), "%s/authorized_keys", crash->folder);
	*keys = (struct keys){0};
	crash_check(keys_open(keys, crash->folder, &error) == 0, "keys_open: %s",
		    error.data != NULL ? error.data : "-");
	crash_check(keys_load(keys, &config, servers, "start") == 0, "keys_load");
	crash_check(keys->view.line_count == 2, "%u keys", keys->view.line_count);
	buf_finish(&error);
}

static void claim_one(struct crash *crash, struct keys *keys, unsigned name, unsigned line)
{
	struct name_claim claim;
	enum name_answer answer;
	bool passed;

	memset(&claim, 0, sizeof(claim));
	claim.kind = NAME_KEY;
	snprintf(claim.name, sizeof(claim.name), "name-%u", name);
	memcpy(claim.key_hash, keys->view.lines[line].key_hash, KEY_HASH_BYTES);
	crash_check(keys_claim(keys, &claim, &answer, &passed) == 0, "keys_claim");
	crash_check(answer != NAME_LIMIT, "%s: limit", claim.name);
	if (answer == NAME_GRANTED) {
		unsigned before = crash->told->owner[name];

		crash_check(before == 0 || before == line + 1, "%s has two owners", claim.name);
		crash->told->owner[name] = line + 1;
	}
}

/* A master's life: claims by both keys, some of them for names that are long taken. */
static void live(void *data)
{
	struct crash *crash = data;
	struct keys keys;

	master_open_keys(crash, &keys);
	for (unsigned i = 0; i < CLAIMS; i++)
		claim_one(crash, &keys, crash_random(NAMES), crash_random(2));
	keys_close(&keys);
}

/* What the next master finds, and publishes. */
static void look(struct crash *crash)
{
	struct keys keys;

	master_open_keys(crash, &keys);
	for (unsigned name = 0; name < NAMES; name++) {
		unsigned owner = crash->told->owner[name];
		const struct name_binding *binding;
		char text[NAME_SIZE];

		snprintf(text, sizeof(text), "name-%u", name);
		binding = keyring_find_binding(&keys.view, text);
		crash_check(owner == 0 || binding != NULL, "%s is forgotten", text);
		if (owner == 0 || binding == NULL)
			continue;
		crash_check(memcmp(binding->hash, keys.view.lines[owner - 1].key_hash,
				   KEY_HASH_BYTES) == 0,
			    "%s is another's", text);
		/* Its owner gets it again, the other one doesn't. */
		claim_one(crash, &keys, name, owner - 1);
		claim_one(crash, &keys, name, 2 - owner);
	}
	keys_close(&keys);
}

int main(void)
{
	static const char *const prefixes[] = {"claim_", NULL};
	const char *points[POINTS_MAX];
	struct crash crash = {.folder = ""};
	unsigned count;

	crash_start();
	log_set_level(LOG_LEVEL_ERROR);
	count = crash_points(prefixes, points, POINTS_MAX);
	crash.told = mmap(NULL, sizeof(*crash.told), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crash.told == MAP_FAILED)
		return EXIT_FAILURE;
	crash_check(count > 0, "no crash points in this build");
	for (unsigned i = 0; i < count; i++) {
		unsigned hits = 0;

		for (unsigned round = 0; hits < crash_rounds() && round < 4 * crash_rounds();
		     round++) {
			crash_context(points[i], round);
			crash_seed(1 + i * 1000003u + round);
			if (round % ROUNDS_A_FOLDER == 0)
				folder_renew(&crash);
			hits += crash_child(points[i], 1 + crash_random(3), live, &crash);
			look(&crash);
		}
		crash_check(hits >= crash_rounds(), "%s: reached %u times only", points[i], hits);
	}
	nftw(crash.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return crash_report();
}
