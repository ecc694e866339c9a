/* Reads command lines by tables of flags. */
#include "runtime/flags.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One flag as it stands on the command line. */
typedef struct {
    const Flag *flag;
    char *base;        /* the struct its value goes to */
    const char *value; /* touching it ("--epochs=3", "-Dwidth=2"), or NULL */
} Found;

static bool flag_matches(const Flag *flag, const char *arg, const char **value)
{
    size_t length = strlen(flag->name);
    *value = NULL;
    if (strncmp(arg, flag->name, length) != 0)
        return false;
    if (arg[length] == '\0')
        return true;
    if (flag->name[1] != '-') { /* a single letter */
        *value = arg + length;
        return flag->kind != FLAG_SWITCH;
    }
    *value = arg + length + 1;
    return arg[length] == '=';
}

static Found flags_find(const FlagTable *tables, const char *arg)
{
    Found found = {NULL, NULL, NULL};
    for (const FlagTable *table = tables; table->flags; table++)
        for (const Flag *flag = table->flags; flag->name; flag++)
            if (flag_matches(flag, arg, &found.value)) {
                found.flag = flag;
                found.base = table->values;
                return found;
            }
    return found;
}

static CnnStatus flags_unknown(const FlagTable *tables, const char *arg,
                               const char *(*nearest)(const char *, const char *const *), CnnError *error)
{
    char name[64];
    const char *names[256];
    size_t count = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(arg, "="), arg);
    for (const FlagTable *table = tables; table->flags; table++)
        for (const Flag *flag = table->flags; flag->name; flag++)
            if (count + 1 < sizeof names / sizeof names[0])
                names[count++] = flag->name;
    names[count] = NULL;
    const char *similar = nearest ? nearest(name, names) : NULL;
    if (similar)
        return cnn_fail(error, CNN_BAD_USAGE, "unknown flag '%s'; did you mean '%s'?", name, similar);
    return cnn_fail(error, CNN_BAD_USAGE, "unknown flag '%s'", name);
}

static CnnStatus flag_number(const Flag *flag, const char *text, int64_t *out, CnnError *error)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0')
        return cnn_fail(error, CNN_BAD_USAGE, "%s takes a whole number, not '%s'", flag->name, text);
    if (errno == ERANGE || (double)number < flag->least || (double)number > flag->most)
        return cnn_fail(error, CNN_BAD_USAGE, "%s must be from %.0f to %.0f, not %s", flag->name, flag->least,
                        flag->most, text);
    *out = number;
    return CNN_OK;
}

static CnnStatus flag_set(const Found *found, const char *text, CnnError *error)
{
    const Flag *flag = found->flag;
    void *at = found->base + flag->offset;
    int64_t number = 0;
    if (flag->kind == FLAG_INTEGER || flag->kind == FLAG_COUNT)
        TRY(flag_number(flag, text, &number, error));
    switch (flag->kind) {
    case FLAG_SWITCH:
        *(bool *)at = true;
        break;
    case FLAG_TEXT:
    case FLAG_OPTIONAL:
        *(const char **)at = text;
        break;
    case FLAG_INTEGER:
        *(int64_t *)at = number;
        break;
    case FLAG_COUNT:
        *(int *)at = (int)number;
        break;
    case FLAG_LIST: {
        FlagList *list = at;
        if (list->count == FLAG_LIST_MAX)
            return cnn_fail(error, CNN_BAD_USAGE, "%s may stand %d times at most", flag->name, FLAG_LIST_MAX);
        list->value[list->count++] = text;
        break;
    }
    }
    if (flag->given)
        *(bool *)(found->base + flag->given) = true;
    return CNN_OK;
}

CnnStatus cnn_flags_read(const FlagTable *tables, int argc, char *const *argv,
                         const char *(*nearest)(const char *word, const char *const *names),
                         const char **words, int *word_count, CnnError *error)
{
    bool flags_ended = false;
    *word_count = 0;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (flags_ended || arg[0] != '-' || arg[1] == '\0') {
            words[(*word_count)++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            flags_ended = true;
            continue;
        }
        Found found = flags_find(tables, arg);
        if (!found.flag)
            return flags_unknown(tables, arg, nearest, error);
        if (found.flag->kind == FLAG_SWITCH && found.value)
            return cnn_fail(error, CNN_BAD_USAGE, "%s takes no value", found.flag->name);
        if (found.flag->kind == FLAG_OPTIONAL && !found.value)
            found.value = "";
        if (found.flag->kind != FLAG_SWITCH && !found.value) {
            if (i + 1 == argc)
                return cnn_fail(error, CNN_BAD_USAGE, "%s needs a value: %s %s", found.flag->name,
                                found.flag->name, found.flag->value);
            found.value = argv[++i];
        }
        TRY(flag_set(&found, found.value, error));
    }
    return CNN_OK;
}

void cnn_flags_print(const Flag *flags, FILE *out)
{
    for (const Flag *flag = flags; flag->name; flag++) {
        char left[48];
        snprintf(left, sizeof left, flag->kind == FLAG_OPTIONAL ? "%s[=%s]" : "%s %s", flag->name,
                 flag->value ? flag->value : "");
        fprintf(out, "  %-24s %s\n", left, flag->doc);
    }
}
