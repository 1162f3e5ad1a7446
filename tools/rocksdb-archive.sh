#!/usr/bin/env bash
# Makes the RocksDB archive that every build links: compiles the C++ once per machine (about a
# quarter of an hour on two cores), keeps it in a cache outside the checkout, and links the checkout
# to it (.rocksdb, named in .cargo/config.toml). Does nothing when both are there.
#
# PEGASUS_ROCKSDB_TARGET_DIR names a cargo target directory with a finished build to package.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
crate="$root/tools/rocksdb-archive"
cache_root="${XDG_CACHE_HOME:-$HOME/.cache}/pegasus-rs"
# As .cargo/config.toml: C++ and Rust get the same instruction set.
flags="-Ctarget-cpu=x86-64-v3 -Ctarget-feature=+pclmulqdq"

say() { echo "rocksdb-archive: $*"; }
fail() { say "$*" >&2; exit 1; }

# Everything that changes the archive's bytes goes into the name of its folder.
identity() {
  grep -v '^#' "$crate/Cargo.toml"
  echo "$flags"
  g++ -dumpfullversion
  uname -m
}

version=$(sed -n 's/^rust-librocksdb-sys = .*"=\([0-9.]*\)".*/\1/p' "$crate/Cargo.toml")
[ -n "$version" ] || fail "no pinned rust-librocksdb-sys in $crate/Cargo.toml"
folder="$cache_root/rocksdb-$version-$(identity | sha256sum | cut -c1-16)"

link_checkout() {
  if [ "$(readlink "$root/.rocksdb" 2>/dev/null)" != "$folder" ]; then
    ln -sfn "$folder" "$root/.rocksdb"
    say "linked .rocksdb -> $folder"
  fi
}

if [ -f "$folder/lib/librocksdb.a" ]; then
  link_checkout
  exit 0
fi

mkdir -p "$cache_root"
# One builder at a time; the others wait and then find the archive.
exec 9>"$cache_root/rocksdb.lock"
flock 9
if [ -f "$folder/lib/librocksdb.a" ]; then
  link_checkout
  exit 0
fi

if [ -n "${PEGASUS_ROCKSDB_TARGET_DIR:-}" ]; then
  target="$PEGASUS_ROCKSDB_TARGET_DIR"
else
  # What a killed build has finished is used by the next one: the folder stays until the end.
  build="$cache_root/rocksdb-build"
  target="$build/target"
  say "compiling RocksDB, once per machine: about 15 minutes on two cores"
  mkdir -p "$build"
  # Built outside of the checkout, whose cargo settings point at the archive that is to be made.
  cp -R "$crate/." "$build/"
  (
    cd "$build"
    unset ROCKSDB_LIB_DIR ROCKSDB_INCLUDE_DIR ROCKSDB_STATIC CARGO_TARGET_DIR CARGO_BUILD_TARGET
    RUSTFLAGS="$flags" cargo build --release --locked --target-dir "$target"
  )
fi

# The newest finished build in the target directory, and the sources that it was made from.
archive=$(ls -t "$target"/release/build/rust-librocksdb-sys-*/out/librocksdb.a 2>/dev/null | head -1 || true)
[ -n "$archive" ] || fail "no finished build in $target"
sources=$(ls -td "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/rust-librocksdb-sys-"$version"* 2>/dev/null | head -1 || true)
[ -d "$sources/rocksdb/include/rocksdb" ] || fail "no RocksDB headers in $sources"

# Put together aside and moved into place in one step: a killed run leaves nothing half done.
rm -rf "$cache_root"/rocksdb-staging.*
staging=$(mktemp -d "$cache_root/rocksdb-staging.XXXXXX")
trap 'rm -rf "$staging"' EXIT
mkdir "$staging/lib"
# The library is linked as one archive; lz4 and zstd come from crates of their own, snappy does not.
ar -M <<SCRIPT
create $staging/lib/librocksdb.a
addlib $archive
addlib $(dirname "$archive")/libsnappy.a
save
end
SCRIPT
cp -R "$sources/rocksdb/include" "$staging/include"
chmod 755 "$staging"
sync
rm -rf "$folder"
mv -T "$staging" "$folder"
[ -z "${build:-}" ] || rm -rf "$build"
say "stored $folder"
link_checkout
