/* SPDX-License-Identifier: MIT */
#include "models/kernels/experts.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static double ranks_of(struct routing routing)
{
    return routing.ranks > 1 ? routing.ranks : 1.0;
}

static double share(struct experts experts)
{
    assert(experts.per_token > 0 && experts.per_token <= experts.count && "tokens to no expert");
    return (double)experts.per_token / experts.count;
}

/* Of loads alike a copy is one expert more. */
static struct experts with_copies(struct experts experts, struct routing routing)
{
    experts.count += routing.redundant;
    return experts;
}

/* Rows that an expert takes at most. */
static double room_of(struct experts experts, struct routing routing, double tokens)
{
    return routing.capacity > 0.0 ? routing.capacity * tokens * share(with_copies(experts, routing))
                                  : (double)INFINITY;
}

/* --- even --- */

/* Tokens that choose on their own, of so many. */
static double independent(struct routing routing, double tokens)
{
    return routing.distinct > 0.0 && tokens > 1.0 ? 1.0 + routing.distinct * (tokens - 1.0)
                                                  : tokens;
}

static double even_touched(struct experts experts, double tokens)
{
    return experts.count * (1.0 - pow(1.0 - share(experts), tokens));
}

/* E[min(X, room)] = mean - E[X beyond room], X binomial, as that of a normal. */
static double even_kept(struct experts experts, double tokens, double room)
{
    static const double pi = 3.14159265358979323846;
    double mean = tokens * share(experts);
    double deviation = sqrt(mean * (1.0 - share(experts)));
    if (!(deviation > 0.0) || isinf(room)) {
        return fmin(mean, room);
    }
    double z = (room - mean) / deviation;
    double beyond =
        deviation * (exp(-0.5 * z * z) / sqrt(2.0 * pi) - 0.5 * z * erfc(z / sqrt(2.0)));
    return mean - fmax(0.0, beyond);
}

/* E[ceil(min(X, room) / rows)] = P(X > 0) + P(X > rows) + P(X > 2 rows) + ..., below room. */
static double even_blocks(struct experts experts, double tokens, double rows, double room)
{
    double mean = tokens * share(experts);
    double deviation = sqrt(mean * (1.0 - share(experts)));
    double blocks = even_touched(experts, tokens);
    /* As good as certain below mean - 6 deviations, and impossible 6 above. */
    double certain =
        fmax(0.0, fmin(ceil((mean - 6.0 * deviation) / rows), ceil(room / rows)) - 1.0);
    blocks += experts.count * certain;
    double last = fmin(mean + 6.0 * deviation + 1.0, room);
    for (double edge = (certain + 1.0) * rows; edge < last; edge += rows) {
        double above =
            deviation > 0.0 ? (edge + 0.5 - mean) / deviation : (edge < mean ? -9.0 : 9.0);
        blocks += experts.count * 0.5 * erfc(above / sqrt(2.0));
    }
    return blocks;
}

/* --- known loads --- */

/* Rows of an expert of less than one: the chance that it has one. */
static double blocks_of(double load, double rows)
{
    static const double rounding = 1e-9;
    return load < 1.0 ? load : ceil(load / rows - rounding);
}

/* Experts of the rank that get any, alike. */
struct balanced {
    double experts, load;
};

static struct balanced balanced_of(struct experts experts, struct routing routing, double tokens)
{
    double ranks = ranks_of(routing);
    double rows = fmax(1.0, tokens * experts.per_token / ranks);
    double touched = fmin(ceil(experts.count / ranks), ceil(rows));
    return (struct balanced){.experts = touched, .load = rows / touched};
}

/* Of quantile `u`, before scaling. */
static double power_weight(double exponent, double least, double most, double u)
{
    double power = 1.0 - exponent;
    double low = pow(least, power), high = pow(most, power);
    return pow((high - low) * u + low, 1.0 / power);
}

struct power_law {
    double exponent, least, most;
    double tokens, count;
    double capped; /* experts that every token goes to */
    double scale;  /* of the others' weights */
};

/* Expert i of count, the fullest first. */
static double power_load(const struct power_law *law, double i)
{
    if (i < law->capped) {
        return law->tokens;
    }
    double u = 1.0 - (i + 0.5) / law->count;
    return law->scale * power_weight(law->exponent, law->least, law->most, u);
}

static struct power_law power_law_of(struct experts experts, struct routing routing, double tokens)
{
    assert(routing.exponent > 1.0 && "a power law whose loads can be scaled");
    double rows = tokens * experts.per_token;
    bool many = rows > experts.count;
    static const double fullest_share = 0.8, few_least = 0.01, few_most = 2.0;
    struct power_law law = {.exponent = routing.exponent,
                            .least = many ? 1.0 : few_least,
                            .most = many ? fmax(fullest_share * tokens, 1.0 + 1e-4) : few_most,
                            .tokens = tokens,
                            .count = experts.count,
                            .scale = 1.0};
    double weights = 0.0;
    for (uint32_t i = 0; i < experts.count; i++) {
        weights += power_load(&law, i);
    }
    law.scale = rows / weights;
    /* Whoever would get more than every token gets every token; the others share the rest. */
    while (law.capped < law.count && power_load(&law, law.capped) > tokens) {
        weights = fmax(0.0, weights - power_load(&law, law.capped) / law.scale);
        law.capped += 1.0;
        double rest = fmax(0.0, rows - law.capped * tokens);
        law.scale = weights > 0.0 ? rest / weights : 0.0;
    }
    return law;
}

/* The chance that expert i is on the rank: the fullest is, and the rank's others are drawn from the
 * rest. */
static double is_here(struct experts experts, struct routing routing, uint32_t i)
{
    double here = experts.count / ranks_of(routing);
    return i == 0 || experts.count == 1 ? 1.0 : fmax(0.0, here - 1.0) / (experts.count - 1.0);
}

static bool is_known(struct routing routing)
{
    return routing.kind == ROUTING_POWER_LAW || routing.kind == ROUTING_MEASURED;
}

/* Rows of the i-th expert of the fullest rank, as it was placed. */
static double placed_load(const struct expert_loads *loads, struct experts experts, double tokens,
                          uint32_t i)
{
    return fmin(loads->shares[i] * tokens * experts.per_token, tokens);
}

/* Sum over the rank's experts of what `of` says of a load. */
static double sum_known(struct experts experts, struct routing routing, double tokens,
                        double (*of)(double load, double rows), double rows)
{
    double sum = 0.0, room = room_of(experts, routing, tokens);
    for (uint32_t i = 0; routing.loads != NULL && i < routing.loads->count; i++) {
        sum += of(fmin(placed_load(routing.loads, experts, tokens, i), room), rows);
    }
    if (routing.loads != NULL) {
        return sum;
    }
    struct power_law law = power_law_of(experts, routing, tokens);
    for (uint32_t i = 0; i < experts.count; i++) {
        sum += is_here(experts, routing, i) * of(fmin(power_load(&law, i), room), rows);
    }
    return sum;
}

void experts_power_law(struct experts experts, double exponent, double tokens, double *loads)
{
    struct routing routing = {.kind = ROUTING_POWER_LAW, .exponent = exponent};
    struct power_law law = power_law_of(experts, routing, tokens);
    for (uint32_t i = 0; i < experts.count; i++) {
        loads[i] = power_load(&law, i);
    }
}

static double all_of(double load, double rows)
{
    (void)rows;
    return load;
}

static double chance_of_any(double load, double rows)
{
    (void)rows;
    return fmin(1.0, load);
}

/* Of an expert's rows: where some choose alike, each that chooses stands for several rows. */
static double even_dropped(struct experts experts, struct routing routing, double tokens)
{
    if (!(routing.capacity > 0.0 && tokens > 0.0)) {
        return 0.0;
    }
    struct experts all = with_copies(experts, routing);
    double alone = independent(routing, tokens);
    double room = room_of(experts, routing, tokens) * alone / tokens;
    return 1.0 - even_kept(all, alone, room) / (alone * share(all));
}

/* --- what callers ask --- */

double experts_dropped(struct experts experts, struct routing routing, double tokens)
{
    if (routing.kind == ROUTING_EVEN) {
        return even_dropped(experts, routing, tokens);
    }
    if (!is_known(routing) || !(routing.capacity > 0.0 && tokens > 0.0)) {
        return 0.0;
    }
    routing.ranks = routing.loads != NULL ? routing.ranks : 1; /* of a power law, every expert */
    struct routing dropless = routing;
    dropless.capacity = 0.0;
    return 1.0 - experts_rows(experts, routing, tokens) / experts_rows(experts, dropless, tokens);
}

double experts_rows(struct experts experts, struct routing routing, double tokens)
{
    if (is_known(routing)) {
        return sum_known(experts, routing, tokens, all_of, 0.0);
    }
    if (routing.kind == ROUTING_BALANCED) {
        struct balanced balanced = balanced_of(with_copies(experts, routing), routing, tokens);
        return balanced.experts * balanced.load;
    }
    return tokens * experts.per_token / ranks_of(routing) *
           (1.0 - even_dropped(experts, routing, tokens));
}

double experts_fullest(struct experts experts, struct routing routing, double tokens)
{
    if (is_known(routing)) {
        struct power_law law = {.capped = 0.0};
        if (routing.loads == NULL) {
            law = power_law_of(experts, routing, tokens);
        }
        double load = routing.loads != NULL ? placed_load(routing.loads, experts, tokens, 0)
                                            : power_load(&law, 0.0);
        return fmin(load, room_of(experts, routing, tokens));
    }
    return tokens * share(with_copies(experts, routing)) *
           (1.0 - even_dropped(experts, routing, tokens));
}

double experts_touched(struct experts experts, struct routing routing, double tokens)
{
    if (is_known(routing)) {
        return sum_known(experts, routing, tokens, chance_of_any, 0.0);
    }
    if (routing.kind == ROUTING_BALANCED) {
        return balanced_of(with_copies(experts, routing), routing, tokens).experts;
    }
    return even_touched(with_copies(experts, routing), independent(routing, tokens)) /
           ranks_of(routing);
}

double experts_blocks(struct experts experts, struct routing routing, double tokens, double rows)
{
    if (is_known(routing)) {
        return sum_known(experts, routing, tokens, blocks_of, rows);
    }
    if (routing.kind == ROUTING_BALANCED) {
        struct balanced balanced = balanced_of(with_copies(experts, routing), routing, tokens);
        return balanced.experts * blocks_of(balanced.load, rows);
    }
    /* As many blocks as fewer tokens fill when each stands for several rows. */
    double alone = independent(routing, tokens);
    double room = room_of(experts, routing, tokens) * alone / tokens;
    return even_blocks(with_copies(experts, routing), alone, fmax(1.0, rows * alone / tokens),
                       room) /
           ranks_of(routing);
}

double experts_held(struct experts experts, struct routing routing)
{
    return ceil((experts.count + routing.redundant) / ranks_of(routing));
}

/* --- where tokens go --- */

/* C(of - without, drawn) / C(of, drawn): the chance that none of `drawn` is among `without`. */
static double missed_chance(double of, double without, uint32_t drawn)
{
    double missed = 1.0;
    for (uint32_t i = 0; i < drawn; i++) {
        missed *= fmax(0.0, of - without - i) / (of - i);
    }
    return missed;
}

/* The chance that exactly `hits` of `drawn` are among `special` of `of`. */
static double hypergeometric(uint32_t of, uint32_t special, uint32_t drawn, uint32_t hits)
{
    double chance = 1.0;
    for (uint32_t i = 0; i < hits; i++) {
        chance *= (double)(special - i) * (drawn - i) / ((i + 1.0) * (of - i));
    }
    for (uint32_t i = 0; i < drawn - hits; i++) {
        chance *= fmax(0.0, (double)of - special - i) / (double)(of - hits - i);
    }
    return chance;
}

/* A place is several whole groups, or a part of one. */
static double grouped_destinations(struct experts experts, double places)
{
    uint32_t groups = experts.groups, chosen = experts.groups_per_token;
    double size = (double)experts.count / groups, drawn_from = chosen * size;
    if (places > groups) {
        double here = experts.count / places;
        double hit = 1.0 - missed_chance(drawn_from, here, experts.per_token);
        return places * (double)chosen / groups * hit;
    }
    uint32_t here = (uint32_t)(groups / places);
    double hit = 0.0;
    for (uint32_t i = 1; i <= here && i <= chosen; i++) {
        hit += hypergeometric(groups, here, chosen, i) *
               (1.0 - missed_chance(drawn_from, i * size, experts.per_token));
    }
    return places * hit;
}

double experts_destinations(struct experts experts, double places)
{
    if (places <= 1.0) {
        return 1.0;
    }
    if (experts.groups > experts.groups_per_token && experts.groups_per_token > 0) {
        return grouped_destinations(experts, places);
    }
    return places * (1.0 - missed_chance(experts.count, experts.count / places, experts.per_token));
}

/* Share of all rows whose expert has a copy in the token's own node: copies of one lie on nodes of
 * their own. */
static double copies_here(struct experts experts, struct routing routing)
{
    if (routing.loads != NULL) {
        return routing.loads->copies_here;
    }
    double copies = 1.0 + floor((double)routing.redundant / experts.count);
    double more = (double)(routing.redundant % experts.count) / experts.count;
    return (1.0 - more) * fmin(1.0, copies / routing.nodes) +
           more * fmin(1.0, (copies + 1.0) / routing.nodes);
}

double experts_remote(struct experts experts, struct routing routing, bool by_row)
{
    if (!routing.nearest || routing.nodes <= 1) {
        return 1.0;
    }
    double nodes = routing.nodes, away = 1.0 - copies_here(experts, routing);
    if (by_row) {
        return away / (1.0 - 1.0 / nodes);
    }
    /* The chance that one of a token's rows goes to a certain other node. */
    double met = 1.0 - pow(1.0 - away / (nodes - 1.0), experts.per_token);
    return met / (1.0 - pow(1.0 - 1.0 / nodes, experts.per_token));
}

struct experts_reach experts_reach(struct experts experts, struct routing routing, double ranks,
                                   double nodes, bool by_row)
{
    const struct expert_loads *seen = routing.loads;
    if (seen == NULL || seen->ranks_met <= 0.0) {
        return (struct experts_reach){
            .ranks = experts_destinations(experts, ranks),
            .nodes = experts_destinations(experts, nodes),
            .kept_near = 1.0 - experts_remote(experts, routing, by_row),
        };
    }
    /* What an exchange takes for the share that leaves: (nodes - 1) / nodes of them. */
    double away = nodes > 1.0 ? (nodes - 1.0) / nodes : 1.0;
    return (struct experts_reach){
        .ranks = seen->ranks_met,
        .nodes = seen->nodes_away / away,
        .kept_near = by_row ? 1.0 - seen->rows_away / away : 0.0,
    };
}
