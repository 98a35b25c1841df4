/* A client that speaks the protocol byte by byte, and wrongly where a test wants that. */
#pragma once

#include "wire/message.h"

/* Connects to loopback. What goes wrong fails the test. */
int raw_connect(int port);
/* From another address of loopback, such as 127.0.0.2, which is another source to the proxy. */
int raw_connect_from(const char *source, int port);
void raw_send(int fd, const void *bytes, size_t length);
/* Sends StartupMessage of user dev1 for that database. */
void raw_send_startup(int fd, const char *database);
/* Sends SASLInitialResponse for SCRAM-SHA-256 with that text. */
void raw_send_first(int fd, const char *text);
/* From StartupMessage to the proof, right or wrong; what the other side makes of it is not read. */
void raw_prove(int fd, const char *user, const char *password, const char *database);
/* Reads until the other side closes, at most twenty seconds long. */
void raw_read_all(int fd, Buffer *out);
/* Reads one message; false at the end of the stream. */
bool raw_read_message(int fd, Buffer *out, Message *ret);
/* Fails unless the other side answers an ErrorResponse with that SQLSTATE, and closes. */
void raw_expect_error(int fd, const char *sqlstate);
/* Fails unless it closes without a word. */
void raw_expect_close(int fd);
