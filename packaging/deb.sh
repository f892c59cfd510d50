#!/bin/sh
# Builds the Debian package from this tree, without what git ignores.
#	packaging/deb.sh FOLDER VERSION
set -eu

folder=$1
version=$2
source=$folder/roomkey-$version
rm -rf "$folder"
mkdir -p "$source"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --no-dereference -t "$source"
cp -R packaging/debian "$source/debian"
# Debian's changelog, from ours: its form, the day of the last commit.
{
	echo "roomkey ($version-1) unstable; urgency=medium"
	echo
	echo "  * See /usr/share/doc/roomkey/changelog.gz."
	echo
	echo " -- Roomkey maintainers <maintainers@roomkey.invalid>  $(git log -1 --format=%cD)"
} >"$source/debian/changelog"
(cd "$source" && dpkg-buildpackage -us -uc -b >../build.log 2>&1) || {
	tail -n 40 "$folder/build.log"
	exit 1
}
ls "$folder"/*.deb
