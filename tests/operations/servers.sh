# shellcheck shell=bash
# Throwaway servers for the scripts of this folder, and what they check, as TAP. To be sourced. Nobody can reach the servers
# over TCP.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/machine.sh
source "$here/../../scripts/machine.sh"
# shellcheck source=scripts/cluster.sh
source "$here/../../scripts/cluster.sh"

# start SERVER PG_CONFIG [setting=value…]: makes it, where it is not there yet. The extension has to be installed there.
# Without JIT, as the servers of scripts/test.
start() {
    bins[$1]=$("$2" --bindir)
    [[ -d $scratch/$1 ]] || cluster_create "$scratch/$1" "${bins[$1]}"
    cluster_start "$scratch/$1" "${bins[$1]}" fsync=off client_min_messages=warning jit=off "${@:3}"
}

stop() { cluster_stop "$scratch/$1" "${bins[$1]}"; }

# client SERVER PROGRAM [argument…]: one of that server's client programs, asking it unless told otherwise.
client() {
    local options=()
    if [[ $2 == psql ]]; then options=(--no-psqlrc --quiet --set ON_ERROR_STOP=1); fi
    PGHOST=$scratch/$1 PGUSER=postgres "${bins[$1]}/$2" "${options[@]}" "${@:3}"
}

# ask SERVER DATABASE SQL: what comes out of it, errors included (with verbosity=sqlstate, of these nothing else).
ask() {
    client "$1" psql --dbname "$2" --tuples-only --no-align --set ON_ERROR_STOP=0 --set VERBOSITY="${verbosity:-terse}" --command "$3" 2>&1
}

# settled SERVER DATABASE SQL: what comes out of it in the end: again where it and others waited for each other's locks.
settled() {
    local said
    until said=$(verbosity=sqlstate ask "$@") || [[ $said != *40P01* ]]; do :; done
    [[ -z $said ]] || echo "$said"
}

# build SERVER DATABASE [VERSION]: some of everything that segments keeps.
build() {
    client "$1" psql --dbname postgres --command "CREATE DATABASE $2" --command 'CREATE ROLE regress_segments_reader' \
        --command 'CREATE ROLE regress_segments_tenant' --command 'CREATE ROLE "Regress ""Segments"" owner"'
    client "$1" psql --dbname "$2" ${3:+--set "version=$3"} --file "$here/build.sql" >"$scratch/build.log"
}

# answers SERVER DATABASE: all that is asked of such a database, and what comes out.
answers() {
    client "$1" psql --dbname "$2" --echo-all --set ON_ERROR_STOP=0 --set VERBOSITY=terse --file "$here/answers.sql" 2>&1 |
        sed 's/^psql:[^ ]* //'
}

# says WHAT EXPECTED COMMAND…: whether the command prints what is expected, errors included.
says() {
    local said
    said=$("${@:3}" 2>&1) || true
    tests=$((tests + 1))
    if [[ $said == "$2" ]]; then
        echo "ok - $1"
    else
        failed=$((failed + 1))
        echo "not ok - $1"
        diff --unified=0 <(echo "$2") <(echo "$said") | sed '1,2d;s/^/# /' || true
    fi
}

# eventually COMMAND…: waits until the command prints t, for at most a minute.
eventually() {
    local tries
    for ((tries = 0; tries < 600; tries++)); do
        [[ $("$@") != t ]] || return 0
        sleep 0.1
    done
    return 1
}

# skip WHY: there is nothing to test here.
skip() {
    echo "1..0 # SKIP $1"
    tests=
    exit
}

finish() {
    local server
    [[ -z $tests ]] || echo "1..$tests"
    for server in "${!bins[@]}"; do
        if cluster_is_running "$scratch/$server" "${bins[$server]}"; then stop "$server"; fi
    done
    rm -rf "$scratch"
}

declare -A bins=()
tests=0
failed=0
scratch=$(mktemp -d /tmp/segments-operations.XXXXXX)
trap finish EXIT
set -E
trap 'tests=$((tests + 1)) && echo "not ok - ${0##*/} stopped in line $LINENO: $BASH_COMMAND"' ERR
if ((EUID == 0)); then chown "$server_user" "$scratch"; fi
