# Answers git with a username and a password that are installed secrets (gitcredentials(7)). Only files and pipes carry them: no argument of a program and no
# environment does.
usage='usage: git-credential-sops --password-file FILE [--username NAME | --username-file FILE] get'
refuse() { echo "git-credential-sops: $1" >&2; exit "${2-1}"; }

username='' usernameFile='' passwordFile=''
while [ $# -gt 1 ]; do
  case $1 in
    --username) username=$2 ;;
    --username-file) usernameFile=$2 ;;
    --password-file) passwordFile=$2 ;;
    *) refuse "$1 is no option; $usage" 2 ;;
  esac
  shift 2
done
case ${1-} in
  get) ;;
  -h | --help) echo "$usage"; exit ;;
  '' | -*) refuse "$usage" 2 ;;
  # git also offers to store or to forget a password. The configuration decides on that.
  *) exit ;;
esac
[ -n "$passwordFile" ] || refuse "$usage" 2

# What git asks for, by its names.
declare -A asked
while IFS= read -r line && [ -n "$line" ]; do asked[${line%%=*}]=${line#*=}; done
# Anybody on the way could read it.
[ "${asked[protocol]-}" != http ] || refuse "no password is given over http; change the URL of ${asked[host]-the host} to https"
[ "${asked[protocol]-}" = https ] || exit 0

# The content of a secret, without the end of its last line.
secret() {
  [ -e "$1" ] || refuse "there is no file $1; to see why, run: sops-nix status"
  [ -f "$1" ] || refuse "$1 is no file; name the path of a secret"
  [ -r "$1" ] || refuse "this user may not read $1; set the owner of that secret, in sops.secrets"
  local text
  text=$(< "$1")
  case $text in *$'\n'*) refuse "$1 has several lines, and git takes one; set the key of that secret to one value" ;; esac
  [ -n "$text" ] || refuse "$1 is empty; write the value of that secret, by sops edit"
  printf '%s\n' "$text"
}

[ -z "$usernameFile" ] || username=$(secret "$usernameFile")
# git may ask for the password of somebody else.
[ -z "${asked[username]-}" ] || [ -z "$username" ] || [ "${asked[username]}" = "$username" ] || exit 0
password=$(secret "$passwordFile")
[ -z "$username" ] || printf 'username=%s\n' "$username"
printf 'password=%s\n' "$password"
