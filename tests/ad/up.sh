#!/bin/bash
# usage: up.sh DIR [LOOPBACK_IP]
# Provisions (first time), seeds and starts a private AD domain controller under DIR,
# listening on LOOPBACK_IP only, and writes DIR/ad.env. Run again: starts it if it is
# down, repeats nothing that is done. Root; packages from install.sh.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: $0 DIR [LOOPBACK_IP]" >&2; exit 2; }
mkdir -p "$1"; DIR=$(cd "$1" && pwd)
IP=${2:-$(cat "$DIR/ip" 2>/dev/null || echo 127.77.0.1)}
[ "$(id -u)" = 0 ] || { echo "ad: needs root (ports 88/389/636, samba idmap)" >&2; exit 1; }
if [ -e "$DIR/ip" ] && [ "$(cat "$DIR/ip")" != "$IP" ]; then
    echo "ad: $DIR was provisioned for $(cat "$DIR/ip")" >&2; exit 1
fi
[ ${#DIR} -le 70 ] || { echo "ad: DIR is too long for the unix sockets in it (70 max)" >&2; exit 1; }
REALM=CORP.EXAMPLE.TEST; DNSDOM=corp.example.test; NB=CORP; BASE=DC=corp,DC=example,DC=test
ADMINPW='Adm1n-Passw0rd!'; t0=$(date +%s)
ip link set lo up 2>/dev/null || true                  # an empty network namespace has lo down

alive() {
    [ -s "$DIR/samba.pid" ] || return 1
    { tr '\0' ' ' < "/proc/$(cat "$DIR/samba.pid")/cmdline"; } 2>/dev/null | grep -q '^samba'
}

if ! alive; then
    for port in 389 636 3268 3269 88 464; do
        if (exec 3<>"/dev/tcp/$IP/$port") 2>/dev/null; then
            echo "ad: something listens on $IP:$port already; give another loopback address" >&2; exit 1
        fi
    done
fi
umask 022
chmod 755 "$DIR"
mkdir -p "$DIR/run" "$DIR/log"
cat > "$DIR/krb5.conf" <<C
[libdefaults]
	default_realm = $REALM
	dns_lookup_realm = false
	dns_lookup_kdc = false
	dns_canonicalize_hostname = false
	rdns = false
[realms]
	$REALM = {
		kdc = $IP
		admin_server = $IP
	}
[domain_realm]
	.$DNSDOM = $REALM
	$DNSDOM = $REALM
C
export KRB5_CONFIG="$DIR/krb5.conf"
cat > "$DIR/smb.conf" <<C
[global]
	netbios name = DC1
	workgroup = $NB
	realm = $REALM
	server role = active directory domain controller
	server services = ldap, cldap, kdc
	interfaces = $IP/8
	bind interfaces only = Yes
	disable netbios = yes
	private dir = $DIR/dc/private
	state directory = $DIR/dc/state
	cache directory = $DIR/dc/cache
	lock directory = $DIR/dc
	binddns dir = $DIR/dc/bind-dns
	pid directory = $DIR/run
	ncalrpc dir = $DIR/run/ncalrpc
	winbindd socket directory = $DIR/run/winbindd
	ntp signd socket directory = $DIR/run/ntp
	log file = $DIR/log/%m.log
	log level = 1
	posix:eadb = $DIR/eadb.tdb
	tls enabled = yes
	ldap server require strong auth = allow_sasl_over_tls
	tls keyfile = $DIR/pki/dc1.key
	tls certfile = $DIR/pki/dc1-chain.pem
	tls cafile = $DIR/pki/root.crt
	tls verify peer = no_check
C
if ! alive && [ ! -e "$DIR/.provisioned" ]; then
    rm -rf "$DIR/dc" "$DIR/eadb.tdb" "$DIR/history.json" "$DIR/pki"      # remains of a broken start
    echo "$IP" > "$DIR/ip"
    /usr/bin/python3 "$HERE/pki.py" "$DIR" ca
    printf '[global]\n' > "$DIR/empty.conf"
    # posix:eadb: NT ACLs go to a tdb, so no filesystem xattrs (and no CAP_SYS_ADMIN) are needed
    samba-tool domain provision -s "$DIR/empty.conf" --targetdir="$DIR/dc" \
        --realm=$REALM --domain=$NB --server-role=dc --dns-backend=NONE --adminpass="$ADMINPW" \
        --host-name=dc1 --host-ip="$IP" \
        --option="interfaces=$IP/8" --option="bind interfaces only=yes" \
        --option="posix:eadb=$DIR/eadb.tdb" > "$DIR/log/provision.log" 2>&1 ||
        { tail -20 "$DIR/log/provision.log" >&2; exit 1; }
    touch "$DIR/.provisioned"
fi
t1=$(date +%s)
if ! alive; then
    /usr/bin/python3 "$HERE/seed.py" "$DIR" > "$DIR/log/seed.log" 2>&1 || { tail -20 "$DIR/log/seed.log" >&2; exit 1; }
    /usr/bin/python3 "$HERE/pki.py" "$DIR" certs
    /usr/bin/python3 "$HERE/seed.py" "$DIR" pki >> "$DIR/log/seed.log" 2>&1 || { tail -20 "$DIR/log/seed.log" >&2; exit 1; }
    setsid samba -i -M single --no-process-group -s "$DIR/smb.conf" > "$DIR/log/samba.out" 2>&1 < /dev/null &
    echo $! > "$DIR/samba.pid"
fi
for i in $(seq 1 300); do
    if ldapsearch -LLL -x -H "ldap://$IP" -s base -b '' isGlobalCatalogReady > /dev/null 2>&1; then break; fi
    alive || { echo "ad: samba ended:" >&2; tail -20 "$DIR/log/samba.out" >&2; exit 1; }
    sleep 0.1
done
SID=$(ldbsearch -H "$DIR/dc/private/sam.ldb" -s base -b $BASE objectSid 2>/dev/null | sed -n 's/^objectSid: //p')
cat > "$DIR/ad.env" <<C
AD_DIR='$DIR'
AD_PID_FILE='$DIR/samba.pid'
AD_IP='$IP'
AD_HOST='dc1.$DNSDOM'
AD_LDAP_PORT=389
AD_LDAPS_PORT=636
AD_GC_PORT=3268
AD_GCS_PORT=3269
AD_LDAPS_URL='ldaps://$IP'
AD_LDAP_URL='ldap://$IP'
AD_CA_FILE='$DIR/pki/root.crt'
AD_REALM='$REALM'
AD_DNS_DOMAIN='$DNSDOM'
AD_NETBIOS='$NB'
AD_BASE_DN='$BASE'
AD_DOMAIN_SID='$SID'
AD_BIND_DN='svc-ravelin@$DNSDOM'
AD_BIND_PASSWORD='Read-0nly-Passw0rd!'
AD_SYNC_BIND_DN='svc-ravelin-sync@$DNSDOM'
AD_SYNC_BIND_PASSWORD='Sync-0nly-Passw0rd!'
AD_ADMIN_BIND_DN='administrator@$DNSDOM'
AD_ADMIN_BIND_PASSWORD='$ADMINPW'
AD_COMPUTER_OU='OU=Workstations,$BASE'
AD_ALLOW_GROUP_DN='CN=DirectAccess Clients,OU=DA Groups,$BASE'
AD_DENY_GROUP_DN='CN=DirectAccess Blocked,OU=DA Groups,$BASE'
AD_NTAUTH_DN='CN=NTAuthCertificates,CN=Public Key Services,CN=Services,CN=Configuration,$BASE'
AD_KRB5_CONF='$DIR/krb5.conf'
AD_ACCOUNTS='$DIR/accounts.tsv'
AD_CASES='$DIR/cases.tsv'
AD_CERT_DIR='$DIR/pki/certs'
AD_CLIENT_ROOTS='$DIR/pki/client-roots.pem'
AD_CRL_DIR='$DIR/pki'
C
echo "ad: ready on $IP after $(( $(date +%s) - t0 )) s (provision $((t1 - t0)) s), pid $(cat "$DIR/samba.pid"); environment in $DIR/ad.env"
