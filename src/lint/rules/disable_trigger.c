/* Triggers or replication rules switched off. */
#include "lint/rule.h"

static void check(Lint *lint, const LintTarget *target, const PgQuery__AlterTableCmd *command) {
  if (command->subtype == AT(DisableTrig) || command->subtype == AT(DisableTrigAll) ||
      command->subtype == AT(DisableTrigUser))
    lint_find(lint, -1, "triggers of %s are switched off", target->table->relname);
}

static void check_setting(Lint *lint, const PgQuery__Node *tree) {
  if (lint_same_name(tree->variable_set_stmt->name, "session_replication_role"))
    lint_find(lint, -1, "session_replication_role switches triggers off");
}

const LintRule rule_disable_trigger = {
    .name = "disable-trigger",
    .severity = LINT_WARNING,
    .why = "Whatever is written meanwhile escapes the triggers, foreign keys included, and "
           "forgetting to switch them on again is easy.",
    .instead = "Write the rows so that the triggers can run.",
    .bad = "ALTER TABLE parts DISABLE TRIGGER ALL;",
    .good = "ALTER TABLE parts ENABLE TRIGGER USER;",
    .on_command = check,
    .node = NODE(VARIABLE_SET_STMT),
    .on_node = check_setting,
};
