/* Documents made from the command table, printed on stdout. */
#pragma once

void generate_man(void);      /* bough(1), troff */
void generate_bash(void);     /* completion for bash */
void generate_zsh(void);      /* completion for zsh */
void generate_workflow(void); /* docs/workflow-table.md */
