#!/bin/sh
# Installs the Debian packages that are missing for: run, check, fuzz, coverage, tidy, ...
#	tools/deps.sh run|check|fuzz|coverage|deb|packaging|tidy [...]
# Names them before it acts; acts only as root or with a sudo that asks nothing, else
# prints the command and stops. None of these packages starts a daemon.
set -eu

run="gcc libc6-dev make libwebsockets-dev libwebsockets-evlib-uv libuv1-dev
     libsodium-dev libssl-dev libjansson-dev libseccomp-dev libncurses-dev openssh-client"

wanted=$run
for what in "$@"; do
	case $what in
	run) ;;
	check) wanted="$wanted libcriterion-dev tmux procps git jq mandoc iproute2 openssl python3 python3-websocket" ;;
	fuzz) wanted="$wanted clang libclang-rt-14-dev" ;;
	coverage) wanted="$wanted libcriterion-dev gcovr" ;;
	deb) wanted="$wanted libcriterion-dev build-essential debhelper git" ;;
	packaging) wanted="$wanted libcriterion-dev build-essential debhelper lintian shellcheck yamllint git" ;;
	screenshot) wanted="$wanted tmux python3-pil fonts-dejavu-core" ;;
	tidy) wanted="$wanted libcriterion-dev clang-tidy cppcheck clang-format" ;;
	*) echo "tools/deps.sh: unknown set '$what'" >&2; exit 2 ;;
	esac
done

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
echo "These Debian packages are missing:$missing"
if [ "$(id -u)" = 0 ]; then
	as=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as="sudo -n"
else
	echo "Install them, then call make again:"
	echo "    sudo $install"
	exit 1
fi
echo "+ ${as:+$as }$install"
export DEBIAN_FRONTEND=noninteractive
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# shellcheck disable=SC2086 # both are lists of words
if ! $as $install >"$said" 2>&1; then
	# The package lists may be old, or missing on a fresh machine.
	$as apt-get update >"$said" 2>&1 || true
	$as $install >"$said" 2>&1 || { cat "$said"; exit 1; }
fi
