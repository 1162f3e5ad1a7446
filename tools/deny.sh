#!/usr/bin/env bash
# Checks the dependencies' licences, sources and duplicates (deny.toml). Installs cargo-deny into a
# cache outside of the checkout when it is missing, which takes some minutes once.
#
# The fourth check, known vulnerabilities, needs the advisory database from the network; machines
# that have it run `cargo deny check advisories` by hand.
set -euo pipefail

version=0.20.2
root=$(cd "$(dirname "$0")/.." && pwd)
tools="${XDG_CACHE_HOME:-$HOME/.cache}/pegasus-rs/tools"
deny="$tools/bin/cargo-deny"

cd "$root"
if ! "$deny" --version 2>/dev/null | grep -qF "$version"; then
  echo "deny: installing cargo-deny $version into $tools (some minutes, once)"
  cargo install cargo-deny --version "$version" --locked --quiet --force --root "$tools"
fi

cargo fetch --locked --quiet
"$deny" --all-features --offline check --hide-inclusion-graph bans licenses sources
