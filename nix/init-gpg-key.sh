# Makes an OpenPGP key without a passphrase for a host, and prints its public half.
home=/root/.gnupg
host=$(hostname)
type=RSA
usage='usage: sops-init-gpg-key [--hostname NAME] [--gpghome DIRECTORY] [--keytype RSA|Curve25519]'

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit ;;
    --hostname) host=${2:?"$usage"} ;;
    --gpghome) home=${2:?"$usage"} ;;
    --keytype) type=${2:?"$usage"} ;;
    *) echo "$1 is no option; $usage" >&2; exit 2 ;;
  esac
  shift 2
done

case $type in
  RSA) kind=$'Key-Type: RSA\nKey-Length: 3072\nKey-Usage: sign,encrypt' ;;
  Curve25519) kind=$'Key-Type: EDDSA\nKey-Curve: ed25519\nKey-Usage: sign\nSubkey-Type: ECDH\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt' ;;
  *) echo "$type is no type of key; $usage" >&2; exit 2 ;;
esac
[ ! -e "$home" ] || { echo "$home is there already; name another directory with --gpghome" >&2; exit 1; }

# Made elsewhere first: a home is there with its key, or not at all.
mkdir -p -- "$(dirname -- "$home")"
GNUPGHOME=$(mktemp -d -- "$home.XXXXXX")
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf -- "$GNUPGHOME"' EXIT
gpg --quiet --batch --generate-key <<P
%no-protection
$kind
Name-Real: $host
Name-Email: root@$host
Expire-Date: 0
P
gpgconf --kill all
gpg --export --armor
fingerprint=$(gpg --quiet --with-colons --list-keys | sed -n '/^fpr/{s/^fpr:*\([^:]*\):$/\1/p;q}')
mv -T -- "$GNUPGHOME" "$home"
trap - EXIT
echo "fingerprint: $fingerprint" >&2
