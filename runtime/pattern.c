#include "runtime/pattern.h"

#include <fnmatch.h>
#include <string.h>

enum { NAME_MOST = 512 };

bool cnn_pattern_next(const char **text, char out[PATTERN_BYTES])
{
    const char *start = *text + strspn(*text, ", ");
    size_t length = strcspn(start, ", ");
    *text = start + length;
    if (length >= PATTERN_BYTES)
        length = PATTERN_BYTES - 1;
    memcpy(out, start, length);
    out[length] = '\0';
    return length > 0;
}

bool cnn_pattern_matches(const char *pattern, const char *name)
{
    char part[NAME_MOST];
    for (size_t end = strcspn(name, "."); end < sizeof part; end += 1 + strcspn(name + end + 1, ".")) {
        memcpy(part, name, end);
        part[end] = '\0';
        if (fnmatch(pattern, part, 0) == 0)
            return true;
        if (name[end] == '\0')
            return false;
    }
    return false;
}

bool cnn_patterns_match(const char *text, const char *name)
{
    char pattern[PATTERN_BYTES];
    while (text && cnn_pattern_next(&text, pattern))
        if (cnn_pattern_matches(pattern, name))
            return true;
    return false;
}
