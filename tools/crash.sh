#!/bin/sh
# The crash programs, and then the mutants: builds with a mistake in them, which the same
# programs must find.
#	tools/crash.sh BUILD		CRASH_ROUNDS, CRASH_MUTANTS="" to leave the mutants out
set -eu
build=$1
make=${MAKE:-make}

"$make" -s -j2 BUILD="$build/crash-build" EXTRA=-DCRASH_POINTS crash-programs
for program in "$build"/crash-build/crash/crash_*; do
	[ -x "$program" ] || continue
	echo "${program##*/}"
	"$program"
done

for mutant in ${CRASH_MUTANTS-NO_INTENT COMMIT_BEFORE_COPY NO_TAIL_RECHECK}; do
	mutated=$build/mutant-$mutant
	"$make" -s -j2 BUILD="$mutated" EXTRA="-DCRASH_POINTS -DMUTANT_$mutant" crash-programs
	if CRASH_ROUNDS=${MUTANT_ROUNDS:-100} "$mutated/crash/crash_append" >"$mutated/said" 2>&1; then
		echo "mutant $mutant lives: the crash tests did not find it"
		exit 1
	fi
	echo "mutant $mutant: found ($(tail -n 1 "$mutated/said"))"
done
