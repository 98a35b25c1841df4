/* A default that has to be computed for every row. */
#include "lint/rule.h"

/* Functions of the transaction's time are evaluated once. */
static bool is_stable(const PgQuery__FuncCall *call) {
  static const char *const names[] = {"now", "transaction_timestamp", "statement_timestamp"};
  const char *name = tree_name(call->funcname, call->n_funcname, 0);
  for (size_t at = 0; at < ARRAY_LENGTH(names); at++)
    if (lint_same_name(name, names[at]))
      return call->n_args == 0;
  return false;
}

static bool visit(void *context, const ProtobufCMessage *message) {
  bool *is_volatile = context;
  if (message->descriptor == &pg_query__func_call__descriptor &&
      !is_stable((const PgQuery__FuncCall *)(const void *)message))
    *is_volatile = true;
  return !*is_volatile;
}

static void check(Lint *lint, const LintTarget *target, const PgQuery__Constraint *constraint,
                  const PgQuery__ColumnDef *column) {
  bool is_volatile = false;
  if (!target->alters || target->fresh || column == NULL ||
      constraint->contype != CONSTRAINT(DEFAULT))
    return;
  tree_walk_node(constraint->raw_expr, visit, &is_volatile);
  if (is_volatile)
    lint_find(lint, constraint->location, "the default of %s is computed for every row of %s",
              column->colname, target->table->relname);
}

const LintRule rule_add_volatile_default = {
    .name = "add-volatile-default",
    .severity = LINT_WARNING,
    .why = "With a default that isn't constant ADD COLUMN writes the whole table anew under an "
           "exclusive lock.",
    .instead = "Add the column without the default, set the default by ALTER COLUMN, then fill the "
               "rows in batches.",
    .refactoring = "Introduce Default Value",
    .bad = "ALTER TABLE parts ADD COLUMN uid uuid DEFAULT gen_random_uuid();",
    .good = "ALTER TABLE parts ADD COLUMN uid uuid;\n"
            "ALTER TABLE parts ALTER COLUMN uid SET DEFAULT gen_random_uuid();",
    .on_constraint = check,
};
