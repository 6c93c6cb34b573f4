/* SPDX-License-Identifier: MIT */
#include "sim/base/suggest.h"

#include <limits.h>
#include <string.h>

enum { LONGEST_WORD = 64 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned least_of_two = a < b ? a : b;
    return least_of_two < c ? least_of_two : c;
}

unsigned edit_distance(const char *left, const char *right)
{
    size_t rows = strlen(left), columns = strlen(right);
    if (rows > LONGEST_WORD || columns > LONGEST_WORD) {
        return UINT_MAX;
    }
    /* Three rows of the table suffice: this one, the one above, and one more for swaps. */
    unsigned table[3][LONGEST_WORD + 1];
    for (size_t j = 0; j <= columns; j++) {
        table[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= rows; i++) {
        unsigned *row = table[i % 3], *above = table[(i + 2) % 3], *two_above = table[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned replaced = above[j - 1] + (left[i - 1] != right[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, replaced);
            bool swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if (swapped && two_above[j - 2] + 1 < row[j]) {
                row[j] = two_above[j - 2] + 1;
            }
        }
    }
    return table[rows % 3][columns];
}

static char plain(char c)
{
    return (char)(c == '-' ? '_' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool suggest_is_among(const char *list, const char *word)
{
    for (const char *at = list; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, " "), same = 0;
        while (same < length && word[same] != '\0' && plain(at[same]) == plain(word[same])) {
            same++;
        }
        if (same == length && word[same] == '\0') {
            return true;
        }
        at += length + strspn(at + length, " ");
    }
    return false;
}

void suggestion_consider(struct suggestion *suggestion, const char *candidate)
{
    unsigned distance = edit_distance(suggestion->word, candidate);
    /* A third of the word may be wrong, and at most three letters; a beginning is always meant. */
    size_t length = strlen(suggestion->word);
    size_t allowed = length < 3 ? 1 : length / 3 + 1;
    bool near = distance <= (allowed < 3 ? allowed : 3) && distance < length;
    bool begins = length >= 3 && strncmp(suggestion->word, candidate, length) == 0;
    if (begins) {
        near = true;
        distance = distance > 1 ? 1 : distance; /* nearer than another word of two other letters */
    }
    const char *best = suggestion->best;
    bool best_begins = best != NULL && strncmp(suggestion->word, best, length) == 0;
    /* Of words as near one that begins so, and of those the shortest. */
    bool rather = best != NULL && distance == suggestion->distance && begins &&
                  (!best_begins || (distance == 1 && strlen(candidate) < strlen(best)));
    if (near && (best == NULL || distance < suggestion->distance || rather)) {
        suggestion->best = candidate;
        suggestion->distance = distance;
    }
}
