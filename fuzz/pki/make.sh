#!/usr/bin/env bash
# Makes the estate that the target `decide` judges by; what it made is kept beside it, since corpora hold its certificates.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >ca.cnf <<'END'
[ca]
default_ca = list
[list]
database = database
crlnumber = crlnumber
serial = serial
default_md = sha256
default_crl_days = 7300
crl_extensions = crl
policy = any
unique_subject = no
[any]
commonName = optional
[crl]
authorityKeyIdentifier = keyid:always
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[client]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = DNS:pc17.corp.example.com
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
END
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
request() { key "$1" && openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"; }
issue() { # NAME ISSUER SERIAL EXTENSIONS
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial "$3" -days 7300 \
        -extfile ca.cnf -extensions "$4" -out "$1.pem" 2>/dev/null
}
request root "/CN=Example Root CA"
openssl x509 -req -in root.csr -signkey root.key -set_serial 1 -days 7300 -extfile ca.cnf -extensions authority \
    -out root.pem 2>/dev/null
request issuing "/CN=Example Issuing CA"
issue issuing root 2 issuing
request client "/CN=pc17.corp.example.com"
issue client issuing 3 client
request revoked "/CN=pc17.corp.example.com"
issue revoked issuing 4 client
for authority in root issuing; do
    : >database
    echo 01 >crlnumber
    [ "$authority" = root ] || openssl ca -config ca.cnf -revoke revoked.pem -keyfile issuing.key -cert issuing.pem 2>/dev/null
    openssl ca -config ca.cnf -gencrl -keyfile "$authority.key" -cert "$authority.pem" -out list.pem 2>/dev/null
    openssl crl -in list.pem -outform DER -out "$here/$authority.crl"
done
for name in root issuing client revoked; do
    openssl x509 -in "$name.pem" -outform DER -out "$here/$name.der"
done
