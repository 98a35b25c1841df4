/* The catalog against a real server: rows there and back, who wins, what tampering does, how fast
 * it is. */
#include "catalog/access.h"
#include "catalog/catalog.h"
#include "catalog/promotion.h"

#include "core/clock.h"
#include "core/embed.h"
#include "harness/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern const EmbeddedFile catalog_schema[];
extern const size_t catalog_schema_count;

static Cluster *cluster;
static char *conninfo;
static Catalog *catalog;
static ProjectRow project;
static Error err; /* of the last REQUIRE or REFUSED */

/* ---- fixture ---- */

static void require(bool ok) {
  if (!ok)
    fail_msg("%s: %s", error_info(err.code)->code, err.message);
}

#define REQUIRE(call)                                                                              \
  do {                                                                                             \
    error_clear(&err);                                                                             \
    require(call);                                                                                 \
  } while (0)

#define REFUSED(call, expected_code)                                                               \
  do {                                                                                             \
    error_clear(&err);                                                                             \
    assert_false(call);                                                                            \
    if (err.code != (expected_code))                                                               \
      fail_msg("%s instead of %s: %s", error_info(err.code)->code,                                 \
               error_info(expected_code)->code, err.message);                                      \
  } while (0)

/* As the superuser who may do everything. */
static void admin(const char *sql) {
  str_free(cluster_sql(cluster, "system", sql));
}

static int set_up(void **state) {
  cluster = cluster_started((const char *[]){"fsync=on", NULL});
  return 0;
}

static int tear_down(void **state) {
  cluster_free(STEAL(cluster));
  return 0;
}

static ProjectRow project_of(const char *name) {
  ProjectRow row = {.state = ROW_READY, .created_by = "ann"};
  id_new("prj", row.id);
  (void)snprintf(row.name, sizeof row.name, "%s", name);
  return row;
}

static BranchRow branch_of(const char *name) {
  BranchRow row = {
      .state = ROW_CREATING, .kind = "feature", .created_by = "ann", .size_class = "small"};
  id_new("br", row.id);
  id_new("vol", row.volume);
  (void)snprintf(row.project, sizeof row.project, "%s", project.id);
  (void)snprintf(row.name, sizeof row.name, "%s", name);
  return row;
}

static EndpointRow endpoint_for(const BranchRow *branch) {
  EndpointRow row = {.state = ENDPOINT_STOPPED};
  id_new("ep", row.id);
  (void)snprintf(row.branch, sizeof row.branch, "%s", branch->id);
  (void)snprintf(row.project, sizeof row.project, "%s", branch->project);
  return row;
}

static OperationRow operation_on(const BranchRow *branch, const char *kind) {
  OperationRow row = {.state = OPERATION_RUNNING, .created_by = "ann"};
  id_new("op", row.id);
  (void)snprintf(row.kind, sizeof row.kind, "%s", kind);
  (void)snprintf(row.project, sizeof row.project, "%s", branch->project);
  (void)snprintf(row.branch, sizeof row.branch, "%s", branch->id);
  return row;
}

static BranchRow inserted_branch(const char *name) {
  BranchRow row = branch_of(name);
  REQUIRE(branch_insert(catalog, &row, &err));
  return row;
}

/* A fresh database with one project for each test. */
static int open_catalog(void **state) {
  str_free(cluster_sql(cluster, "postgres", "CREATE DATABASE system TEMPLATE template0"));
  conninfo = str_format("host=%s user=postgres dbname=system", cluster->root);
  REQUIRE(catalog_migrate(conninfo, &err));
  REQUIRE(catalog_open(conninfo, &catalog, &err));
  project = project_of("shop");
  REQUIRE(project_insert(catalog, &project, &err));
  return 0;
}

static int close_catalog(void **state) {
  catalog_free(STEAL(catalog));
  str_free(STEAL(conninfo));
  str_free(cluster_sql(cluster, "postgres", "DROP DATABASE system WITH (FORCE)"));
  return 0;
}

/* ---- schema ---- */

static void test_schema_files_are_numbered(void **state) {
  for (size_t at = 0; at < catalog_schema_count; at++) {
    char number[24];
    (void)snprintf(number, sizeof number, "%04zu_", at + 1);
    assert_memory_equal(catalog_schema[at].name, number, 5);
  }
}

static void test_migrate_again_changes_nothing(void **state) {
  REQUIRE(catalog_migrate(conninfo, &err));
  AUTO(str_free)
  char *versions =
      cluster_sql(cluster, "system", "SELECT count(*), max(version) FROM lakebase.schema_versions");
  AUTO(str_free)
  char *expected = str_format("%zu|%zu", catalog_schema_count, catalog_schema_count);
  assert_string_equal(versions, expected);
}

static void test_migrate_by_many_at_once(void **state) {
  enum { MIGRATORS = 6 };
  admin("DROP SCHEMA lakebase, access, billing CASCADE");
  pid_t children[MIGRATORS];
  for (size_t at = 0; at < MIGRATORS; at++) {
    children[at] = fork();
    if (children[at] == 0) {
      error_clear(&err);
      _exit(catalog_migrate(conninfo, &err) ? 0 : 1);
    }
  }
  for (size_t at = 0; at < MIGRATORS; at++) {
    int status = -1;
    assert_int_equal(waitpid(children[at], &status, 0), children[at]);
    assert_int_equal(status, 0);
  }
}

static void test_other_versions_are_refused(void **state) {
  Catalog *other = NULL;
  admin("INSERT INTO lakebase.schema_versions VALUES (9999, 'future')");
  REFUSED(catalog_open(conninfo, &other, &err), ERROR_UNSUPPORTED);
  REFUSED(catalog_migrate(conninfo, &err), ERROR_UNSUPPORTED);
  admin("DELETE FROM lakebase.schema_versions");
  REFUSED(catalog_open(conninfo, &other, &err), ERROR_UNSUPPORTED);
}

static void test_empty_database_is_refused(void **state) {
  Catalog *other = NULL;
  admin("DROP SCHEMA lakebase CASCADE");
  REFUSED(catalog_open(conninfo, &other, &err), ERROR_UNSUPPORTED);
}

static void test_unreachable(void **state) {
  Catalog *other = NULL;
  error_clear(&err);
  assert_false(catalog_open("host=/nonexistent dbname=system", &other, &err));
  assert_int_equal(err.code, ERROR_CATALOG_DOWN);
  assert_true(err.hint[0] != '\0');
}

/* ---- rows there and back ---- */

static void test_project_round_trip(void **state) {
  ProjectRow row = project_of("full");
  BranchRow root = inserted_branch("full-root");
  row.created_at = 1700000000123457;
  (void)snprintf(row.root_branch, sizeof row.root_branch, "%s", root.id);
  row.details = json_pack("{s:[s,s], s:s}", "databases", "app", "other \"€\"", "source", "sample");
  REQUIRE(project_insert(catalog, &row, &err));
  ProjectRow back;
  REQUIRE(project_get(catalog, row.id, &back, &err));
  assert_string_equal(back.id, row.id);
  assert_string_equal(back.name, "full");
  assert_int_equal(back.state, ROW_READY);
  assert_string_equal(back.root_branch, root.id);
  assert_string_equal(back.created_by, "ann");
  assert_true(back.created_at == row.created_at);
  assert_true(json_equal(back.details, row.details));
  project_row_release(&back);
  project_row_release(&row);
}

static BranchRow full_branch(void) {
  BranchRow row = branch_of("full");
  BranchRow parent = inserted_branch("the-parent");
  row.state = ROW_FAILED;
  (void)snprintf(row.parent, sizeof row.parent, "%s", parent.id);
  row.is_protected = true;
  row.clean = true;
  row.generation = 7;
  row.fork_timeline = UINT32_MAX;
  row.fork_lsn = 0x16B374D848;
  row.redo_lsn = 1;
  row.end_lsn = UINT64_MAX;
  row.unlogged = 3;
  row.created_at = 1700000000000001;
  row.forked_at = 1700000000999999;
  row.expires_at = 253402300799999999; /* the year 9999 */
  (void)snprintf(row.error, sizeof row.error, "it's broken: \\ \"€\"");
  return row;
}

static void test_branch_round_trip(void **state) {
  static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  BranchRow row = full_branch();
  (void)snprintf(row.identity, sizeof row.identity, "%s", digest);
  REQUIRE(identity_store(catalog, digest, "16384 1 app", &err));
  REQUIRE(branch_insert(catalog, &row, &err));
  BranchRow back;
  REQUIRE(branch_get(catalog, row.id, &back, &err));
  assert_string_equal(back.parent_name, "the-parent");
  (void)snprintf(row.parent_name, sizeof row.parent_name, "the-parent");
  assert_memory_equal(back.id, row.id, sizeof row.id);
  assert_string_equal(back.project, row.project);
  assert_string_equal(back.name, row.name);
  assert_string_equal(back.kind, row.kind);
  assert_int_equal(back.state, row.state);
  assert_string_equal(back.parent, row.parent);
  assert_string_equal(back.volume, row.volume);
  assert_true(back.is_protected && back.clean);
  assert_int_equal(back.generation, 7);
  assert_true(back.fork_timeline == UINT32_MAX);
  assert_true(back.fork_lsn == row.fork_lsn && back.redo_lsn == 1 && back.end_lsn == UINT64_MAX);
  assert_int_equal(back.unlogged, 3);
  assert_string_equal(back.size_class, "small");
  assert_string_equal(back.identity, digest);
  assert_string_equal(back.created_by, "ann");
  assert_true(back.created_at == row.created_at);
  assert_true(back.forked_at == row.forked_at);
  assert_true(back.expires_at == row.expires_at);
  assert_string_equal(back.error, row.error);
}

static void test_branch_update_keeps_its_birth(void **state) {
  BranchRow row = inserted_branch("first");
  BranchRow before;
  REQUIRE(branch_get(catalog, row.id, &before, &err));
  assert_true(before.created_at > 1700000000000000); /* now, since the row said nothing */
  BranchRow changed = before;
  (void)snprintf(changed.name, sizeof changed.name, "second");
  changed.state = ROW_READY;
  changed.created_at = 1;
  (void)snprintf(changed.created_by, sizeof changed.created_by, "mallory");
  REQUIRE(branch_update(catalog, &changed, &err));
  BranchRow after;
  REQUIRE(branch_get(catalog, row.id, &after, &err));
  assert_string_equal(after.name, "second");
  assert_int_equal(after.state, ROW_READY);
  assert_true(after.created_at == before.created_at);
  assert_string_equal(after.created_by, "ann");
}

static void test_endpoint_round_trip(void **state) {
  BranchRow branch = inserted_branch("b");
  EndpointRow row = endpoint_for(&branch);
  REQUIRE(endpoint_insert(catalog, &row, &err));
  row.state = ENDPOINT_RUNNING;
  row.wanted = true;
  row.pid = 4711;
  row.start_time = 123456789012;
  (void)snprintf(row.volume, sizeof row.volume, "%s", branch.volume);
  row.failures = 2;
  row.started_at = 1700000000000007;
  REQUIRE(endpoint_update(catalog, &row, &err));
  EndpointRow back;
  REQUIRE(endpoint_of_branch(catalog, branch.id, &back, &err));
  assert_memory_equal(&back, &row, sizeof row);
  REQUIRE(endpoint_delete(catalog, row.id, &err));
  REFUSED(endpoint_get(catalog, row.id, &back, &err), ERROR_NOTHING_TO_DO);
  REFUSED(endpoint_of_branch(catalog, branch.id, &back, &err), ERROR_NOTHING_TO_DO);
  REFUSED(endpoint_update(catalog, &row, &err), ERROR_NOTHING_TO_DO);
}

static void test_principals(void **state) {
  PrincipalRow row = {.name = "ann",
                      .type = "human",
                      .os_uid = 4294967294,
                      .is_platform = true,
                      .created_at = 1700000000000001};
  PrincipalRow agent = {
      .name = "bot", .type = "agent", .os_uid = -1, .on_behalf_of = "ann", .created_by = "ann"};
  PrincipalRow back;
  id_new("pri", row.id);
  id_new("pri", agent.id);
  REQUIRE(principal_insert(catalog, &row, &err));
  REQUIRE(principal_insert(catalog, &agent, &err));
  REQUIRE(principal_set_roles(catalog, agent.id, "agent,ci", &err));
  REQUIRE(principal_by_uid(catalog, 4294967294, &back, &err));
  assert_memory_equal(&back, &row, sizeof row);
  REFUSED(principal_by_uid(catalog, -1, &back, &err), ERROR_PRINCIPAL_NOT_FOUND);
  REQUIRE(principal_by_name(catalog, "bot", &back, &err));
  assert_string_equal(back.roles, "agent,ci");
  assert_string_equal(back.on_behalf_of, "ann");
  id_new("pri", row.id);
  REFUSED(principal_insert(catalog, &row, &err), ERROR_PRINCIPAL_EXISTS);
}

static TokenRow token_of(const PrincipalRow *principal, int64_t expires_at) {
  TokenRow token = {.iterations = 4096, .created_by = "ann", .expires_at = expires_at};
  id_new("tok", token.id);
  (void)snprintf(token.principal, sizeof token.principal, "%s", principal->id);
  for (size_t at = 0; at < KEY_SIZE; at++) {
    token.stored_key[at] = (unsigned char)(255 - at);
    token.server_key[at] = (unsigned char)at;
  }
  return token;
}

/* Who is removed has no tokens, isn't found, and leaves a name that nobody gets. */
static void test_removed_principals_and_their_tokens(void **state) {
  PrincipalRow row = {.name = "gone", .type = "ci", .os_uid = 4711};
  PrincipalRow back;
  TokenRow found;
  TokenRow *list = NULL;
  size_t count = 0;
  bool yes = false;
  id_new("pri", row.id);
  REQUIRE(principal_insert(catalog, &row, &err));
  TokenRow good = token_of(&row, 0);
  TokenRow late = token_of(&row, 1000000);
  REQUIRE(token_insert(catalog, &good, &yes, &err));
  assert_true(yes);
  REQUIRE(token_insert(catalog, &late, &yes, &err));
  REQUIRE(token_find(catalog, good.id, &found, &yes, &err));
  assert_true(yes);
  assert_memory_equal(found.stored_key, good.stored_key, KEY_SIZE);
  assert_memory_equal(found.server_key, good.server_key, KEY_SIZE);
  REQUIRE(token_find(catalog, late.id, &found, &yes, &err));
  assert_false(yes);
  REQUIRE(token_list(catalog, row.id, &list, &count, &err));
  assert_int_equal(count, 1);
  mem_free(list);
  REQUIRE(principal_set_removed(catalog, row.id, &err));
  REQUIRE(token_find(catalog, good.id, &found, &yes, &err));
  assert_false(yes);
  REFUSED(principal_by_name(catalog, "gone", &back, &err), ERROR_PRINCIPAL_NOT_FOUND);
  REFUSED(principal_by_uid(catalog, 4711, &back, &err), ERROR_PRINCIPAL_NOT_FOUND);
  id_new("pri", row.id);
  REFUSED(principal_insert(catalog, &row, &err), ERROR_PRINCIPAL_EXISTS);
}

static size_t revoke_token(const PrincipalRow *principal, const char *id) {
  AUTO(json_free) json_t *ids = NULL;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  REQUIRE(catalog_begin(catalog, &guard, &err));
  REQUIRE(token_revoke(catalog, principal->id, id, &ids, &err));
  REQUIRE(catalog_commit(&guard, &err));
  return json_array_size(ids);
}

/* What was made with a token goes with it, for whomever it was made, and nothing else does. */
static void test_tokens_go_with_what_they_made(void **state) {
  PrincipalRow one = {.name = "one", .type = "human", .os_uid = -1};
  PrincipalRow two = {.name = "two", .type = "ci", .os_uid = -1};
  TokenRow found;
  bool yes = false;
  id_new("pri", one.id);
  id_new("pri", two.id);
  REQUIRE(principal_insert(catalog, &one, &err));
  REQUIRE(principal_insert(catalog, &two, &err));
  TokenRow first = token_of(&one, 0);
  TokenRow child = token_of(&two, 0);
  TokenRow grandchild = token_of(&one, 0);
  TokenRow other = token_of(&one, 0);
  memcpy(child.made_with, first.id, sizeof child.made_with);
  memcpy(grandchild.made_with, child.id, sizeof grandchild.made_with);
  REQUIRE(token_insert(catalog, &first, &yes, &err));
  REQUIRE(token_insert(catalog, &child, &yes, &err));
  REQUIRE(token_insert(catalog, &grandchild, &yes, &err));
  REQUIRE(token_insert(catalog, &other, &yes, &err));
  REQUIRE(token_hold(catalog, one.id, grandchild.id, &yes, &err));
  assert_true(yes);
  assert_int_equal(revoke_token(&two, first.id), 0); /* it isn't two's */
  assert_int_equal(revoke_token(&one, first.id), 3);
  assert_int_equal(revoke_token(&one, first.id), 0);
  REQUIRE(token_hold(catalog, one.id, grandchild.id, &yes, &err));
  assert_false(yes);
  REQUIRE(token_hold(catalog, one.id, "", &yes, &err));
  assert_true(yes);
  REQUIRE(token_find(catalog, other.id, &found, &yes, &err));
  assert_true(yes);
  TokenRow late = token_of(&one, 0);
  memcpy(late.made_with, child.id, sizeof late.made_with);
  REFUSED(token_insert(catalog, &late, &yes, &err), ERROR_UNAUTHENTICATED);
  REQUIRE(principal_set_removed(catalog, one.id, &err));
  REQUIRE(token_hold(catalog, one.id, "", &yes, &err));
  assert_false(yes);
}

static void test_identities_are_stored_once(void **state) {
  static const char digest[] = "00000000000000000000000000000000000000000000000000000000000000ff";
  AUTO(str_free) char *text = NULL;
  REQUIRE(identity_store(catalog, digest, "one", &err));
  REQUIRE(identity_store(catalog, digest, "two", &err));
  REQUIRE(identity_load(catalog, digest, &text, &err));
  assert_string_equal(text, "one");
  AUTO(str_free) char *none = NULL;
  REFUSED(identity_load(catalog, "ff", &none, &err), ERROR_NOTHING_TO_DO);
}

/* A message that was cut within a character, or quotes bytes from outside, must not lose the row.
 */
static void test_broken_text_is_kept(void **state) {
  BranchRow row = inserted_branch("b");
  row.state = ROW_FAILED;
  (void)snprintf(row.error, sizeof row.error, "bad \xff byte, cut \xe2\x82");
  REQUIRE(branch_update(catalog, &row, &err));
  REQUIRE(branch_get(catalog, row.id, &row, &err));
  assert_string_equal(row.error, "bad ? byte, cut ??");
}

/* ---- names ---- */

static void test_project_names(void **state) {
  ProjectRow row = project_of("shop");
  ProjectRow back;
  REFUSED(project_insert(catalog, &row, &err), ERROR_PROJECT_EXISTS);
  REFUSED(project_find(catalog, "none", &back, &err), ERROR_PROJECT_NOT_FOUND);
  REFUSED(project_find(catalog, "'; DROP SCHEMA lakebase CASCADE; --", &back, &err),
          ERROR_PROJECT_NOT_FOUND);
  project.state = ROW_DELETED;
  REQUIRE(project_update(catalog, &project, &err));
  REFUSED(project_find(catalog, "shop", &back, &err), ERROR_PROJECT_NOT_FOUND);
  REQUIRE(project_insert(catalog, &row, &err));
  project.state = ROW_READY;
  REFUSED(project_update(catalog, &project, &err), ERROR_PROJECT_EXISTS);
  ProjectRow *rows = NULL;
  size_t count = 0;
  REQUIRE(project_list(catalog, &rows, &count, &err));
  assert_int_equal(count, 1);
  project_row_release(&rows[0]);
  mem_free(rows);
  REFUSED(project_update(catalog, &(ProjectRow){.id = "prj-aaaaaaaaaaaa", .name = "x"}, &err),
          ERROR_PROJECT_NOT_FOUND);
}

static void test_branch_names(void **state) {
  BranchRow row = inserted_branch("feature-a");
  BranchRow again = branch_of("feature-a");
  error_clear(&err);
  assert_false(branch_insert(catalog, &again, &err));
  assert_int_equal(err.code, ERROR_BRANCH_EXISTS);
  assert_string_equal(err.message, "branch \"feature-a\" already exists in project \"shop\"");
  BranchRow other = inserted_branch("feature-b");
  (void)snprintf(other.name, sizeof other.name, "feature-a");
  REFUSED(branch_update(catalog, &other, &err), ERROR_BRANCH_EXISTS);
  row.state = ROW_DELETING;
  REQUIRE(branch_update(catalog, &row, &err));
  REFUSED(branch_find(catalog, project.id, "feature-a", &row, &err), ERROR_BRANCH_NOT_FOUND);
  REQUIRE(branch_update(catalog, &other, &err));
  REQUIRE(branch_find(catalog, project.id, "feature-a", &row, &err));
  assert_string_equal(row.id, other.id);
}

/* The schema is the last line: what no caller should send is refused, not cut. */
static void test_schema_refuses_nonsense(void **state) {
  BranchRow row = branch_of("../../etc");
  REFUSED(branch_insert(catalog, &row, &err), ERROR_SQL);
  row = branch_of("good");
  (void)snprintf(row.size_class, sizeof row.size_class, "A B");
  REFUSED(branch_insert(catalog, &row, &err), ERROR_SQL);
  row = branch_of("good");
  (void)snprintf(row.volume, sizeof row.volume, "vol-../x");
  REFUSED(branch_insert(catalog, &row, &err), ERROR_SQL);
  row = branch_of("good");
  (void)snprintf(row.parent, sizeof row.parent, "br-aaaaaaaaaaaa"); /* there is none */
  REFUSED(branch_insert(catalog, &row, &err), ERROR_SQL);
}

/* ---- operations ---- */

static void test_one_operation_holds_a_branch(void **state) {
  BranchRow branch = inserted_branch("feature-a");
  OperationRow first = operation_on(&branch, "branch.reset");
  OperationRow second = operation_on(&branch, "branch.delete");
  REQUIRE(operation_insert(catalog, &first, &err));
  error_clear(&err);
  assert_false(operation_insert(catalog, &second, &err));
  assert_int_equal(err.code, ERROR_BRANCH_BUSY);
  AUTO(str_free)
  char *expected = str_format("branch \"feature-a\" is held by branch.reset (%s)", first.id);
  assert_string_equal(err.message, expected);
  REQUIRE(operation_finish(catalog, first.id, NULL, &err));
  REQUIRE(operation_insert(catalog, &second, &err));
}

static void test_operation_without_branch_holds_nothing(void **state) {
  for (int round = 0; round < 2; round++) {
    OperationRow row = {.kind = "project.create", .created_by = "ann"};
    id_new("op", row.id);
    REQUIRE(operation_insert(catalog, &row, &err));
  }
}

static void test_operation_life(void **state) {
  BranchRow branch = inserted_branch("b");
  OperationRow row = operation_on(&branch, "branch.reset");
  row.worker_pid = 99;
  row.worker_start = 12345678901;
  REQUIRE(operation_insert(catalog, &row, &err));
  (void)snprintf(row.step, sizeof row.step, "copied");
  row.params = json_pack("{s:s}", "volume", branch.volume);
  REQUIRE(operation_update(catalog, &row, &err));
  Error failure = ERROR_INIT;
  (void)error_set(&failure, ERROR_POOL_FULL, "no room \xff");
  REQUIRE(operation_finish(catalog, row.id, &failure, &err));
  REQUIRE(operation_finish(catalog, row.id, NULL, &err)); /* stays failed */
  REFUSED(operation_update(catalog, &row, &err), ERROR_CANCELLED);
  REFUSED(operation_finish(catalog, "op-aaaaaaaaaaaa", NULL, &err), ERROR_NOTHING_TO_DO);
  OperationRow *rows = NULL;
  size_t count = 0;
  REQUIRE(operation_list(catalog, false, 10, &rows, &count, &err));
  assert_int_equal(count, 1);
  assert_int_equal(rows[0].state, OPERATION_FAILED);
  assert_string_equal(rows[0].step, "copied");
  assert_string_equal(rows[0].error, "no room ?");
  assert_int_equal(rows[0].worker_pid, 99);
  assert_true(rows[0].worker_start == 12345678901);
  assert_true(json_equal(rows[0].params, row.params));
  assert_true(rows[0].finished_at >= rows[0].created_at);
  operation_row_release(&rows[0]);
  mem_free(rows);
  operation_row_release(&row);
}

static void test_operation_list(void **state) {
  char last[ID_SIZE] = "";
  for (int number = 0; number < 5; number++) {
    AUTO(str_free) char *name = str_format("b%d", number);
    BranchRow branch = inserted_branch(name);
    OperationRow row = operation_on(&branch, "branch.create");
    REQUIRE(operation_insert(catalog, &row, &err));
    if (number % 2 == 0)
      REQUIRE(operation_finish(catalog, row.id, NULL, &err));
    else
      (void)snprintf(last, sizeof last, "%s", row.id);
  }
  OperationRow *rows = NULL;
  size_t count = 0;
  REQUIRE(operation_list(catalog, true, 10, &rows, &count, &err));
  assert_int_equal(count, 2);
  assert_string_equal(rows[0].id, last);
  for (size_t at = 0; at < count; at++)
    operation_row_release(&rows[at]);
  mem_free(rows);
  REQUIRE(operation_list(catalog, false, 3, &rows, &count, &err));
  assert_int_equal(count, 3);
  for (size_t at = 0; at < count; at++)
    operation_row_release(&rows[at]);
  mem_free(rows);
}

/* ---- single facts ---- */

static void test_facts_apply_to_the_volume_that_was_seen(void **state) {
  static const char digest[] = "00000000000000000000000000000000000000000000000000000000000000aa";
  BranchRow row = inserted_branch("b");
  char other[ID_SIZE];
  id_new("vol", other);
  REQUIRE(identity_store(catalog, digest, "x", &err));
  REQUIRE(branch_set_clean(catalog, row.id, other, digest, &err));
  REQUIRE(branch_set_failed(catalog, row.id, other, "no", &err));
  REQUIRE(branch_get(catalog, row.id, &row, &err));
  assert_false(row.clean);
  assert_int_equal(row.state, ROW_CREATING);
  REQUIRE(branch_set_clean(catalog, row.id, row.volume, digest, &err));
  REQUIRE(branch_set_failed(catalog, row.id, row.volume, "recovery ended early", &err));
  REQUIRE(branch_get(catalog, row.id, &row, &err));
  assert_true(row.clean);
  assert_string_equal(row.identity, digest);
  assert_int_equal(row.state, ROW_FAILED);
  assert_string_equal(row.error, "recovery ended early");
}

static void check_known(const char *volume, bool expected) {
  bool known = !expected;
  REQUIRE(catalog_knows_volume(catalog, volume, &known, &err));
  assert_int_equal(known, expected);
}

static void test_known_volumes(void **state) {
  BranchRow row = inserted_branch("b");
  char replaced[ID_SIZE];
  char strange[ID_SIZE];
  id_new("vol", replaced);
  id_new("vol", strange);
  OperationRow operation = operation_on(&row, "branch.reset");
  operation.params = json_pack("{s:s, s:s}", "new", row.volume, "old", replaced);
  REQUIRE(operation_insert(catalog, &operation, &err));
  operation_row_release(&operation);
  check_known(row.volume, true);
  check_known(replaced, true);
  check_known(strange, false);
  check_known("%", false);
}

static void test_counts(void **state) {
  BranchRow branch = inserted_branch("b");
  EndpointRow endpoint = endpoint_for(&branch);
  endpoint.state = ENDPOINT_RUNNING;
  OperationRow operation = operation_on(&branch, "branch.reset");
  CatalogCounts counts;
  REQUIRE(endpoint_insert(catalog, &endpoint, &err));
  REQUIRE(operation_insert(catalog, &operation, &err));
  REQUIRE(catalog_counts(catalog, &counts, &err));
  assert_int_equal(counts.projects, 1);
  assert_int_equal(counts.branches, 1);
  assert_int_equal(counts.endpoints_running, 1);
  assert_int_equal(counts.operations_running, 1);
}

/* ---- promotions ---- */

static PromotionRow inserted_promotion(void) {
  BranchRow from = inserted_branch("split");
  BranchRow to = inserted_branch("staging");
  PromotionRow row = {.state = PROMOTION_OPEN, .pull = -1};
  id_new("pm", row.id);
  (void)snprintf(row.project, sizeof row.project, "%s", project.id);
  (void)snprintf(row.from_name, sizeof row.from_name, "feature");
  (void)snprintf(row.to_tier, sizeof row.to_tier, "staging");
  (void)snprintf(row.source, sizeof row.source, "%s", from.id);
  (void)snprintf(row.source_name, sizeof row.source_name, "split");
  (void)snprintf(row.target, sizeof row.target, "%s", to.id);
  (void)snprintf(row.requested_by, sizeof row.requested_by, "ann");
  memset(row.change, '0', sizeof row.change - 1);
  REQUIRE(promotion_text_store(catalog, row.change, "[]", &err));
  REQUIRE(promotion_insert(catalog, &row, &err));
  return row;
}

/* What was read while it waited changes nothing of it when it waits no more. */
static void test_only_what_waits_is_updated_by_lookers(void **state) {
  PromotionRow row = inserted_promotion();
  PromotionRow looked = row;
  PromotionRow back = {0};
  (void)snprintf(looked.error, sizeof looked.error, "a gate is shut");
  REQUIRE(promotion_update_open(catalog, &looked, &err));
  REQUIRE(promotion_get(catalog, row.id, &back, &err));
  assert_string_equal(back.error, "a gate is shut");
  promotion_row_release(&back);
  for (PromotionState at = PROMOTION_RUNNING; at <= PROMOTION_UNDONE; at++) {
    row.state = at;
    (void)snprintf(row.step, sizeof row.step, "migrating");
    REQUIRE(promotion_update(catalog, &row, &err));
    REQUIRE(promotion_update_open(catalog, &looked, &err));
    REQUIRE(promotion_get(catalog, row.id, &back, &err));
    assert_int_equal(back.state, at);
    assert_string_equal(back.step, "migrating");
    assert_string_equal(back.error, "");
    promotion_row_release(&back);
  }
}

static void test_half_way(void **state) {
  static const struct {
    PromotionState state;
    const char *step;
    bool resumes, half;
  } cases[] = {
      {PROMOTION_OPEN, "", false, false},
      {PROMOTION_RUNNING, "measured", false, false},
      {PROMOTION_RUNNING, "measured", true, true}, /* of what stopped, tried again */
      {PROMOTION_RUNNING, "migrating", false, true},
      {PROMOTION_RUNNING, "merged", false, true},
      {PROMOTION_RUNNING, "undoing", false, true},
      {PROMOTION_STOPPED, "recorded", false, true},
      {PROMOTION_STOPPED, "undoing", true, true},
      {PROMOTION_DONE, "merged", true, false},
      {PROMOTION_FAILED, "migrating", true, false},
  };
  PromotionRow row = inserted_promotion();
  for (size_t at = 0; at < ARRAY_LENGTH(cases); at++) {
    bool half = !cases[at].half;
    row.state = cases[at].state;
    row.details = json_pack("{s:b}", "resumes", cases[at].resumes);
    (void)snprintf(row.step, sizeof row.step, "%s", cases[at].step);
    REQUIRE(promotion_update(catalog, &row, &err));
    promotion_row_release(&row);
    REQUIRE(promotion_is_half_way(catalog, project.id, "staging", &half, &err));
    if (half != cases[at].half)
      fail_msg("%s at \"%s\"", promotion_state_text(row.state), row.step);
  }
}

/* ---- transactions ---- */

static void test_guard_rolls_back(void **state) {
  BranchRow row = branch_of("gone");
  {
    AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
    REQUIRE(catalog_begin(catalog, &guard, &err));
    REQUIRE(branch_insert(catalog, &row, &err));
  }
  REFUSED(branch_get(catalog, row.id, &row, &err), ERROR_BRANCH_NOT_FOUND);
}

static void test_refusal_leaves_the_transaction_usable(void **state) {
  BranchRow taken = inserted_branch("taken");
  BranchRow again = branch_of("taken");
  BranchRow other = branch_of("other");
  {
    AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
    REQUIRE(catalog_begin(catalog, &guard, &err));
    REFUSED(branch_insert(catalog, &again, &err), ERROR_BRANCH_EXISTS);
    REQUIRE(branch_insert(catalog, &other, &err));
    REQUIRE(catalog_commit(&guard, &err));
  }
  REQUIRE(branch_get(catalog, other.id, &other, &err));
  REQUIRE(branch_get(catalog, taken.id, &taken, &err));
}

/* PostgreSQL answers COMMIT of a failed transaction with a friendly ROLLBACK. */
static void test_doomed_commit_fails(void **state) {
  BranchRow row = branch_of("gone");
  BranchRow bad = branch_of("No Name");
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  REQUIRE(catalog_begin(catalog, &guard, &err));
  REQUIRE(branch_insert(catalog, &row, &err));
  REFUSED(branch_insert(catalog, &bad, &err), ERROR_SQL);
  REFUSED(catalog_commit(&guard, &err), ERROR_INTERNAL);
  REFUSED(branch_get(catalog, row.id, &row, &err), ERROR_BRANCH_NOT_FOUND);
}

static void kill_sessions(void) {
  str_free(cluster_sql(cluster, "postgres",
                       "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                       " WHERE datname = 'system'"));
}

static void test_reconnects(void **state) {
  CatalogCounts counts;
  kill_sessions();
  REQUIRE(catalog_counts(catalog, &counts, &err));
  kill_sessions();
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  REQUIRE(catalog_begin(catalog, &guard, &err));
  REQUIRE(catalog_counts(catalog, &counts, &err));
  REQUIRE(catalog_commit(&guard, &err));
}

/* What was lost with a connection is not silently done without. */
static void test_no_reconnect_within_a_transaction(void **state) {
  BranchRow row = branch_of("lost");
  BranchRow other = branch_of("other");
  {
    AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
    REQUIRE(catalog_begin(catalog, &guard, &err));
    REQUIRE(branch_insert(catalog, &row, &err));
    kill_sessions();
    REFUSED(branch_insert(catalog, &other, &err), ERROR_CATALOG_DOWN);
    REFUSED(catalog_commit(&guard, &err), ERROR_CATALOG_DOWN);
  }
  REFUSED(branch_get(catalog, row.id, &row, &err), ERROR_BRANCH_NOT_FOUND);
}

static void test_down_and_back(void **state) {
  CatalogCounts counts;
  cluster_kill(cluster);
  REFUSED(catalog_counts(catalog, &counts, &err), ERROR_CATALOG_DOWN);
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  REFUSED(catalog_begin(catalog, &guard, &err), ERROR_CATALOG_DOWN);
  cluster_start(cluster, (const char *[]){"fsync=on", NULL});
  REQUIRE(catalog_counts(catalog, &counts, &err));
  assert_int_equal(counts.projects, 1);
}

/* ---- many at once ---- */

/* 0: inserted, 1: branch-exists, 2: anything else */
static int try_insert(void) {
  Catalog *own = NULL;
  error_clear(&err);
  BranchRow row = branch_of("popular");
  if (!catalog_open(conninfo, &own, &err))
    return 2;
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  bool ok = catalog_begin(own, &guard, &err) && branch_insert(own, &row, &err) &&
            catalog_commit(&guard, &err);
  if (ok)
    return 0;
  return err.code == ERROR_BRANCH_EXISTS ? 1 : 2;
}

static void test_twenty_equal_inserts(void **state) {
  enum { CLIENTS = 20 };
  pid_t children[CLIENTS];
  int outcomes[3] = {0};
  for (size_t at = 0; at < CLIENTS; at++) {
    children[at] = fork();
    if (children[at] == 0)
      _exit(try_insert());
  }
  for (size_t at = 0; at < CLIENTS; at++) {
    int status = 0;
    assert_int_equal(waitpid(children[at], &status, 0), children[at]);
    outcomes[WIFEXITED(status) && WEXITSTATUS(status) < 2 ? WEXITSTATUS(status) : 2]++;
  }
  assert_int_equal(outcomes[0], 1);
  assert_int_equal(outcomes[1], CLIENTS - 1);
}

/* ---- tampering ---- */

static void check_invalid(const BranchRow *branch, const char *column) {
  BranchRow back;
  error_clear(&err);
  assert_false(branch_get(catalog, branch->id, &back, &err));
  assert_int_equal(err.code, ERROR_CATALOG_INVALID);
  assert_non_null(strstr(err.message, "lakebase.branches"));
  assert_non_null(strstr(err.message, branch->id));
  assert_non_null(strstr(err.message, column));
}

static void test_tampered_state(void **state) {
  BranchRow good = inserted_branch("good");
  BranchRow bad = inserted_branch("bad");
  admin("ALTER DOMAIN lakebase.row_state DROP CONSTRAINT row_state_known");
  admin("UPDATE lakebase.branches SET state = 'zombie' WHERE name = 'bad'");
  check_invalid(&bad, "column state: \"zombie\"");
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 0;
  REQUIRE(branch_list(catalog, project.id, false, &rows, &count, &invalid, &err));
  assert_int_equal(count, 1);
  assert_int_equal(invalid, 1);
  assert_string_equal(rows[0].id, good.id);
  mem_free(rows);
}

static void test_tampered_texts(void **state) {
  BranchRow bad = inserted_branch("bad");
  admin("ALTER DOMAIN lakebase.volume_id DROP CONSTRAINT volume_id_pattern");
  admin("ALTER DOMAIN lakebase.name DROP CONSTRAINT name_pattern");
  admin("ALTER DOMAIN lakebase.message DROP CONSTRAINT message_length");
  admin("UPDATE lakebase.branches SET volume_id = 'vol-../../etc/x'");
  check_invalid(&bad, "column volume_id");
  admin("UPDATE lakebase.branches SET volume_id = 'vol-aaaaaaaaaaaa', name = E'x\\ny'");
  check_invalid(&bad, "column name: \"x y\"");
  admin("UPDATE lakebase.branches SET name = 'bad', error = repeat('e', 512)");
  check_invalid(&bad, "column error");
}

static void test_tampered_numbers(void **state) {
  BranchRow bad = inserted_branch("bad");
  admin("ALTER TABLE lakebase.branches ALTER generation TYPE bigint;"
        "UPDATE lakebase.branches SET generation = 3000000000");
  check_invalid(&bad, "column generation");
  admin("UPDATE lakebase.branches SET generation = 0;"
        "ALTER TABLE lakebase.branches ALTER clean DROP NOT NULL; UPDATE lakebase.branches SET "
        "clean = NULL");
  check_invalid(&bad, "column clean");
}

static void test_other_lists_go_on(void **state) {
  BranchRow one = inserted_branch("one");
  BranchRow two = inserted_branch("two");
  EndpointRow first = endpoint_for(&one);
  EndpointRow second = endpoint_for(&two);
  OperationRow operation = operation_on(&one, "branch.reset");
  REQUIRE(endpoint_insert(catalog, &first, &err));
  REQUIRE(endpoint_insert(catalog, &second, &err));
  REQUIRE(operation_insert(catalog, &operation, &err));
  admin("ALTER TABLE lakebase.endpoints DROP CONSTRAINT endpoint_state_known;"
        "UPDATE lakebase.endpoints SET state = 'flying' WHERE branch_id = "
        "(SELECT branch_id FROM lakebase.branches WHERE name = 'two');"
        "ALTER DOMAIN lakebase.document DROP CONSTRAINT document_is_object;"
        "UPDATE lakebase.operations SET params = '[]';"
        "INSERT INTO lakebase.projects (project_id, name, state, created_by, details)"
        " VALUES ('prj-aaaaaaaaaaaa', 'odd', 'ready', 'ann', '7')");
  EndpointRow *endpoints = NULL;
  OperationRow *operations = NULL;
  ProjectRow *projects = NULL;
  size_t count = 0;
  REQUIRE(endpoint_list(catalog, &endpoints, &count, &err));
  assert_int_equal(count, 1);
  assert_string_equal(endpoints[0].id, first.id);
  mem_free(endpoints);
  REQUIRE(operation_list(catalog, true, 10, &operations, &count, &err));
  assert_int_equal(count, 0);
  mem_free(operations);
  REQUIRE(project_list(catalog, &projects, &count, &err));
  assert_int_equal(count, 1);
  project_row_release(&projects[0]);
  mem_free(projects);
  AUTO(json_free) json_t *messages = NULL;
  REQUIRE(catalog_verify(catalog, &messages, &err));
  assert_int_equal(json_array_size(messages), 3);
  assert_non_null(strstr(json_string_value(json_array_get(messages, 0)), "lakebase.projects"));
  assert_non_null(strstr(json_string_value(json_array_get(messages, 1)), "\"flying\""));
  assert_non_null(strstr(json_string_value(json_array_get(messages, 2)), operation.id));
}

static void test_verify_finds_nothing_in_a_sound_catalog(void **state) {
  BranchRow branch = inserted_branch("b");
  EndpointRow endpoint = endpoint_for(&branch);
  REQUIRE(endpoint_insert(catalog, &endpoint, &err));
  AUTO(json_free) json_t *messages = NULL;
  REQUIRE(catalog_verify(catalog, &messages, &err));
  assert_int_equal(json_array_size(messages), 0);
}

/* ---- lists and speed ---- */

static void insert_many(int count) {
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  BranchRow parent = branch_of("root");
  REQUIRE(catalog_begin(catalog, &guard, &err));
  REQUIRE(branch_insert(catalog, &parent, &err));
  for (int number = 1; number < count; number++) {
    AUTO(str_free) char *name = str_format("branch-%04d", number);
    BranchRow row = branch_of(name);
    row.created_at = 1700000000000000 - number; /* a clock that runs backwards */
    (void)snprintf(row.parent, sizeof row.parent, "%s", parent.id);
    REQUIRE(branch_insert(catalog, &row, &err));
    parent = row;
  }
  REQUIRE(catalog_commit(&guard, &err));
  admin("ANALYZE lakebase.branches");
}

static int64_t list_us(size_t expected) {
  BranchRow *rows = NULL;
  size_t count = 0;
  size_t invalid = 1;
  int64_t before = clock_monotonic_us();
  REQUIRE(branch_list(catalog, project.id, false, &rows, &count, &invalid, &err));
  int64_t taken = clock_monotonic_us() - before;
  assert_int_equal(count, expected);
  assert_int_equal(invalid, 0);
  for (size_t at = 1; at < count; at++) /* parents come first */
    assert_string_equal(rows[at].parent, rows[at - 1].id);
  mem_free(rows);
  return taken;
}

static int compare_times(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left;
  int64_t b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

static void test_thousand_branches(void **state) {
  enum { ROUNDS = 9, BRANCHES = 1000 };
  int64_t times[ROUNDS];
  insert_many(BRANCHES);
  for (size_t round = 0; round < ROUNDS; round++)
    times[round] = list_us(BRANCHES);
  qsort(times, ROUNDS, sizeof times[0], compare_times);
  print_message("list of %d branches: median %lld us\n", BRANCHES, (long long)times[ROUNDS / 2]);
  assert_true(times[0] < 50000); /* what a busy machine lets through; idle it is a tenth */
  BranchRow *rows = NULL;
  size_t count = 0;
  REQUIRE(branch_list(catalog, NULL, true, &rows, &count, NULL, &err));
  assert_int_equal(count, BRANCHES);
  mem_free(rows);
}

static int64_t create_us(int number) {
  AUTO(str_free) char *name = str_format("create-%d", number);
  BranchRow branch = branch_of(name);
  EndpointRow endpoint = endpoint_for(&branch);
  OperationRow operation = operation_on(&branch, "branch.create");
  int64_t before = clock_monotonic_us();
  AUTO_RELEASE(catalog_guard_release) CatalogGuard guard = {0};
  REQUIRE(catalog_begin(catalog, &guard, &err));
  REQUIRE(branch_insert(catalog, &branch, &err));
  REQUIRE(endpoint_insert(catalog, &endpoint, &err));
  REQUIRE(operation_insert(catalog, &operation, &err));
  REQUIRE(catalog_commit(&guard, &err));
  branch.state = ROW_READY;
  REQUIRE(catalog_begin(catalog, &guard, &err));
  REQUIRE(branch_update(catalog, &branch, &err));
  REQUIRE(operation_finish(catalog, operation.id, NULL, &err));
  REQUIRE(catalog_commit(&guard, &err));
  return clock_monotonic_us() - before;
}

static void test_create_is_quick(void **state) {
  enum { ROUNDS = 101 };
  int64_t times[ROUNDS];
  for (int round = 0; round < ROUNDS; round++)
    times[round] = create_us(round);
  qsort(times, ROUNDS, sizeof times[0], compare_times);
  print_message("rows of one branch create, two flushed commits: median %lld us, p95 %lld us\n",
                (long long)times[ROUNDS / 2], (long long)times[ROUNDS * 95 / 100]);
  assert_true(times[0] < 30000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_catalog, close_catalog)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_schema_files_are_numbered),
      TEST(test_migrate_again_changes_nothing),
      TEST(test_migrate_by_many_at_once),
      TEST(test_other_versions_are_refused),
      TEST(test_empty_database_is_refused),
      cmocka_unit_test(test_unreachable),
      TEST(test_project_round_trip),
      TEST(test_branch_round_trip),
      TEST(test_branch_update_keeps_its_birth),
      TEST(test_endpoint_round_trip),
      TEST(test_principals),
      TEST(test_removed_principals_and_their_tokens),
      TEST(test_tokens_go_with_what_they_made),
      TEST(test_identities_are_stored_once),
      TEST(test_broken_text_is_kept),
      TEST(test_project_names),
      TEST(test_branch_names),
      TEST(test_schema_refuses_nonsense),
      TEST(test_one_operation_holds_a_branch),
      TEST(test_operation_without_branch_holds_nothing),
      TEST(test_operation_life),
      TEST(test_operation_list),
      TEST(test_facts_apply_to_the_volume_that_was_seen),
      TEST(test_known_volumes),
      TEST(test_counts),
      TEST(test_only_what_waits_is_updated_by_lookers),
      TEST(test_half_way),
      TEST(test_guard_rolls_back),
      TEST(test_refusal_leaves_the_transaction_usable),
      TEST(test_doomed_commit_fails),
      TEST(test_reconnects),
      TEST(test_no_reconnect_within_a_transaction),
      TEST(test_down_and_back),
      TEST(test_twenty_equal_inserts),
      TEST(test_tampered_state),
      TEST(test_tampered_texts),
      TEST(test_tampered_numbers),
      TEST(test_other_lists_go_on),
      TEST(test_verify_finds_nothing_in_a_sound_catalog),
      TEST(test_thousand_branches),
      TEST(test_create_is_quick),
  };
  return cmocka_run_group_tests_name("catalog", tests, set_up, tear_down);
}
