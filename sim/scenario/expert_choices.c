/* SPDX-License-Identifier: MIT */
#include "sim/scenario/expert_choices.h"

#include "models/kernels/experts_grouping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MOST = 4096, RANKS_MOST = EXPERTS_MOST };

bool expert_choices_are(const struct csv *csv)
{
    return csv_column(csv, "experts") != CSV_NO_COLUMN;
}

/* --- reading --- */

struct token {
    uint32_t layer;
    const uint16_t *experts; /* [per_token] */
};

struct tokens {
    struct token *list;
    size_t count;
};

static bool read_layer(const struct csv *csv, const struct csv_field *field, uint32_t *layer,
                       struct diagnostics *diagnostics)
{
    char *end = NULL;
    long number = strtol(field->text, &end, 10);
    if (field->text[0] == '\0' || *end != '\0' || number < 0 || number >= LAYERS_MOST) {
        DIAGNOSE_ERROR(diagnostics, csv_mark(csv, field),
                       "'%.40s': expected the number of a layer, from 0, less than %d", field->text,
                       LAYERS_MOST);
        return false;
    }
    *layer = (uint32_t)number;
    return true;
}

/* "3 17 22": different experts, as many as a token has. */
static bool read_experts(const struct csv *csv, const struct csv_field *field,
                         struct experts experts, uint16_t *chosen, struct diagnostics *diagnostics)
{
    const char *text = field->text;
    uint32_t count = 0;
    bool right = true;
    while (right && *text != '\0') {
        char *end = NULL;
        long number = strtol(text, &end, 10);
        right =
            end != text && number >= 0 && number < (long)experts.count && count < experts.per_token;
        for (uint32_t i = 0; right && i < count; i++) {
            right = chosen[i] != number;
        }
        if (right) {
            chosen[count++] = (uint16_t)number;
        }
        text = end;
    }
    if (!right || count != experts.per_token) {
        DIAGNOSE_ERROR(diagnostics, csv_mark(csv, field),
                       "'%.60s': expected %u different experts from 0 to %u, blanks between them",
                       field->text, experts.per_token, experts.count - 1);
        return false;
    }
    return true;
}

static bool read_tokens(const struct csv *csv, struct experts experts, struct arena *arena,
                        struct tokens *tokens, struct diagnostics *diagnostics)
{
    int layer = csv_column(csv, "layer"), chosen = csv_column(csv, "experts");
    if (layer == CSV_NO_COLUMN) {
        DIAGNOSE_ERROR(diagnostics, csv_mark(csv, &csv->header[0]),
                       "no column 'layer'; expected layer, experts");
        return false;
    }
    tokens->list = ARENA_ARRAY(arena, struct token, csv->row_count + 1);
    bool right = true;
    for (size_t i = 0; i < csv->row_count; i++) {
        struct token *token = &tokens->list[tokens->count];
        uint16_t *list = ARENA_ARRAY(arena, uint16_t, experts.per_token);
        bool whole = read_layer(csv, &csv->rows[i].fields[layer], &token->layer, diagnostics);
        whole =
            read_experts(csv, &csv->rows[i].fields[chosen], experts, list, diagnostics) && whole;
        token->experts = list;
        tokens->count += whole;
        right = right && whole;
    }
    return right;
}

/* --- one layer --- */

struct layer_of_tokens {
    struct experts experts;
    const struct routing *routing;
    double loads[EXPERTS_MOST]; /* shares of all rows */
    double *together;           /* [count][count] */
    struct placed_experts placed;
    uint32_t rows[RANKS_MOST]; /* that came to each rank so far */
    uint32_t *rows_of;         /* [copies]: to each copy */
    uint32_t turns[EXPERTS_MOST];
};

static void count_layer(struct layer_of_tokens *layer, const struct tokens *tokens, uint32_t number)
{
    uint32_t count = layer->experts.count;
    double all = 0.0;
    memset(layer->together, 0, (size_t)count * count * sizeof *layer->together);
    for (size_t t = 0; t < tokens->count; t++) {
        const uint16_t *chosen = tokens->list[t].experts;
        for (uint32_t i = 0; tokens->list[t].layer == number && i < layer->experts.per_token; i++) {
            for (uint32_t j = 0; j < layer->experts.per_token; j++) {
                layer->together[(size_t)chosen[i] * count + chosen[j]] += 1.0;
            }
            all += 1.0;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        layer->loads[i] = layer->together[(size_t)i * count + i] / all;
    }
}

static void place_layer(struct layer_of_tokens *layer)
{
    const struct routing *routing = layer->routing;
    struct experts_to_place question = {
        .loads = layer->loads,
        .count = layer->experts.count,
        .redundant = routing->redundant,
        .ranks = routing->ranks,
        .nodes = routing->placement == PLACEMENT_EPLB ? 1 : routing->nodes,
        .groups = layer->experts.groups,
    };
    layer->placed.count = 0;
    if (routing->placement == PLACEMENT_TOGETHER) {
        experts_place_together(&question, layer->together, &layer->placed);
    } else if (routing->placement != PLACEMENT_DEALT) {
        experts_place_all(&question, &layer->placed);
    } else {
        for (uint32_t i = 0; i < question.count; i++) {
            layer->placed.experts[i] = (uint16_t)i;
            layer->placed.ranks[i] = (uint16_t)(i / (question.count / question.ranks));
        }
        layer->placed.count = question.count;
    }
}

/* The copy that a token of rank `from` takes: nearest, one on its rank, else one in its node, and
 * of equals the rank with least to do; otherwise copies in turn. */
static uint32_t copy_for(struct layer_of_tokens *layer, uint32_t expert, uint32_t from)
{
    const struct placed_experts *placed = &layer->placed;
    const struct routing *routing = layer->routing;
    bool nearest = routing->nearest || routing->placement == PLACEMENT_TOGETHER;
    uint32_t of_node = routing->ranks / routing->nodes, best = placed->count, copies = 0;
    int best_kind = -1;
    for (uint32_t i = 0; i < placed->count; i++) {
        if (placed->experts[i] != expert) {
            continue;
        }
        uint32_t rank = placed->ranks[i];
        int kind = !nearest ? 0 : rank == from ? 2 : rank / of_node == from / of_node ? 1 : 0;
        bool lighter = best < placed->count && kind == best_kind && nearest &&
                       layer->rows[rank] < layer->rows[placed->ranks[best]];
        if (best == placed->count || kind > best_kind || lighter) {
            best = i;
            best_kind = kind;
        }
        copies++;
    }
    uint32_t turn = nearest ? 0 : layer->turns[expert]++ % copies;
    for (uint32_t i = best; turn > 0; turn--) {
        do {
            i++;
        } while (placed->experts[i] != expert);
        best = i;
    }
    return best;
}

/* Sends a token's rows; adds to what it meets. */
static void send_token(struct layer_of_tokens *layer, const uint16_t *chosen, uint32_t from,
                       struct expert_loads *sum)
{
    const struct routing *routing = layer->routing;
    uint32_t of_node = routing->ranks / routing->nodes;
    bool ranks[RANKS_MOST] = {false}, nodes[RANKS_MOST] = {false};
    for (uint32_t i = 0; i < layer->experts.per_token; i++) {
        uint32_t copy = copy_for(layer, chosen[i], from), rank = layer->placed.ranks[copy];
        layer->rows[rank]++;
        layer->rows_of[copy]++;
        bool away = rank / of_node != from / of_node;
        sum->ranks_met += !ranks[rank];
        sum->nodes_away += away && !nodes[rank / of_node];
        sum->rows_away += away ? 1.0 / layer->experts.per_token : 0.0;
        ranks[rank] = nodes[rank / of_node] = true;
    }
}

static int by_rows(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* Adds a layer's part to the mean. */
static void add_layer(struct layer_of_tokens *layer, const struct tokens *tokens, uint32_t number,
                      double part, struct expert_loads *mean)
{
    struct expert_loads sum = {0};
    uint32_t sent = 0, fullest = 0, here = 0, rows[EXPERTS_MOST];
    count_layer(layer, tokens, number);
    place_layer(layer);
    memset(layer->rows, 0, sizeof layer->rows);
    memset(layer->turns, 0, sizeof layer->turns);
    memset(layer->rows_of, 0, EXPERTS_MOST * sizeof *layer->rows_of);
    for (size_t t = 0; t < tokens->count; t++) {
        if (tokens->list[t].layer == number) {
            send_token(layer, tokens->list[t].experts, sent++ % layer->routing->ranks, &sum);
        }
    }
    for (uint32_t r = 1; r < layer->routing->ranks; r++) {
        fullest = layer->rows[r] > layer->rows[fullest] ? r : fullest;
    }
    for (uint32_t i = 0; i < layer->placed.count; i++) {
        if (layer->placed.ranks[i] == fullest) {
            rows[here++] = layer->rows_of[i];
        }
    }
    qsort(rows, here, sizeof *rows, by_rows);
    mean->count = here;
    for (uint32_t i = 0; i < here; i++) {
        mean->shares[i] += part * rows[i] / ((double)sent * layer->experts.per_token);
    }
    mean->ranks_met += part * sum.ranks_met / sent;
    mean->nodes_away += part * sum.nodes_away / sent;
    mean->rows_away += part * sum.rows_away / sent;
}

bool expert_choices_place(const struct csv *csv, struct experts experts,
                          const struct routing *routing, struct expert_loads *mean,
                          struct diagnostics *diagnostics)
{
    struct arena *scratch = arena_create();
    struct tokens tokens = {.count = 0};
    bool right = read_tokens(csv, experts, scratch, &tokens, diagnostics);
    bool *has = ARENA_ARRAY(scratch, bool, LAYERS_MOST);
    uint32_t layers = 0;
    for (size_t i = 0; i < tokens.count; i++) {
        layers += !has[tokens.list[i].layer];
        has[tokens.list[i].layer] = true;
    }
    struct layer_of_tokens *layer = ARENA_NEW(scratch, struct layer_of_tokens);
    layer->experts = experts;
    layer->routing = routing;
    layer->together = ARENA_ARRAY(scratch, double, (size_t)experts.count *experts.count);
    layer->rows_of = ARENA_ARRAY(scratch, uint32_t, EXPERTS_MOST);
    for (uint32_t i = 0; right && i < LAYERS_MOST; i++) {
        if (has[i]) {
            add_layer(layer, &tokens, i, 1.0 / layers, mean);
        }
    }
    arena_destroy(scratch);
    return right && layers > 0;
}
