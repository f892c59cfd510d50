#!/bin/bash
# Does what the documentation says: the README's commands as they stand there, the line that `make run`
# prints, and docs/protocol.md's login by hand.
#	tools/check-docs.sh BUILD
# They use port 8080, so they run in a network of their own; where that isn't allowed: SKIPPED.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=$(cd "$1" && pwd)

if [ "${CHECK_DOCS_INSIDE:-}" = "" ]; then
	alone=(unshare --net)
	[ "$(id -u)" = 0 ] || alone=(unshare --user --map-root-user --net)
	if ! "${alone[@]}" ip link set lo up 2>/dev/null; then
		echo "SKIPPED: the documentation's commands: no network namespace of one's own here"
		exit 0
	fi
	CHECK_DOCS_INSIDE=1 exec "${alone[@]}" "$0" "$build"
fi
ip link set lo up
# An address beyond loopback: yourhost is another machine.
yourhost=192.0.2.1
ip address add $yourhost/32 dev lo

work=$(mktemp -d)
servers=()
failed=0
finish() {
	for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap finish EXIT

good() { printf '  ok       %s\n' "$1"; }
bad() {
	printf '  FAILED   %s\n' "$1"
	[ ! -s "${2:-/dev/null}" ] || sed 's/^/           /' "$2" | tail -n 20
	failed=$((failed + 1))
}

# A home of a person with a key, whose own server this is.
export HOME=$work/home XDG_STATE_HOME=$work/home/state XDG_CONFIG_HOME=$work/home/config
export CHAT_STATE_DIR=$work/home/state/chat # also for root, whose own would be /var/lib/chat
export PATH=$build:$PATH
unset SSH_AUTH_SOCK DISPLAY
mkdir -p "$HOME/.ssh"
chmod 700 "$HOME" "$HOME/.ssh"
ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/id_ed25519"
cp "$HOME/.ssh/id_ed25519.pub" "$HOME/.ssh/authorized_keys"

# ---- blocks of a page: the commands between the fences, one block after the other
block() { # FILE FIRST-LINE-PATTERN: the first block that has such a line
	awk -v want="$2" '
		/^```(sh|bash)$/ { inside = 1; text = ""; hit = 0; next }
		/^```$/ && inside { if (hit) { printf "%s", text; exit } inside = 0 }
		inside { text = text $0 "\n"; if ($0 ~ want) hit = 1 }' "$1"
}
# Waits for a line in a file, for 10 s.
await() { # FILE PATTERN
	for _ in $(seq 200); do
		grep -qE "$2" "$1" 2>/dev/null && return 0
		sleep 0.05
	done
	return 1
}
stop_server() {
	kill "$1"
	wait "$1"
}

# ---- make run, and the line it prints
make_run() {
	local line
	BUILD=$work/build tools/run.sh --workers 1 >"$work/run.out" 2>&1 &
	servers+=($!)
	await "$work/run.out" 'chat-client .*alice@|chat-client .*@localhost' || return 1
	await "$work/run.out" 'ready' || return 1
	line=$(grep -m 1 -oE '[^ ]*chat-client .*@localhost[:0-9]*' "$work/run.out")
	echo "hello" | bash -c "$line" >"$work/said" 2>&1 || return 1
	stop_server "${servers[-1]}"
}
mkdir "$work/build"
ln -s "$build"/chat-* "$work/build"
if make_run; then good "make run prints a line that joins"; else bad "make run" "$work/run.out"; fi

# ---- the README: the server's block is started, the others' lines have to succeed. yourhost is this
# machine here; that they work as they stand between two is tests/integration's business.
targets() {
	local target
	for target in $(grep -oE '(^|`)make [a-z-]+' README.md | awk '{ print $2 }' | sort -u); do
		grep -qhE "^$target:" Makefile packaging/install.mk || { echo "no target $target" >"$work/said" && return 1; }
	done
}
if targets; then good "README's make targets"; else bad "README's make targets" "$work/said"; fi

block README.md '^chat-master' | grep '^chat-master' >"$work/server.sh"
bash -c "exec $(cat "$work/server.sh")" >"$work/server.out" 2>&1 &
servers+=($!)
if [ -s "$work/server.sh" ] && await "$work/server.out" 'ready'; then
	good "README: $(cat "$work/server.sh")"
else
	bad "README: $(cat "$work/server.sh")" "$work/server.out"
fi
# What `yourhost` is, and the yes to the question that it would ask on a terminal.
mkdir -p "$XDG_CONFIG_HOME/chat" "$XDG_STATE_HOME/chat"
printf '[host yourhost]\naddress = %s\n' $yourhost >"$XDG_CONFIG_HOME/chat/client.conf"
if "$build/chat-master" --fingerprint >"$work/said" 2>&1; then
	echo "$yourhost:8080 $(cat "$work/said")" >"$XDG_STATE_HOME/chat/known_hosts"
	good "README: chat-master --fingerprint"
else
	bad "README: chat-master --fingerprint" "$work/said"
fi
n=0
while IFS= read -r line; do
	n=$((n + 1))
	# On a terminal it would go on until its user ends it; here it says one line.
	line=${line//yourhost/localhost}
	case $line in *'|'*) ;; *) line="echo hello | $line" ;; esac
	if timeout 20 bash -c "$line" >"$work/said" 2>&1; then good "README: $line"; else bad "README: $line" "$work/said"; fi
done < <(block README.md '^chat-client' | sed 's/ *#.*//' | grep 'chat-client')
[ "$n" -ge 2 ] || bad "README: its clients' commands were not found"

# ---- docs/protocol.md: a client in shell
block docs/protocol.md 'coproc WS' >"$work/login.sh"
if command -v wsdump >/dev/null; then
	{
		await "$work/by_hand" '"type":"welcome"'
		echo '{"content":"hello from a shell","id":"by-hand-1"}'
		await "$work/by_hand" '"id":"by-hand-1"'
	} | timeout 20 bash "$work/login.sh" alice localhost:8080 "$HOME/.ssh/id_ed25519" >"$work/by_hand" 2>&1 &
	if await "$work/by_hand" '"type":"ok","id":"by-hand-1"'; then
		good "docs/protocol.md: a login by hand"
	else
		bad "docs/protocol.md: a login by hand" "$work/by_hand"
	fi
	kill $! 2>/dev/null
else
	echo "  SKIPPED: docs/protocol.md: a login by hand: no wsdump"
fi
stop_server "${servers[-1]}"
[ "$failed" = 0 ]
