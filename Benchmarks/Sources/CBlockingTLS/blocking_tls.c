// SPDX-License-Identifier: MIT
// clock_gettime is not in the C standard.
#define _GNU_SOURCE
#include "CBlockingTLS.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct blocking_tls_connection {
    SSL *writer;
    SSL *reader;
    int sockets[2];
};

/// What one thread is to read.
typedef struct {
    SSL *ssl;
    size_t total;
    size_t piece;
    double finished;
    int succeeded;
} reading;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static SSL_CTX *make_context(const SSL_METHOD *method, blocking_tls_identity identity) {
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL) return NULL;
    BIO *certificate_bio = BIO_new_mem_buf(identity.certificate, -1);
    BIO *key_bio = BIO_new_mem_buf(identity.key, -1);
    X509 *certificate = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    int is_ready = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                   SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1 &&
                   SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_use_certificate(context, certificate) == 1 &&
                   SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    if (is_ready) return context;
    SSL_CTX_free(context);
    return NULL;
}

/// Two connected sockets over loopback.
static int connect_pair(int *first, int *second) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *first = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    int is_connected = bind(listener, (struct sockaddr *)&address, length) == 0 && listen(listener, 1) == 0 &&
                       getsockname(listener, (struct sockaddr *)&address, &length) == 0 &&
                       connect(*first, (struct sockaddr *)&address, length) == 0;
    *second = is_connected ? accept(listener, NULL, NULL) : -1;
    close(listener);
    return *second >= 0 && setsockopt(*first, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 ? 0 : -1;
}

static void *shake_hands(void *reader) { return SSL_accept(reader) == 1 ? reader : NULL; }

static SSL *make_end(const SSL_METHOD *method, blocking_tls_identity identity, int socket) {
    SSL_CTX *context = make_context(method, identity);
    SSL *ssl = context != NULL ? SSL_new(context) : NULL;
    // What was made of it keeps it.
    SSL_CTX_free(context);
    if (ssl != NULL && SSL_set_fd(ssl, socket) == 1) return ssl;
    SSL_free(ssl);
    return NULL;
}

blocking_tls_connection *blocking_tls_open(blocking_tls_identity identity) {
    blocking_tls_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    int *sockets = connection->sockets;
    sockets[0] = sockets[1] = -1;
    pthread_t thread;
    if (connect_pair(&sockets[0], &sockets[1]) == 0) {
        connection->writer = make_end(TLS_client_method(), identity, sockets[0]);
        connection->reader = make_end(TLS_server_method(), identity, sockets[1]);
    }
    if (connection->writer != NULL && connection->reader != NULL &&
        pthread_create(&thread, NULL, shake_hands, connection->reader) == 0) {
        void *accepted = NULL;
        int is_connected = SSL_connect(connection->writer) == 1;
        // The other end stops waiting.
        if (!is_connected) shutdown(sockets[0], SHUT_RDWR);
        pthread_join(thread, &accepted);
        if (is_connected && accepted != NULL) return connection;
    }
    blocking_tls_close(connection);
    return NULL;
}

static void *receive(void *argument) {
    reading *self = argument;
    unsigned char *buffer = malloc(self->piece);
    size_t received = 0;
    int count;
    while (buffer != NULL && received < self->total && (count = SSL_read(self->ssl, buffer, (int)self->piece)) > 0)
        received += (size_t)count;
    self->finished = now();
    self->succeeded = received == self->total;
    free(buffer);
    return NULL;
}

double blocking_tls_transfer(blocking_tls_connection *connection, size_t total, size_t piece) {
    reading reading = {.ssl = connection->reader, .total = total, .piece = piece};
    unsigned char *bytes = calloc(1, piece);
    pthread_t thread;
    double seconds = -1;
    if (bytes != NULL && pthread_create(&thread, NULL, receive, &reading) == 0) {
        double began = now();
        size_t sent = 0;
        while (sent < total && SSL_write(connection->writer, bytes, (int)piece) > 0) sent += piece;
        // The other end stops waiting.
        if (sent < total) shutdown(connection->sockets[0], SHUT_RDWR);
        pthread_join(thread, NULL);
        if (reading.succeeded) seconds = reading.finished - began;
    }
    free(bytes);
    return seconds;
}

void blocking_tls_close(blocking_tls_connection *connection) {
    if (connection == NULL) return;
    SSL_free(connection->writer);
    SSL_free(connection->reader);
    for (int end = 0; end < 2; end++)
        if (connection->sockets[end] >= 0) close(connection->sockets[end]);
    free(connection);
}
