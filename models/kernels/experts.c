/* SPDX-License-Identifier: MIT */
#include "models/kernels/experts.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

static double ranks_of(struct routing routing)
{
    return routing.ranks > 1 ? routing.ranks : 1.0;
}

static double share(struct experts experts)
{
    assert(experts.per_token > 0 && experts.per_token <= experts.count && "tokens to no expert");
    return (double)experts.per_token / experts.count;
}

/* --- even --- */

static double even_touched(struct experts experts, double tokens)
{
    return experts.count * (1.0 - pow(1.0 - share(experts), tokens));
}

/* E[ceil(X / rows)] = P(X > 0) + P(X > rows) + P(X > 2 rows) + ... */
static double even_blocks(struct experts experts, double tokens, double rows)
{
    double mean = tokens * share(experts);
    double deviation = sqrt(mean * (1.0 - share(experts)));
    double blocks = even_touched(experts, tokens);
    /* As good as certain below mean - 6 deviations, and impossible 6 above. */
    double certain = fmax(0.0, ceil((mean - 6.0 * deviation) / rows) - 1.0);
    blocks += experts.count * certain;
    for (double edge = (certain + 1.0) * rows; edge < mean + 6.0 * deviation + 1.0; edge += rows) {
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

/* --- what callers ask --- */

double experts_rows(struct experts experts, struct routing routing, double tokens)
{
    double ranks = ranks_of(routing);
    if (routing.kind == ROUTING_POWER_LAW) {
        struct power_law law = power_law_of(experts, routing, tokens);
        double rows = 0.0;
        for (uint32_t i = 0; i < experts.count; i++) {
            rows += is_here(experts, routing, i) * power_load(&law, i);
        }
        return rows;
    }
    if (routing.kind == ROUTING_BALANCED) {
        struct balanced balanced = balanced_of(experts, routing, tokens);
        return balanced.experts * balanced.load;
    }
    return tokens * experts.per_token / ranks;
}

double experts_fullest(struct experts experts, struct routing routing, double tokens)
{
    if (routing.kind == ROUTING_POWER_LAW) {
        struct power_law law = power_law_of(experts, routing, tokens);
        return power_load(&law, 0.0);
    }
    return tokens * share(experts);
}

double experts_touched(struct experts experts, struct routing routing, double tokens)
{
    double ranks = ranks_of(routing);
    if (routing.kind == ROUTING_POWER_LAW) {
        struct power_law law = power_law_of(experts, routing, tokens);
        double touched = 0.0;
        for (uint32_t i = 0; i < experts.count; i++) {
            touched += is_here(experts, routing, i) * fmin(1.0, power_load(&law, i));
        }
        return touched;
    }
    if (routing.kind == ROUTING_BALANCED) {
        return balanced_of(experts, routing, tokens).experts;
    }
    return even_touched(experts, tokens) / ranks;
}

double experts_blocks(struct experts experts, struct routing routing, double tokens, double rows)
{
    double ranks = ranks_of(routing);
    if (routing.kind == ROUTING_POWER_LAW) {
        struct power_law law = power_law_of(experts, routing, tokens);
        double blocks = 0.0;
        for (uint32_t i = 0; i < experts.count; i++) {
            blocks += is_here(experts, routing, i) * blocks_of(power_load(&law, i), rows);
        }
        return blocks;
    }
    if (routing.kind == ROUTING_BALANCED) {
        struct balanced balanced = balanced_of(experts, routing, tokens);
        return balanced.experts * blocks_of(balanced.load, rows);
    }
    return even_blocks(experts, tokens, rows) / ranks;
}

/* The chance that none of a token's experts is among `here` of them. */
static double missed_chance(struct experts experts, double here)
{
    double missed = 1.0;
    for (uint32_t i = 0; i < experts.per_token; i++) {
        missed *= fmax(0.0, experts.count - here - i) / (experts.count - i);
    }
    return missed;
}

double experts_destinations(struct experts experts, double places)
{
    return places <= 1.0 ? 1.0 : places * (1.0 - missed_chance(experts, experts.count / places));
}
