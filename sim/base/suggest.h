/* SPDX-License-Identifier: MIT
 * "Did you mean ...?": the nearest of the words that would have been right. Pure. */
#ifndef CPSIM_SIM_BASE_SUGGEST_H
#define CPSIM_SIM_BASE_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Letters to insert, delete, replace or swap with their neighbour to turn one word into the other
 * (optimal string alignment). Words longer than 64 bytes count as far apart. */
unsigned edit_distance(const char *left, const char *right);

/* The best of the candidates seen so far. Start from {.word = "what the user wrote"}. */
struct suggestion {
    const char *word;
    const char *best; /* NULL: nothing is near enough to be meant */
    unsigned distance;
};

/* Whether a list of words with blanks between has the word, in any case, '-' as '_'. NULL: no. */
bool suggest_is_among(const char *list, const char *word);

void suggestion_consider(struct suggestion *suggestion, const char *candidate);

#endif
