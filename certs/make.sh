#!/usr/bin/env bash
#
# Makes the development CA, and a server's and a client's identity signed by it.
#
#     certs/make.sh            leaves what is complete alone
#     certs/make.sh --force    replaces everything
#
# The CA's private key is deleted when both are signed: another identity needs a new set, so edit and run with --force.

set -euo pipefail

readonly results=(ca.pem server.pem server.key client.pem client.key)

main() {
    local force=
    case "$#:${1-}" in
        0:) ;;
        1:--force) force=yes ;;
        *)
            echo "usage: $0 [--force]" >&2
            exit 2
            ;;
    esac
    [[ "$(openssl version)" =~ ^OpenSSL\ ([3-9]|[1-9][0-9]) ]] || {
        echo "$0: needs OpenSSL 3.0 or newer" >&2
        exit 1
    }

    cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
    if [[ -z "$force" ]] && complete; then
        echo "certs: complete; --force replaces it"
        exit 0
    fi

    umask 077
    work="$(mktemp -d)"
    trap 'rm -rf -- "$work"' EXIT
    write_config

    identity ca 'DTLS echo development CA - do not trust' -selfsign
    identity server 'DTLS echo development server' -cert "$work/ca.pem"
    identity client 'DTLS echo development client' -cert "$work/ca.pem"
    openssl verify -CAfile "$work/ca.pem" -purpose sslserver "$work/server.pem"
    openssl verify -CAfile "$work/ca.pem" -purpose sslclient "$work/client.pem"

    # Nothing is replaced before everything is made. The keys are readable: they are no secret.
    (cd -- "$work" && chmod 644 "${results[@]}")
    local result
    for result in "${results[@]}"; do
        mv -f -- "$work/$result" "$result"
    done
}

complete() {
    local result
    for result in "${results[@]}"; do
        [[ -s "$result" ]] || return 1
    done
}

write_config() {
    : >"$work/index.txt"
    cat >"$work/ca.cnf" <<CNF
[ca]
default_ca = signing

[signing]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any

[any]
commonName = supplied

[ca_extensions]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always

[server_extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always

[client_extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
CNF
}

# identity <name> <common name> [<option of openssl ca>...]
identity() {
    request "$1" "$2"
    # `openssl x509` would count from today: a fixed start also suits machines whose clock is behind.
    quietly openssl ca -config "$work/ca.cnf" -batch -notext \
        -startdate 20200101000000Z -enddate 20991231235959Z \
        -keyfile "$work/ca.key" -in "$work/$1.csr" -out "$work/$1.pem" -extensions "$1_extensions" "${@:3}"
}

# request <name> <common name>: a key in PKCS #8, and what it asks to have signed.
request() {
    quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve \
        -out "$work/$1.key"
    # No configuration of the machine's has a say in the certificates.
    openssl req -new -config /dev/null -key "$work/$1.key" -subj "/CN=$2" -sha256 -out "$work/$1.csr"
}

# Says what the command says only if it fails.
quietly() {
    "$@" 2>"$work/log" || {
        cat -- "$work/log" >&2
        exit 1
    }
}

main "$@"
