#include "client/settings.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/settings-XXXXXX";
static char path[64];
static struct settings settings;
static struct buf text;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/chat/client.conf", folder);
}

static void teardown(void)
{
	char command[64];

	settings_finish(&settings);
	buf_finish(&text);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(settings, .init = setup, .fini = teardown);

static void write_file(const char *content)
{
	char command[128];
	FILE *file;

	snprintf(command, sizeof(command), "mkdir -p %s/chat", folder);
	cr_assert_eq(system(command), 0);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(content, file), 0);
	fclose(file);
}

static void load(const char *content)
{
	buf_reset(&text);
	if (content)
		write_file(content);
	cr_assert_eq(settings_load(path, &settings, &text), 0, "%s", text.data);
}

static void check_refused(const char *content, const char *why)
{
	char expected[256];

	write_file(content);
	buf_reset(&text);
	cr_assert_eq(settings_load(path, &settings, &text), -EINVAL);
	snprintf(expected, sizeof(expected), "%s:%s", path, why);
	cr_assert_str_eq(text.data, expected);
}

static void check_file(const char *expected)
{
	buf_reset(&text);
	cr_assert_eq(buf_read_file(&text, path, 4096), 0);
	cr_assert_str_eq(text.data, expected);
}

static void change(const char *name, const char *value)
{
	struct buf why = BUF_INIT;

	cr_assert_eq(settings_change(&settings, name, value, &why), 0, "%s", why.data);
	buf_finish(&why);
}

Test(settings, without_a_file_everything_has_its_default)
{
	load(NULL);
	cr_assert_eq(settings.notify, NOTIFY_BELL);
	cr_assert(settings.bell);
	cr_assert_eq(settings.theme, THEME_DEFAULT);
	cr_assert_str_eq(settings.timestamp, "%H:%M");
	cr_assert_null(settings.notify_command);
	cr_assert_not(settings_ignores(&settings, "bob"));
	cr_assert_null(settings_find_host(&settings, "localhost"));
}

Test(settings, a_file_says_what_there_is)
{
	load("# mine\nnotify = osc777   # a comment\nbell=off\nignore = Bob, @eve mallory\n"
	     "theme = light\ntimestamp = \"%d.%m. %H:%M\"\nnotify-command = xargs notify-send\n");
	cr_assert_eq(settings.notify, NOTIFY_OSC777);
	cr_assert_not(settings.bell);
	cr_assert_eq(settings.theme, THEME_LIGHT);
	cr_assert_str_eq(settings.timestamp, "%d.%m. %H:%M");
	cr_assert_str_eq(settings.notify_command, "xargs notify-send");
	cr_assert(settings_ignores(&settings, "bob"));
	cr_assert(settings_ignores(&settings, "eve"));
	cr_assert(settings_ignores(&settings, "mallory"));
	cr_assert_not(settings_ignores(&settings, "alice"));
	cr_assert_not(settings_ignores(&settings, NULL));
}

Test(settings, hosts_have_names)
{
	const struct settings_host *host;

	setenv("HOME", "/home/alice", 1);
	load("[host work]\naddress = chat.example.org\nport = 9000\nuser = alice\nkey = ~/.ssh/k\n"
	     "[ host  home ]\naddress = \"::1\"\n");
	host = settings_find_host(&settings, "Work");
	cr_assert_not_null(host);
	cr_assert_str_eq(host->address, "chat.example.org");
	cr_assert_eq(host->port, 9000);
	cr_assert_str_eq(host->user, "alice");
	cr_assert_str_eq(host->key, "/home/alice/.ssh/k");
	host = settings_find_host(&settings, "home");
	cr_assert_not_null(host);
	cr_assert_str_eq(host->address, "::1");
	cr_assert_eq(host->port, 0);
	cr_assert_null(host->user);
}

Test(settings, what_is_wrong_is_named_with_its_line)
{
	check_refused("\nnotfy = bell\n", "2: unknown name notfy; did you mean notify?");
	check_refused("notify = loud\n", "1: notify: \"loud\" is not one of: off, bell, osc9, "
					 "osc777, command");
	check_refused("bell = maybe\n", "1: bell: \"maybe\" is not on or off");
	check_refused("ignore = a/b\n", "1: ignore: \"a/b\" cannot be anyone's name");
	check_refused("nonsense\n", "1: a line is written name = value");
	check_refused("[work]\nport = 1\n", "1: no such section; there is [host NAME]: work");
	check_refused("[host]\n", "1: a host's section is written [host NAME], NAME one word");
	check_refused("[host a b]\n", "1: a host's section is written [host NAME], NAME one word");
	check_refused("[host a]\n[host A]\n", "2: there is a section for this host already: A");
	check_refused("[host a]\nport = 0\n", "2: port: from 1 to 65535, not 0");
	check_refused("[host a]\nuser =\n", "2: user: a value is missing");
	check_refused("[host a]\nnotify = bell\n", "2: unknown name notify");
	check_refused("[host a]\nadress = x\n", "2: unknown name adress; did you mean address?");
	check_refused("timestamp = \"%c %c %c %c\"\n",
		      "1: timestamp: \"%c %c %c %c\" does not make a short time, as \"%H:%M\" or "
		      "\"%d.%m. %H:%M:%S\" do");
}

Test(settings, all_that_is_wrong_is_told_at_once)
{
	char expected[256];

	write_file("bell = x\ntheme = y\n");
	cr_assert_eq(settings_load(path, &settings, &text), -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s:1: bell: \"x\" is not on or off\n%s:2: theme: \"y\" is not one of: default, "
		 "light, mono",
		 path, path);
	cr_assert_str_eq(text.data, expected);
}

Test(settings, a_change_is_kept_and_makes_the_file)
{
	load(NULL);
	change("notify", "osc9");
	change("ignore", "bob");
	settings_finish(&settings);
	load(NULL);
	cr_assert_eq(settings.notify, NOTIFY_OSC9);
	cr_assert(settings_ignores(&settings, "bob"));
	check_file("notify = osc9\nignore = bob\n");
}

Test(settings, a_change_leaves_comments_and_other_lines_alone)
{
	load("# mine\n\nnotify = bell\t# loud\ntheme = light\nnotify = off\n\n# the office\n"
	     "[host work]\n  address = a # x\n");
	change("notify", "osc9");
	change("timestamp", "%H # %M");
	check_file("# mine\n\nnotify = osc9\t# loud\ntheme = light\n"
		   "timestamp = \"%H # %M\"\n\n# the office\n[host work]\n  address = a # x\n");
	change("timestamp", "%H");
	change("ignore", "");
	check_file("# mine\n\nnotify = osc9\t# loud\ntheme = light\ntimestamp = %H\n"
		   "ignore = \"\"\n\n# the office\n[host work]\n  address = a # x\n");
	settings_finish(&settings);
	load(NULL);
	cr_assert_eq(settings.ignored_count, 0);
}

Test(settings, any_comment_behind_a_value_is_kept)
{
	load("ignore =# \"nobody\" \"#\nbell = \"on\"# no \"blank\"\n"
	     "timestamp = \"%H # \\\" %M\"\t# x\n");
	change("ignore", "bob");
	change("bell", "off");
	change("timestamp", "%H");
	check_file(
		"ignore = bob # \"nobody\" \"#\nbell = off # no \"blank\"\ntimestamp = %H\t# x\n");
}

Test(settings, in_a_file_of_sections_a_setting_goes_in_front)
{
	load("# the office\n[host work]\nuser = alice");
	change("bell", "off");
	check_file("bell = off\n\n# the office\n[host work]\nuser = alice\n");
}

Test(settings, a_link_stays_a_link_and_the_mode_stays)
{
	char target[64];
	struct stat stat;

	write_file("bell = on\n");
	snprintf(target, sizeof(target), "%s/dotfiles", folder);
	cr_assert_eq(rename(path, target), 0);
	cr_assert_eq(chmod(target, 0640), 0);
	cr_assert_eq(symlink(target, path), 0);
	load(NULL);
	change("bell", "off");
	check_file("bell = off\n");
	cr_assert_eq(lstat(path, &stat), 0);
	cr_assert(S_ISLNK(stat.st_mode));
	cr_assert_eq(lstat(target, &stat), 0);
	cr_assert_eq(stat.st_mode & 0777, 0640);
}

Test(settings, a_wrong_value_changes_nothing)
{
	load("bell = on\n");
	cr_assert_eq(settings_change(&settings, "bell", "x", &text), -EINVAL);
	cr_assert_eq(settings_change(&settings, "nothing", "x", &text), -ENOENT);
	cr_assert_eq(settings_change(&settings, "notify-command", "a\nb", &text), -EINVAL);
	cr_assert(settings.bell);
	check_file("bell = on\n");
}

Test(settings, the_path_comes_from_the_environment)
{
	char *found;

	setenv("XDG_CONFIG_HOME", "/x", 1);
	found = settings_path();
	cr_assert_str_eq(found, "/x/chat/client.conf");
	free(found);
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", "/home/alice", 1);
	found = settings_path();
	cr_assert_str_eq(found, "/home/alice/.config/chat/client.conf");
	free(found);
}
