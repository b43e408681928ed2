#!/usr/bin/env bash
# The side-by-side benchmark runs, and ravelin and its peers, set alike, carry every byte unchanged. Measures nothing.
. "$(dirname "$0")/lib.sh"

need_commands cargo

main() {
    local said product
    if ! said=$("$REPOSITORY/benches/side-by-side" --quick 2>"$SCRATCH/log" </dev/null); then
        tail -n 30 "$SCRATCH/log"
        not_ok "bytes arrive"
        finish
    fi
    for product in ravelin haproxy nginx stunnel; do
        if [[ " ${said#carried:} " == *" $product "* ]]; then
            ok "$product carries"
        elif [ "$product" = ravelin ]; then
            not_ok "$product carries"
        else
            echo "skip $TEST_NAME $product: it is not installed"
        fi
    done
    finish
}

main
