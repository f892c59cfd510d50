#!/bin/sh
# Line coverage of master, worker, shm, auth, proto and client by the unit and integration tests.
#	tools/coverage.sh BUILD MAKE...
set -eu
build=$1
shift
export BUILD=$build
"$@" -j2 BUILD="$build" EXTRA='--coverage -DWALLS_OFF=1' OPT='-O0 -g' all
find "$build" -name '*.gcda' -delete
"$@" -j2 BUILD="$build" EXTRA='--coverage -DWALLS_OFF=1' OPT='-O0 -g' unit || true
"$@" -j2 BUILD="$build" EXTRA='--coverage -DWALLS_OFF=1' OPT='-O0 -g' integration || true
for folder in master worker shm auth proto client base keys; do
	gcovr --root . --object-directory "$build" --filter "$folder/" --gcov-ignore-parse-errors "$build" |
		sed -n "s/^TOTAL *\([0-9]*\) *\([0-9]*\) *\([0-9]*%\).*/$folder: \3 of \1 lines/p"
done
gcovr --root . --object-directory "$build" --gcov-ignore-parse-errors --filter '(master|worker|shm|auth|proto|client)/' \
	--html-details "$build/coverage.html" "$build" >"$build/coverage.txt"
tail -n 3 "$build/coverage.txt"
