#!/bin/sh
# Installs the servers that some tests need. The tests start private instances on free ports; none has to run.
set -eu

missing=
found() { command -v "$1" >/dev/null 2>&1 || ls $2 >/dev/null 2>&1; }
found postgres '/usr/lib/postgresql/*/bin/postgres' || missing="$missing postgresql"
found pgbouncer /usr/sbin/pgbouncer || missing="$missing pgbouncer"
found postfix '/usr/sbin/postfix' || missing="$missing postfix"
found dovecot '/usr/sbin/dovecot' || missing="$missing dovecot-imapd"
found swaks /usr/bin/swaks || missing="$missing swaks"
found openssl /usr/bin/openssl || missing="$missing openssl"
found fusermount3 /bin/fusermount3 || missing="$missing fuse3"
found fiu-run /usr/bin/fiu-run || missing="$missing fiu-utils libfiu0"
found chromium /usr/bin/chromium || missing="$missing chromium fonts-liberation"
found pngquant /usr/bin/pngquant || missing="$missing pngquant"
found systemd-analyze /usr/bin/systemd-analyze || missing="$missing systemd"
found libseccomp '/usr/lib/*/libseccomp.so.2' || missing="$missing libseccomp2"
found ip '/usr/sbin/ip' || missing="$missing iproute2"
found promtool /usr/bin/promtool || missing="$missing prometheus"

if [ -z "$missing" ]; then
    echo "services: PostgreSQL, PgBouncer, Postfix, Dovecot, swaks, openssl, FUSE, libfiu, Chromium, pngquant, systemd, iproute2 and promtool are here"
elif ! command -v apt-get >/dev/null 2>&1; then
    echo "services: no apt-get here; install$missing with this system's packages"
    exit 1
elif [ "$(id -u)" != 0 ]; then
    echo "services: as root, run: apt-get install$missing"
    exit 1
else
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2
    # shellcheck disable=SC2086
    apt-get install --quiet=2 --yes --no-install-recommends $missing </dev/null
    echo "services: installed$missing"
fi
