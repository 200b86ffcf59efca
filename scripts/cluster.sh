# shellcheck shell=bash disable=SC2154
# Throwaway Postgres clusters. To be sourced after machine.sh. A cluster is a folder with `data`, `log` and the socket;
# only the server's user and root may look into it. Its superuser is `postgres`.

# These would lead the clients to another server.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGPASSWORD PGDATABASE PGOPTIONS PGSERVICE

# A folder that belongs to the server's user.
make_private_folder() {
    mkdir -p "$1"
    if ((EUID == 0)); then chown "$server_user" "$1"; fi
    chmod 700 "$1"
}

# cluster_create FOLDER BINDIR [initdb option…]: without options, nobody may log in over TCP. CLUSTER_TEMPLATES is a folder for
# clusters without options, one for each Postgres; they are copied, which takes a fraction of initdb's time.
cluster_create() {
    local folder=$1 bin=$2 locale=C options=("${@:3}") template=${CLUSTER_TEMPLATES:+$CLUSTER_TEMPLATES/${2//\//-}}
    make_private_folder "$folder"
    if (($# == 2)) && [[ -d $template/data ]]; then
        as_server_user cp --archive "$template/data" "$folder/data"
        return
    fi
    ((${#options[@]})) || options=(--auth-host reject)
    if locale -a 2>/dev/null | grep -ix 'c.utf-\?8' >/dev/null; then locale=C.UTF-8; fi
    as_server_user "$bin/initdb" --pgdata "$folder/data" --username postgres --auth-local trust --encoding UTF8 \
        --locale "$locale" --no-sync "${options[@]}" >/dev/null
}

# cluster_start FOLDER BINDIR [setting=value…]: without TCP, unless the settings say otherwise. SERVER_PROGRAM runs in place
# of `postgres`.
cluster_start() {
    local folder=$1 setting options=() program=()
    [[ -z ${SERVER_PROGRAM:-} ]] || program=(-p "$SERVER_PROGRAM")
    for setting in "unix_socket_directories='$folder'" "listen_addresses=''" "${@:3}"; do options+=("$setting"); done
    printf '%s\n' "${options[@]}" | as_server_user tee "$folder/data/postgresql.auto.conf" >/dev/null
    if ! as_server_user "$2/pg_ctl" start --wait --timeout 600 --silent "${program[@]}" --pgdata "$folder/data" --log "$folder/log" </dev/null; then
        tail -20 "$folder/log" >&2
        return 1
    fi
}

cluster_stop() {
    as_server_user "$2/pg_ctl" stop --wait --timeout 600 --silent --mode fast --pgdata "$1/data"
}

cluster_is_running() {
    as_server_user "$2/pg_ctl" status --pgdata "$1/data" >/dev/null 2>&1
}

# Whether nobody listens on a port of the loopback.
is_free() { [[ -n $1 ]] && ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port
    until is_free "${port:-}"; do port=$((20000 + RANDOM % 10000)); done
    echo "$port"
}
