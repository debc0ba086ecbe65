#!/usr/bin/env bash
# Fills corpus/ from the fixtures of the tests. Inputs that a fuzzer found before are kept.
#
#     fuzz/seed.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
fixtures=../tests/fixtures
# The word that no message may show. src/messages.rs, beside this script, has it too.
planted=hunter2swordfish

# Writes standard input as a seed of a target. The name of the seed is made from its content.
seed() {
    local file
    mkdir -p "corpus/$1"
    file=$(mktemp "corpus/$1/seed.XXXXXX")
    cat > "$file"
    mv "$file" "corpus/$1/$(sha1sum < "$file" | cut -d' ' -f1)"
}

# The base64 between the first and the last line of a file.
unarmored() { grep -v -e '-----' | tr -d ' \n' | base64 -d; }

formats() {
    local target suffix file
    while read -r target suffix; do
        for file in "$fixtures"/{plain,3.13.2,3.7.3,regressions}/*."$suffix"{,.decrypted}; do
            [ -s "$file" ] || continue
            seed "$target" < "$file"
            sed -E "s/([:=] *\"?)[A-Za-z][A-Za-z ]*/\1$planted/" "$file" | seed "$target"
        done
    done <<< $'yaml yaml\njson json\ndotenv env\nini ini\nbinary bin'
}

tokens() {
    local token number=0 value
    grep -ahoE 'ENC\[AES256_GCM[^]]*\]' "$fixtures"/3.13.2/types.{json,yaml} "$fixtures"/3.13.2/times.yaml | while read -r token; do
        printf 'x%s' "$token" | seed token
    done
    # The first byte is the number of the type of the value.
    for value in "$planted" -42 1.5e-7 true 2001-12-14T21:59:43.1-05:00 ' a comment' ''; do
        for number in 0 1 2 3 4 5; do printf "\\x0$number%s" "$value" | seed token; done
    done
}

metadata() {
    local file
    for file in "$fixtures"/*/*.json "$fixtures"/*/*.bin; do
        jq -e .sops "$file" 2> /dev/null | seed metadata || true
    done
}

messages() {
    local file message
    for file in "$fixtures"/3.13.2/*.json; do
        message=$(jq -r '.sops.age[0].enc // empty' "$file")
        [ -n "$message" ] || continue
        printf '\1%s\n' "$message" | seed age_message
        { printf '\0'; unarmored <<< "$message"; } | seed age_message
    done
}

ssh_keys() {
    local key form copies
    copies=$(mktemp -d)
    for key in "$fixtures"/keys/ssh_* "$fixtures"/openpgp/keys/rsa_*; do
        { printf x; cat "$key"; } | seed ssh_key
        case $key in *.pub) continue ;; esac
        { printf '\0'; unarmored < "$key"; } | seed ssh_key
    done
    for form in 1:PEM 2:PKCS8; do
        install -m 600 "$fixtures/keys/ssh_rsa" "$copies/key"
        ssh-keygen -q -p -N '' -m "${form#*:}" -f "$copies/key" > /dev/null
        { printf x; cat "$copies/key"; } | seed ssh_key
        { printf "\\${form%:*}"; unarmored < "$copies/key"; } | seed ssh_key
    done
    rm -rf "$copies"
}

openpgp() {
    local file
    for file in "$fixtures"/openpgp/messages/*.asc; do
        { printf '\1'; cat "$file"; } | seed openpgp_message
        # The armored bytes, without the checksum.
        { printf '\0'; grep -v -e '^=' -e ':' "$file" | unarmored; } | seed openpgp_message
    done
    for file in "$fixtures"/openpgp/content/*; do
        { printf '\1\0'; cat "$file"; } | seed openpgp_data
    done
    # Packets: a literal, a literal in two packets of uncompressed data, a literal after a marker and padding, and a literal inside
    # a signature.
    for file in '\xcb\x09b\0\0\0\0\0abc' '\xa3\0\xa3\0\xcb\x09b\0\0\0\0\0abc' '\xca\3PGP\xd5\1x\xcb\x09b\0\0\0\0\0abc' \
        '\x90\1x\xcb\x09b\0\0\0\0\0abc\x88\1x'; do
        { printf '\0\7'; printf "$file"; } | seed openpgp_data
    done
}

plugin_answers() {
    local body key words
    key=$(printf '0123456789abcdef' | base64 | tr -d =)
    words=$(printf 'touch %s AGE-PLUGIN-1X\n\033[1m' "$planted" | base64 -w 0 | tr -d =)
    for body in "-> file-key 0\n$key\n-> done\n\n" "-> msg\n$words\n-> file-key 1\n$key\n-> error stanza 0 0\n$words\n-> done\n\n" \
        "-> request-secret\n$words\n-> error identity 0\n$words\n" "-> confirm eWVz bm8\n$words\n-> error internal\n$words\n" \
        "-> request-public\n$words\n-> unknown a b\n\n-> done\n\n"; do
        printf "\\2$body" | seed plugin_answers
    done
}

# The first byte is the number of groups that are needed, the second the number of all groups. Each two further bytes are an entry.
shares() {
    printf '\2\2\0\0\1\0' | seed shares
    printf '\2\3\0\376\1\0\2\0' | seed shares
    # In the first seed, one wrong share comes before as many right shares as are needed. The other seed has very many wrong shares.
    { printf '\12\14\0\376'; for number in 1 2 3 4 5 6 7 10 11 12 13; do printf "\\$number\\0"; done; } | seed shares
    { printf '\200\376'; for number in {0..253}; do printf "\\x$(printf %x "$number")\\xfe"; done; } | seed shares
}

commands() {
    printf 'cat /run/key' | seed key_command
    printf "sh -c 'echo \"a\\\\ b\" \"%s' # x" "$planted" | seed key_command
}

formats
tokens
metadata
messages
ssh_keys
openpgp
plugin_answers
shares
commands
for file in "$fixtures"/keys/*.txt; do seed identities < "$file"; done
tr '\n' ' ' < "$fixtures/keys/age.txt" | seed identities
for file in "$fixtures"/manifests/*.json; do seed manifest < "$file"; done
printf 'y <SOPS:00:PLACEHOLDER>\nyz <SOPS:01:PLACEHOLDER>zz<SOPS:zz:PLACEHOLDER> <SOPS: %s\n' "$planted" | seed template
rm -f corpus/*/seed.*
for directory in corpus/*; do printf '%6d seeds for %s\n' "$(find "$directory" -type f | wc -l)" "${directory#*/}"; done
