/* The one way to fail: a status and a sentence. The first cause is kept, since later ones follow from it. */
#include "runtime/status.h"

#include <stdarg.h>
#include <stdio.h>

CnnStatus cnn_fail(CnnError *error, CnnStatus status, const char *format, ...)
{
    if (error->status != CNN_OK)
        return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}
