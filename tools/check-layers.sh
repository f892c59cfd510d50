#!/bin/sh
# Holds the includes against the house (docs/architecture.md): a folder uses the floors
# below it, libraries have one owner each, and no two files include each other.
set -eu
cd "$(dirname "$0")/.."

awk '
function fail(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
BEGIN {
	may["base"] = " base "
	may["proto"] = " proto base "
	may["auth"] = " auth base "
	may["shm"] = " shm base "
	may["worker"] = " worker shm proto auth base "
	may["agents"] = " agents shm proto auth base "
	may["client"] = " client proto auth base "
	may["keys"] = " keys auth base "
	may["remote"] = " remote agents client shm proto auth base "
	may["top"] = " top shm proto base "
	may["master"] = " master worker agents shm proto auth base "
	owner["jansson.h"] = "^proto/"
	owner["sodium.h"] = "^auth/"
	owner["openssl/"] = "^(auth/|worker/tls|client/tls)"
	owner["libwebsockets.h"] = "^(worker/ws|client/transport)"
	owner["curses.h"] = "^client/screen"
	owner["seccomp.h"] = "^worker/walls_filter"
	owner["uv.h"] = "^(worker/(ws|process)|client/(transport|loop|main))"
}
FNR == 1 { split(FILENAME, part, "/"); folder = part[1] }
/^#include "/ {
	split($2, quoted, "\"")
	target = quoted[2]
	split(target, part, "/")
	if (!index(target, "/"))
		fail("include \"" target "\" names no folder")
	else if (!index(may[folder], " " part[1] " "))
		fail(folder " may not use " part[1] "/")
	uses[FILENAME, target] = FNR
	if ((target, FILENAME) in uses)
		fail(FILENAME " and " target " include each other")
}
/^#include </ {
	for (name in owner)
		if (index($2, "<" name) == 1 && FILENAME !~ owner[name])
			fail("<" name "> belongs to " owner[name])
}
END { exit bad }
' base/*.[ch] proto/*.[ch] auth/*.[ch] shm/*.[ch] worker/*.[ch] agents/*.[ch] client/*.[ch] keys/*.[ch] top/*.[ch] remote/*.[ch] master/*.[ch]
