/* SPDX-License-Identifier: MIT */
#include "sim/scenario/documents.h"

#include "models/numeric/random.h"
#include "sim/scenario/document_lengths.h"

#include <math.h>
#include <stdlib.h>

/* Documents one after the other, the last of a sequence going on in the next. */
struct stream {
    const struct documents *documents;
    struct random_stream random;
    double left; /* of the document at hand */
};

static double next_length(struct stream *stream)
{
    if (stream->documents->lengths != NULL) {
        return document_length_at(stream->documents->lengths, random_uniform(&stream->random));
    }
    double mean = stream->documents->mean_tokens, variation = stream->documents->variation;
    double length = variation > 0.0 ? random_lognormal(&stream->random, mean, variation) : mean;
    return fmax(round(length), 1.0);
}

/* Pairs of a sequence within one document, of all. */
static double fill_sequence(struct stream *stream, double tokens)
{
    double room = tokens, pairs = 0.0;
    while (room > 0.0) {
        stream->left = stream->left > 0.0 ? stream->left : next_length(stream);
        double part = fmin(stream->left, room);
        pairs += part * part;
        room -= part;
        stream->left -= part;
    }
    return pairs / (tokens * tokens);
}

static int more_first(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left < right) - (left > right);
}

/* The most work first, each to the replica with least that has room for one more. */
static void balance(double *work, uint32_t batch, uint32_t replicas, double *loads)
{
    qsort(work, batch, sizeof *work, more_first);
    /* Rounds of one sequence a replica: the heaviest of a round meets the lightest load. */
    for (uint32_t first = 0; first < batch; first += replicas) {
        qsort(loads, replicas, sizeof *loads, more_first);
        for (uint32_t i = 0; i < replicas && first + i < batch; i++) {
            loads[replicas - 1 - i] += work[first + i];
        }
    }
}

double documents_of_step(const struct documents *documents, uint64_t sequence_tokens,
                         uint32_t batch)
{
    return (double)sequence_tokens * batch / documents->mean_tokens;
}

struct document_shares document_shares(const struct documents *documents, uint64_t sequence_tokens,
                                       uint32_t batch, uint32_t replicas, uint64_t seed,
                                       uint32_t steps, double *work, double *loads)
{
    struct document_shares shares = {0};
    if (documents->mean_tokens <= 0.0) {
        return (struct document_shares){.mean = 1.0, .most = 1.0};
    }
    struct stream stream = {.documents = documents, .random = random_open(seed, "documents")};
    for (uint32_t step = 0; step < steps; step++) {
        double most = 0.0;
        for (uint32_t i = 0; i < batch; i++) {
            work[i] = fill_sequence(&stream, (double)sequence_tokens);
            shares.mean += work[i] / batch / steps;
        }
        for (uint32_t i = 0; i < replicas; i++) {
            loads[i] = 0.0;
        }
        if (documents->packing == PACKING_BALANCED) {
            balance(work, batch, replicas, loads);
        }
        for (uint32_t i = 0; i < batch && documents->packing == PACKING_IN_ORDER; i++) {
            loads[i % replicas] += work[i];
        }
        for (uint32_t i = 0; i < replicas; i++) {
            most = fmax(most, loads[i]);
        }
        shares.most += most * replicas / batch / steps;
    }
    return shares;
}
