/* A DTLS client on Mbed TLS: sends one line and prints the cipher suite, the protocol and the reply.
 *
 * mbedtls_client PORT SUITE psk IDENTITY KEY, both in hexadecimal digits
 * mbedtls_client PORT SUITE cert CA CERT KEY NAME PROTOCOL */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/timing.h>

static void must(int outcome, const char *what) {
    if (outcome >= 0) {
        return;
    }
    char reason[200];
    mbedtls_strerror(outcome, reason, sizeof reason);
    fprintf(stderr, "%s: %s\n", what, reason);
    exit(1);
}

static size_t unhex(const char *digits, unsigned char *bytes, size_t room) {
    size_t length = strlen(digits) / 2;
    for (size_t at = 0; at < length && at < room; at++) {
        sscanf(digits + 2 * at, "%2hhx", &bytes[at]);
    }
    return length < room ? length : room;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        return 2;
    }
    mbedtls_net_context net;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    mbedtls_timing_delay_context timer;
    mbedtls_x509_crt ca, own;
    mbedtls_pk_context key;
    mbedtls_net_init(&net);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_init(&ssl);
    mbedtls_x509_crt_init(&ca);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&key);

    must(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), "seed");
    must(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
                                     MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT),
         "defaults");
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
    int suites[] = {mbedtls_ssl_get_ciphersuite_id(argv[2]), 0};
    if (suites[0] == 0) {
        fprintf(stderr, "no such suite: %s\n", argv[2]);
        return 2;
    }
    mbedtls_ssl_conf_ciphersuites(&config, suites);
    const char *protocols[] = {NULL, NULL};
    int psk = strcmp(argv[3], "psk") == 0;
    if (psk) {
        unsigned char identity[64], bytes[64];
        size_t name = unhex(argv[4], identity, sizeof identity);
        size_t length = unhex(argv[5], bytes, sizeof bytes);
        must(mbedtls_ssl_conf_psk(&config, bytes, length, identity, name), "psk");
    } else if (argc == 9) {
        must(mbedtls_x509_crt_parse_file(&ca, argv[4]), "ca");
        must(mbedtls_x509_crt_parse_file(&own, argv[5]), "cert");
        must(mbedtls_pk_parse_keyfile(&key, argv[6], NULL), "key");
        mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
        must(mbedtls_ssl_conf_own_cert(&config, &own, &key), "own");
        protocols[0] = argv[8];
        must(mbedtls_ssl_conf_alpn_protocols(&config, protocols), "alpn");
    }
    must(mbedtls_ssl_setup(&ssl, &config), "setup");
    if (!psk) {
        must(mbedtls_ssl_set_hostname(&ssl, argv[7]), "name");
    }
    must(mbedtls_net_connect(&net, "127.0.0.1", argv[1], MBEDTLS_NET_PROTO_UDP), "connect");
    mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, mbedtls_net_recv_timeout);
    mbedtls_ssl_set_timer_cb(&ssl, &timer, mbedtls_timing_set_delay, mbedtls_timing_get_delay);
    must(mbedtls_ssl_handshake(&ssl), "handshake");
    const char *protocol = mbedtls_ssl_get_alpn_protocol(&ssl);
    printf("suite %s\nprotocol %s\n", mbedtls_ssl_get_ciphersuite(&ssl),
           protocol ? protocol : "none");

    must(mbedtls_ssl_write(&ssl, (const unsigned char *)"hello\n", 6), "write");
    char reply[2048];
    int length = mbedtls_ssl_read(&ssl, (unsigned char *)reply, sizeof reply - 1);
    must(length, "read");
    printf("%.*s", length, reply);
    must(mbedtls_ssl_close_notify(&ssl), "close");
    return 0;
}
