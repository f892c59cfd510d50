#include "base/fd.h"
#include "client/client.h"

#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *login_name(void)
{
	const struct passwd *entry = getpwuid(getuid());

	return entry ? entry->pw_name : getenv("USER");
}

/* The wire speaks UTF-8; a terminal in the C locale does so as well, as far as anyone knows. */
static void set_locale(void)
{
	if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
	struct options options;
	struct buf text = BUF_INIT;
	int status;

	set_locale();
	if (options_parse(argc, argv, login_name(), &text, &options) < 0) {
		fprintf(stderr, "chat-client: %s\n", text.data ? text.data : "out of memory");
		status = EXIT_STATUS_USAGE;
	} else if (options.help) {
		options_help(&text);
		status = fd_write_all(STDOUT_FILENO, text.data, text.len) < 0 ? 1 : 0;
	} else if (options.version) {
		status = printf("chat-client %s\n", ROOMKEY_VERSION) < 0 ? 1 : 0;
	} else {
		status = client_run(&options);
	}
	buf_finish(&text);
	return status;
}
