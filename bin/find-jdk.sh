# Finds what medpsy and test need: a JDK and Maven. Sourced, POSIX sh. Versions are read from each JDK's "release" file,
# as starting a JVM only to ask it would cost more than the rest of a start.

medpsy_jdk_minimum=25
HOME=${HOME:-/nowhere}

# jdk_major HOME: sets jdk_major to the feature version of the JDK in HOME, or to 0 if there is none with a compiler.
jdk_major() {
    jdk_major=0
    [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 0
    jdk_version=
    if [ -r "$1/release" ]; then
        while IFS= read -r jdk_line || [ -n "$jdk_line" ]; do
            case $jdk_line in
                JAVA_VERSION=*) jdk_version=${jdk_line#JAVA_VERSION=} ;;
                MODULES=*jdk.incubator.vector*) ;;
                MODULES=*) return 0 ;; # an image made without the Vector API
            esac
        done <"$1/release"
    elif [ "$1" != /usr ]; then
        # /usr/bin/java of macOS is a stub that opens a dialogue where no Java is installed.
        jdk_version=$("$1/bin/java" -version 2>&1 </dev/null | sed -n 's/^[a-z]* version "\([^"]*\)".*/\1/p')
    fi
    jdk_version=${jdk_version#\"}
    jdk_version=${jdk_version%%[!0-9]*}
    [ -z "$jdk_version" ] || jdk_major=$jdk_version
}

# jdk_offer HOME SOURCE: takes HOME, or the Contents/Home in it, if it is new enough and nearer to the minimum, the
# version this project is tested with, than the one found before. Remembers what was turned down.
jdk_offer() {
    [ -d "$1" ] || return 0
    jdk_home=$1
    [ -x "$jdk_home/bin/java" ] || jdk_home=$1/Contents/Home
    [ -x "$jdk_home/bin/java" ] || return 0
    jdk_major "$jdk_home"
    if [ "$jdk_major" -ge "$medpsy_jdk_minimum" ]; then
        if [ -z "$jdk_found" ] || [ "$jdk_major" -lt "$jdk_found_major" ]; then
            jdk_found=$jdk_home
            jdk_found_major=$jdk_major
        fi
        return 0
    fi
    case "$jdk_seen
" in *"    $jdk_home ("*) return 0 ;; esac
    if [ "$jdk_major" -gt 0 ]; then
        jdk_seen="$jdk_seen
    $jdk_home (Java $jdk_major; $2)"
    else
        jdk_seen="$jdk_seen
    $jdk_home (no JDK, or without the Vector API; $2)"
    fi
}

# resolve FILE: sets resolved to FILE with its symbolic links followed.
resolve() {
    resolved=$1
    while [ -h "$resolved" ]; do
        resolve_target=$(readlink "$resolved") || return 0
        case $resolve_target in
            /*) resolved=$resolve_target ;;
            *) resolved=${resolved%/*}/$resolve_target ;;
        esac
    done
}

# find_jdk: sets jdk_found to a JDK's home, or to nothing. The first of these that is new enough: MEDPSY_JAVA_HOME,
# JAVA_HOME, each java of PATH, the places where systems and version managers put JDKs.
find_jdk() {
    jdk_found=
    jdk_found_major=
    jdk_seen=
    if [ -n "${MEDPSY_JAVA_HOME:-}" ]; then
        jdk_offer "$MEDPSY_JAVA_HOME" MEDPSY_JAVA_HOME
        return 0 # who names one wants that one
    fi
    for jdk_candidate in "${JAVA_HOME:-}" "${JAVA_HOME_25_X64:-}" "${JAVA_HOME_25_ARM64:-}"; do
        [ -z "$jdk_candidate" ] || jdk_offer "$jdk_candidate" JAVA_HOME
        [ -z "$jdk_found" ] || return 0
    done

    jdk_old_ifs=$IFS
    IFS=:
    set -f
    # shellcheck disable=SC2086 # PATH is split here on purpose
    set -- $PATH
    set +f
    IFS=$jdk_old_ifs
    for jdk_candidate in "$@"; do
        [ -x "$jdk_candidate/java" ] || continue
        resolve "$jdk_candidate/java"
        case $resolved in
            */jre/bin/java) jdk_offer "${resolved%/jre/bin/java}" PATH ;;
            /usr/bin/java) ;;
            */bin/java) jdk_offer "${resolved%/bin/java}" PATH ;;
        esac
        [ -z "$jdk_found" ] || return 0
    done

    for jdk_candidate in \
        /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/lib/jvm/* /usr/local/openjdk* \
        /usr/local/jdk* /opt/java /opt/java/* /opt/jvm/* /opt/jdk* /opt/*jdk* /opt/graalvm* /snap/openjdk/current/jdk \
        "${SDKMAN_DIR:-$HOME/.sdkman}"/candidates/java/* "$HOME"/.jdks/* "$HOME"/.gradle/jdks/* "$HOME"/.jabba/jdk/* \
        "${ASDF_DATA_DIR:-$HOME/.asdf}"/installs/java/* \
        "${MISE_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/mise}"/installs/java/* \
        /Library/Java/JavaVirtualMachines/* "$HOME"/Library/Java/JavaVirtualMachines/* \
        /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk /usr/local/opt/openjdk*/libexec/openjdk.jdk \
        /home/linuxbrew/.linuxbrew/opt/openjdk*/libexec "$HOME"/.nix-profile/lib/openjdk \
        /run/current-system/sw/lib/openjdk /opt/hostedtoolcache/Java_*/*/*; do
        jdk_offer "$jdk_candidate" "found there"
    done
    if [ -z "$jdk_found" ] && [ -x /usr/libexec/java_home ]; then
        jdk_candidate=$(/usr/libexec/java_home -v "$medpsy_jdk_minimum+" 2>/dev/null) || jdk_candidate=
        [ -z "$jdk_candidate" ] || jdk_offer "$jdk_candidate" /usr/libexec/java_home
    fi
}

# require_jdk NAME: find_jdk, or an explanation and exit code 1.
require_jdk() {
    find_jdk
    [ -z "$jdk_found" ] || return 0
    {
        if [ -n "${MEDPSY_JAVA_HOME:-}" ]; then
            echo "$1: MEDPSY_JAVA_HOME=$MEDPSY_JAVA_HOME is no JDK $medpsy_jdk_minimum or newer"
            [ -z "$jdk_seen" ] || echo "Found:$jdk_seen"
            echo "Correct it, or unset it to let $1 look elsewhere."
        else
            echo "$1: needs a JDK $medpsy_jdk_minimum or newer and found none"
            echo "Looked in MEDPSY_JAVA_HOME, JAVA_HOME, PATH, /usr/lib/jvm, /usr/java, /opt, SDKMAN, ~/.jdks, asdf, mise,"
            echo "Homebrew and /Library/Java/JavaVirtualMachines."
            [ -z "$jdk_seen" ] || echo "Found, but not usable:$jdk_seen"
            echo "To get one, for instance:"
            echo "    Debian, Ubuntu   apt install openjdk-25-jdk-headless   (or Eclipse Temurin's package temurin-25-jdk)"
            echo "    Fedora           dnf install java-25-openjdk-devel"
            echo "    macOS            brew install openjdk@25"
            echo "    SDKMAN           sdk install java 25-tem"
            echo "    by hand          unpack Eclipse Temurin 25 from https://adoptium.net and set MEDPSY_JAVA_HOME to it"
        fi
    } >&2
    exit 1
}

# require_maven NAME: sets maven to the mvn to run, or explains and exits with code 1.
require_maven() {
    maven=$(command -v mvn) && [ -x "$maven" ] && return 0
    for maven in "${MAVEN_HOME:-/nowhere}/bin/mvn" "${M2_HOME:-/nowhere}/bin/mvn" \
        "${SDKMAN_DIR:-$HOME/.sdkman}"/candidates/maven/current/bin/mvn \
        "${ASDF_DATA_DIR:-$HOME/.asdf}"/installs/maven/*/bin/mvn \
        "${MISE_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/mise}"/installs/maven/*/bin/mvn \
        /opt/homebrew/bin/mvn /usr/local/bin/mvn /home/linuxbrew/.linuxbrew/bin/mvn /usr/bin/mvn \
        /usr/share/maven/bin/mvn /usr/local/maven/bin/mvn /opt/maven/bin/mvn /opt/apache-maven*/bin/mvn; do
        [ ! -x "$maven" ] || return 0
    done
    {
        echo "$1: needs Maven 3.8 or newer to build and found no mvn"
        echo "Looked in PATH, MAVEN_HOME, M2_HOME, SDKMAN, asdf, mise, Homebrew, /usr/share/maven, /opt/maven and /usr/local."
        echo "To get it, for instance:"
        echo "    Debian, Ubuntu   apt install maven"
        echo "    Fedora           dnf install maven"
        echo "    macOS            brew install maven"
        echo "    SDKMAN           sdk install maven"
        echo "    by hand          unpack it from https://maven.apache.org/download.cgi and put its bin into PATH"
    } >&2
    exit 1
}
