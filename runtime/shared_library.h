/* Libraries that are looked for when a program runs. */
#ifndef CNN_SHARED_LIBRARY_H
#define CNN_SHARED_LIBRARY_H

/**
 * The address of a symbol of a library, "liblapacke.so.3", which then stays loaded. NULL with a sentence in
 * *complaint, which lives until the thread's next call: there is no such library here. A static program has
 * another one of these (runtime/static/shared_library.c), which finds none.
 */
void *cnn_shared_symbol(const char *library, const char *name, const char **complaint);

/** Opens a library by its path, or by a name that the system looks for, for the rest of the process. NULL
 * with a sentence as above. */
void *cnn_shared_open(const char *path, const char **complaint);
/** The address of a symbol of an open library; NULL: it has no such symbol. */
void *cnn_shared_find(void *library, const char *name);

#endif
