/* What the sources have in common that find labels in files: classes given as numbers, and as text. */
#ifndef CNN_LABELS_H
#define CNN_LABELS_H

#include "runtime/data/listing.h"
#include "runtime/data/source.h"

enum { CLASSES_MOST = 1 << 20 };

/** Counts the classes, the largest label plus one. `path` is named in the error when there are fewer than
 * two. */
CnnStatus labels_classes(const int32_t *label, int64_t count, const char *path, int64_t *classes,
                         CnnError *error);

/* The classes that labels are names of, each once, in the order in which they are numbered: by value where
 * all are whole numbers, otherwise by bytes. */
typedef struct {
    Listing names;
    const char **name; /* names.count of them, in `names` */
    bool whole;
} ClassNames;

/**
 * Collects the classes of `count` > 0 labels, which it sorts in place. `path` and, where the labels are real
 * numbers, the remedy `for_reals` are named in errors. To be freed even after an error.
 */
CnnStatus class_names_make(ClassNames *classes, const char **label, size_t count, const char *path,
                           const char *for_reals, CnnError *error);
/** The same of names that were collected before, and are in `names` in their order. */
CnnStatus class_names_take(ClassNames *classes, CnnError *error);
/** The number of a class, or -1 when there is none of this name. */
int32_t class_names_find(const ClassNames *classes, const char *label);
void class_names_free(ClassNames *classes);

/** Whether all of the text is one finite number. */
bool text_is_real(const char *text, double *value);

#endif
