/* Calls to bough-agent, the process under the compute account that owns volumes and runs postgres.
 *
 * Methods, params -> result. V is a volume id, E an endpoint id.
 *   ping             {}                               -> {version, pid, landlock}
 *   hello            {}                               -> {version, pid, landlock}  (ends the
 * sessions of an earlier boughd and waits for their end) pool.status      {} -> {driver,
 * features[], size, available} volume.create    {volume}                         -> {} volume.fork
 * {source, volume}                 -> {control}      snapshot, no log yet volume.complete  {source,
 * volume, end?, label?}   -> {redo, end, timeline, bytes, unlogged, tablespaces} copy the log, walk
 * it, clean files, fsync; end: LSN text, missing: to the last valid record; label: backup_label of
 * a copy in backup mode Error snapshot-invalid with {"recycled":true} in hint "recycled" when a new
 * snapshot is needed volume.delete    {volume}                         -> {} volume.list      {} ->
 * {volumes:[V], foreign:[path]} volume.usage     {volume}                         -> {logical,
 * written, freed, wal, extents} (null: unknown) volume.control   {volume} -> {state, checkpoint,
 * redo, timeline, major, checksums, max_connections, segment_size, system_identifier} cluster.init
 * {volume}                         -> {}   initdb with data checksums, superuser bough_platform,
 * pg_wal moved to ../wal cluster.basebackup {volume, conninfo, password?}  -> {}   progress {done,
 * total} in bytes. The password lies in a file of the agent's (0600, removed always) while it
 * copies, never in an argument cluster.checksums {volume}                        -> {enabled:bool}
 * pg_checksums where they are off cluster.single   {volume, database, sql}          -> {output}
 * postgres --single, for what must happen before any session (event triggers don't fire there)
 *   compute.start    {volume, endpoint, size, preload?, first_start, oom_score_adj} -> {pid,
 * start_time} compute.stop     {volume, endpoint, pid, start_time, immediate, timeout_ms}     -> {}
 *   compute.configure as compute.start                -> {}  settings anew, SIGHUP
 *   compute.find     {volume}                         -> {pid, start_time}  pid 0: none
 *   compute.log      {volume, bytes}                  -> {text}
 *   compute.measure  {pid, start_time}                -> {written, memory} (null: unknown)
 *   host.leftovers   {volumes:[V], endpoints:[E]}     -> {processes:[], shared_memory:[],
 * directories:[]} what is Bough's by name but isn't listed in the call host.clear       same as
 * host.leftovers           -> {}  removes socket and settings directories that leftovers named;
 * processes are only reported
 */
#pragma once

#include "core/base.h"
#include "core/error.h"
#include "core/home.h"
#include "core/rpc.h"

typedef struct Agent Agent;

/* Connects on first use. A call whose connection breaks fails with ERROR_AGENT_DOWN (it may or may
 * not have been carried out); the next one connects anew. */
Agent *agent_new(const Home *home);
void agent_free(Agent *agent);
DEFINE_AUTO(Agent *, agent_free)

/* params is stolen (json_pack fits); ret may be NULL. */
CHECKED bool agent_call(Agent *agent, const char *method, json_t *params, json_t **ret, Error *err);
/* The same with progress for long calls. */
CHECKED bool agent_call_progress(Agent *agent, const char *method, json_t *params,
                                 RpcProgress *on_progress, void *context, json_t **ret, Error *err);
