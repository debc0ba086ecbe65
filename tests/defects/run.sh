#!/usr/bin/env bash
# Puts each defect into a copy of the project, and runs the test of the real program that should find the defect.
#
#     tests/defects/run.sh [--all] [NAME…]      # NAME without .patch; without a name, all of them
#
# The head of NAME.patch says which promise the defect breaks, what the defect is, and which test should fail. With --all, every
# test of the real program is run instead of that test. Exits with 1 if a defect is not found. Also exits with 1 if a patch cannot
# be applied or built: then the code has changed, and the patch has to be adapted. The copy is built in $DEFECTS_TARGET
# (target/defects), which is kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

outside="contract strace faults races leaks messages keys"
here=tests/defects
export CARGO_TARGET_DIR=${DEFECTS_TARGET:-$PWD/target/defects}
copy=$CARGO_TARGET_DIR/project
log=$CARGO_TARGET_DIR/log
all=
[ "${1:-}" != --all ] || { all=yes; shift; }
[ $# -gt 0 ] || set -- $(cd $here && ls -- *.patch | sed 's/\.patch$//')

field() { sed -n "s/^$1: //p" "$here/$2.patch" | head -1; }

# Copies the files that git tracks or would add, if the copy differs. A run that was interrupted may have left a defect in the copy.
copy_project() {
    git ls-files -zco --exclude-standard |
        xargs -0 sh -c 'for file; do [ ! -f "$file" ] || cmp -s "$file" "$0/$file" || printf "%s\\0" "$file"; done' "$copy" |
        xargs -0 -r cp --parents -t "$copy"
}

# usage: run_test NAME → whether the test passes. `$log` has its output. The test must exist.
run_test() {
    local test=$1 program filter
    if [ -n "$all" ]; then
        (cd "$copy" && cargo test $(printf -- '--test %s ' $outside)) > "$log" 2>&1
        return
    fi
    read -r program filter <<< "$test"
    (cd "$copy" && cargo test --test "$program" -- --exact "$filter") > "$log" 2>&1
}
builds() { (cd "$copy" && cargo test --no-run --test "$(field test "$1" | cut -d' ' -f1)") > "$log" 2>&1; }

# usage: verdict NAME → prints the verdict in one or two words, as a line of the table. Fails unless the defect was found.
verdict() {
    local name=$1 test caught
    test=$(field test "$name")
    if ! apply "$name" --dry-run || ! apply "$name"; then
        line "$name" "ERROR: the patch does not apply"; return 1
    fi
    if ! builds "$name"; then
        line "$name" "ERROR: it does not build"; undo "$name"; return 1
    fi
    if run_test "$test"; then
        if grep -q '^test result: ok. 0 passed' "$log" && [ -z "$all" ]; then caught="ERROR: there is no test $test"; else caught="NOT CAUGHT by $test"; fi
        line "$name" "$caught"; undo "$name"; return 1
    fi
    line "$name" "$(sed -n 's/^test \(.*\) \.\.\. FAILED$/`\1`/p' "$log" | sort | paste -sd' ')"
    undo "$name"
}
apply() { patch -s -f -d "$copy" -p1 "${@:2}" < "$here/$1.patch" > "$log" 2>&1; }
undo() {
    apply "$1" -R
    # A restored file must be newer than the files that were built with the defect.
    sed -n 's#^+++ b/##p' "$here/$1.patch" | while IFS= read -r file; do touch "$copy/$file"; done
}
line() { printf '| %s | %s | %s |\n' "$(field promise "$1")" "$(field defect "$1")" "$2"; }

mkdir -p "$copy"
copy_project
# Without a defect, all tests must pass. Otherwise a failure would prove nothing.
failed=0
if [ -z "$all" ]; then
    for test in $(for name in "$@"; do field test "$name" | tr ' ' '!'; done | sort -u); do
        run_test "${test/'!'/ }" || { echo "ERROR: ${test/'!'/ } fails without any defect:"; tail -30 "$log"; failed=1; }
    done
    [ "$failed" = 0 ] || exit 1
fi
printf '| promise | defect | caught by |\n| --- | --- | --- |\n'
for name in "$@"; do verdict "$name" || failed=1; done
exit "$failed"
