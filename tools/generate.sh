#!/bin/bash
# What is made of the option tables: docs/configuration.md, chat.conf(5), the list of flags in
# chat-master(8), shell completions. They are checked in, so that nobody needs a compiler to read them.
#	tools/generate.sh BUILD             writes them
#	tools/generate.sh BUILD --check     says which are stale
set -euo pipefail
cd "$(dirname "$0")/.."
options=$1/tools/options
check=${2:-}
new=$(mktemp)
trap 'rm -f "$new"' EXIT
stale=0

place() { # FILE; the text is in $new
	cmp -s "$new" "$1" && return
	if [ -n "$check" ]; then
		echo "$1 is stale: make generate"
		diff "$1" "$new" | head -n 5 || true
		stale=1
	else
		mkdir -p "$(dirname "$1")"
		cat "$new" >"$1"
		echo "  $1"
	fi
}

"$options" configuration >"$new"
place docs/configuration.md
"$options" conf-page >"$new"
place docs/man/chat.conf.5
for program in chat-master chat-client; do
	"$options" bash $program >"$new"
	place packaging/completions/$program.bash
	"$options" zsh $program >"$new"
	place packaging/completions/_$program
	"$options" fish $program >"$new"
	place packaging/completions/$program.fish
done
# A page that people write, but for what stands between two comments.
page=docs/man/chat-master.8
sed -n '1,/^\.\\" flags: begin/p' $page >"$new"
"$options" flags >>"$new"
sed -n '/^\.\\" flags: end/,$p' $page >>"$new"
place $page

# The completion completes.
completes() { # PROGRAM WORD EXPECTED
	local said
	said=$(bash -c 'source "packaging/completions/$1.bash"; COMP_WORDS=("$1" $2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "_$1"
		echo "${COMPREPLY[*]}"' - "$1" "$2")
	[ "$said" = "$3" ] || { echo "$1 $2 completes to: $said"; stale=1; }
}
completes chat-master --max-roo "--max-rooms --max-rooms-per-user"
completes chat-master "--log-level w" "warn"
completes chat-master "--workers 4" ""
completes chat-client --fol "--follow"
exit $stale
