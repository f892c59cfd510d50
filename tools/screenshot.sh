#!/bin/sh
# A picture of chat-client's screen: a server, some people who say something, and alice, who looks.
#	tools/screenshot.sh BUILD PICTURE.png
# Everything runs in a folder of its own and ends with this script.
set -eu
here=$(dirname "$0")
build=$(realpath "$1")
picture=$2
dir=$(mktemp -d)
server=
tmux() { command tmux -S "$dir/tmux" -f /dev/null "$@"; }

clean_up() {
	tmux kill-server 2>/dev/null || true
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# Waits until the text stands in that window.
await() {
	for _ in $(seq 200); do
		case $(tmux capture-pane -p -t "$1") in *"$2"*) return ;; esac
		sleep 0.05
	done
	echo "tools/screenshot.sh: \"$2\" never came to the screen of $1:" >&2
	tmux capture-pane -p -t "$1" >&2
	exit 1
}

for user in alice bob carol deploy; do
	role=
	[ $user != deploy ] || role=',environment="CHAT_ROLE=agent"'
	ssh-keygen -q -t ed25519 -N '' -C $user -f "$dir/$user"
	echo "environment=\"CHAT_USER=$user\"$role $(cat "$dir/$user.pub")" >>"$dir/keys"
done
chmod 600 "$dir/keys"
"$build/chat-master" --port 0 --port-file "$dir/port" --authorized-keys "$dir/keys" \
	--state-dir "$dir/state" --instance "screenshot-$$" --workers 2 --rate 0 >"$dir/log" 2>&1 &
server=$!
for _ in $(seq 100); do
	[ ! -s "$dir/port" ] || break
	sleep 0.05
done
port=$(cat "$dir/port")

# One terminal each: the others in lines, alice with the screen.
export HOME="$dir" LC_ALL=C.UTF-8
unset XDG_STATE_HOME XDG_CONFIG_HOME SSH_AUTH_SOCK NO_COLOR || true
sit() {
	user=$1
	shift
	tmux new-session -d -s "$user" -x 104 -y 19 \
		"$build/chat-client" --key "$dir/$user" "$@" "$user@127.0.0.1:$port"
}
say() { # WHO WHAT
	tmux send-keys -t "$1" -l "$2"
	tmux send-keys -t "$1" Enter
}

sit bob --plain
await bob 'bob #lobby>'
tmux set -g default-terminal screen-256color
tmux set -g status off
sit carol --plain
sit deploy --plain
for room in dev ops; do
	for user in bob carol deploy; do
		say $user "/join $room"
		await $user "$user #$room>"
	done
done
say carol '/away at lunch soon'
await carol 'You are away.'
sit alice
await alice 'carol' # in the list
for room in ops dev; do
	say alice "/join $room"
	await alice "alice #$room>"
done
for user in bob carol deploy; do
	say $user '/room dev'
	await $user "$user #dev>"
done
say bob '/topic Release on Friday'
await alice 'Release on Friday'
say bob 'good morning, the release branch is cut'
await alice 'branch is cut'
say carol 'morning! I am on the flaky test: it waits for a file that tmpfs makes too quickly'
await alice 'too quickly'
say deploy 'running: make check'
await alice 'running: make check'
say carol '/me gets more coffee'
await alice 'more coffee'
say alice 'on my way ☕ who writes the notes?'
await alice 'who writes'
say alice '/room lobby'
await alice 'alice #lobby>'
say bob 'build is green'
say deploy '1,204 tests passed in 3 min 12 s'
await deploy '1,204 tests passed in'
say carol '@alice can you look at the notes before we tag? I left two questions at the end'
await alice '[dev !1]'
say bob '/room ops'
await bob 'bob #ops>'
say bob 'alice: disk of build-3 is at 91 %'
await alice '[ops !1]'
say carol '/msg alice lunch at one?'
await alice '[@carol 1]'
say carol '/msg alice the place with the dumplings'
await alice '[@carol 2]'
say bob '/msg alice thanks for the review'
await alice '[@bob 1]'
tmux send-keys -t alice M-4
await alice 'alice @bob>'
say alice '/room dev'
await alice 'look at the notes'
tmux send-keys -t alice -l 'reading them now, give me '
tmux send-keys -t bob -l '/room dev'
tmux send-keys -t bob Enter
await bob 'bob #dev>'
tmux send-keys -t alice '10'
await alice 'give me 10'
tmux capture-pane -epN -t alice |
	"$here/ansi_png.py" "$picture" "$(tmux display-message -p -t alice '#{cursor_x},#{cursor_y}')"
