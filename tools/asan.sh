#!/bin/sh
# Unit and integration tests and the fuzz corpora under ASan + UBSan.
#	tools/asan.sh BUILD MAKE...
# A leak in a test's child fails no Criterion test, so every report goes to a file, and any
# file fails the run.
set -eu
build=$1
shift
mkdir -p "$build"
reports=$(cd "$build" && pwd)/report
rm -f "$reports".*
export ASAN_OPTIONS="log_path=$reports:detect_leaks=1:abort_on_error=0:handle_abort=0:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$reports:${UBSAN_OPTIONS:-}"
suppressions=$(dirname "$0")/lsan.supp
export LSAN_OPTIONS="suppressions=$suppressions:print_suppressions=0"
"$@" -j2 all
"$@" -j2 "$build/unit" "$build/integration"
failed=0
for part in ${ASAN_PARTS:-unit replay integration}; do
	"$@" "$part" || failed=1
done
for report in "$reports".*; do
	[ -e "$report" ] || continue
	echo "sanitizer report: $report"
	cat "$report"
	failed=1
done
exit $failed
