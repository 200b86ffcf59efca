# shellcheck shell=bash disable=SC2034
# What the scripts know about this machine: its folders, its Postgres installations, its users and its packages.
# To be sourced.

repository=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
supported_versions=(15 16 17 18 19)

# Postgres refuses to run as root, so for root it runs as `postgres`; what that user has to read cannot be in root's home.
server_user=$(id -un)
cache=${SEGMENTS_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/segments}
if ((EUID == 0)); then
    server_user=postgres
    cache=${SEGMENTS_CACHE:-/var/cache/segments}
fi
pgrx_config=${PGRX_HOME:-${HOME:-/tmp}/.pgrx}/config.toml
PATH=${CARGO_HOME:-${HOME:-/tmp}/.cargo}/bin:$PATH
umask 022

# pgrx says that it needs Rust 1.96. It builds with 1.95, whose cargo has to be told so.
if [[ $(rustc --version 2>/dev/null) == "rustc 1.95."* ]]; then
    export PGRX_BUILD_FLAGS=--ignore-rust-version # cargo-pgrx's own calls
    cargo() {
        case ${1:-} in
            bench | build | clippy | doc | install | run | test) command cargo "$1" --ignore-rust-version "${@:2}" ;;
            *) command cargo "$@" ;;
        esac
    }
fi

say() { printf '==> %s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }
die() {
    complain "$@"
    exit 1
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}
may_be_root() { ((EUID == 0)) || sudo --validate; }

# Paths among the arguments have to be absolute: this leaves a folder that the server's user may not be able to enter.
as_server_user() {
    if ((EUID == 0)); then (cd / && sudo -u "$server_user" "$@"); else "$@"; fi
}

# The pg_config that cargo-pgrx has for Postgres $1.
registered_postgres() {
    [[ -f $pgrx_config ]] && sed -n "s/^pg$1 *= *\"\(.*\)\"/\1/p" "$pgrx_config"
}

# The pg_config of Postgres $1 with its server headers: the developer's choice first, then Debian's, then the cache's.
find_postgres() {
    local chosen="PG$1_PG_CONFIG" pg_config
    for pg_config in "${!chosen:-}" "$(registered_postgres "$1")" "/usr/lib/postgresql/$1/bin/pg_config" \
        "$cache/postgresql/$1/bin/pg_config" "$(command -v pg_config)"; do
        if [[ -x $pg_config && $("$pg_config" --version) =~ ^PostgreSQL\ $1[^0-9] &&
            -f $("$pg_config" --includedir-server)/postgres.h ]]; then
            echo "$pg_config"
            return
        fi
    done
    return 1
}

# The major version of pg_config $1's Postgres.
major_version() { "$1" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'; }

# The version of the extension that this checkout builds.
extension_version() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$repository/Cargo.toml"; }

# Every version found, oldest first.
found_versions() {
    local version
    for version in "${supported_versions[@]}"; do
        if find_postgres "$version" >/dev/null; then echo "$version"; fi
    done
}

# The newest Postgres of the system's packages, else the newest found: the matrix's own may be built with assertions.
default_postgres() {
    local version newest='' newest_packaged=''
    for version in $(found_versions); do
        newest=$(find_postgres "$version")
        if [[ $newest == /usr/* ]]; then newest_packaged=$newest; fi
    done
    [[ -n $newest ]] && echo "${newest_packaged:-$newest}"
}

# own_postgres FOLDER PG_CONFIG: leaves a copy of that installation in FOLDER, without the extension, and prints the copy's
# pg_config. Postgres finds its parts from where its programs are, so a copy is an installation of its own. Demo and tests
# run on copies, because an installation that somebody uses is not theirs to change.
own_postgres() {
    local folder=$1 part parts origin root=$2
    origin="$2 $("$2" --version) $(stat --dereference --format %Y "$("$2" --bindir)/postgres" "$("$2" --sharedir)/extension" | paste -s)"
    if [[ $(cat "$folder/.origin" 2>/dev/null) != "$origin" ]]; then
        rm -rf "${folder:?}"
        parts=("$("$2" --bindir)" "$("$2" --pkglibdir)" "$("$2" --sharedir)" "$("$2" --includedir-server)")
        # Programs of scripts/postgres-matrix, or of a copy of them, load libraries from elsewhere in the folder with their recipe.
        while [[ -n $root && ! -f $root/.recipe ]]; do root=${root%/*}; done
        if [[ -n $root ]]; then parts=("$root"); fi
        for part in "${parts[@]}"; do
            mkdir -p "$folder${part%/*}"
            cp --archive "$part" "$folder$part"
        done
        rm -f "$folder$("$2" --pkglibdir)"/segments.so* "$folder$("$2" --sharedir)"/extension/segments[.-]*
        echo "$origin" >"$folder/.origin"
    fi
    echo "$folder$("$2" --bindir)/pg_config"
}

# The folder of what scripts keep for this checkout, beside others' of the same cache. Checkouts that share a target folder share
# this one, because cargo makes the bindings to Postgres anew where pg_config has another path.
checkout_cache=$cache/checkouts/$(cksum <<<"${CARGO_TARGET_DIR:-$repository/target}" | cut -d ' ' -f 1)

# The folder with regress/pg_regress and isolation/pg_isolation_regress of pg_config $1's Postgres.
test_programs() {
    local makefile
    makefile=$("$1" --pgxs)
    echo "${makefile%/makefiles/*}/test"
}

# Whether this user may install an extension into the Postgres of pg_config $1 without sudo.
may_install() {
    [[ -w $("$1" --pkglibdir) && -w $("$1" --sharedir)/extension ]]
}

# Whether they may with or without it; asked before minutes are spent on building. Says what to do where they may not.
can_install() {
    may_install "$1" || may_be_root && return
    complain "You may not install into the Postgres of $1, not even with sudo." \
        "Name one of your own: PG_CONFIG=…"
    return 1
}

# Installs those of the Debian packages named that are missing.
need_packages() {
    local missing
    missing=$(comm -23 <(printf '%s\n' "$@" | sort) \
        <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort -u))
    [[ -z $missing ]] && return
    say "Installing packages:" "${missing//$'\n'/ }"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $missing </dev/null >/dev/null
}

# Leaves in folder $1 what its package-lock.json names.
node_packages() {
    [[ $1/node_modules/.package-lock.json -nt $1/package-lock.json ]] || npm --prefix "$1" ci --silent --no-progress
}

# Leaves in folder $1 a Python environment with what the requirements file $2 names.
python_environment() {
    cmp --quiet "$2" "$1/requirements.txt" && return
    say "Installing for Python:" "$(paste --serial --delimiters ' ' "$2")"
    rm -rf "$1"
    python3 -m venv "$1" 2>/dev/null || { need_packages python3-venv && python3 -m venv --clear "$1"; }
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$2"
    cp "$2" "$1/"
}
