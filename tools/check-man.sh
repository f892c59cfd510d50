#!/bin/sh
# The manual pages are well formed, and chat-client's tells every option, command, key and name of
# its config file. Whether a page that is referred to is installed on this machine is not their fault.
set -eu
cd "$(dirname "$0")/.."
bad=0

said=$(mandoc -T lint -W style docs/man/*.[1-8] 2>&1 | grep -v -e 'referenced manual not found' -e 'mandoc.db' || true)
[ -z "$said" ] || { echo "$said"; bad=1; }

# As a reader sees it: plain text, one line.
page=$(mandoc -T ascii docs/man/chat-client.1 | sed "s/.$(printf '\b')//g" | tr -s ' \n' '  ')
told() { # WHAT WORD
	case $page in
	*"$2"[!a-z0-9-]*) ;;
	*)
		echo "docs/man/chat-client.1 lacks the $1 $2"
		bad=1
		;;
	esac
}
for option in $(sed -n 's/^OPTION([^"]*"\(--[a-z-]*\)".*/\1/p' client/options.def); do told option "$option"; done
for command in $(sed -n 's/^COMMAND(\([a-z]*\),.*/\1/p' client/commands.def); do told command "/$command"; done
for name in $(sed -n 's/^SETTING([^"]*"\([a-z-]*\)".*/\1/p' client/settings.def); do told setting "$name"; done
for key in $(sed -n 's/^TUI_KEY("\([^"]*\)", *[a-z_]*, *"[^"].*/\1/p' client/tui_keys.def); do told key "$key"; done
exit $bad
