#!/usr/bin/env bash
# The real kernel stack through IP-HTTPS: client and server are network namespaces with TUN devices, the gateway is a third.
#
# First straight from client to server, so that a fault of the test bed is seen as such; then through `ravelin run`.
# Each way: the client's kernel takes its address from the router advertisement, `ping`, `iperf3` in both directions, and
# OCTETS (default 1 GiB; straight an eighth) in each direction at once with hashes compared. Through the gateway also: a
# revoked machine and one without a certificate read why on the wire, and the gateway opens no connection for them.
#
# Prints `ok NAME`, `not ok NAME: WHY` or `skip NAME: WHY` a line. Needs root and /dev/net/tun. LAB_TUN and RAVELIN name the
# binaries; without them they are built.
set -uo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly OCTETS=${OCTETS:-1073741824}
readonly IPERF_SECONDS=${IPERF_SECONDS:-5}
# Room for a slow machine: the goal is an answer, not a figure.
readonly BULK_SECONDS_MAX=240
readonly PREFIX=2001:db8:da:1
readonly TAG=rv$$
readonly CLIENT=$TAG-client GATEWAY=$TAG-gateway SERVER=$TAG-server

failed=0
pids=()
scratch=$(mktemp -d)

ok() { echo "ok $1"; }
not_ok() {
    echo "not ok $1: $2"
    failed=1
}
skip_all() {
    echo "skip kernel_tunnel: $1"
    exit 0
}

clean_up() {
    stop_all
    local namespace
    for namespace in "$CLIENT" "$GATEWAY" "$SERVER"; do
        ip netns del "$namespace" 2>/dev/null
    done
    rm -rf "$scratch"
}

# Starts a process of the test bed in a namespace; its output goes to a log.
start() {
    local namespace=$1 log=$2
    shift 2
    ip netns exec "$namespace" "$@" >"$scratch/$log.log" 2>&1 </dev/null &
    pids+=($!)
}

stop_all() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do
        kill "$pid" 2>/dev/null
    done
    for pid in ${pids[@]+"${pids[@]}"}; do
        wait "$pid" 2>/dev/null
    done
    pids=()
}

in_client() { ip netns exec "$CLIENT" "$@"; }
in_server() { ip netns exec "$SERVER" "$@"; }

# Waits until the command succeeds; ten seconds at most.
wait_for() {
    local _
    for _ in $(seq 100); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    return 1
}

logs() {
    local log
    for log in "$scratch"/*.log; do
        [ -s "$log" ] && { echo "-- $(basename "$log")"; tail -n 15 "$log"; }
    done
}

# client 10.77.1.2 -- 10.77.1.1 gateway 10.77.2.1 -- 10.77.2.2 server
make_namespaces() {
    local namespace
    for namespace in "$CLIENT" "$GATEWAY" "$SERVER"; do
        ip netns add "$namespace" && ip -n "$namespace" link set lo up || return 1
    done
    ip link add "${TAG}c" netns "$CLIENT" type veth peer name "${TAG}gc" netns "$GATEWAY" &&
        ip link add "${TAG}s" netns "$SERVER" type veth peer name "${TAG}gs" netns "$GATEWAY" &&
        ip -n "$CLIENT" addr add 10.77.1.2/24 dev "${TAG}c" && ip -n "$CLIENT" link set "${TAG}c" up &&
        ip -n "$GATEWAY" addr add 10.77.1.1/24 dev "${TAG}gc" && ip -n "$GATEWAY" link set "${TAG}gc" up &&
        ip -n "$GATEWAY" addr add 10.77.2.1/24 dev "${TAG}gs" && ip -n "$GATEWAY" link set "${TAG}gs" up &&
        ip -n "$SERVER" addr add 10.77.2.2/24 dev "${TAG}s" && ip -n "$SERVER" link set "${TAG}s" up &&
        ip -n "$CLIENT" route add default via 10.77.1.1 && ip -n "$SERVER" route add default via 10.77.2.1 &&
        ip netns exec "$GATEWAY" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

start_server() {
    start "$SERVER" server "$LAB_TUN" server --tun da0 --listen 10.77.2.2:443 --prefix "$PREFIX::" \
        --chain "$scratch/estate/tls/server.pem" --key "$scratch/estate/tls/server.key"
    wait_for in_server ip link show dev da0 || return 1
    in_server ip link set da0 mtu 1280 up
    in_server ip -6 addr add "$PREFIX::1/64" dev da0 nodad
}

start_client() {
    start "$CLIENT" client "$LAB_TUN" client --tun iphttps0 --connect "$1" --server-name da.corp.example.test --retry \
        --ca "$scratch/estate/ca/root.pem" --chain "$scratch/estate/clients/healthy.pem" \
        --key "$scratch/estate/clients/healthy.key"
    wait_for in_client ip link show dev iphttps0 || return 1
    # The kernel sends its router solicitation soon after the device is up, and again some seconds later.
    in_client ip link set iphttps0 mtu 1280 up
}

has_address() { in_client ip -6 -o addr show dev iphttps0 scope global | grep -v tentative | grep -q "$PREFIX"; }

# All checks, named after the way: direct or gateway.
checks() {
    local way=$1 bytes=$2 sent received
    if wait_for has_address; then
        ok "$way: address by router advertisement"
    else
        not_ok "$way: address by router advertisement" "$(in_client ip -6 -o addr show dev iphttps0 | tr -s '\n ' ' ')"
        return
    fi

    if in_client ping -6 -c 20 -i 0.05 -W 2 "$PREFIX::1" >"$scratch/ping.log" 2>&1; then
        ok "$way: ping"
        grep -E '^(rtt|[0-9]+ packets)' "$scratch/ping.log"
    else
        not_ok "$way: ping" "$(tail -n 2 "$scratch/ping.log" | tr '\n' ' ')"
        return
    fi
    # The largest packet of the link: 1280 with IPv6 and ICMPv6 headers.
    if in_client ping -6 -c 3 -i 0.05 -W 2 -M do -s 1232 "$PREFIX::1" >"$scratch/ping.log" 2>&1; then
        ok "$way: ping with 1280 bytes"
    else
        not_ok "$way: ping with 1280 bytes" "$(tail -n 2 "$scratch/ping.log" | tr '\n' ' ')"
    fi

    start "$SERVER" iperf3-server iperf3 -6 -s -B "$PREFIX::1"
    wait_for in_client ping -6 -c 1 -W 1 "$PREFIX::1"
    iperf "$way: iperf3 to the server"
    iperf "$way: iperf3 to the client" -R

    in_server timeout "$BULK_SECONDS_MAX" "$LAB_TUN" accept --listen "[$PREFIX::1]:7000" --bytes "$bytes" --seed 1 \
        >"$scratch/accept.out" 2>"$scratch/accept.log" </dev/null &
    local accepting=$!
    pids+=("$accepting")
    wait_for listening 7000
    local begun=$SECONDS
    in_client timeout "$BULK_SECONDS_MAX" "$LAB_TUN" exchange --connect "[$PREFIX::1]:7000" --bytes "$bytes" --seed 2 \
        >"$scratch/exchange.out" 2>"$scratch/exchange.log" </dev/null
    wait "$accepting"
    # `sent HASH received HASH` on both sides, crossed.
    sent=$(awk '{print $2, $4}' "$scratch/exchange.out")
    received=$(awk '{print $4, $2}' "$scratch/accept.out")
    if [ -n "$sent" ] && [ "$sent" = "$received" ]; then
        ok "$way: $bytes bytes each way with equal hashes"
        echo "   in $((SECONDS - begun)) s"
    else
        not_ok "$way: $bytes bytes each way with equal hashes" \
            "client '$sent' server '$received' $(tail -qn 1 "$scratch/exchange.log" "$scratch/accept.log" | tr '\n' ' ')"
    fi
}

listening() { in_server ss -6 -H -l -t -n "sport = :$1" | grep -q .; }

iperf() {
    local name=$1 _
    shift
    # The server may not listen yet: a first refusal is tried again.
    for _ in $(seq 20); do
        in_client timeout $((IPERF_SECONDS + 20)) iperf3 -6 -c "$PREFIX::1" -t "$IPERF_SECONDS" "$@" >"$scratch/iperf3.log" 2>&1 &&
            break
        grep -q refused "$scratch/iperf3.log" || break
        sleep 0.1
    done
    if grep -q 'iperf Done' "$scratch/iperf3.log"; then
        ok "$name"
        grep -E 'sender|receiver' "$scratch/iperf3.log"
    else
        not_ok "$name" "$(tail -n 2 "$scratch/iperf3.log" | tr '\n' ' ')"
    fi
}

# A client that must be refused with this TLS alert: refused NAME ALERT ARGUMENTS…
refused() {
    local name="gateway: refused: $1" alert=$2 before after
    shift 2
    before=$(tunnels_to_server)
    ip netns exec "$CLIENT" timeout 20 "$LAB_TUN" client --tun stranger0 --connect 10.77.1.1:443 \
        --server-name da.corp.example.test "$@" >"$scratch/stranger.log" 2>&1 </dev/null
    after=$(tunnels_to_server)
    if ! grep -qF "Alert($alert)" "$scratch/stranger.log"; then
        not_ok "$name" "$(tr '\n' ' ' <"$scratch/stranger.log")"
    elif [ "${before:-0}" = 0 ] || [ "$before" != "$after" ]; then
        not_ok "$name" "connections to the server went from $before to $after"
    else
        ok "$name"
    fi
}

# Connections that the gateway ever opened, as its kernel counts them.
tunnels_to_server() { ip netns exec "$GATEWAY" awk '/^Tcp: [0-9]/ {print $6}' /proc/net/snmp; }

write_config() {
    cat >"$scratch/ravelin.toml" <<TOML
[admin]
listen  = "127.0.0.1:0"
control = "$scratch/control.sock"

[listeners.edge]
bind  = ["10.77.1.1:443"]
sites = ["test"]

[sites.test]
server_names = ["da.corp.example.test"]
certificates = [{ chain = "estate/tls/face-ecdsa.pem", key = "estate/tls/face-ecdsa.key" }]
policy = "domain-computers"
pool   = "test"

[policies.domain-computers]
trust_anchors = ["estate/ca/root.pem"]
intermediates = ["estate/ca/issuing.pem"]
names         = { allow = ["*.corp.example.test"] }
revocation    = { crls = ["estate/crl/"] }

[pools.test]
servers  = [{ name = "da1", address = "10.77.2.2:443" }]
upstream = { mode = "bridge", ca = "estate/ca/root.pem", server_name = "da.corp.example.test" }

[limits]
sessions = 100
TOML
}

gateway_listens() { ip netns exec "$GATEWAY" ss -4 -H -l -t -n 'sport = :443' | grep -q .; }

trap clean_up EXIT
trap 'exit 1' INT TERM

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -c /dev/net/tun ] || skip_all "needs /dev/net/tun"
for command in ip iperf3 ping ss timeout; do
    command -v "$command" >/dev/null || skip_all "needs the command $command"
done

if [ -z "${LAB_TUN:-}" ]; then
    cargo build --quiet --locked -p ravelin-lab --features tun --bin lab-tun || { not_ok kernel_tunnel "lab-tun does not build"; exit 1; }
    LAB_TUN=${CARGO_TARGET_DIR:-$PWD/target}/debug/lab-tun
fi
if [ -z "${RAVELIN:-}" ]; then
    cargo build --quiet --locked -p ravelin || { not_ok kernel_tunnel "ravelin does not build"; exit 1; }
    RAVELIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/ravelin
fi

make_namespaces >"$scratch/namespaces.log" 2>&1 || skip_all "cannot make network namespaces: $(tail -n 1 "$scratch/namespaces.log")"
"$LAB_TUN" estate "$scratch/estate" || { not_ok kernel_tunnel "no estate"; exit 1; }

if start_server && start_client 10.77.2.2:443; then
    checks direct $((OCTETS / 8))
else
    not_ok "direct: tunnel devices" "they did not come up"
fi
stop_all

write_config
start "$GATEWAY" gateway "$RAVELIN" run --config "$scratch/ravelin.toml"
if ! wait_for gateway_listens; then
    not_ok "gateway: listens" "$(tail -n 3 "$scratch/gateway.log" | tr '\n' ' ')"
elif start_server && start_client 10.77.1.1:443; then
    checks gateway "$OCTETS"
    refused "a revoked machine" 44 --chain "$scratch/estate/clients/revoked.pem" --key "$scratch/estate/clients/revoked.key"
    refused "no certificate" 116
else
    not_ok "gateway: tunnel devices" "they did not come up"
fi

[ "$failed" = 0 ] || logs
exit "$failed"
