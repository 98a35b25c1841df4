/* Answers like no postgres would. */
#include "hostile.h"

#include "core/io.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { POLL_MS = 10 };

struct Hostile {
  struct sockaddr_un address;
  pthread_t thread;
  pthread_mutex_t mutex;
  atomic_bool stopping;
  atomic_size_t count;
  Buffer words;
  int listener;
};

/* False when the test is over. */
static bool wait_for(const Hostile *hostile, int fd) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  while (!hostile->stopping)
    if (poll(&one, 1, POLL_MS) > 0)
      return true;
  return false;
}

/* The other side may have had enough before it has heard all. */
static void say(int fd, const Buffer *words) {
  size_t at = 0;
  while (at < words->length) {
    ssize_t count = send(fd, words->text + at, words->length - at, MSG_NOSIGNAL);
    if (count <= 0)
      return;
    at += (size_t)count;
  }
}

static void serve(Hostile *hostile, int fd) {
  char packet[16 * 1024];
  AUTO_RELEASE(buffer_release) Buffer words = {0};
  if (!wait_for(hostile, fd) || recv(fd, packet, sizeof packet, 0) <= 0)
    return;
  (void)pthread_mutex_lock(&hostile->mutex);
  buffer_add(&words, hostile->words.text, hostile->words.length);
  (void)pthread_mutex_unlock(&hostile->mutex);
  say(fd, &words);
  while (words.length > 0 && wait_for(hostile, fd))
    if (recv(fd, packet, sizeof packet, 0) <= 0)
      return;
}

static void *run(void *context) {
  Hostile *hostile = context;
  while (wait_for(hostile, hostile->listener)) {
    AUTO_RELEASE(fd_release) int fd = accept(hostile->listener, NULL, NULL);
    hostile->count++;
    if (fd >= 0)
      serve(hostile, fd);
  }
  return NULL;
}

Hostile *hostile_new(const char *socket_directory) {
  Hostile *hostile = mem_new(1, sizeof *hostile);
  hostile->address.sun_family = AF_UNIX;
  (void)snprintf(hostile->address.sun_path, sizeof hostile->address.sun_path, "%s/.s.PGSQL.%d",
                 socket_directory, HOSTILE_PORT);
  (void)pthread_mutex_init(&hostile->mutex, NULL);
  hostile->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr *address = (const struct sockaddr *)&hostile->address;
  if (bind(hostile->listener, address, sizeof hostile->address) != 0 ||
      chmod(hostile->address.sun_path, 0777) != 0 || listen(hostile->listener, 16) != 0 ||
      pthread_create(&hostile->thread, NULL, run, hostile) != 0)
    abort();
  return hostile;
}

void hostile_free(Hostile *hostile) {
  if (hostile == NULL)
    return;
  hostile->stopping = true;
  (void)pthread_join(hostile->thread, NULL);
  fd_release(&hostile->listener);
  (void)unlink(hostile->address.sun_path);
  buffer_release(&hostile->words);
  (void)pthread_mutex_destroy(&hostile->mutex);
  mem_free(hostile);
}

void hostile_set_words(Hostile *hostile, const Buffer *words) {
  (void)pthread_mutex_lock(&hostile->mutex);
  buffer_clear(&hostile->words);
  buffer_add(&hostile->words, words->text, words->length);
  (void)pthread_mutex_unlock(&hostile->mutex);
}

size_t hostile_count(const Hostile *hostile) {
  return hostile->count;
}
