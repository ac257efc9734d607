#!/bin/sh
# check-publication.sh: builds the libraries twice, in folders, time zones and locales that differ, and holds what would be
# published to being complete and the same, byte for byte. ./test --all runs it. Nothing is installed.
set -eu

here=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd)
. "$here/bin/find-jdk.sh"
require_jdk check-publication
require_maven check-publication
export JAVA_HOME="$jdk_found"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$here"
modules=$(grep -l '<medpsy.publication.skip>false<' */pom.xml */*/pom.xml 2>/dev/null | sed 's,/pom.xml$,,')
list=$(echo "$modules" | paste -sd , -)

# FOLDER TIME-ZONE LANGUAGE
build() {
    mkdir -p "$work/$1"
    tar -cf - --exclude=target --exclude=.git --exclude='*.gguf' . | tar -xf - -C "$work/$1"
    if ! (cd "$work/$1" && TZ=$2 LC_ALL=C.UTF-8 "$maven" -B -ntp -Dspotless.check.skip=true -Dmaven.test.skip=true \
        "-Duser.language=$3" "-Duser.timezone=$2" -pl "$list" -am package) >"$work/log" 2>&1 </dev/null; then
        grep -e '^\[ERROR\]' -e '^\[WARNING\]' "$work/log" >&2 || tail -n 30 "$work/log" >&2
        echo "check-publication: the build failed" >&2
        exit 1
    fi
}

build one UTC en
build another-folder Asia/Tokyo de

failed=
files=0
for module in $modules; do
    for kind in .jar -sources.jar -javadoc.jar -cyclonedx.json; do
        case $kind in
            -cyclonedx.json) name=$module/target/bom.json ;;
            *) name=$module/target/$(sed -n '/<\/parent>/,$s,.*<artifactId>\(.*\)</artifactId>.*,\1,p' "$module/pom.xml" |
                head -n 1)-$(sed -n 's,.*<version>\(.*\)</version>.*,\1,p' "$module/pom.xml" | head -n 1)$kind ;;
        esac
        if [ ! -s "$work/one/$name" ]; then
            echo "check-publication: $name was not built" >&2
            failed=yes
        elif ! cmp "$work/one/$name" "$work/another-folder/$name" >&2; then
            failed=yes
        else
            files=$((files + 1))
        fi
    done
done
[ -z "$failed" ] || exit 1
echo "check-publication: $files files of $(echo "$modules" | wc -l) libraries, the same from both builds"
