#!/bin/bash
# Looks at everything that is made for an operator: builds the package, installs and uninstalls, and
# lets each file be read by the program it is for. What this machine can't do is printed as SKIPPED.
#	packaging/check.sh BUILD MAKE...
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=$1
shift
make=("$@")
work=$build/packaging
tools=$build/unpacked
failed=0
mkdir -p "$work"

good() { printf '  ok       %s\n' "$1"; }
bad() {
	printf '  FAILED   %s\n' "$1"
	failed=$((failed + 1))
}
skip() { printf '  SKIPPED: %s: %s\n' "$1" "$2"; }
# What a step prints is shown only if it fails.
step() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		good "$what"
	else
		sed 's/^/           /' "$work/said" | tail -n 30
		bad "$what"
	fi
}

# ---- a program of a Debian package: the machine's own, or unpacked for this
program() { # NAME PACKAGE...; prints how to call it
	local name=$1
	shift
	if command -v "$name" >/dev/null; then
		command -v "$name"
		return
	fi
	tools/unpack.sh "$tools" "$@" >&2 || return 1
	for path in "$tools"/usr/bin/"$name" "$tools"/sbin/"$name" "$tools"/bin/"$name"; do
		[ ! -x "$path" ] || { echo "$path"; return; }
	done
	return 1
}
libraries=$PWD/$tools/usr/lib/$(gcc -print-multiarch):$PWD/$tools/lib/$(gcc -print-multiarch)
libraries+=:$PWD/$tools/usr/lib/$(gcc -print-multiarch)/systemd
unpacked() { LD_LIBRARY_PATH=$libraries "$@"; }

# ---- the Debian package
deb() {
	DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" "${make[@]}" deb
}
# What building it asks for, build-essential unasked, is what a fresh machine gets.
build_dependencies() {
	local package
	for package in build-essential $(sed -n '/^Build-Depends:/,/^[A-Z]/p' packaging/debian/control | grep -oE '(debhelper|\b(lib|openssh-)[a-z0-9.-]+)'); do
		grep -qE "(^|[ \"])$package([ \"]|\$)" tools/deps.sh || { echo "tools/deps.sh lacks $package"; return 1; }
	done
}
lint_deb() {
	# A package that is not Debian's closes none of Debian's bugs.
	lintian --allow-root --fail-on error,warning,info --suppress-tags initial-upload-closes-no-bugs \
		"$build"/deb/*.changes
}
pages_for_programs() {
	local files
	files=$(dpkg -c "$build"/deb/roomkey_*.deb) || return 1
	for each in $(sed -n 's,.*\./usr/bin/,,p' <<<"$files"); do
		grep -q "/man[18]/$each\.[18]" <<<"$files" || { echo "$each has no manual page"; return 1; }
	done
}

# ---- make install, make uninstall
install_and_uninstall() {
	local to left
	to=$PWD/$work/root
	rm -rf "$to"
	"${make[@]}" install DESTDIR="$to" PREFIX=/usr/local || return 1
	"$to/usr/local/bin/chat-master" --check-config --config packaging/chat.conf || return 1
	grep -q '^ExecStart=/usr/local/bin/chat-master --config /usr/local/etc/chat/chat.conf$' \
		"$to/usr/local/lib/systemd/system/roomkey.service" || return 1
	"${make[@]}" uninstall DESTDIR="$to" PREFIX=/usr/local || return 1
	left=$(cd "$to" && find . -type f)
	[ "$left" = ./usr/local/etc/chat/chat.conf ] || { echo "left behind: $left"; return 1; }
}

# ---- systemd
exposure() {
	local analyze
	analyze=$(program systemd-analyze systemd libsystemd-shared libip4tc2 libkmod2 libapparmor1 libseccomp2 \
		libfdisk1 libcryptsetup12 libargon2-1 libjson-c5 libdevmapper1.02.1) || return 1
	unpacked "$analyze" security --offline=true --no-pager --threshold=15 packaging/systemd/roomkey.service
}

# ---- AppArmor
profile() {
	local parser
	parser=$(program apparmor_parser apparmor libapparmor1) || return 1
	local base=/etc/apparmor.d
	[ -d "$base/abstractions" ] || base=$tools/etc/apparmor.d
	unpacked "$parser" --skip-kernel-load --skip-cache --base "$base" packaging/apparmor/chat-master
}

# ---- Docker: no engine here, so its file is read as far as a reader can
dockerfile() {
	local file=packaging/docker/Dockerfile package
	sed -e 's/#.*//' -e ':a' -e '/\\$/N; s/\\\n//; ta' "$file" | grep -v '^[[:space:]]*$' |
		grep -vE '^(FROM|RUN|WORKDIR|COPY|USER|ENV|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD) ' && return 1
	# What the programs are linked with is what the second stage installs.
	for package in $(ldd "$build/chat-master" "$build/chat-client" | awk '/=> \// { print $3 }' | sort -u |
		xargs -n 1 readlink -f | xargs dpkg -S 2>/dev/null | cut -d: -f1 | sort -u); do
		case $package in
		libc6 | libgcc-s1 | libtinfo6) continue ;;
		esac
		grep -qw "$package" "$file" || pulled_in "$package" "$file" || { echo "$package is missing in $file"; return 1; }
	done
}
# A library that another one on the list depends on comes with it.
pulled_in() { # PACKAGE FILE
	local each
	for each in $(grep -oE '\blib[a-z0-9.-]+' "$2" | sort -u); do
		dpkg-query -W -f '${Depends}\n' "$each" 2>/dev/null | grep -qw "$1" && return
	done
	return 1
}
yaml() {
	local rules='line-length: {max: 140}, document-start: disable, truthy: disable, brackets: disable'
	yamllint -d "{extends: default, rules: {$rules}}" .github/workflows packaging
}
# Each command of the workflow is a target or a tool that is there.
workflow_targets() {
	local target
	for target in $(grep -oE '(run: |&& )make (-j2 )?[a-z][a-z-]+' .github/workflows/check.yml | awk '{ print $NF }' | sort -u); do
		grep -qhE "^$target:" Makefile packaging/*.mk || { echo "no target $target"; return 1; }
	done
}

scripts() {
	git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck -S warning
}
completions() {
	local file
	for file in packaging/completions/*.bash; do bash -n "$file" || return 1; done
	for shell in zsh fish; do
		command -v $shell >/dev/null || continue
		for file in packaging/completions/_* packaging/completions/*.fish; do
			case $shell:$file in zsh:*/_* | fish:*.fish) $shell -n "$file" || return 1 ;; esac
		done
	done
}

tools/deps.sh packaging || exit 1
step "a fresh machine can build the Debian package" build_dependencies
step "the Debian package builds" deb
step "lintian finds nothing" lint_deb
step "each program has its manual page" pages_for_programs
step "make install, make uninstall" install_and_uninstall
step "the unit's exposure is 1.5 at the most" exposure
step "the AppArmor profile parses" profile
step "the Dockerfile is complete" dockerfile
step "YAML files are clean" yaml
step "the workflow calls what exists" workflow_targets
step "scripts are clean" scripts
step "completions parse" completions
docker info >/dev/null 2>&1 || skip "docker build" "no Docker engine"
skip "the GitHub workflow" "runs on GitHub only"
[ "$failed" = 0 ]
