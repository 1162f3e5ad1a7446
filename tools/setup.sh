#!/usr/bin/env bash
# Brings a bare Debian machine to where cargo and the tests work. Says what it does, does only what
# is missing, and takes a fraction of a second when nothing is.
#
# tools/setup.sh          what the build and the tests need
# tools/setup.sh bench    the same and redis-server, the benchmark's yardstick
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

say() { echo "setup: $*"; }
fail() { say "$*" >&2; exit 1; }

# System packages ---------------------------------------------------------------------------------

missing=()
need_command() { command -v "$1" >/dev/null || missing+=("$2"); }

need_command g++ g++
need_command make make
need_command ar binutils
need_command flock util-linux
# bindgen loads libclang while RocksDB's bindings are made, and libclang needs its own headers.
{ compgen -G '/usr/lib/llvm-*/lib/libclang[.-][0-9s]*' || compgen -G '/usr/lib/*/libclang-[0-9]*.so*'; } >/dev/null \
  && compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' >/dev/null \
  || missing+=(libclang-dev)
python=$(command -v /usr/bin/python3 || command -v python3 || true)
if [ ! -e .venv/ready ]; then
  { [ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null; } \
    || missing+=(python3 python3-venv)
fi
if [ "${1:-}" = bench ]; then
  need_command redis-server redis-server
fi

if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "please install: ${missing[*]} (there is no apt-get here)"
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "please install as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing with apt-get: ${missing[*]}"
  "${sudo[@]}" apt-get update -q
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# Rust --------------------------------------------------------------------------------------------

command -v cargo >/dev/null || [ -x "$HOME/.cargo/bin/cargo" ] \
  || fail "cargo is missing: install Rust with rustup; rust-toolchain.toml then picks the version"
export PATH="$PATH:$HOME/.cargo/bin"

# RocksDB, compiled once per machine -----------------------------------------------------------------

tools/rocksdb-archive.sh

# The official Python client, in a virtual environment of its own ---------------------------------

requirements=tests/clients/python/requirements.txt
if ! cmp -s "$requirements" .venv/ready; then
  python=$(command -v /usr/bin/python3 || command -v python3)
  say "installing the Python client into .venv ($(paste -sd' ' "$requirements"))"
  rm -rf .venv
  "$python" -m venv .venv
  .venv/bin/python -m pip install --disable-pip-version-check -r "$requirements" \
    >.venv/install.log 2>&1 || { tail -20 .venv/install.log >&2; fail "pip failed"; }
  # Only a finished installation has this file.
  cp "$requirements" .venv/ready
fi
