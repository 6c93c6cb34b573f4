/* SPDX-License-Identifier: MIT */
#include "models/numeric/simplex.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

struct vertex {
    double at[SIMPLEX_MAX_DIMENSIONS];
    double value;
};

struct state {
    const struct simplex *simplex;
    struct vertex vertices[SIMPLEX_MAX_DIMENSIONS + 1]; /* best first */
    size_t evaluations;
};

static void evaluate(struct state *state, struct vertex *vertex)
{
    vertex->value = state->simplex->value(vertex->at, state->simplex->context);
    state->evaluations++;
}

/* Sinks a vertex into its place among those before it. */
static void insert(struct state *state, size_t place, struct vertex vertex)
{
    while (place > 0 && vertex.value < state->vertices[place - 1].value) {
        state->vertices[place] = state->vertices[place - 1];
        place--;
    }
    state->vertices[place] = vertex;
}

static void start(struct state *state, const double *point)
{
    size_t dimensions = state->simplex->dimensions;
    for (size_t i = 0; i <= dimensions; i++) {
        struct vertex vertex = {0};
        memcpy(vertex.at, point, dimensions * sizeof *point);
        if (i > 0) {
            vertex.at[i - 1] += state->simplex->step;
        }
        evaluate(state, &vertex);
        insert(state, i, vertex);
    }
}

/* The worst vertex, mirrored at the centre of the others and stretched by `factor`. */
static struct vertex reflect(struct state *state, double factor)
{
    size_t dimensions = state->simplex->dimensions;
    struct vertex moved = {0};
    for (size_t j = 0; j < dimensions; j++) {
        double centre = 0.0;
        for (size_t i = 0; i < dimensions; i++) {
            centre += state->vertices[i].at[j] / (double)dimensions;
        }
        moved.at[j] = centre + factor * (centre - state->vertices[dimensions].at[j]);
    }
    evaluate(state, &moved);
    return moved;
}

static void shrink(struct state *state)
{
    size_t dimensions = state->simplex->dimensions;
    for (size_t i = 1; i <= dimensions; i++) {
        struct vertex vertex = state->vertices[i];
        for (size_t j = 0; j < dimensions; j++) {
            vertex.at[j] = 0.5 * (vertex.at[j] + state->vertices[0].at[j]);
        }
        evaluate(state, &vertex);
        insert(state, i, vertex);
    }
}

static void move(struct state *state)
{
    size_t worst = state->simplex->dimensions;
    struct vertex reflected = reflect(state, 1.0);
    if (reflected.value < state->vertices[0].value) {
        struct vertex expanded = reflect(state, 2.0);
        insert(state, worst, expanded.value < reflected.value ? expanded : reflected);
    } else if (reflected.value < state->vertices[worst - 1].value) {
        insert(state, worst, reflected);
    } else {
        bool outside = reflected.value < state->vertices[worst].value;
        struct vertex contracted = reflect(state, outside ? 0.5 : -0.5);
        double best_known = outside ? reflected.value : state->vertices[worst].value;
        if (contracted.value < best_known) {
            insert(state, worst, contracted);
        } else {
            shrink(state);
        }
    }
}

double simplex_minimise(const struct simplex *simplex, double *point)
{
    size_t dimensions = simplex->dimensions;
    assert(dimensions > 0 && dimensions <= SIMPLEX_MAX_DIMENSIONS && "too many dimensions");
    struct state state = {.simplex = simplex};
    start(&state, point);
    while (state.evaluations < simplex->evaluations &&
           state.vertices[dimensions].value - state.vertices[0].value > simplex->tolerance) {
        move(&state);
    }
    memcpy(point, state.vertices[0].at, dimensions * sizeof *point);
    return state.vertices[0].value;
}
