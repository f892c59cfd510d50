#include "client/state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/state-XXXXXX";

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(state, .init = setup, .fini = teardown);

Test(state, a_device_is_made_up_once_and_kept)
{
	struct state state;
	char device[DEVICE_SIZE];

	state_open(folder, "alice", "localhost:8080", &state);
	cr_assert_gt(strlen(state.device), 6);
	memcpy(device, state.device, sizeof(device));
	state_close(&state);
	state_open(folder, "alice", "localhost:8080", &state);
	cr_assert_str_eq(state.device, device);
	state_close(&state);
}

Test(state, two_at_once_have_two_devices_and_keep_both)
{
	struct state first, second, third;
	char device[DEVICE_SIZE];

	state_open(folder, "alice", "localhost:8080", &first);
	state_open(folder, "alice", "localhost:8080", &second);
	cr_assert_str_neq(first.device, second.device);
	memcpy(device, second.device, sizeof(device));
	state_close(&second);
	state_open(folder, "alice", "localhost:8080", &third);
	cr_assert_str_eq(third.device, device);
	state_close(&third);
	state_close(&first);
}

Test(state, users_and_servers_are_kept_apart)
{
	struct state alice, bob, elsewhere;

	state_open(folder, "alice", "localhost:8080", &alice);
	state_open(folder, "bob", "localhost:8080", &bob);
	state_open(folder, "alice", "[::1]:8080", &elsewhere);
	cr_assert_str_neq(alice.device, bob.device);
	cr_assert_str_neq(alice.device, elsewhere.device);
	cr_assert_eq(state_remember_key(&alice, "SHA256:a"), 0);
	state_close(&alice);
	state_close(&bob);
	state_close(&elsewhere);
	state_open(folder, "bob", "localhost:8080", &bob);
	cr_assert_str_eq(bob.key, "");
	state_close(&bob);
}

Test(state, the_key_that_worked_is_remembered)
{
	struct state state;

	state_open(folder, "alice", "localhost:8080", &state);
	cr_assert_str_eq(state.key, "");
	cr_assert_eq(state_remember_key(&state, "SHA256:one"), 0);
	cr_assert_eq(state_remember_key(&state, "SHA256:two"), 0);
	state_close(&state);
	state_open(folder, "alice", "localhost:8080", &state);
	cr_assert_str_eq(state.key, "SHA256:two");
	state_close(&state);
}

Test(state, where_nothing_can_be_kept_there_is_a_device_all_the_same)
{
	struct state state;

	state_open("/proc/nowhere", "alice", "localhost:8080", &state);
	cr_assert_gt(strlen(state.device), 6);
	cr_assert_eq(state_remember_key(&state, "SHA256:one"), 0);
	state_close(&state);
	state_open(NULL, "alice", "localhost:8080", &state);
	cr_assert_gt(strlen(state.device), 6);
	state_close(&state);
}

Test(state, a_damaged_file_is_written_anew)
{
	struct state state;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/alice@localhost:8080.1.device", folder);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs("no device/at all\n", file);
	fclose(file);
	state_open(folder, "alice", "localhost:8080", &state);
	cr_assert_null(strchr(state.device, '/'));
	cr_assert_gt(strlen(state.device), 6);
	state_close(&state);
}

Test(state, the_folder_follows_the_environment)
{
	char *path;

	setenv("XDG_STATE_HOME", "/x", 1);
	path = state_folder();
	cr_assert_str_eq(path, "/x/chat/client");
	free(path);
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", "/home/a", 1);
	path = state_folder();
	cr_assert_str_eq(path, "/home/a/.local/state/chat/client");
	free(path);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	cr_assert_null(state_folder());
}
