#!/usr/bin/env bash
# Builds the fuzz targets with libFuzzer and runs each for FUZZ_SECONDS (default 30), or only those named
# as arguments. Works with the pinned stable toolchain: coverage is an LLVM pass that needs no unstable
# flag. What libFuzzer finds on its way is kept in target/fuzz/corpus; an input that fails lies in
# target/fuzz/failed, and the run ends there.
#
# tools/fuzz.sh --merge    instead makes fuzz/corpus anew: a sample of the smallest inputs that reach
#                          what all of target/fuzz/corpus reaches
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-30}
# Longer inputs reach nothing new, and make the search slow.
input_bytes_max=4096
# In the repository, for each target; a test has the bound of all together.
corpus_files_max=40
corpus_input_bytes_max=1500

target_directory=${CARGO_TARGET_DIR:-target}
work=$target_directory/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')

flags=(
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
  -Cllvm-args=-simplifycfg-branch-fold-threshold=0
)

# The profile of the tests: our code with assertions. With --target, the flags are not those of build scripts and macros, which could not be linked with them.
build() {
  RUSTFLAGS="${flags[*]}" cargo build --quiet --package pegasus-fuzz --features libfuzzer \
    --bins --target "$host" --target-dir "$work/build"
}

program() { echo "$work/build/$host/debug/$1"; }

run() {
  local name=$1
  mkdir -p "$work/corpus/$name" "$work/seeds/$name" "$work/failed"
  mkdir -p "fuzz/corpus/$name"
  echo "== $name, $seconds s"
  "$(program "$name")" "$work/corpus/$name" "fuzz/corpus/$name" "$work/seeds/$name" \
    -max_total_time="$seconds" -max_len=$input_bytes_max -timeout=20 -rss_limit_mb=2048 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="$work/failed/$name-" 2>"$work/$name.log" \
    || { tail -40 "$work/$name.log" >&2; return 1; }
  grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$work/$name.log"
}

merge() {
  local name=$1 merged=$work/merged/$1
  rm -rf "$merged"
  mkdir -p "$merged" "$work/corpus/$name" "fuzz/corpus/$name"
  "$(program "$name")" -merge=1 -max_len=$corpus_input_bytes_max -verbosity=0 \
    "$merged" "fuzz/corpus/$name" "$work/corpus/$name" 2>"$work/$name.log"
  # Frames that official programs send (official-*) stay, and inputs that failed once (failed-*).
  find "fuzz/corpus/$name" -type f ! -name 'official-*' ! -name 'failed-*' -delete
  # Of every size: the smallest alone are all alike.
  local all step
  mapfile -t all < <(find "$merged" -type f -printf '%s %p\n' | sort -n | cut -d' ' -f2-)
  step=$(((${#all[@]} + corpus_files_max - 1) / corpus_files_max))
  for ((index = 0; index < ${#all[@]}; index += step)); do
    cp "${all[index]}" "fuzz/corpus/$name"
  done
}

action=run
if [ "${1:-}" = --merge ]; then
  action=merge
  shift
fi
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  mapfile -t names < <(sed -n 's|^path = "libfuzzer/\(.*\)\.rs"$|\1|p' fuzz/Cargo.toml)
fi
build
# The inputs that our own encoders make.
cargo run --quiet --package pegasus-fuzz --example seeds -- "$work/seeds"
for name in "${names[@]}"; do
  $action "$name"
done
