#!/usr/bin/env bash
# Runs every fuzz target for some seconds, two targets at a time, and prints a table. Fails if a target finds a fault. In that case,
# the input is kept, and the command that runs it again is printed.
#
#     fuzz/run.sh SECONDS [TARGET…]
#     FUZZ_SEED=1 fuzz/run.sh 8     the same inputs each time, as far as the machine gets in that time
#
# Needs `cargo install --locked cargo-fuzz`, a C++ compiler for libFuzzer, jq and ssh-keygen. Needs no nightly Rust, because no
# sanitizers are used: the program has no unsafe code, and its arithmetic is checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:?how many seconds for each target}
shift
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
build=(--sanitizer none --codegen-units 16)

cargo fuzz build "${build[@]}"
./seed.sh > "$logs/seeds" || { cat "$logs/seeds"; exit 1; }
[ $# -gt 0 ] || mapfile -t targets < <(cargo fuzz list)
[ $# -eq 0 ] || targets=("$@")

# Runs one target. The limits for one input are 10 seconds and 1 GiB; src/system/budget.rs has the limits that depend on its size.
fuzz() {
    local target=$1 dictionary=()
    mkdir -p "corpus/$target" "artifacts/$target"
    [ ! -f "dictionaries/$target.dict" ] || dictionary=(-dict="dictionaries/$target.dict")
    "target/$host/release/$target" "corpus/$target" -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" \
        -seed="${FUZZ_SEED:-0}" -timeout=60 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -verbosity=1 "${dictionary[@]}" &> "$logs/$target" ||
        echo "finding" > "$logs/$target.finding"
}

# A row of the table: executions, executions per second, and covered features.
row() {
    local log=$logs/$1 findings=0
    [ ! -e "$log.finding" ] || findings=1
    printf '| %s | %s | %s | %s | %s |\n' "$1" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")" \
        "$(grep -o ' ft: [0-9]*' "$log" | tail -1 | tr -dc 0-9)" "$findings"
}

host=$(rustc -vV | sed -n 's/^host: //p')
export -f fuzz
export logs seconds host
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'fuzz "$1"' _ {}

echo '| target | executions | a second | features | findings |'
echo '| --- | --- | --- | --- | --- |'
for target in "${targets[@]}"; do row "$target"; done
status=0
for finding in "$logs"/*.finding; do
    [ -e "$finding" ] || continue
    status=1
    target=$(basename "$finding" .finding)
    echo
    echo "$target found something:"
    grep -v '^#' "$logs/$target" | grep -m1 -A12 -e panicked -e ERROR || tail -20 "$logs/$target"
    artifact=$(sed -n 's/.*Test unit written to //p' "$logs/$target" | tail -1)
    echo "again: cd $PWD/.. && cargo fuzz run ${build[*]} $target fuzz/$artifact"
done
exit "$status"
