/* The longest common subsequence of lines, by the table of Wagner and Fischer (The string-to-string
 * correction problem, JACM 21, 1974): the texts are models, a few hundred lines. */
#include "runtime/run/difference.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 4000 };

typedef struct {
    int count;
    const char *start[LINES_MAX];
    size_t length[LINES_MAX];
} Lines;

static void split(const char *text, Lines *lines)
{
    lines->count = 0;
    while (*text && lines->count < LINES_MAX) {
        size_t length = strcspn(text, "\n");
        lines->start[lines->count] = text;
        lines->length[lines->count++] = length;
        text += length + (text[length] == '\n');
    }
}

static int same(const Lines *a, int i, const Lines *b, int k)
{
    return a->length[i] == b->length[k] && memcmp(a->start[i], b->start[k], a->length[i]) == 0;
}

typedef struct {
    char *at;
    size_t left;
} Out;

static void put(Out *out, char sign, const Lines *lines, int i)
{
    static const char more[] = "\n  ...";
    size_t needed = lines->length[i] + 5;
    if (out->left == 0)
        return;
    if (needed + sizeof more > out->left) {
        if (out->left > sizeof more)
            memcpy(out->at, more, sizeof more);
        out->left = 0;
        return;
    }
    snprintf(out->at, out->left, "\n  %c %.*s", sign, (int)lines->length[i], lines->start[i]);
    out->at += needed;
    out->left -= needed;
}

static void walk(const Lines *a, const Lines *b, const uint16_t *longest, Out *out)
{
    int width = b->count + 1, i = 0, k = 0;
    while (i < a->count || k < b->count) {
        if (i < a->count && k < b->count && same(a, i, b, k)) {
            i++;
            k++;
        } else if (i < a->count &&
                   (k == b->count || longest[(i + 1) * width + k] >= longest[i * width + k + 1])) {
            put(out, '-', a, i++);
        } else {
            put(out, '+', b, k++);
        }
    }
}

void cnn_difference(const char *before, const char *after, char *out, size_t bytes)
{
    Lines *a = malloc(sizeof *a), *b = malloc(sizeof *b);
    uint16_t *longest = NULL;
    if (bytes)
        *out = '\0';
    if (a && b) {
        split(before, a);
        split(after, b);
        longest = calloc((size_t)(a->count + 1) * (size_t)(b->count + 1), sizeof *longest);
    }
    if (longest) {
        int width = b->count + 1;
        for (int i = a->count - 1; i >= 0; i--)
            for (int k = b->count - 1; k >= 0; k--) {
                uint16_t down = longest[(i + 1) * width + k], right = longest[i * width + k + 1];
                longest[i * width + k] = same(a, i, b, k) ? (uint16_t)(longest[(i + 1) * width + k + 1] + 1)
                                         : down > right   ? down
                                                          : right;
            }
        Out to = {out, bytes};
        walk(a, b, longest, &to);
    }
    free(longest);
    free(a);
    free(b);
}
