#!/usr/bin/env bash
# Starts a server to try out, in the foreground, and prints the exact line to join it with.
#	BUILD=build tools/run.sh [chat-master's options but --port]
# Whose keys: your ~/.ssh/authorized_keys if a key of yours is in it; else your own keys, in a
# private file; else two demo keys made here (keys/demo_*, not in git). Everything the server
# keeps lies in $BUILD/run. CHAT_PORT chooses the port; else it is 8080 or the next free one.
set -euo pipefail
umask 077

cd "$(dirname "$0")/.."
top=$PWD
build=${BUILD:-build}
case $build in /*) ;; *) build=$top/$build ;; esac
run=$build/run
ssh=${HOME:-/nonexistent}/.ssh
mkdir -p "$run"
chmod 700 "$run"

# ---- the person's own keys: lines of "public-key-file<TAB>private-key-file" ("-": the agent's)
usual="id_ed25519 id_ecdsa id_rsa id_ed25519_sk id_ecdsa_sk"
own_keys() {
	local name pub key line n=0
	{
		for name in $usual; do echo "$ssh/$name"; done
		for pub in "$ssh"/*.pub; do echo "${pub%.pub}"; done
	} | awk '!seen[$0]++' | while read -r key; do
		if [ ! -f "$key" ] || [ ! -r "$key" ]; then continue; fi
		pub=$key.pub
		# Without its .pub: only a key that needs no passphrase tells its public half.
		if [ ! -f "$pub" ]; then
			pub=$run/$(basename "$key").pub
			ssh-keygen -y -P '' -f "$key" >"$pub" 2>/dev/null </dev/null || continue
		fi
		printf '%s\t%s\n' "$pub" "$key"
	done
	[ -n "${SSH_AUTH_SOCK:-}" ] || return 0
	{ timeout 5 ssh-add -L 2>/dev/null || true; } | grep -E '^(ssh|ecdsa|sk)-' | while read -r line; do
		n=$((n + 1))
		echo "$line" >"$run/agent-$n.pub"
		printf '%s\t-\n' "$run/agent-$n.pub"
	done || true
}

# Would the server take this key by this file? Prints the one name it is pinned to, or nothing.
accepts() { # FILE PUB
	local said
	said=$("$build/chat-keys" check "$1" --key "$2" --address 127.0.0.1 2>&1) || return 1
	case $said in *"let nobody in"*) return 1 ;; esac
	sed -n 's/.*; names \([a-z0-9][a-z0-9_.-]*\).*pinned.*/\1/p' <<<"$said"
}

# A place for a keys file that nobody else can write to: a clone may lie in a shared folder.
write_keys() { # reads the file's text; sets $keys
	local folder text any
	text=$(cat)
	any=$run/any.pub
	for folder in "$run" "${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/chat/run" ""; do
		[ -n "$folder" ] || folder=$(mktemp -d "${TMPDIR:-/tmp}/roomkey-run-XXXXXX")
		mkdir -p "$folder" 2>/dev/null || continue
		keys=$folder/authorized_keys
		printf '%s\n' "$text" >"$keys" 2>/dev/null || continue
		head -n 1 "$keys" >"$any"
		if accepts "$keys" "$any" >/dev/null; then return 0; fi
	done
	echo "make run: no folder for a keys file that others can't write to; tried $run, ~/.local/state and ${TMPDIR:-/tmp}" >&2
	exit 1
}

# ---- who is who
me=$(id -un 2>/dev/null | tr '[:upper:]' '[:lower:]' || true)
case $me in
'' | server | system | admin | root | all | here | everyone | lobby | *[!a-z0-9_.-]* | [!a-z0-9]*) me=alice ;;
esac
case $me in *[a-z]*) ;; *) me=alice ;; esac
[ ${#me} -le 32 ] || me=alice
other=bob
[ "$me" != bob ] || other=alice
key_option=""
other_option=""
client=$build/chat-client
case $client in *[!A-Za-z0-9_./+-]*) client=$(printf '%q' "$client") ;; esac

# The client finds usual files and the agent's keys by itself.
option_for() { # PRIVATE-KEY
	local name
	[ "$1" != - ] || return 0
	for name in $usual; do
		[ "$1" != "$ssh/$name" ] || return 0
		[ ! -f "$ssh/$name" ] || break
	done
	printf -- '--key %q ' "$1"
}

# ---- whose keys
own=$(own_keys)
keys=""
state=$run/state
pinned=""
from=""
if [ -f "$ssh/authorized_keys" ]; then
	while IFS=$'\t' read -r pub key; do
		[ -n "$pub" ] || continue
		if pinned=$(accepts "$ssh/authorized_keys" "$pub"); then
			keys=$ssh/authorized_keys
			from="your ~/.ssh/authorized_keys"
			key_option=$(option_for "$key")
			break
		fi
	done <<<"$own"
	[ -n "$keys" ] ||
		echo "No key of yours gets in by ~/.ssh/authorized_keys, so another file is used; why: $build/chat-keys check ~/.ssh/authorized_keys"
fi
if [ -z "$keys" ] && [ -n "$own" ]; then
	lines=
	while IFS=$'\t' read -r pub key; do
		# Keys that no server of ours takes (old RSA, DSA) are left out.
		"$build/chat-keys" check "$pub" --key "$pub" >/dev/null 2>&1 || continue
		[ -n "$lines" ] || key_option=$(option_for "$key")
		lines+=$(cat "$pub")$'\n'
	done <<<"$own"
	if [ -n "$lines" ]; then
		write_keys <<<"${lines%$'\n'}"
		from="your own keys"
	fi
fi
if [ -z "$keys" ]; then
	# Apart from what your own keys own here; and new demo keys start afresh.
	state=$run/state-demo
	for name in alice bob; do
		[ ! -f "keys/demo_$name" ] || continue
		ssh-keygen -q -t ed25519 -N '' -C "demo $name" -f "keys/demo_$name"
		rm -rf "$state"
	done
	cat keys/demo_alice.pub keys/demo_bob.pub >"$run/demo.pub"
	write_keys <"$run/demo.pub"
	me=alice other=bob from="two demo keys in $top/keys"
	key_option=$(printf -- '--key %q ' "$top/keys/demo_alice")
	other_option=$(printf -- '--key %q ' "$top/keys/demo_bob")
else
	other_option=$key_option
fi
[ -z "$pinned" ] || me=$pinned

# ---- where
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null || (exec 3<>"/dev/tcp/::1/$1") 2>/dev/null; }
port=${CHAT_PORT:-}
if [ "${port:-0}" = 0 ]; then
	port=8080
	while taken "$port" && [ "$port" -lt 8180 ]; do port=$((port + 1)); done
fi
at=localhost
[ "$port" = 8080 ] || at=localhost:$port

# ---- go
ROOMKEY_JOIN="
The server listens on localhost:$port; who may come in: $from. Ctrl-C stops it.
Join it from a second terminal:

    $client $key_option$me@$at
"
# One key may take a few names here, so that one person can be two.
[ -n "$pinned" ] || ROOMKEY_JOIN+="
and from a third one, as somebody else:

    $client $other_option$other@$at
"
export ROOMKEY_JOIN
mkdir -p "$state"
chmod 700 "$state"
exec "$build/chat-master" --host localhost --port "$port" --authorized-keys "$keys" --state-dir "$state" \
	--names-per-key 4 "$@"
