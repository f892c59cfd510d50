#!/bin/sh
# All tests, one part after the other; each part's time and verdict at the end.
#	tools/check.sh MAKE...
set -u
summary=
passed=0
failed=0

part() {
	name=$1
	shift
	echo "== $name"
	begin=$(date +%s)
	if "$@"; then verdict=ok passed=$((passed + 1)); else verdict=FAILED failed=$((failed + 1)); fi
	took=$(($(date +%s) - begin))
	summary="$summary$(printf '%-14s %-7s %4d s' "$name" "$verdict" "$took")
"
}

part layers "$@" check-layers
part headers "$@" check-headers
part generated "$@" check-generated
part man "$@" check-man
part packaging "$@" check-packaging
part unit "$@" unit
part replay "$@" -j2 replay
part docs "$@" check-docs
part integration "$@" integration
part monitoring "$@" monitoring
part hostile "$@" hostile
part crash "$@" crash
part storm "$@" storm-short
part soak "$@" soak SOAK_SECONDS=60
part tsan "$@" -j2 tsan
part asan "$@" asan

echo
printf '%s' "$summary"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
