/* SPDX-License-Identifier: MIT
 * A pass as time goes by: kernels are slept, tokens that go to experts and back are flows. */
#include "sim/training/training_player.h"

#include <math.h>

/* --- tokens on their way --- */

void stage_run_tokens(void *data)
{
    struct stage_player *stage = data;
    struct expert_queue *tokens = &stage->tokens;
    for (;;) {
        while (tokens->done == tokens->asked && !tokens->stop) {
            signal_wait(&tokens->signal, SIGNAL_WORK);
        }
        if (tokens->done == tokens->asked) {
            plan_player_stop(&tokens->player);
            return;
        }
        stage_play_plan(stage, &tokens->member, tokens->plans[tokens->done % tokens->capacity],
                        1.0);
        tokens->done++;
        signal_wake(&stage->signal, WAITS_TOKENS);
    }
}

static void ask(struct expert_queue *tokens, const struct collective_plan *plan)
{
    tokens->plans[tokens->asked++ % tokens->capacity] = plan;
    signal_wake(&tokens->signal, SIGNAL_WORK);
}

/* Until at most so many of those asked for are left. */
static void wait_for(struct stage_player *stage, uint64_t left)
{
    double since = engine_clock();
    while (stage->tokens.done + left < stage->tokens.asked) {
        signal_wait(&stage->signal, WAITS_TOKENS);
    }
    stage->times->late_seconds += engine_clock() - since;
}

/* --- a pass --- */

static const struct expert_exchanges *exchanges_of(const struct stage_player *stage, uint32_t cell)
{
    static const struct expert_exchanges none = {.count = 0};
    const struct player *player = stage->player;
    if (player->most_exchanges == 0) {
        return &none;
    }
    return &player->exchanges[stage_part(stage, &stage->cells[cell]) * CELL_KIND_COUNT +
                              (uint32_t)stage->cells[cell].kind];
}

struct pass_player pass_open(struct stage_player *stage, uint32_t cell, double seconds)
{
    static const struct expert_exchanges none = {.count = 0};
    const struct cell *of = &stage->cells[cell];
    struct pass_player pass = {.stage = stage, .seconds = seconds, .waits = true};
    pass.paired = of->pace > 0.0;
    if (pass.paired) {
        bool first = of->kind == CELL_FORWARD;
        uint32_t a = first ? cell : cell - 1;
        double before = stage_run_of(stage, a).seconds;
        pass.lists[0] = exchanges_of(stage, a);
        pass.lists[1] = exchanges_of(stage, a + 1);
        pass.pair_seconds = before + stage_run_of(stage, a + 1).seconds;
        pass.from_seconds = first ? 0.0 : before;
        pass.waits = !first;
        pass.next = first ? 0 : stage->pair_next;
        pass.next_seconds = first ? 0.0 : stage->pair_next_seconds;
        return pass;
    }
    pass.lists[0] = exchanges_of(stage, cell);
    pass.lists[1] = &none;
    double alone = stage_cost(stage, of)->seconds[of->kind];
    double kernels = alone - pass.lists[0]->seconds;
    pass.stretch = kernels > 0.0 ? (seconds - alone) / kernels : 0.0;
    return pass;
}

static const struct expert_exchange *exchange_at(const struct pass_player *pass, uint32_t index)
{
    uint32_t first = pass->lists[0]->count;
    return index < first                           ? &pass->lists[0]->list[index]
           : index < first + pass->lists[1]->count ? &pass->lists[1]->list[index - first]
                                                   : NULL;
}

/* Where in the pass an exchange begins before which others take so long. */
static double start_of(const struct pass_player *pass, uint32_t index, double before)
{
    const struct expert_exchange *exchange = exchange_at(pass, index);
    if (exchange == NULL) {
        return INFINITY;
    }
    if (pass->paired) {
        double all = pass->lists[0]->seconds + pass->lists[1]->seconds;
        return pass->pair_seconds * before / all - pass->from_seconds;
    }
    return exchange->start_seconds + pass->stretch * (exchange->start_seconds - before);
}

static double end_of(const struct pass_player *pass)
{
    if (pass->paired || pass->waited == pass->next) {
        return INFINITY;
    }
    return start_of(pass, pass->waited, pass->waited_seconds) +
           exchange_at(pass, pass->waited)->seconds;
}

static void sleep_to(struct pass_player *pass, double seconds)
{
    if (seconds > pass->done_seconds) {
        actor_sleep(seconds - pass->done_seconds);
        pass->done_seconds = seconds;
    }
}

static void ask_next(struct pass_player *pass)
{
    const struct expert_exchange *exchange = exchange_at(pass, pass->next++);
    pass->next_seconds += exchange->seconds;
    ask(&pass->stage->tokens, exchange->plan);
}

void pass_to(struct pass_player *pass, double seconds)
{
    for (;;) {
        double start = start_of(pass, pass->next, pass->next_seconds), end = end_of(pass);
        if (fmin(start, end) > seconds) {
            break;
        }
        sleep_to(pass, fmin(start, end));
        if (end <= start) {
            pass->waited_seconds += exchange_at(pass, pass->waited++)->seconds;
            wait_for(pass->stage, pass->next - pass->waited);
        } else {
            ask_next(pass);
        }
    }
    sleep_to(pass, seconds);
}

void pass_close(struct pass_player *pass)
{
    pass_to(pass, pass->seconds);
    while (pass->waits && exchange_at(pass, pass->next) != NULL) {
        ask_next(pass);
    }
    if (pass->waits) {
        wait_for(pass->stage, 0);
    }
    pass->stage->pair_next = pass->next;
    pass->stage->pair_next_seconds = pass->next_seconds;
}
