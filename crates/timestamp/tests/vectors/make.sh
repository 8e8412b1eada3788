#!/usr/bin/env bash
# Makes the vectors anew: authorities of several kinds, and what they answer. Needs OpenSSL 3.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/openssl.cnf" <<'CNF'
[req]
distinguished_name = none
prompt = no
[none]
CN = unused
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[authority]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = critical, serverAuth
[two_uses]
basicConstraints = CA:FALSE
extendedKeyUsage = critical, timeStamping, serverAuth
[plain_use]
basicConstraints = CA:FALSE
extendedKeyUsage = timeStamping
[tsa]
default_tsa = answers
[answers]
signer_digest = sha256
serial = $ENV::work/serial
default_policy = 1.3.6.1.4.1.99999.1
other_policies = 1.3.6.1.4.1.99999.2
digests = sha256
accuracy = secs:1, millisecs:500
ordering = no
tsa_name = yes
ess_cert_id_chain = no
CNF
echo 1000 >"$work/serial"
export work

key() { # NAME KIND
    case $2 in
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/$1.key" 2>/dev/null ;;
    *) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$work/$1.key" 2>/dev/null ;;
    esac
}

root() { # NAME
    key "$1" P-256
    openssl req -config "$work/openssl.cnf" -new -x509 -key "$work/$1.key" -subj "/O=Vectors/CN=Root $1" -days 36500 -extensions ca -out "$1.pem"
}

issue() { # NAME KIND ISSUER EXTENSIONS DAYS
    key "$1" "$2"
    openssl req -config "$work/openssl.cnf" -new -key "$work/$1.key" -subj "/O=Vectors/CN=Authority $1" -out "$work/$1.csr"
    local issuer=$3.pem
    [[ -f $issuer ]] || issuer=$work/$3.pem
    openssl x509 -req -in "$work/$1.csr" -CA "$issuer" -CAkey "$work/$3.key" -extfile "$work/openssl.cnf" -extensions "$4" \
        -days "$5" -out "$work/$1.pem" 2>/dev/null
}

# answer AUTHORITY FILE [more for ts -reply]: what it says about the request.
answer() {
    local authority=$1 file=$2
    shift 2
    openssl ts -reply -config "$work/openssl.cnf" -queryfile "$work/request.tsq" -signer "$work/$authority.pem" \
        -inkey "$work/$authority.key" -out "$file.tsr" "$@" 2>/dev/null
}

# sign AUTHORITY INFO FILE: a token around any bytes.
sign() {
    openssl cms -sign -binary -nodetach -nosmimecap -cades -in "$2" -econtent_type 1.2.840.113549.1.9.16.1.4 -md sha256 \
        -signer "$work/$1.pem" -inkey "$work/$1.key" -outform DER -out "$3.token"
}

root root
root other
issue middle P-256 root ca 36500
issue rsa rsa root authority 36500
issue p256 P-256 root authority 36500
issue p384 P-384 middle authority 36500
issue server P-256 root server 36500
issue two_uses P-256 root two_uses 36500
issue plain_use P-256 root plain_use 36500

printf 'what is stamped\n' >"$work/data"
openssl ts -query -data "$work/data" -sha256 -cert -out "$work/request.tsq" 2>/dev/null
cp "$work/request.tsq" request.tsq
answer rsa rsa
answer p256 p256
answer p256 p256_sha384 -sha384
answer p384 p384 -sha384 -chain "$work/middle.pem"
cp "$work/p256.pem" pinned.pem
# What no honest authority says: tokens signed by certificates that are for something else, and about another time.
openssl ts -reply -in p256.tsr -token_out -out "$work/p256.token" 2>/dev/null
openssl cms -verify -noverify -binary -inform DER -in "$work/p256.token" -out "$work/info" 2>/dev/null
for name in server two_uses plain_use; do
    sign "$name" "$work/info" "$name"
done
sed -E 's/(\x18\x0f)20[0-9]{2}/\12020/' "$work/info" >"$work/early"
sign p256 "$work/early" too_early
sign p256 "$work/data" no_info
openssl ts -query -data "$work/data" -sha512 -cert -out "$work/request.tsq" 2>/dev/null
answer p256 rejected
openssl ts -query -data "$work/data" -sha256 -out "$work/request.tsq" 2>/dev/null
answer p256 without_certificate
