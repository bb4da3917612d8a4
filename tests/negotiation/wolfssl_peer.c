/* A DTLS 1.2 client and an echo server on wolfSSL. Each sends the lines of its stdin.
 *
 * wolfssl_peer suites
 * wolfssl_peer client PORT SUITE psk IDENTITY KEY, the key in hexadecimal digits
 * wolfssl_peer client PORT SUITE cert CA NAME; its line "again" resumes the session in a new one
 * wolfssl_peer server SUITE psk IDENTITY KEY
 * wolfssl_peer server SUITE cert CERT KEY */

#include <wolfssl/options.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <wolfssl/ssl.h>

static const char *identity;
static unsigned char key[64];
static unsigned int key_length;

static void must(int fine, WOLFSSL *ssl, const char *what) {
    if (fine) {
        return;
    }
    char reason[WOLFSSL_MAX_ERROR_SZ] = "";
    if (ssl) {
        wolfSSL_ERR_error_string(wolfSSL_get_error(ssl, 0), reason);
    }
    fprintf(stderr, "%s: %s\n", what, reason);
    exit(1);
}

static unsigned int psk_client(WOLFSSL *ssl, const char *hint, char *name, unsigned int name_room,
                               unsigned char *secret, unsigned int room) {
    (void)ssl;
    (void)hint;
    must(key_length <= room, NULL, "room for the key");
    snprintf(name, name_room, "%s", identity);
    memcpy(secret, key, key_length);
    return key_length;
}

static unsigned int psk_server(WOLFSSL *ssl, const char *name, unsigned char *secret,
                               unsigned int room) {
    (void)ssl;
    must(key_length <= room, NULL, "room for the key");
    if (strcmp(name, identity) != 0) {
        return 0;
    }
    memcpy(secret, key, key_length);
    return key_length;
}

static void use_psk(WOLFSSL_CTX *ctx, int server, const char *name, const char *digits) {
    identity = name;
    for (; key_length < sizeof key && digits[2 * key_length]; key_length++) {
        sscanf(digits + 2 * key_length, "%2hhx", &key[key_length]);
    }
    if (server) {
        wolfSSL_CTX_set_psk_server_callback(ctx, psk_server);
    } else {
        wolfSSL_CTX_set_psk_client_callback(ctx, psk_client);
        /* 5.5.4 offers X25519 with ECDHE-PSK, and then cannot read the server's share. */
        must(wolfSSL_CTX_UseSupportedCurve(ctx, WOLFSSL_ECC_SECP256R1) == WOLFSSL_SUCCESS, NULL,
             "curve");
    }
}

static void wait_for(int fd, int input, struct pollfd *ready) {
    ready[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    ready[1] = (struct pollfd){.fd = input, .events = POLLIN};
    must(poll(ready, 2, -1) > 0, NULL, "poll");
}

/* Ends the session, and waits until the peer has said so too. */
static void goodbye(WOLFSSL *ssl, int fd) {
    int outcome;
    while ((outcome = wolfSSL_shutdown(ssl)) != WOLFSSL_SUCCESS) {
        struct pollfd ready[2];
        int waits = outcome == WOLFSSL_SHUTDOWN_NOT_DONE ||
                    wolfSSL_get_error(ssl, outcome) == WOLFSSL_ERROR_WANT_READ;
        must(waits, ssl, "shutdown");
        wait_for(fd, -1, ready);
    }
    printf("both have said goodbye\n");
}

/* Sends what comes on stdin and shows, or echoes, what comes from the peer. Returns whether there
 * is to be another session. */
static int talk(WOLFSSL *ssl, int fd, int server) {
    printf("suite %s\nresumed %s\n", wolfSSL_get_cipher_name(ssl),
           wolfSSL_session_reused(ssl) ? "yes" : "no");
    wolfSSL_dtls_set_using_nonblock(ssl, 1);
    wolfSSL_SetIOReadFlags(ssl, MSG_DONTWAIT);
    char line[2048];
    for (;;) {
        struct pollfd ready[2];
        wait_for(fd, STDIN_FILENO, ready);
        if (ready[0].revents) {
            int length = wolfSSL_read(ssl, line, sizeof line);
            int error = wolfSSL_get_error(ssl, length);
            if (error == WOLFSSL_ERROR_ZERO_RETURN) {
                printf("the peer has said goodbye\n");
                goodbye(ssl, fd);
                return server;
            }
            must(length > 0 || error == WOLFSSL_ERROR_WANT_READ, ssl, "read");
            if (length > 0) {
                printf("%.*s", length, line);
                must(!server || wolfSSL_write(ssl, line, length) == length, ssl, "echo");
            }
        }
        if (ready[1].revents) {
            int more = fgets(line, sizeof line, stdin) != NULL;
            if (!more || strcmp(line, "again\n") == 0) {
                goodbye(ssl, fd);
                return more;
            }
            int length = strlen(line);
            must(wolfSSL_write(ssl, line, length) == length, ssl, "write");
        }
    }
}

static void client(WOLFSSL_CTX *ctx, const char *port, const char *name) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    WOLFSSL_SESSION *session = NULL;
    int more = 1;
    while (more) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        WOLFSSL *ssl = wolfSSL_new(ctx);
        must(fd >= 0 && ssl, NULL, "new");
        must(wolfSSL_dtls_set_peer(ssl, &addr, sizeof addr) == WOLFSSL_SUCCESS, ssl, "peer");
        must(wolfSSL_set_fd(ssl, fd) == WOLFSSL_SUCCESS, ssl, "fd");
        if (name) {
            must(wolfSSL_check_domain_name(ssl, name) == WOLFSSL_SUCCESS, ssl, "name");
        }
        if (session) {
            must(wolfSSL_set_session(ssl, session) == WOLFSSL_SUCCESS, ssl, "session");
            wolfSSL_SESSION_free(session);
        }
        must(wolfSSL_connect(ssl) == WOLFSSL_SUCCESS, ssl, "handshake");
        session = wolfSSL_get1_session(ssl);
        must(session != NULL, NULL, "session");
        more = talk(ssl, fd, 0);
        wolfSSL_free(ssl);
        close(fd);
    }
    wolfSSL_SESSION_free(session);
}

static void serve(WOLFSSL_CTX *ctx) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof addr;
    must(bind(fd, (struct sockaddr *)&addr, length) == 0, NULL, "bind");
    must(getsockname(fd, (struct sockaddr *)&addr, &length) == 0, NULL, "getsockname");
    printf("ACCEPT 127.0.0.1:%d\n", ntohs(addr.sin_port));
    int more = 1;
    while (more) {
        unsigned char start[13];
        length = sizeof addr;
        ssize_t size = recvfrom(fd, start, sizeof start, MSG_PEEK, (struct sockaddr *)&addr, &length);
        must(size >= 0, NULL, "recvfrom");
        if (size < 13 || start[0] != 22 || start[3] || start[4]) {
            /* What an earlier session has left. */
            recv(fd, start, sizeof start, 0);
            continue;
        }
        WOLFSSL *ssl = wolfSSL_new(ctx);
        must(ssl != NULL, NULL, "new");
        must(wolfSSL_dtls_set_peer(ssl, &addr, length) == WOLFSSL_SUCCESS, ssl, "peer");
        must(wolfSSL_set_fd(ssl, fd) == WOLFSSL_SUCCESS, ssl, "fd");
        must(wolfSSL_DTLS_SetCookieSecret(ssl, NULL, 0) == 0, ssl, "cookie");
        must(wolfSSL_accept(ssl) == WOLFSSL_SUCCESS, ssl, "handshake");
        more = talk(ssl, fd, 1);
        wolfSSL_free(ssl);
    }
    close(fd);
}

int main(int argc, char **argv) {
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(wolfSSL_Init() == WOLFSSL_SUCCESS, NULL, "init");
    char suites[8192];
    must(wolfSSL_get_ciphers(suites, sizeof suites) == WOLFSSL_SUCCESS, NULL, "suites");
    if (argc == 2 && strcmp(argv[1], "suites") == 0) {
        printf("%s\n", suites);
        return 0;
    }
    int server = argc == 6 && strcmp(argv[1], "server") == 0;
    if (!server && argc != 7) {
        return 2;
    }
    char **args = argv + (server ? 2 : 3);
    WOLFSSL_CTX *ctx =
        wolfSSL_CTX_new(server ? wolfDTLSv1_2_server_method() : wolfDTLSv1_2_client_method());
    must(ctx != NULL, NULL, "context");
    must(wolfSSL_CTX_set_cipher_list(ctx, args[0]) == WOLFSSL_SUCCESS, NULL, "suite");
    wolfSSL_CTX_set_verify(ctx, server ? WOLFSSL_VERIFY_NONE : WOLFSSL_VERIFY_PEER, NULL);
    int psk = strcmp(args[1], "psk") == 0;
    if (psk) {
        use_psk(ctx, server, args[2], args[3]);
    } else if (server) {
        must(wolfSSL_CTX_use_certificate_chain_file(ctx, args[2]) == WOLFSSL_SUCCESS, NULL, "cert");
        must(wolfSSL_CTX_use_PrivateKey_file(ctx, args[3], WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS,
             NULL, "key");
    } else {
        must(wolfSSL_CTX_load_verify_locations(ctx, args[2], NULL) == WOLFSSL_SUCCESS, NULL, "ca");
    }
    if (server) {
        serve(ctx);
    } else {
        must(wolfSSL_CTX_UseSessionTicket(ctx) == WOLFSSL_SUCCESS, NULL, "tickets");
        client(ctx, argv[2], psk ? NULL : args[3]);
    }
    wolfSSL_CTX_free(ctx);
    wolfSSL_Cleanup();
    return 0;
}
