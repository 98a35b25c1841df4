/* Callers of the API, as many at once as asked for, and what they saw, as one JSON object:
 *   bench-load -s SERVER -p PROJECT -m churn|create|delete [-c CLIENTS] [-t SECONDS] [-n COUNT]
 *              [-r PER_SECOND] [-b PARENT] [-x PREFIX]
 * churn: each client creates a branch and deletes it, until the time is up. create, delete: COUNT
 * branches PREFIX0 ... between all clients. -r: no more than that many creates a second in all.
 * SIGTERM ends a churn early; what was seen until then is printed all the same. */
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "http/client.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES_LIMIT = 200000, CALL_TIMEOUT_MS = 120000 };

typedef struct Options {
  const char *server, *project, *mode, *parent, *prefix;
  int clients, seconds, count, per_second;
} Options;

/* Shared between the client processes. */
typedef struct Tally {
  atomic_int next, creates, deletes, errors, samples;
  atomic_bool is_over;
  float create_ms[SAMPLES_LIMIT];
} Tally;

static Tally *shared;

static void on_term(int number) {
  (void)number;
  shared->is_over = true;
}

static bool read_options(int argc, char **argv, Options *ret) {
  for (int option; (option = getopt(argc, argv, "s:p:m:c:t:n:r:b:x:")) != -1;) {
    switch (option) {
    case 's':
      ret->server = optarg;
      break;
    case 'p':
      ret->project = optarg;
      break;
    case 'm':
      ret->mode = optarg;
      break;
    case 'b':
      ret->parent = optarg;
      break;
    case 'x':
      ret->prefix = optarg;
      break;
    case 'c':
      ret->clients = atoi(optarg);
      break;
    case 't':
      ret->seconds = atoi(optarg);
      break;
    case 'n':
      ret->count = atoi(optarg);
      break;
    case 'r':
      ret->per_second = atoi(optarg);
      break;
    default:
      return false;
    }
  }
  return ret->server != NULL && ret->project != NULL && ret->mode != NULL && ret->clients > 0;
}

static bool call(const Client *client, Tally *tally, const char *method, const char *path,
                 const json_t *body) {
  Error err = ERROR_INIT;
  ClientCall request = {
      .method = method, .path = path, .body = body, .timeout_ms = CALL_TIMEOUT_MS};
  json_t *result = NULL;
  if (client_call(client, &request, &result, &err)) {
    json_free(result);
    return true;
  }
  if (atomic_fetch_add(&tally->errors, 1) < 5)
    (void)fprintf(stderr, "bench-load: %s %s: %s\n", method, path, err.message);
  return false;
}

static void create(const Client *client, const Options *options, Tally *tally, const char *name) {
  AUTO(str_free) char *path = str_format("/v1/projects/%s/branches", options->project);
  AUTO(json_free) json_t *body = json_pack("{s:s, s:s}", "name", name, "parent", options->parent);
  int64_t start = clock_monotonic_us();
  if (!call(client, tally, "POST", path, body))
    return;
  (void)atomic_fetch_add(&tally->creates, 1);
  int sample = atomic_fetch_add(&tally->samples, 1);
  if (sample < SAMPLES_LIMIT)
    tally->create_ms[sample] = (float)(clock_monotonic_us() - start) / 1000.0F;
}

static void delete (const Client *client, const Options *options, Tally *tally, const char *name) {
  AUTO(str_free) char *path = str_format("/v1/projects/%s/branches/%s", options->project, name);
  if (call(client, tally, "DELETE", path, NULL))
    (void)atomic_fetch_add(&tally->deletes, 1);
}

/* Waits for the turn of the number-th create when a rate is given. */
static void wait_turn(const Options *options, int64_t start, int number) {
  if (options->per_second <= 0)
    return;
  int64_t wait = start + (int64_t)number * 1000 / options->per_second - clock_monotonic_ms();
  if (wait > 0)
    clock_sleep_ms(wait);
}

static bool is_churned(const Options *options, const Tally *tally, int64_t start) {
  return tally->is_over || clock_monotonic_ms() - start > options->seconds * 1000;
}

static void be_client(const Options *options, Tally *tally, int64_t start) {
  bool churns = str_equal(options->mode, "churn");
  AUTO(client_free) Client *client = NULL;
  Error err = ERROR_INIT;
  if (!client_new(options->server, NULL, &client, &err)) {
    (void)fprintf(stderr, "bench-load: %s\n", err.message);
    (void)atomic_fetch_add(&tally->errors, 1);
    return;
  }
  for (;;) {
    int number = atomic_fetch_add(&tally->next, 1);
    if (churns ? is_churned(options, tally, start) : number >= options->count)
      return;
    wait_turn(options, start, number);
    AUTO(str_free) char *name = str_format("%s%d", options->prefix, number);
    if (!str_equal(options->mode, "delete"))
      create(client, options, tally, name);
    if (!str_equal(options->mode, "create"))
      delete (client, options, tally, name);
  }
}

static int compare_floats(const void *a, const void *b) {
  float left = *(const float *)a;
  float right = *(const float *)b;
  return (left > right) - (left < right);
}

static double sample_at(Tally *tally, double part) {
  int count = tally->samples < SAMPLES_LIMIT ? tally->samples : SAMPLES_LIMIT;
  return count == 0 ? 0 : (double)tally->create_ms[(int)((count - 1) * part)];
}

static void print(Tally *tally, double seconds) {
  int count = tally->samples < SAMPLES_LIMIT ? tally->samples : SAMPLES_LIMIT;
  qsort(tally->create_ms, (size_t)count, sizeof tally->create_ms[0], compare_floats);
  (void)printf("{\"seconds\": %.2f, \"creates\": %d, \"deletes\": %d, \"errors\": %d, "
               "\"creates_per_second\": %.1f, \"create_ms\": {\"min\": %.2f, \"median\": %.2f, "
               "\"p95\": %.2f, \"max\": %.2f}}\n",
               seconds, tally->creates, tally->deletes, tally->errors, tally->creates / seconds,
               sample_at(tally, 0), sample_at(tally, 0.5), sample_at(tally, 0.95),
               sample_at(tally, 1));
}

int main(int argc, char **argv) {
  Options options = {
      .clients = 8, .seconds = 60, .count = 100, .parent = "production", .prefix = "load-"};
  if (!read_options(argc, argv, &options)) {
    (void)fputs("usage: bench-load -s SERVER -p PROJECT -m churn|create|delete [-c CLIENTS]"
                " [-t SECONDS] [-n COUNT] [-r PER_SECOND] [-b PARENT] [-x PREFIX]\n",
                stderr);
    return 1;
  }
  Tally *tally =
      mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (tally == MAP_FAILED)
    return 1;
  shared = tally;
  (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
  int64_t start = clock_monotonic_ms();
  for (int client = 0; client < options.clients; client++) {
    if (fork() == 0) {
      be_client(&options, tally, start);
      _exit(0);
    }
  }
  while (wait(NULL) > 0 || errno == EINTR) {
  }
  print(tally, (double)(clock_monotonic_ms() - start) / 1000.0);
  return tally->errors == 0 ? 0 : 1;
}
