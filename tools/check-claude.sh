#!/bin/sh
# One turn with the real Claude Code, if it is installed and logged in: a server of its own with one
# agent, one question, one answer. Costs what one short turn costs.
#	tools/check-claude.sh BUILD
set -eu
build=$(cd "$1" && pwd)

if ! command -v claude >/dev/null 2>&1; then
	echo "claude is not installed: nothing was checked"
	exit 0
fi

folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
ssh-keygen -q -t ed25519 -N '' -f "$folder/key"
cp "$folder/key.pub" "$folder/authorized_keys"
# Its own login lies in the home of whoever runs this.
cat >"$folder/chat.conf" <<END
[agent.claude]
command = claude -p --input-format stream-json --output-format stream-json --verbose --include-partial-messages --permission-prompt-tool stdio
format = stream-json
rooms = lobby
directory = $folder
user = $(id -un)
env = HOME
env = PATH
env = ANTHROPIC_API_KEY
END
"$build/chat-master" --config "$folder/chat.conf" --port 0 --port-file "$folder/port" --workers 1 \
	--authorized-keys "$folder/authorized_keys" --state-dir "$folder/state" 2>"$folder/log" &
server=$!
for _ in $(seq 100); do
	[ -s "$folder/port" ] && grep -q '"agents started"' "$folder/log" && break
	sleep 0.1
done

address=alice@localhost:$(cat "$folder/port")
"$build/chat-client" --key "$folder/key" --follow --json "$address" >"$folder/lines" 2>/dev/null &
reader=$!
sleep 0.5
echo "@claude Answer with the one word pineapple, in lower case, and nothing else." |
	"$build/chat-client" --key "$folder/key" --send "$address"
answered=no
for _ in $(seq 120); do
	if grep '"sender":"claude"' "$folder/lines" | grep -q '"reply_to"'; then
		answered=yes
		break
	fi
	sleep 1
done
kill "$reader"
grep '"sender":"claude"' "$folder/lines" | grep '"type":"message"' || true
if [ "$answered" = yes ] && grep '"sender":"claude"' "$folder/lines" | grep '"type":"message"' | grep -q pineapple; then
	echo "one turn with claude: ok"
else
	echo "one turn with claude: FAILED; the server's log:"
	cat "$folder/log"
	exit 1
fi
