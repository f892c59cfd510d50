#!/bin/sh
# Builds fuzz targets with clang's libFuzzer and runs each for some seconds.
#	LIBS="-lfoo ..." tools/fuzz.sh BUILD SECONDS NAME...
# New inputs worth keeping are collected in BUILD/corpus/NAME; a crash stops it and leaves
# the input in BUILD.
set -eu
build=$1 seconds=$2
shift 2
mkdir -p "$build"
sources="base/*.c proto/*.c auth/*.c $(find client -name '*.c' ! -name main.c | tr '\n' ' ')"
for name in "$@"; do
	echo "fuzz $name for $seconds s"
	# shellcheck disable=SC2086 # lists of files
	clang -std=c17 -D_GNU_SOURCE -DROOMKEY_VERSION='"fuzz"' -O1 -g -I. -w \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		"tests/fuzz/fuzz_$name.c" $sources -o "$build/fuzz_$name" \
		$LIBS
	mkdir -p "$build/corpus/$name"
	"$build/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/" "$build/corpus/$name" "tests/fuzz/corpus/$name" 2>&1 |
		tee "$build/$name.log" | tail -n 8
	grep -q "Done\|stat::number_of_executed_units" "$build/$name.log" || exit 1
	# Not `! grep`: set -e passes over that, and a crash of all but the last would be lost.
	if grep -q "SUMMARY: " "$build/$name.log"; then exit 1; fi
done
