#!/usr/bin/env bash
# The Dockerfile builds from base images given as arguments, and its small image runs the product as nobody special.
# No Docker engine and no image registry is needed: buildah builds it in a chroot, on a Debian that debootstrap makes and
# the Rust toolchain of this machine.
. "$(dirname "$0")/lib.sh"

need_root
need_commands buildah debootstrap cargo

readonly BUILD_BASE=localhost/ravelin-test-build-base RUN_BASE=localhost/ravelin-test-run-base IMAGE=localhost/ravelin-test
# The C library is 4 MB; the rest is the binary with what a backtrace needs.
readonly IMAGE_BYTES_MAX=$((64 * 1024 * 1024))

export BUILDAH_ISOLATION=chroot
STORAGE=$SCRATCH/storage

main() {
    local rootfs
    rootfs=$(debian_rootfs) || skip_all "debootstrap cannot make a Debian here"
    at_end "buildah_ rm --all >/dev/null 2>&1; buildah_ rmi --all --force >/dev/null 2>&1"
    make_build_base "$rootfs"
    make_run_base "$rootfs"
    must "builds" build
    check "image runs as a number other than root" config_is User 65532:65532
    check "image has a health check by the product itself" \
        config_is Healthcheck.Test '[CMD /usr/local/bin/ravelin status --json]'
    check "image names its stop signal" config_is StopSignal SIGTERM
    check "image names its ports" config_is ExposedPorts 'map[443/tcp:{} 9180/tcp:{}]'
    check "image is small" is_small
    check "image says its version" says "^ravelin [0-9]+[.][0-9]+[.][0-9]+" in_image /usr/local/bin/ravelin --version
    check "image has no demo" has_no_demo
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
    mkdir -p "$folder/tmp" "$folder/etc" "$folder/usr"
    chmod 1777 "$folder/tmp"
    for library in lib lib64; do
        if [ -d "$1/usr/$library" ]; then ln -s "usr/$library" "$folder/$library"; fi
    done
    (cd "$1" && find usr/lib usr/lib64 -name 'ld-linux-*' -o -name libc.so.6 -o -name libm.so.6 -o -name libgcc_s.so.1 \
        | while read -r path; do
            mkdir -p "$folder/${path%/*}" && cp --dereference "$path" "$folder/$path"
        done)
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

# config_is FIELD VALUE: what a container engine reads in the image.
config_is() {
    local value
    value=$(buildah_ inspect --type image --format "{{.Docker.Config.$1}}" "$IMAGE")
    echo "$1: $value"
    [ "$value" = "$2" ]
}

is_small() {
    local size
    size=$(buildah_ images --format '{{.Size}}' "$IMAGE")
    echo "image: $size"
    awk -v size="$size" -v max="$IMAGE_BYTES_MAX" 'BEGIN {
        split(size, part, " ")
        unit["KB"] = 1e3; unit["MB"] = 1e6
        bytes = part[1] * unit[part[2]]
        exit !(bytes > 0 && bytes <= max)
    }'
}

has_no_demo() {
    local output
    output=$(in_image /usr/local/bin/ravelin demo 2>&1 || true)
    printf '%s\n' "$output"
    grep -q "unrecognized subcommand 'demo'" <<<"$output"
}

in_image() {
    local container status=0
    container=$(buildah_ from --pull-never "$IMAGE")
    buildah_ run "$container" -- "$@" || status=$?
    buildah_ rm "$container" >/dev/null
    return "$status"
}

main
