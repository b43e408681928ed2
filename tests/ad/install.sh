#!/bin/bash
# Installs what the AD test bed needs on a clean Debian 12 (run as root).
# Nothing is started: service start is vetoed with a policy-rc.d while apt runs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
PKGS="samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules
      winbind ldb-tools ldap-utils krb5-user libsasl2-modules-gssapi-mit
      openssl python3-samba iproute2 procps"

missing=
for p in $PKGS; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing="$missing $p"
done
[ -z "$missing" ] && { echo "ad: packages already installed"; exit 0; }

policy=/usr/sbin/policy-rc.d
made_policy=
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"; chmod 755 "$policy"; made_policy=1
fi
trap '[ -z "$made_policy" ] || rm -f "$policy"' EXIT

ok=
for i in 1 2 3 4 5 6 7 8 9 10; do
    if apt-get update -qq; then ok=1; break; fi
    sleep 3                                   # another apt may hold the lists lock
done
[ -n "$ok" ] || { echo "ad: apt-get update failed" >&2; exit 1; }
# shellcheck disable=SC2086
apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >/dev/null
if command -v systemctl >/dev/null; then       # nor at the next boot
    for u in smbd nmbd winbind samba-ad-dc; do
        case " $missing " in *" samba "*|*" winbind "*) systemctl disable -q "$u" 2>/dev/null || true ;; esac
    done
fi
echo "ad: installed:$missing"
