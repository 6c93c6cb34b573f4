/* SPDX-License-Identifier: MIT
 * cpsim models: the language models that a scenario can name. */
#include "sim/cli/catalogue.h"

static const char *parameters(struct arena *arena, const void *object)
{
    const struct llm *llm = object;
    const struct gqa *attention = stack_attention(&llm->stack);
    const char *active = "", *heads = "";
    for (uint32_t i = 0; i < llm->stack.kind_count && active[0] == '\0'; i++) {
        struct experts experts = llm->stack.kinds[i].ffn.experts;
        if (experts.count > 0) {
            active = arena_printf(arena, " (%.1f G active, %u of %u experts)",
                                  llm_active_weights(llm) / 1e9, experts.per_token, experts.count);
        }
    }
    if (attention != NULL) {
        heads = arena_printf(arena, ", %u/%u heads", attention->query_heads, attention->kv_heads);
    }
    return arena_printf(arena, "%.1f G parameters%s, %u layers%s", llm_weights(llm) / 1e9, active,
                        llm->stack.layers, heads);
}

static int list_models(const struct invocation *invocation)
{
    static const struct catalogue_part part = {
        .key = "model", .object_size = sizeof(struct llm), .remark = parameters};
    return catalogue_print(invocation, &part, 1);
}

const struct command command_models = {
    .name = "models",
    .operands = "",
    .summary = "list the language models that a scenario can name",
    .doc =
        "Add your own as models/llm/NAME.yaml beside a scenario or in a directory of CPSIM_PATH.",
    .example = "cpsim models",
    .options = TAKES(OPTION_JSON) | TAKES(OPTION_OUTPUT),
    .run = list_models,
};
