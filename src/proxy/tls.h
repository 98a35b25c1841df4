/* Certificate and context of TLS, and what a handshake has told. */
#pragma once

#include "core/home.h"
#include "proxy/settings.h"

#include <openssl/ssl.h>

typedef struct Tls Tls;

/* With the user's certificate, or one of Bough's own in ROOT/locks/proxy.crt and .key, made when
 * missing. At least TLS 1.2; ALPN "postgresql". */
CHECKED bool tls_new(const Home *home, const Settings *settings, Tls **ret, Error *err);
void tls_free(Tls *tls);

/* The server's side of a connection on that socket, for SSL_accept. */
SSL *tls_accept(const Tls *tls, int fd);
/* The hash of the certificate as tls-server-end-point wants it (RFC 5929). */
const uint8_t *tls_binding(const Tls *tls, size_t *ret_length);
/* Whether the client named the protocol by ALPN, as it must when it starts TLS at once. */
bool tls_has_alpn(const SSL *ssl);
