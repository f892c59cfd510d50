#!/bin/sh
# Unpacks Debian packages for tests, without installing them: no daemon starts, nothing outside changes.
#	tools/unpack.sh FOLDER PACKAGE...
# Each is there once its mark is; a second call costs nothing. Libraries that a package needs are not
# followed: name them, too. Exit 1, with the reason on standard error, if one can't be had.
set -eu

folder=$1
shift
mkdir -p "$folder/marks"
folder=$(cd "$folder" && pwd)

fetch() { # PACKAGE into the working folder
	apt-get -q download "$1" >said 2>&1
}

for package in "$@"; do
	[ -e "$folder/marks/$package" ] && continue
	work=$(mktemp -d "$folder/fetch.XXXXXX")
	(
		cd "$work"
		# apt's own unprivileged user can't write here; and lists may be old, or missing.
		fetch "$package" || { apt-get -q update >said 2>&1 && fetch "$package"; } ||
			{ cat said >&2; exit 1; }
		dpkg -x ./*.deb "$folder"
	) || { rm -rf "$work"; exit 1; }
	rm -rf "$work"
	: >"$folder/marks/$package"
done
