#include "compiler/base/bug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void bug_at(const char *file, int line, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fflush(stdout);
    fprintf(stderr, "cnnc: internal error at %s:%d: ", file, line);
    vfprintf(stderr, format, list);
    fputs("\nThis is a mistake of cnnc, not of your model; please report it with the model file.\n", stderr);
    va_end(list);
    abort();
}

void out_of_memory(size_t bytes)
{
    fflush(stdout);
    fprintf(stderr, "cnnc: error: out of memory (%zu bytes wanted)\n", bytes);
    _Exit(CNN_NO_RESOURCE);
}
