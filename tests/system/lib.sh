# What system tests share; sourced, not run. A test prints `ok NAME`, `not ok NAME` or `skip NAME: WHY` a line.
set -euo pipefail

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TEST_NAME=$(basename "$0" .sh)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$REPOSITORY/target}
CACHE=$CARGO_TARGET_DIR/system           # kept between runs
SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/ravelin-$TEST_NAME.XXXXXX")
CLEANUPS=()
NOT_OK=0
mkdir -p "$CACHE"

# Does a thing when the test ends, however it ends; the last one first.
at_end() { CLEANUPS=("$*" ${CLEANUPS[@]+"${CLEANUPS[@]}"}); }

clean_up() {
    local command
    for command in ${CLEANUPS[@]+"${CLEANUPS[@]}"}; do
        eval "$command" || true
    done
    rm -rf --one-file-system "$SCRATCH"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

ok() { echo "ok $TEST_NAME: $*"; }

not_ok() {
    echo "not ok $TEST_NAME: $*"
    NOT_OK=1
}

# check NAME COMMAND…: ok where the command succeeds; its output is shown where it does not.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1 </dev/null); then
        ok "$name"
    else
        printf '%s\n' "--- $*" "$output" "---"
        not_ok "$name"
    fi
}

# As check; where it fails, nothing behind it would mean anything.
must() {
    local before=$NOT_OK
    NOT_OK=0
    check "$@"
    [ "$NOT_OK" = 0 ] || finish
    NOT_OK=$before
}

# says TEXT COMMAND…: the command succeeds and its output holds the text (an extended regular expression).
says() {
    local text=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    printf '%s\n' "$output"
    [ "$status" = 0 ] && grep -qE "$text" <<<"$output"
}

# The last line of every test.
finish() { exit "$NOT_OK"; }

skip_all() {
    echo "skip $TEST_NAME: $*"
    exit 0
}

need_root() { [ "$(id -u)" = 0 ] || skip_all "needs root"; }

need_commands() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || skip_all "needs $command"
    done
}

# The product, as it is released. RAVELIN_BIN names one that is built already.
ravelin_binary() {
    if [ -z "${RAVELIN_BIN:-}" ]; then
        (cd "$REPOSITORY" && cargo build --quiet --release --locked -p ravelin) >&2
        RAVELIN_BIN=$CARGO_TARGET_DIR/release/ravelin
    fi
    echo "$RAVELIN_BIN"
}

# A Debian of the running release with a C compiler, made once: its folder. It is not to be changed.
debian_rootfs() {
    local release folder mirror
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
    folder=$CACHE/debian-$release
    mirror=$(apt-get indextargets --format '$(SITE) $(SUITE)' 2>/dev/null | awk -v s="$release" '$2 == s { print $1; exit }')
    if [ ! -e "$folder.made" ]; then
        rm -rf --one-file-system "$folder"
        debootstrap --variant=minbase --include=gcc,libc6-dev,make,perl,adduser "$release" "$folder" \
            ${mirror:+"$mirror"} >&2 </dev/null || return 1
        rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
        : >"$folder.made"
    fi
    echo "$folder"
}
