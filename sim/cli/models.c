/* SPDX-License-Identifier: MIT
 * cpsim models: the language models that a scenario can name. */
#include "sim/cli/catalogue.h"
#include "sim/cli/model_report.h"

static const char *remark(struct arena *arena, const void *object)
{
    return model_remark(arena, object);
}

static void members(struct text *text, const void *object)
{
    model_members(text, object);
}

static void lines(struct text *text, const void *object)
{
    model_report(text, "  ", object);
}

static int list_models(const struct invocation *invocation)
{
    static const struct catalogue_part part = {.key = "model",
                                               .object_size = sizeof(struct llm),
                                               .remark = remark,
                                               .members = members,
                                               .lines = lines};
    return catalogue_print(invocation, &part, 1);
}

const struct command command_models = {
    .name = "models",
    .operands = "[MODEL...]",
    .summary = "list the language models that a scenario can name, or describe some",
    .doc = "MODEL is a name of the list, a file, a config.json or a folder that holds one. --json "
           "gives exact counts: parameters, bytes of cache a token, elements of state. Add your "
           "own as models/llm/NAME.yaml beside a scenario or in a directory of CPSIM_PATH.",
    .example = "cpsim models qwen3-30b-a3b",
    .options = TAKES(OPTION_WIDTH) | TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .files = "yaml|yml|json",
    .most_operands = ANY_NUMBER,
    .run = list_models,
};
