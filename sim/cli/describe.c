/* SPDX-License-Identifier: MIT
 * cpsim describe [KEY]: what the keys of a scenario mean. */
#include "sim/cli/cli.h"
#include "sim/scenario/reference.h"
#include "sim/scenario/tables.h"

static int describe_key(const struct invocation *invocation)
{
    struct arena *arena = arena_create();
    struct text text = {.arena = arena};
    const char *nearest = NULL;
    bool known = true;
    if (invocation->markdown) {
        reference_markdown(&text, scenario_fields);
    } else if (invocation->operand_count == 0) {
        reference_tree(&text, scenario_fields);
    } else {
        known = reference_describe(&text, scenario_fields, invocation->operands[0], &nearest);
    }
    int status = EXIT_WRONG_INPUT;
    if (known) {
        status = result_write(invocation, text.bytes);
    } else if (nearest != NULL) {
        fprintf(stderr, "cpsim: error: no key '%s' (did you mean '%s'?)\n", invocation->operands[0],
                nearest);
    } else {
        fprintf(stderr, "cpsim: error: no key '%s'; cpsim describe lists them\n",
                invocation->operands[0]);
    }
    arena_destroy(arena);
    return status;
}

const struct command command_describe = {
    .name = "describe",
    .operands = "[KEY]",
    .summary = "say what the keys of a scenario mean",
    .doc = "Without a key: all of them, a line each.",
    .example = "cpsim describe layout.tensor",
    .options = TAKES(OPTION_MARKDOWN) | TAKES(OPTION_OUTPUT),
    .most_operands = 1,
    .run = describe_key,
};
