# Asks git for passwords, with the helper as Nix would build it. run.sh sources this file.

# What git says to an operation: it runs the helper, and never asks a person. Further arguments are those of the helper.
with_helper() {
  local operation=$1
  shift
  GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=true HOME=$work XDG_CONFIG_HOME=$work GIT_CONFIG_NOSYSTEM=1 \
    git -c credential.helper="!bash -euo pipefail $project/nix/git-credential-sops.sh $*" credential "$operation" 2>&1
}
git_fills() {
  local url=$1
  shift
  printf 'url=%s\n\n' "$url" | with_helper fill "$@"
}
# What the helper itself says to an operation, and its exit code. It need not read what it is told: a pipe could then end the writer.
operate() {
  bash -euo pipefail nix/git-credential-sops.sh ${*:2} "$1" 2>&1 <<< $'protocol=https\nhost=git.example\nusername=alice\npassword=other\n'
  echo $?
}
credential() { printf 'protocol=%s\nhost=git.example\nusername=%s\npassword=%s\n' "$@"; }
check_credential() {
  local name=$1 expected=$2 url=$3
  shift 3
  check "git-credential-sops: $name" diff <(printf '%s\n' "$expected") <(git_fills "$url" "$@")
}

check_git_credential() {
  local files=$work/credential
  mkdir -p "$files"
  printf 'alice\n' > "$files/user"
  printf '%s\n' 'p=w %s\ "$(x)"' > "$files/token"
  printf 'one\ntwo\n' > "$files/lines"
  local token helper="--password-file $files/token" as_alice
  token=$(cat "$files/token")
  as_alice="--username-file $files/user $helper"
  check_credential "a username and a password from files" "$(credential https alice "$token")" https://git.example/repo.git "$as_alice"
  check_credential "a username of the configuration" "$(credential https bob "$token")" https://git.example --username bob "$helper"
  check_credential "a username of the URL" "$(credential https carol "$token")" https://carol@git.example "$helper"
  check_credential "no password of somebody else" "$(credential https carol '')" https://carol@git.example "$as_alice"
  check_credential "no password over http" \
    "$(echo 'git-credential-sops: no password is given over http; change the URL of git.example to https'; credential http '' '')" http://git.example "$as_alice"
  check_credential "a secret that is not there" \
    "$(echo "git-credential-sops: there is no file $files/none; to see why, run: sops-nix status"; credential https '' '')" https://git.example --password-file "$files/none"
  check_credential "a secret of several lines" \
    "$(echo "git-credential-sops: $files/lines has several lines, and git takes one; set the key of that secret to one value"; credential https '' '')" https://git.example --password-file "$files/lines"
  check_credential "a directory" \
    "$(echo "git-credential-sops: $files is no file; name the path of a secret"; credential https '' '')" https://git.example --password-file "$files"
  : > "$files/empty"
  check_credential "an empty secret" \
    "$(echo "git-credential-sops: $files/empty is empty; write the value of that secret, by sops edit"; credential https '' '')" https://git.example --password-file "$files/empty"
  check_credential "no password over ftp" "$(credential ftp '' '')" ftp://git.example "$as_alice"
  local operation
  for operation in store erase; do
    check "git-credential-sops: $operation does nothing" diff <(echo 0) <(operate "$operation" "$as_alice")
  done
}

if has git; then check_git_credential; else skip "git-credential-sops: git is missing"; fi
