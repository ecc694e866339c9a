/* "Did you mean": the edit distance counts insertions, deletions, replacements and swaps of neighbours
 * (optimal string alignment: Damerau 1964, CACM 7(3)); capital and small letters count as equal. */
#include <ctype.h>
#include <string.h>

#include "compiler/base/diag.h"

enum { WORD_MAX = 64 }; /* longer words get no suggestion */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int edit_distance(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][WORD_MAX + 1];
    for (int j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *above_two = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + !same_letter(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                row[j] = least(row[j], above_two[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *nearest_name(const char *word, const char *const *names)
{
    size_t length = strlen(word);
    if (length == 0 || length > WORD_MAX)
        return NULL;
    /* A slip touches at most a third of the letters, and never all of them. */
    int best = length < 3 ? (int)length : (int)length / 3 + 1;
    const char *nearest = NULL;
    for (; *names; names++) {
        size_t name_length = strlen(*names);
        if (name_length > WORD_MAX)
            continue;
        int distance = edit_distance(word, (int)length, *names, (int)name_length);
        if (distance < best && distance < (int)name_length) {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}
