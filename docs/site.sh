#!/usr/bin/env bash
# Makes the site of the documents with mdBook, in DIRECTORY or target/site, and says which links in it lead nowhere.
#
#   docs/site.sh [DIRECTORY]
#
# SUMMARY.md is the table of contents. A page that is not in it is not in the site.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
site=$(realpath -m "${1:-target/site}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The pages keep their places relative to each other. So a link that is right in the repository is right in the site.
mkdir "$work/pages"
sed -E 's#\]\(\.\./#](#; t; s#\]\(#](docs/#' docs/SUMMARY.md > "$work/pages/SUMMARY.md"
pages=$(sed -nE 's/.*\]\((.*)\)$/\1/p' "$work/pages/SUMMARY.md")
for file in $pages $(find docs -maxdepth 1 -name "*.json" -o -maxdepth 1 -name "*.svg"); do
  install -D -m 644 "$file" "$work/pages/$file"
done
cp docs/book.toml "$work"
rm -rf "$site"
mdbook build --dest-dir "$site" "$work"
python3 tests/docs/site.py "$site"
