#!/usr/bin/env bash
# The Dockerfile builds from base images given as arguments, and its small image runs the product as nobody special.
# No Docker engine and no image registry is needed: buildah builds it in a chroot, on a Debian that debootstrap makes and
# the Rust toolchain of this machine.
. "$(dirname "$0")/lib.sh"

need_root
need_commands buildah debootstrap cargo

readonly BUILD_BASE=localhost/ravelin-test-build-base RUN_BASE=localhost/ravelin-test-run-base IMAGE=localhost/ravelin-test
# Base apart. The binary with what a backtrace needs is most of it.
readonly IMAGE_BYTES_MAX=$((64 * 1024 * 1024))

export BUILDAH_ISOLATION=chroot
STORAGE=$SCRATCH/storage

main() {
    local rootfs
    rootfs=$(debian_rootfs) || skip_all "debootstrap cannot make a Debian here"
    at_end "buildah_ rm --all >/dev/null 2>&1; buildah_ rmi --all --force >/dev/null 2>&1"
    make_build_base "$rootfs"
    make_run_base "$rootfs"
    check "builds" build
    [ "$NOT_OK" = 0 ] || finish
    check "image runs as a number other than root" config_is '.OCIv1.config.User' '65532:65532'
    check "image has a health check by the product itself" config_has '"/usr/local/bin/ravelin"[^]]*"status"[^]]*"--json"'
    check "image names its stop signal" config_has '"StopSignal": "SIGTERM"'
    check "image names its ports" config_has '"443/tcp"'
    check "image is small" is_small
    check "image says its version" in_image /usr/local/bin/ravelin --version
    check "image shows the demo" in_image /usr/local/bin/ravelin demo --once
    finish
}

buildah_() { buildah --root "$STORAGE/root" --runroot "$STORAGE/run" --storage-driver "${STORAGE_DRIVER:-overlay}" "$@"; }

make_build_base() {
    local base
    base=$(buildah_ from scratch)
    buildah_ add -q "$base" "$1" / >/dev/null
    buildah_ config --env PATH=/opt/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin --env CARGO_HOME=/opt/cargo "$base"
    buildah_ commit -q --rm "$base" "$BUILD_BASE" >/dev/null
}

# What a distroless image has: the C library, no shell, no package manager.
make_run_base() {
    local base folder=$SCRATCH/run-base library
    mkdir -p "$folder/tmp" "$folder/etc"
    chmod 1777 "$folder/tmp"
    for library in ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libgcc_s.so.1 libpthread.so.0 libdl.so.2; do
        (cd "$1" && find lib lib64 usr/lib usr/lib64 -name "$library" 2>/dev/null \
            | while read -r path; do
                mkdir -p "$folder/$(dirname "$path")" && cp --dereference "$path" "$folder/$path"
            done)
    done
    base=$(buildah_ from scratch)
    buildah_ add -q "$base" "$folder" / >/dev/null
    buildah_ commit -q --rm "$base" "$RUN_BASE" >/dev/null
}

# Crates come from this machine's cache where they are in it already.
build() {
    mkdir -p "${CARGO_HOME:-$HOME/.cargo}/registry"
    buildah_ bud --format docker --pull-never --layers=false \
        --build-arg BUILD_BASE="$BUILD_BASE" --build-arg RUN_BASE="$RUN_BASE" \
        --volume "$(rustc --print sysroot):/opt/rust:ro" \
        --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/opt/cargo/registry" \
        --tag "$IMAGE" "$REPOSITORY"
}

config_is() { [ "$(buildah_ inspect --type image --format "{{$1}}" "$IMAGE")" = "$2" ]; }

config_has() {
    buildah_ inspect --type image "$IMAGE" | tr -d '\n' | tr -s ' ' | grep -qE "$1"
}

is_small() {
    local base bytes
    base=$(stat -c %s "$SCRATCH"/run-base/lib*/*/* "$SCRATCH"/run-base/usr/lib*/*/* 2>/dev/null | awk '{ s += $1 } END { print s }')
    bytes=$(buildah_ images --json "$IMAGE" | sed -nE 's/.*"size": "?([0-9.]+) ?([KMG]?B).*/\1 \2/p' | head -n 1)
    echo "image: $bytes, C library: $base bytes"
    awk -v max="$IMAGE_BYTES_MAX" -v size="$bytes" 'BEGIN {
        split(size, part, " ")
        unit["B"] = 1; unit["KB"] = 1e3; unit["MB"] = 1e6; unit["GB"] = 1e9
        exit !(part[1] > 0 && part[1] * unit[part[2]] <= max)
    }'
}

in_image() {
    local container status=0
    container=$(buildah_ from --pull-never "$IMAGE")
    buildah_ run "$container" -- "$@" || status=$?
    buildah_ rm "$container" >/dev/null
    return "$status"
}

main
