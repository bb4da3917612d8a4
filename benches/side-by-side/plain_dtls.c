// What a textbook makes of OpenSSL: epoll, DTLSv1_listen, one connected socket a session.
//
// For comparison only. It has the flaws of its kind: an SSL for each listen, a window between
// bind and connect in which a new socket may take others' datagrams, and timers that only run
// when something happens.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

struct session {
    SSL *ssl;
    int fd;
    int established;
};

static unsigned char secret[32];

static int tag(SSL *ssl, unsigned char *out, unsigned int *length) {
    struct sockaddr_in peer;
    memset(&peer, 0, sizeof peer);
    BIO_dgram_get_peer(SSL_get_rbio(ssl), &peer);
    unsigned char bytes[6];
    memcpy(bytes, &peer.sin_addr, 4);
    memcpy(bytes + 4, &peer.sin_port, 2);
    return HMAC(EVP_sha256(), secret, sizeof secret, bytes, sizeof bytes, out, length) != NULL;
}

static int generate_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length) {
    return tag(ssl, cookie, length);
}

static int verify_cookie(SSL *ssl, const unsigned char *cookie, unsigned int length) {
    unsigned char ours[EVP_MAX_MD_SIZE];
    unsigned int our_length;
    return tag(ssl, ours, &our_length) && length == our_length
        && CRYPTO_memcmp(ours, cookie, length) == 0;
}

static void die(const char *what) {
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int open_socket(const struct sockaddr_in *addr) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1, size = 4 << 20;
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (const struct sockaddr *)addr, sizeof *addr) < 0)
        die("bind");
    return fd;
}

static void end(int epoll, struct session *session) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, session->fd, NULL);
    SSL_shutdown(session->ssl);
    close(session->fd);
    SSL_free(session->ssl);
    free(session);
    ERR_clear_error();
}

static void serve(int epoll, struct session *session) {
    char buffer[16384 + 6];
    if (!session->established) {
        int outcome = SSL_accept(session->ssl);
        if (outcome <= 0) {
            int error = SSL_get_error(session->ssl, outcome);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
                end(epoll, session);
            return;
        }
        session->established = 1;
    }
    memcpy(buffer, "Echo: ", 6);
    for (;;) {
        int length = SSL_read(session->ssl, buffer + 6, 16384);
        if (length <= 0) {
            int error = SSL_get_error(session->ssl, length);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
                end(epoll, session);
            return;
        }
        SSL_write(session->ssl, buffer, length + 6);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: plain_dtls PORT CERT KEY\n");
        return 2;
    }
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SSL_CTX *context = SSL_CTX_new(DTLS_server_method());
    RAND_bytes(secret, sizeof secret);
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1
        || SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1)
        die("certificate");
    SSL_CTX_set_cookie_generate_cb(context, generate_cookie);
    SSL_CTX_set_cookie_verify_cb(context, verify_cookie);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);

    int listener = open_socket(&addr);
    socklen_t size = sizeof addr;
    getsockname(listener, (struct sockaddr *)&addr, &size);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);

    SSL *next = NULL;
    BIO_ADDR *peer = BIO_ADDR_new();
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                serve(epoll, events[i].data.ptr);
                continue;
            }
            for (;;) {
                if (!next) {
                    next = SSL_new(context);
                    BIO *bio = BIO_new_dgram(listener, BIO_NOCLOSE);
                    SSL_set_bio(next, bio, bio);
                    SSL_set_options(next, SSL_OP_COOKIE_EXCHANGE | SSL_OP_NO_QUERY_MTU);
                    SSL_set_mtu(next, 1350);
                }
                if (DTLSv1_listen(next, peer) <= 0) {
                    ERR_clear_error();
                    if (errno == EAGAIN || errno == EWOULDBLOCK) {
                        errno = 0;
                        break;
                    }
                    continue;
                }
                struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = BIO_ADDR_rawport(peer)};
                size_t length = sizeof to.sin_addr;
                BIO_ADDR_rawaddress(peer, &to.sin_addr, &length);
                struct session *session = calloc(1, sizeof *session);
                session->ssl = next;
                session->fd = open_socket(&addr);
                next = NULL;
                if (connect(session->fd, (struct sockaddr *)&to, sizeof to) < 0)
                    die("connect");
                BIO_set_fd(SSL_get_rbio(session->ssl), session->fd, BIO_NOCLOSE);
                BIO_ctrl(SSL_get_rbio(session->ssl), BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
                event.data.ptr = session;
                epoll_ctl(epoll, EPOLL_CTL_ADD, session->fd, &event);
                serve(epoll, session);
            }
        }
    }
}
