#!/usr/bin/env bash
# Twenty thousand tunnels opened, used, left idle and closed, as many at a time as the descriptors of this machine allow:
# descriptors and memory are back where they were, an idle tunnel is small, and silence costs nothing.
. "$(dirname "$0")/lib.sh"

need_commands cargo

main() {
    "$REPOSITORY/benches/side-by-side" --leavings "${RAVELIN_TEST_TUNNELS:-20000}" \
        >"$SCRATCH/said" 2>"$SCRATCH/log" </dev/null || true
    local line any=no
    while read -r line; do
        case "$line" in
            "ok "*) any=yes; ok "${line#ok }" ;;
            "not ok "*) any=yes; not_ok "${line#not ok }" ;;
            *) echo "$line" ;;
        esac
    done <"$SCRATCH/said"
    if [ "$any" = no ]; then
        tail -n 30 "$SCRATCH/log"
        not_ok "the tunnels were carried"
    fi
    finish
}

main
