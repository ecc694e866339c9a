/* Our own mistakes, and the end of memory: the two things after which the compiler cannot go on. */
#ifndef BUG_H
#define BUG_H

#include <stddef.h>
#include "runtime/status.h"

/** Says that cnnc itself is wrong, with the place, and aborts. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

/** Says how many bytes could not be had, and ends the process with exit code 3. */
_Noreturn void out_of_memory(size_t bytes);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
