/* A fleet at work: a process per principal, each with its own token, people and agents, at a steady
 * rate: bench-fleet -s SERVER -p PROJECT -k TOKENS [-t SECONDS] [-r PER_SECOND] [-l TTL] [-f TIER]
 * TOKENS has a line for each: "human TOKEN" or "agent TOKEN". Of the branches made, 4 of 5 are
 * agents'; every second one is left to the reaper after TTL, the other one is deleted by its maker.
 * Every tenth turn also asks for a fork of TIER, which must be refused. Prints what was seen as one
 * JSON object. */
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "http/client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  SAMPLES_LIMIT = 200000,
  CALL_TIMEOUT_MS = 120000,
  LINE_SIZE = 256,
  REFUSED_EVERY = 10,
  AGENTS_PART = 5, /* of so many branches people make one */
};

typedef struct Options {
  const char *server, *project, *tokens, *ttl, *tier;
  int seconds, per_second;
} Options;

typedef enum Kind { HUMAN, AGENT, KIND_COUNT } Kind;

/* Shared between the processes. */
typedef struct Tally {
  atomic_int turns[KIND_COUNT]; /* begun, each at its time */
  atomic_int creates[KIND_COUNT], deletes, left, refused, errors, samples;
  float create_ms[SAMPLES_LIMIT];
} Tally;

typedef struct Member {
  Kind kind;
  const Options *options;
  Tally *tally;
  Client *client;
} Member;

static bool read_options(int argc, char **argv, Options *ret) {
  for (int option; (option = getopt(argc, argv, "s:p:k:t:r:l:f:")) != -1;) {
    switch (option) {
    case 's':
      ret->server = optarg;
      break;
    case 'p':
      ret->project = optarg;
      break;
    case 'k':
      ret->tokens = optarg;
      break;
    case 't':
      ret->seconds = atoi(optarg);
      break;
    case 'r':
      ret->per_second = atoi(optarg);
      break;
    case 'l':
      ret->ttl = optarg;
      break;
    case 'f':
      ret->tier = optarg;
      break;
    default:
      return false;
    }
  }
  return ret->server != NULL && ret->project != NULL && ret->tokens != NULL && ret->seconds > 0 &&
         ret->per_second > 0;
}

static bool call(const Member *member, const char *method, const char *path, const json_t *body,
                 Error *err) {
  const ClientCall request = {
      .method = method, .path = path, .body = body, .timeout_ms = CALL_TIMEOUT_MS};
  json_t *result = NULL;
  if (!client_call(member->client, &request, &result, err))
    return false;
  json_free(result);
  return true;
}

static void count_error(const Member *member, const char *what, const Error *err) {
  if (atomic_fetch_add(&member->tally->errors, 1) < 5)
    (void)fprintf(stderr, "bench-fleet: %s: %s\n", what, err->message);
}

static bool create(const Member *member, const char *name, bool is_left) {
  Tally *tally = member->tally;
  Error err = ERROR_INIT;
  AUTO(str_free) char *path = str_format("/v1/projects/%s/branches", member->options->project);
  AUTO(json_free)
  json_t *body =
      json_pack("{s:s, s:s*}", "name", name, "ttl", is_left ? member->options->ttl : NULL);
  int64_t start = clock_monotonic_us();
  if (!call(member, "POST", path, body, &err)) {
    count_error(member, "create", &err);
    return false;
  }
  int sample = atomic_fetch_add(&tally->samples, 1);
  if (sample < SAMPLES_LIMIT)
    tally->create_ms[sample] = (float)(clock_monotonic_us() - start) / 1000.0F;
  (void)atomic_fetch_add(&tally->creates[member->kind], 1);
  return true;
}

static void drop(const Member *member, const char *name) {
  Error err = ERROR_INIT;
  AUTO(str_free)
  char *path = str_format("/v1/projects/%s/branches/%s", member->options->project, name);
  if (call(member, "DELETE", path, NULL, &err))
    (void)atomic_fetch_add(&member->tally->deletes, 1);
  else
    count_error(member, "delete", &err);
}

static void be_refused(const Member *member, const char *name) {
  Error err = ERROR_INIT;
  AUTO(str_free) char *path = str_format("/v1/projects/%s/branches", member->options->project);
  AUTO(json_free)
  json_t *body = json_pack("{s:s, s:s}", "name", name, "parent", member->options->tier);
  if (call(member, "POST", path, body, &err))
    (void)error_set(&err, ERROR_INTERNAL, "it was allowed");
  if (err.code == ERROR_FORBIDDEN)
    (void)atomic_fetch_add(&member->tally->refused, 1);
  else
    count_error(member, "a fork that is refused", &err);
}

static void take_turn(const Member *member, int number) {
  bool is_left = number % 2 == 1;
  AUTO(str_free)
  char *name = str_format("%s-%d", member->kind == AGENT ? "agents" : "humans", number);
  if (create(member, name, is_left)) {
    if (is_left)
      (void)atomic_fetch_add(&member->tally->left, 1);
    else
      drop(member, name);
  }
  if (number % REFUSED_EVERY == 0)
    be_refused(member, name);
}

/* Whoever is free takes the next turn of its kind. */
static void be_member(const Member *member, int64_t start) {
  const Options *options = member->options;
  double rate =
      (double)options->per_second / AGENTS_PART * (member->kind == AGENT ? AGENTS_PART - 1 : 1);
  for (;;) {
    int number = atomic_fetch_add(&member->tally->turns[member->kind], 1);
    int64_t due = start + (int64_t)(number * 1000.0 / rate);
    if (due - start >= options->seconds * 1000)
      return;
    int64_t wait = due - clock_monotonic_ms();
    if (wait > 0)
      clock_sleep_ms(wait);
    take_turn(member, number);
  }
}

static bool start_member(const Options *options, Tally *tally, const char *line, int64_t start) {
  char kind[16];
  char token[128];
  Error err = ERROR_INIT;
  if (sscanf(line, "%15s %127s", kind, token) != 2)
    return false;
  if (fork() != 0)
    return true;
  Member member = {
      .kind = str_equal(kind, "agent") ? AGENT : HUMAN, .options = options, .tally = tally};
  if (client_new(options->server, token, &member.client, &err))
    be_member(&member, start);
  else
    count_error(&member, "client", &err);
  client_free(member.client);
  _exit(0);
}

static bool start_all(const Options *options, Tally *tally, int64_t start) {
  char line[LINE_SIZE];
  FILE *file = fopen(options->tokens, "re");
  bool ok = file != NULL;
  while (ok && fgets(line, sizeof line, file) != NULL)
    ok = start_member(options, tally, line, start);
  if (file != NULL)
    (void)fclose(file);
  return ok;
}

static int compare_floats(const void *a, const void *b) {
  float left = *(const float *)a;
  float right = *(const float *)b;
  return (left > right) - (left < right);
}

static void print(Tally *tally, double seconds) {
  int count = tally->samples < SAMPLES_LIMIT ? tally->samples : SAMPLES_LIMIT;
  int creates = tally->creates[HUMAN] + tally->creates[AGENT];
  qsort(tally->create_ms, (size_t)count, sizeof tally->create_ms[0], compare_floats);
  double median = count > 0 ? (double)tally->create_ms[(count - 1) / 2] : 0;
  double late = count > 0 ? (double)tally->create_ms[(int)((count - 1) * 0.95)] : 0;
  (void)printf("{\"seconds\": %.2f, \"creates\": %d, \"agents\": %d, \"creates_per_second\": %.1f,"
               " \"deletes\": %d, \"left\": %d, \"refused\": %d, \"errors\": %d,"
               " \"create_ms\": {\"median\": %.2f, \"p95\": %.2f}}\n",
               seconds, creates, tally->creates[AGENT], creates / seconds, tally->deletes,
               tally->left, tally->refused, tally->errors, median, late);
}

int main(int argc, char **argv) {
  Options options = {.ttl = "1m", .tier = "production", .seconds = 60, .per_second = 30};
  if (!read_options(argc, argv, &options)) {
    (void)fputs("usage: bench-fleet -s SERVER -p PROJECT -k TOKENS [-t SECONDS] [-r PER_SECOND]"
                " [-l TTL] [-f TIER]\n",
                stderr);
    return 1;
  }
  Tally *tally =
      mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int64_t start = clock_monotonic_ms();
  if (tally == MAP_FAILED || !start_all(&options, tally, start))
    return 1;
  while (wait(NULL) > 0) {
  }
  print(tally, (double)(clock_monotonic_ms() - start) / 1000.0);
  return tally->errors == 0 ? 0 : 1;
}
