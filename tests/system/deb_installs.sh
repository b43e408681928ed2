#!/usr/bin/env bash
# The Debian package holds what an administrator needs, installs closed to everybody else, and its sample configuration
# passes `ravelin check` once the files it names are there.
. "$(dirname "$0")/lib.sh"

need_root
need_commands cargo dpkg-deb debootstrap openssl readelf

# Of 100, as `systemd-analyze security` counts (14 where this was written).
readonly EXPOSURE_MAX=20
readonly DEB=$SCRATCH/ravelin.deb

main() {
    local rootfs
    rootfs=$(debian_rootfs) || skip_all "debootstrap cannot make a Debian here"
    cargo_deb_here
    must "package is made" make_deb
    contents
    unit
    install "$rootfs"
    finish
}

cargo_deb_here() {
    cargo deb --version >/dev/null 2>&1 && return 0
    PATH=$CACHE/tools/bin:$PATH
    export PATH
    cargo deb --version >/dev/null 2>&1 && return 0
    cargo install --quiet --locked --root "$CACHE/tools" cargo-deb </dev/null || skip_all "cargo-deb cannot be installed"
}

make_deb() { (cd "$REPOSITORY" && cargo deb --quiet --locked --strip -p ravelin --output "$DEB"); }

contents() {
    local mode path
    dpkg-deb -c "$DEB" >"$SCRATCH/contents"
    dpkg-deb -I "$DEB" >"$SCRATCH/control"
    while read -r mode path; do
        check "package holds $path, $mode" grep -qE "^$mode (root/root|0/0) .* \.?/?$path\$" "$SCRATCH/contents"
    done <<'END'
-rwxr-xr-x usr/bin/ravelin
-rw-r----- etc/ravelin/ravelin.toml
-rw-r--r-- (usr/)?lib/systemd/system/ravelin.service
-rw-r--r-- (usr/)?lib/systemd/system/ravelin.socket
-rw-r--r-- etc/logrotate.d/ravelin
-rw-r--r-- usr/share/doc/ravelin/examples/grafana/ravelin.json
-rw-r--r-- usr/share/doc/ravelin/examples/prometheus/ravelin.rules.yml
-rw-r--r-- usr/share/doc/ravelin/examples/Export-RavelinDirectory.ps1
-rw-r--r-- usr/share/doc/ravelin/examples/ravelin.toml
-rw-r--r-- usr/share/doc/ravelin/LICENSE-APACHE
END
    check "package is called ravelin" grep -qE '^ Package: ravelin$' "$SCRATCH/control"
    check "package wants a C library and adduser" grep -qE '^ Depends: .*adduser.*' "$SCRATCH/control"
    dpkg-deb -x "$DEB" "$SCRATCH/unpacked"
    check "package's binary is stripped: $(stat -c %s "$SCRATCH/unpacked/usr/bin/ravelin") bytes" is_stripped
    check "package has no demo" sh -c "'$SCRATCH/unpacked/usr/bin/ravelin' demo 2>&1 | grep -q \"unrecognized subcommand 'demo'\""
    for path in /etc/ravelin/ravelin.toml /etc/logrotate.d/ravelin; do
        check "$path is a conffile" sh -c "dpkg-deb --ctrl-tarfile '$DEB' | tar -xO ./conffiles | grep -qx $path"
    done
}

is_stripped() { ! readelf --sections --wide "$SCRATCH/unpacked/usr/bin/ravelin" | grep -qE '[.](symtab|debug_info)'; }

unit() {
    local folder=$SCRATCH/unit
    mkdir "$folder"
    dpkg-deb --fsys-tarfile "$DEB" | tar -x -C "$folder" --wildcards --strip-components=4 '*/ravelin.service' 2>/dev/null || true
    find "$folder" -name ravelin.service -exec mv {} "$SCRATCH/ravelin.service" \;
    if ! command -v systemd-analyze >/dev/null || ! systemd-analyze --help | grep -q -- --offline; then
        echo "skip $TEST_NAME-unit: needs systemd-analyze 250 or later"
        return 0
    fi
    check "unit is hardened" systemd-analyze security --no-pager --offline=true --threshold="$EXPOSURE_MAX" "$SCRATCH/ravelin.service"
}

# Into a Debian of its own, laid over the cached one.
install() {
    local rootfs=$1
    mkdir -p "$SCRATCH/upper" "$SCRATCH/work" "$SCRATCH/root"
    if mount -t overlay overlay -o "lowerdir=$rootfs,upperdir=$SCRATCH/upper,workdir=$SCRATCH/work" "$SCRATCH/root" 2>/dev/null; then
        at_end "umount '$SCRATCH/root'"
    else
        cp -a "$rootfs/." "$SCRATCH/root/"
    fi
    cp "$DEB" "$SCRATCH/root/ravelin.deb"
    must "installs" inside dpkg -i /ravelin.deb
    check "says its version" says "^ravelin [0-9]+[.][0-9]+[.][0-9]+" inside ravelin --version
    check "folders are closed to others" closed_to_others
    check "configuration is readable for the gateway" as_gateway cat /etc/ravelin/ravelin.toml
    check "sample without its files: each is named, status 2" names_every_missing_file
    make_files "$SCRATCH/root/etc/ravelin" "$SCRATCH/root/var/lib/ravelin/crl" >"$SCRATCH/openssl.log" 2>&1
    check "sample with its files passes check" as_gateway ravelin check --config /etc/ravelin/ravelin.toml
    check "a key cannot be read by others" others_cannot_read /etc/ravelin/tls/da-eu.key
    echo '# changed by an administrator' >>"$SCRATCH/root/etc/ravelin/ravelin.toml"
    check "installs over itself" inside dpkg -i /ravelin.deb
    check "an administrator's change survives" grep -q '^# changed by' "$SCRATCH/root/etc/ravelin/ravelin.toml"
    check "folders are closed to others still" closed_to_others
    check "is removed" inside dpkg --purge ravelin
    check "purged: no state is left" test ! -e "$SCRATCH/root/var/lib/ravelin"
}

inside() { LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$SCRATCH/root" "$@"; }

as_gateway() { chroot --userspec=ravelin:ravelin "$SCRATCH/root" "$@"; }

others_cannot_read() { ! chroot --userspec=nobody:nogroup "$SCRATCH/root" cat "$1" 2>/dev/null; }

closed_to_others() {
    local open
    open=$(inside find /etc/ravelin /var/lib/ravelin /var/log/ravelin -perm /o=rwx)
    [ -z "$open" ] || { echo "open to others: $open"; return 1; }
    [ "$(inside stat -c '%U:%G %a' /etc/ravelin)" = "root:ravelin 750" ]
}

names_every_missing_file() {
    local output status=0 file
    output=$(as_gateway ravelin check --config /etc/ravelin/ravelin.toml 2>&1) || status=$?
    echo "$output"
    for file in tls/da-eu.pem ca/root.pem ca/issuing.pem; do
        grep -q "$file" <<<"$output" || { echo "not named: $file"; return 1; }
    done
    [ "$status" = 2 ]
}

# A root, an issuing authority, a server certificate and both authorities' lists, under the names of the sample.
make_files() {
    local etc=$1 crl=$2 pki=$SCRATCH/pki
    mkdir -p "$pki"
    cat >"$pki/ca.cnf" <<'END'
[ca]
default_ca = list
[list]
database = $ENV::DATABASE
crlnumber = $ENV::DATABASE.number
default_md = sha256
default_crl_days = 7
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid:always
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[server]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:da-eu.example.com
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
    export DATABASE=$pki/database
    : >"$DATABASE"
    echo 01 >"$DATABASE.number"
    local name
    for name in root issuing server; do
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/$name.key"
    done
    openssl req -new -key "$pki/root.key" -subj "/CN=Example Root CA" -out "$pki/root.csr"
    openssl req -new -key "$pki/issuing.key" -subj "/CN=Example Issuing CA" -out "$pki/issuing.csr"
    openssl req -new -key "$pki/server.key" -subj "/CN=da-eu.example.com" -out "$pki/server.csr"
    openssl x509 -req -in "$pki/root.csr" -signkey "$pki/root.key" -days 30 \
        -extfile "$pki/ca.cnf" -extensions authority -out "$pki/root.pem"
    openssl x509 -req -in "$pki/issuing.csr" -CA "$pki/root.pem" -CAkey "$pki/root.key" -set_serial 2 -days 30 \
        -extfile "$pki/ca.cnf" -extensions authority -out "$pki/issuing.pem"
    openssl x509 -req -in "$pki/server.csr" -CA "$pki/issuing.pem" -CAkey "$pki/issuing.key" -set_serial 3 -days 30 \
        -extfile "$pki/ca.cnf" -extensions server -out "$pki/server.pem"
    for name in root issuing; do
        openssl ca -config "$pki/ca.cnf" -gencrl -keyfile "$pki/$name.key" -cert "$pki/$name.pem" -out "$pki/$name.crl"
    done
    local group
    group=$(inside getent group ravelin | cut -d: -f3)
    put() { command install -g "$group" -m 0640 "$1" "$2"; }
    put "$pki/root.pem" "$etc/ca/root.pem"
    put "$pki/issuing.pem" "$etc/ca/issuing.pem"
    put "$pki/server.key" "$etc/tls/da-eu.key"
    put "$pki/server.pem" "$etc/tls/da-eu.pem"
    put "$pki/root.crl" "$crl/root.crl"
    put "$pki/issuing.crl" "$crl/issuing.crl"
}

main
