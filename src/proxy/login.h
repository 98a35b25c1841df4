/* What a client needs until it is relayed, and the steps that lead there. Private to them. */
#pragma once

#include "proxy/client.h"
#include "proxy/server.h"
#include "proxy/verifier.h"
#include "wire/options.h"
#include "wire/scram.h"
#include "wire/startup.h"
#include "wire/target.h"

typedef enum Phase {
  PHASE_OPENING, /* first packets, before and under TLS */
  PHASE_TLS,     /* the handshake */
  PHASE_FIRST,   /* the client's first SCRAM message is to come */
  PHASE_FINAL,   /* its second one */
  PHASE_WAIT,    /* nothing is expected from the client: what it sends is for the server */
  PHASE_COUNT_
} Phase;

typedef enum Progress {
  PROGRESS_MORE,  /* more input is needed */
  PROGRESS_AGAIN, /* something was done: look again */
  PROGRESS_GONE,  /* the client was ended, or has been handed on */
} Progress;

typedef struct RouteAsk RouteAsk;

struct Login {
  Proxy *proxy;
  Phase phase;
  Buffer input;
  bool authenticated;
  struct event *deadline;
  struct event *pause; /* a throttled check, or a route to be asked again */
  uint64_t call;       /* the question to boughd that is open; 0: none */
  /* opening */
  bool asked_gss;
  bool at_once; /* TLS began with the first byte */
  Startup startup;
  Options options;
  char *server_name_endpoint;
  /* SCRAM */
  Scram *scram;
  Verifier *verifier;
  bool first_read;
  bool proved; /* the second one was read: what is left is to look whether it is right */
  int64_t challenged_ms;
  bool is_recent;   /* the verifier: one that somebody got in by a moment ago */
  int64_t asked_ms; /* when it was asked for, otherwise */
  char *token;
  /* entering */
  Target target;
  char *route_key;
  RouteAsk *ask;
  int64_t give_up_ms;
  int retry_ms;
  Route *expected; /* where server leads */
  Server *server;
  bool server_done;
  ServerOutcome server_outcome;
  Error failure; /* what the client will be told */
  Buffer words;  /* or this, if postgres has said it */
};

Login *login_new(Client *client);
void login_free(Login *login);

/* Works on what has come, phase by phase. */
void login_advance(Client *client);
/* Takes so many bytes off the input. */
void login_consume(Login *login, size_t length);

/* opening.c */
Progress opening_advance(Client *client);
Progress opening_handshake(Client *client);
/* The first byte decides between TLS at once and a packet. */
bool opening_peek(Client *client);

/* password.c: SCRAM as the protocol carries it */
void password_start(Client *client);
Progress password_read_first(Client *client);
Progress password_read_final(Client *client);
/* Those who wait for theirs; salts are known. Or they won't be soon: failure says why. */
void login_challenge_all(Proxy *proxy, const Error *failure);

/* entry.c: the way to the branch */
void entry_start(Client *client);
void entry_forget(Login *login); /* what is still asked for */
