#!/bin/bash
# usage: down.sh DIR [--wipe]     stops the domain controller of DIR; --wipe removes DIR too
set -euo pipefail
DIR=$(cd "$1" && pwd)
if [ -s "$DIR/samba.pid" ]; then
    pid=$(cat "$DIR/samba.pid")
    if { tr '\0' ' ' < "/proc/$pid/cmdline"; } 2>/dev/null | grep -q '^samba'; then
        kill "$pid" 2>/dev/null || true
        for i in $(seq 1 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        if kill -0 "$pid" 2>/dev/null; then kill -9 "$pid" 2>/dev/null || true; fi
    fi
    rm -f "$DIR/samba.pid"
fi
[ "${2:-}" != --wipe ] || { [ -e "$DIR/smb.conf" ] && rm -rf "$DIR"; }
echo "ad: stopped"
