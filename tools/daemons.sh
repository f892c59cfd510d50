#!/bin/sh
# Unpacks programs that tests start, but nobody should have installed: Debian's nginx, haproxy and
# Caddy, with the libraries they need beside, into BUILD/daemons. Nothing is installed or started.
#	tools/daemons.sh BUILD
# Prints where; fails, with the reason, where they can't be had.
set -eu
build=$1
place=$build/daemons
packages="nginx haproxy caddy libpcre2-8-0 liblua5.3-0 libopentracing-c-wrapper0 libopentracing1"

mkdir -p "$place"
# Tests run side by side: one of them does it.
exec 9>"$place/.lock"
flock 9
if [ ! -e "$place/.done" ]; then
	cd "$place"
	# shellcheck disable=SC2086 # a list of words
	apt-get download -qq $packages >.said 2>&1 || { cat .said >&2; exit 1; }
	for package in ./*.deb; do dpkg -x "$package" .; done
	# No more than the programs: what make finds under BUILD is its own.
	rm -rf ./*.deb etc var lib usr/share
	find usr/lib -mindepth 1 -maxdepth 1 ! -name '*-linux-gnu' -exec rm -rf {} +
	for program in usr/sbin/nginx usr/sbin/haproxy usr/bin/caddy; do
		if LD_LIBRARY_PATH=$(echo "$PWD"/usr/lib/*-linux-gnu) ldd $program 2>/dev/null |
			grep 'not found' >&2; then
			exit 1
		fi
	done
	: >.done
	cd - >/dev/null
fi
echo "$place"
