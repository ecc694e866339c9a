/* Libraries that are looked for when a program runs. */
#ifndef CNN_SHARED_LIBRARY_H
#define CNN_SHARED_LIBRARY_H

/**
 * The address of a symbol of a library, "liblapacke.so.3", which then stays loaded. NULL with a sentence in
 * *complaint, which lives until the thread's next call: there is no such library here. A static program has
 * another one of these (runtime/static/shared_library.c), which finds none.
 */
void *cnn_shared_symbol(const char *library, const char *name, const char **complaint);

#endif
