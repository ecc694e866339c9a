#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum { NAMES = 256, NAME = 64, LINE = 512 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char line[LINE]; /* of the call that runs */
static struct {
    char name[NAME];
    long calls;
} counted[NAMES];

long long fake_setting(const char *name, long long otherwise)
{
    const char *text = getenv(name);
    return text ? atoll(text) : otherwise;
}

void fake_note(const char *format, ...)
{
    const char *path = getenv("CNNC_FAKE_CUDA_RECORD");
    FILE *file = path ? fopen(path, "ae") : NULL;
    if (!file)
        return;
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
    fclose(file);
}

int fake_say(int result, const char *format, ...)
{
    char text[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "fake cuda: %s\n", text);
    fake_note("wrong: %s", text);
    return result;
}

static long count(const char *name)
{
    for (int i = 0; i < NAMES; i++) {
        if (!*counted[i].name)
            snprintf(counted[i].name, NAME, "%s", name);
        if (strcmp(counted[i].name, name) == 0)
            return ++counted[i].calls;
    }
    return 0;
}

/* The code with which this call of `name` shall fail. A name stands for its newer form, too. Calls are
 * counted from when the environment says something else. */
static int injected(const char *name)
{
    static char last[LINE];
    const char *text = getenv("CNNC_FAKE_CUDA_FAIL");
    if (strncmp(last, text ? text : "", LINE - 1) != 0) {
        snprintf(last, sizeof last, "%s", text ? text : "");
        memset(counted, 0, sizeof counted);
    }
    long number = count(name);
    while (text && *text) {
        size_t length = strcspn(text, ":,");
        char wanted[NAME];
        snprintf(wanted, sizeof wanted, "%.*s", (int)length, text);
        size_t whole = strlen(wanted);
        bool same =
            strncmp(name, wanted, whole) == 0 && (!name[whole] || strncmp(name + whole, "_v", 2) == 0);
        text += length;
        long at = *text == ':' ? strtol(text + 1, (char **)&text, 10) : 1;
        long code = *text == ':' ? strtol(text + 1, (char **)&text, 10) : UNKNOWN;
        if (same && at == number)
            return (int)code;
        text += strcspn(text, ",");
        text += *text == ',';
    }
    return SUCCESS;
}

int fake_begin(const char *name, const char *format, ...)
{
    pthread_mutex_lock(&lock);
    int length = snprintf(line, sizeof line, "%s ", name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + length, sizeof line - (size_t)length, format, arguments);
    va_end(arguments);
    return injected(name);
}

int fake_end(int result)
{
    size_t length = strlen(line);
    fake_note("%s%s-> %d", line, line[length - 1] == ' ' ? "" : " ", result);
    pthread_mutex_unlock(&lock);
    return result;
}
