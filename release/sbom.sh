#!/usr/bin/env bash
# Lists the crates that the static program is made of, with versions, licences and hashes, as CycloneDX 1.5 in target/sbom. `make sbom`
# runs this. The same sources give the same list. It needs cargo-cyclonedx and jq.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=x86_64-unknown-linux-musl
list=target/sbom/sops-install-secrets.cdx.json
command -v cargo-cyclonedx > /dev/null || { echo "make sbom needs cargo-cyclonedx, run: cargo install --locked cargo-cyclonedx" >&2; exit 1; }

# Neither the time nor the place of this run belongs to the list.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
mkdir -p target/sbom
cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" --no-build-deps --override-filename sbom
sed "s#$PWD#/project#g" sbom.json > "$list"
rm sbom.json

# What cargo itself says is in the program.
in_program() { cargo tree --locked --target "$target" --edges normal,no-proc-macro --prefix none --format '{p}' | awk '{ sub(/^v/, "", $2); print $1, $2 }' | sort -u; }
listed() { jq -r '.metadata.component, .components[] | "\(.name) \(.version)"' "$list" | sort -u; }
missing=$(comm -23 <(in_program) <(listed))
[ -z "$missing" ] || { printf 'in the program, and not in %s:\n%s\n' "$list" "$missing" >&2; exit 1; }
without_licence=$(jq -r '.components[] | select(.licenses | length == 0) | .name' "$list")
[ -z "$without_licence" ] || { printf 'without a licence in %s:\n%s\n' "$list" "$without_licence" >&2; exit 1; }
echo "$(listed | wc -l) crates are in $list"
