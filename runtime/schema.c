/* What can be asked of a schema without knowing its statement. */
#include "runtime/schema.h"

#include <string.h>

size_t field_bytes(FieldKind kind)
{
    switch (kind) {
    case FIELD_INTEGER:
        return sizeof(int64_t);
    case FIELD_REAL:
    case FIELD_SHARE:
    case FIELD_ANGLE:
        return sizeof(double);
    case FIELD_BOOLEAN:
        return sizeof(bool);
    case FIELD_TEXT:
        return sizeof(const char *);
    case FIELD_WORD:
        return sizeof(int);
    case FIELD_DIMS:
    case FIELD_WINDOW:
        return sizeof(Dims);
    case FIELD_RANGE:
        return sizeof(Range);
    case FIELD_REALS:
        return sizeof(Reals);
    case FIELD_NAMES:
        return sizeof(Names);
    case FIELD_VALUES:
        return sizeof(Values);
    case FIELD_DURATION:
        return sizeof(Duration);
    case FIELD_LENGTH:
        return sizeof(Length);
    case FIELD_AMOUNT:
        return sizeof(Amount);
    case FIELD_PADDING:
        return sizeof(Padding);
    }
    return 0;
}

int schema_field_count(const Schema *schema)
{
    int count = 0;
    while (schema->fields[count].name)
        count++;
    return count;
}

/* The next word of a blank-separated list at *at, which is moved behind it; NULL after the last. */
static const char *words_next(const char **at, size_t *length)
{
    const char *start = *at + strspn(*at, " ");
    *length = strcspn(start, " ");
    *at = start + *length;
    return *length ? start : NULL;
}

/* Is `word` the listed one, or one of those that "topN" stands for? */
static bool is_word(const char *listed, size_t length, const char *word)
{
    size_t stem = length - 1, digits;
    if (listed[stem] != 'N')
        return strlen(word) == length && memcmp(listed, word, length) == 0;
    if (strncmp(listed, word, stem) != 0)
        return false;
    digits = strspn(word + stem, "0123456789");
    return digits >= 1 && digits <= WORD_DIGITS && word[stem] != '0' && word[stem + digits] == '\0';
}

int words_find(const char *words, const char *word)
{
    size_t length;
    const char *found;
    for (int i = 0; (found = words_next(&words, &length)); i++)
        if (is_word(found, length, word))
            return i;
    return -1;
}

void words_get(const char *words, int index, char *out, size_t bytes)
{
    size_t length;
    const char *found = words_next(&words, &length);
    for (int i = 0; i < index && found; i++)
        found = words_next(&words, &length);
    if (!found)
        length = 0;
    if (length >= bytes)
        length = bytes - 1;
    if (length)
        memcpy(out, found, length);
    out[length] = '\0';
}
