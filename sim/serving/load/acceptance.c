/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/acceptance.h"

typedef uint32_t acceptance_drawer(struct acceptance_source *source, uint32_t drafts);

/* Each with the chance of its place, until one is wrong. */
static uint32_t draw_one_by_one(struct acceptance_source *source, uint32_t drafts)
{
    const struct acceptance *of = &source->says->acceptance;
    uint32_t accepted = 0;
    while (accepted < drafts && random_uniform(&source->random) <
                                    (of->rate_count > accepted ? of->rates[accepted] : of->rate)) {
        accepted++;
    }
    return accepted;
}

static uint32_t draw_of_file(struct acceptance_source *source, uint32_t drafts)
{
    uint32_t given =
        source->table.tokens[random_between(&source->random, 0, source->table.count - 1)];
    return given - 1 < drafts ? given - 1 : drafts;
}

static acceptance_drawer *const drawers[ACCEPTANCE_KIND_COUNT] = {
    [ACCEPTANCE_RATE] = draw_one_by_one,
    [ACCEPTANCE_POSITIONS] = draw_one_by_one,
    [ACCEPTANCE_FILE] = draw_of_file,
};

bool acceptance_open(struct acceptance_source *source, const struct service *service, uint64_t seed,
                     struct arena *arena, struct diagnostics *diagnostics)
{
    const struct speculation *says = &service->speculation;
    *source = (struct acceptance_source){.says = service->proposer == PROPOSER_NONE ? NULL : says,
                                         .random = random_open(seed, "acceptance")};
    return source->says == NULL || says->acceptance_kind != ACCEPTANCE_FILE ||
           length_table_read(arena, says->acceptance.file, &source->table, diagnostics);
}

uint32_t acceptance_draw(struct acceptance_source *source, uint32_t drafts)
{
    uint32_t deep = source->says == NULL ? 0 : source->says->tokens; /* of a tree, one branch */
    drafts = drafts < deep ? drafts : deep;
    return drafts == 0 ? 0 : drawers[source->says->acceptance_kind](source, drafts);
}
