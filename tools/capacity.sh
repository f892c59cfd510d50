#!/bin/bash
# What a server needs for what: shared memory by option and room, process memory by connection. Asked
# of real servers through /metrics; the connections are the bench's W4.
#	tools/capacity.sh BUILD
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
work=$(mktemp -d)
server=

finish() {
	stop
	rm -rf "$work"
}
stop() {
	[ -z "$server" ] || { kill "$server" && wait "$server" || true; }
	server=
	rm -f "$work/port"
}
trap finish EXIT

ssh-keygen -q -t ed25519 -N '' -C capacity -f "$work/key"
start() { # OPTION...
	stop
	"$build/chat-master" --port 0 --port-file "$work/port" --workers 1 --instance "capacity-$$" \
		--state-dir "$work/state" --authorized-keys "$work/key.pub" "$@" >"$work/log" 2>&1 &
	server=$!
	for _ in $(seq 600); do
		[ -s "$work/port" ] && return
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	cat "$work/log" >&2
	exit 1
}
number() { # NAME
	local port
	port=$(cat "$work/port")
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	printf 'GET /metrics HTTP/1.1\r\nHost: localhost:%s\r\nConnection: close\r\n\r\n' "$port" >&3
	sed -n "s/^roomkey_$1 \([0-9]*\).*/\1/p" <&3
	exec 3>&-
}
chat() { # NAME, OPTION...; what it says is on standard input
	local name=$1
	shift
	XDG_STATE_HOME=$work XDG_CONFIG_HOME=$work "$build/chat-client" --key "$work/key" --send "$@" \
		"$name@127.0.0.1:$(cat "$work/port")" >/dev/null
}
row() { printf '| %s | %s |\n' "$1" "$2"; }

echo "| what | shared memory |"
echo "|---|---|"
start
base=$(number shared_table_bytes)
row "tables with the default options" "$((base / 1000)) kB"
while read -r option value default what; do
	rm -rf "$work/state"
	start "--$option" "$value"
	row "$what (\`--$option\`)" "$((($(number shared_table_bytes) - base) / (value - default))) bytes"
done <<'OPTIONS'
max-connections 32768 16384 each connection that may be logged in
max-users 8192 4096 each person who may be known
max-devices 16384 8192 each device that may be remembered
max-rooms 2048 1024 each room that there may be
OPTIONS

rm -rf "$work/state"
start --names-per-key 10 --rate 0
echo one | chat ann
one=$(number shared_log_bytes)
for i in $(seq 10); do echo one | chat ann --room "room-$i"; done
row "a room that is made, \`--room-bytes\` and \`--room-lines\` as they are" "$((($(number shared_log_bytes) - one) / 10000)) kB"
one=$(number shared_log_bytes)
echo one | chat ann --room @ann
row "an inbox with its first direct message" "$((($(number shared_log_bytes) - one) / 1000)) kB"
row "a worker without connections, process memory" "$(($(number 'worker_memory_bytes{worker="0"}') / 1000)) kB"

command -v openssl >/dev/null || { echo "(what TLS adds is not measured: no openssl)"; exit 1; }
# ---- what TLS adds: connections that have upgraded and say nothing more, in the clear and over TLS
request() {
	printf 'GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
	printf 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
}
await() { # COUNT; then a look of the worker at itself
	for _ in $(seq 600); do
		[ "$(number connections)" != "$1" ] || break
		sleep 0.05
	done
	sleep 2.5
	number 'worker_memory_bytes{worker="0"}'
}
many=100
held=()
start --login-timeout 600 --max-pending-logins 0 --max-startups 0
empty=$(await 0)
for _ in $(seq $many); do
	exec {fd}<>"/dev/tcp/127.0.0.1/$(cat "$work/port")"
	request >&"$fd"
	held+=("$fd")
done
plain=$(($(await $many) - empty))
for fd in "${held[@]}"; do exec {fd}>&-; done
start --login-timeout 600 --max-pending-logins 0 --max-startups 0
empty=$(await 0)
mkfifo "$work/open"
exec {fd}<>"$work/open" # held open: the clients' input doesn't end
clients=()
for _ in $(seq $many); do
	{ request; cat "$work/open"; } | openssl s_client -quiet -connect "127.0.0.1:$(cat "$work/port")" >/dev/null 2>&1 &
	clients+=($!)
done
tls=$(($(await $many) - empty))
row "TLS, added to a connection, process memory" "$(((tls - plain) / many / 1000)) kB"
kill "${clients[@]}" 2>/dev/null || true
exec {fd}>&-
stop
echo
"$build/bench/bench" "$build" --quick W4
