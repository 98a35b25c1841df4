/* clang-format off */
/* Calls to bough-agent, the process under the compute account that owns volumes and runs postgres.
 *
 * Methods, their parameters, their results. V is a volume's id, E an endpoint's.
 *
 *   ping                {} -> {version, pid, landlock, cgroup}
 *   hello               {} -> the same; ends the sessions of an earlier boughd and waits for their end
 *   pool.status         {} -> {driver, features[], size, available}
 *   volume.create       {volume: V}
 *   volume.fork         {source: V, volume: V} -> {control}
 *                       a snapshot, with no log yet
 *   volume.complete     {source, volume, end?, label?} -> {redo, end, timeline, bytes, unlogged, tablespaces}
 *                       copies the log, walks it, cleans files, flushes. end: text of a position, missing:
 *                       to the last valid record; label: backup_label of a copy in backup mode. When the
 *                       log was recycled meanwhile: snapshot-invalid with the hint "recycled"
 *   volume.delete       {volume, endpoint?: E}
 *                       with the settings, and the endpoint's socket directory
 *   volume.list         {} -> {volumes: [V], complete: [V], foreign: [path]}
 *   volume.usage        {volume} -> {logical, written, freed, wal, extents}, null: unknown
 *   volume.control      {volume} -> {state, checkpoint, redo, timeline, major, checksums, max_connections,
 *                       segment_size, system_identifier}
 *   volume.alike        {left: V, right: V, database, left_end?, right_end?} -> {alike}
 *                       both at rest, and the database's catalogs in the very same blocks. *_end: the
 *                       insert position of one that runs
 *   cluster.init        {volume}
 *                       initdb with data checksums, superuser bough_platform, pg_wal moved to ../wal
 *   cluster.basebackup  {volume, conninfo, password?}, progress {done, total} in bytes
 *                       the password lies in a file of the agent's while it copies, never in an argument
 *   cluster.checksums   {volume} -> {enabled}
 *                       pg_checksums, where they are off
 *   cluster.single      {volume, database, sql} -> {output}
 *                       postgres --single: for what must happen before any session
 *   compute.start       {volume, endpoint, size, preload?, first_start, oom_score_adj, settings?,
 *                        logins?}
 *                       -> {pid, start_time, recovers}; recovers: it wasn't shut down
 *   compute.configure   as compute.start; writes the settings anew and has them read
 *   compute.stop        {volume, endpoint, pid, start_time, immediate, timeout_ms}
 *   compute.find        {volume} -> {pid, start_time}, pid 0: none
 *   compute.log         {volume, bytes} -> {text}
 *   compute.statements  {volume, file, offset} -> {statements, file, offset}: see compute.h
 *   compute.measure     {pid, start_time, memory?} -> {written, memory}, null: unknown; memory false spares
 *                       adding it up
 *   host.leftovers      {volumes: [V], endpoints: [E]} -> {processes, shared_memory, directories}
 *                       what is Bough's by name but isn't in the lists of the call
 *   host.clear          as host.leftovers; removes the directories. Processes are only reported
 */
/* clang-format on */
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
