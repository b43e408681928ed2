/* Standard input through GnuTLS to a server, and what comes back to standard output, until either side ends.
 *
 *     gnutls_pipe ADDRESS PORT NAME ROOT CERTIFICATE KEY PRIORITY
 *
 * The server must be NAME under ROOT. gnutls-cli does the same, but writes every octet by a call of its own: it would
 * spend hours on the gigabytes of a soak. It sends all of what it read before it receives: not for a
 * server that sends much unasked.
 */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The most that one record holds. */
#define PIECE 16384

/* Ends the process where GnuTLS says no. */
static int must(const char *what, int said) {
    if (said < 0) {
        fprintf(stderr, "gnutls_pipe: %s: %s\n", what, gnutls_strerror(said));
        exit(1);
    }
    return said;
}

static void must_by_system(const char *what, int fine) {
    if (!fine) {
        perror(what);
        exit(1);
    }
}

static int connected(const char *address, const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    must_by_system("address", inet_pton(AF_INET, address, &to.sin_addr) == 1);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    must_by_system("connect", server >= 0 && connect(server, (struct sockaddr *)&to, sizeof to) == 0);
    return server;
}

static gnutls_session_t greeted(int server, char **arguments) {
    const char *name = arguments[3], *root = arguments[4], *priority = arguments[7];
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    must("credentials", gnutls_certificate_allocate_credentials(&credentials));
    must(root, gnutls_certificate_set_x509_trust_file(credentials, root, GNUTLS_X509_FMT_PEM));
    must(arguments[5],
         gnutls_certificate_set_x509_key_file(credentials, arguments[5], arguments[6], GNUTLS_X509_FMT_PEM));
    must("session", gnutls_init(&session, GNUTLS_CLIENT));
    must(priority, gnutls_priority_set_direct(session, priority, NULL));
    must("credentials", gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials));
    must(name, gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, strlen(name)));
    gnutls_session_set_verify_cert(session, name, 0);
    gnutls_transport_set_int(session, server);
    int said;
    do
        said = gnutls_handshake(session);
    while (said < 0 && !gnutls_error_is_fatal(said));
    must("handshake", said);
    return session;
}

static void send_whole(gnutls_session_t session, const char *piece, size_t octets) {
    while (octets > 0) {
        ssize_t sent = gnutls_record_send(session, piece, octets);
        if (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED)
            continue;
        octets -= must("send", (int)sent);
        piece += sent;
    }
}

static void print_whole(const char *piece, size_t octets) {
    while (octets > 0) {
        ssize_t written = write(STDOUT_FILENO, piece, octets);
        must_by_system("standard output", written > 0);
        octets -= written;
        piece += written;
    }
}

int main(int count, char **arguments) {
    if (count != 8) {
        fprintf(stderr, "usage: %s ADDRESS PORT NAME ROOT CERTIFICATE KEY PRIORITY\n", arguments[0]);
        return 2;
    }
    int server = connected(arguments[1], arguments[2]);
    gnutls_session_t session = greeted(server, arguments);
    struct pollfd sides[] = {{.fd = server, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    static char piece[PIECE];
    for (;;) {
        int pending = gnutls_record_check_pending(session) > 0;
        must_by_system("poll", poll(sides, 2, pending ? 0 : -1) >= 0);
        if (pending || sides[0].revents) {
            ssize_t received = gnutls_record_recv(session, piece, sizeof piece);
            if (received == 0)
                return 0;
            if (received != GNUTLS_E_AGAIN && received != GNUTLS_E_INTERRUPTED)
                print_whole(piece, must("receive", (int)received));
        }
        if (sides[1].revents) {
            ssize_t given = read(STDIN_FILENO, piece, sizeof piece);
            must_by_system("standard input", given >= 0);
            if (given > 0) {
                send_whole(session, piece, given);
            } else {
                must("bye", gnutls_bye(session, GNUTLS_SHUT_WR));
                sides[1].fd = -1;
            }
        }
    }
}
