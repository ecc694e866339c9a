/* Classes, as numbers and as text. */
#include "runtime/data/labels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"

CnnStatus labels_classes(const int32_t *label, int64_t count, const char *path, int64_t *classes,
                         CnnError *error)
{
    char name[NAME_BYTES];
    int32_t least = INT32_MAX, most = -1;
    for (int64_t i = 0; i < count; i++) {
        least = label[i] < least ? label[i] : least;
        most = label[i] > most ? label[i] : most;
    }
    *classes = (int64_t)most + 1;
    if (count == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: holds no labels", name_printable(path, name));
    if (least == most)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: all %lld labels are %d: at least two classes are needed",
                        name_printable(path, name), (long long)count, (int)most);
    return CNN_OK;
}

/* A whole number, without sign, as the labels of classes may be. */
static bool text_is_whole(const char *text, long long *value)
{
    char *end;
    if (strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0;
}

bool text_is_real(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

/* By value; of several ways to write the same number, in byte order. */
static int compare_whole(const void *a, const void *b)
{
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    long long x = 0, y = 0;
    text_is_whole(left, &x);
    text_is_whole(right, &y);
    return x != y ? (x > y) - (x < y) : strcmp(left, right);
}

static int compare_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

CnnStatus class_names_take(ClassNames *classes, CnnError *error)
{
    size_t count = classes->names.count;
    classes->name = malloc(count * sizeof *classes->name);
    if (!classes->name)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the names of %zu classes", count);
    for (size_t i = 0; i < count; i++)
        classes->name[i] = listing_name(&classes->names, i);
    return CNN_OK;
}

CnnStatus class_names_make(ClassNames *classes, const char **label, size_t count, const char *path,
                           const char *for_reals, CnnError *error)
{
    char name[NAME_BYTES], shown[NAME_BYTES];
    bool real = true;
    *classes = (ClassNames){.whole = true};
    for (size_t i = 0; i < count; i++) {
        long long integer;
        double number;
        classes->whole = classes->whole && text_is_whole(label[i], &integer);
        real = real && text_is_real(label[i], &number);
    }
    if (real && !classes->whole)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: the labels are real numbers, not classes: %s",
                        name_printable(path, name), for_reals);
    qsort(label, count, sizeof *label, classes->whole ? compare_whole : compare_bytes);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(label[i], label[i - 1]) != 0)
            TRY(listing_add(&classes->names, "", label[i], error));
    size_t distinct = classes->names.count;
    if (distinct == 1)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: all labels are '%s': at least two classes are needed",
                        name_printable(path, name), name_printable(label[0], shown));
    if (distinct > CLASSES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: %zu different labels, more than there can be classes",
                        name_printable(path, name), distinct);
    return class_names_take(classes, error);
}

int32_t class_names_find(const ClassNames *classes, const char *label)
{
    long long integer;
    if (classes->whole && !text_is_whole(label, &integer))
        return -1;
    const char **found = bsearch(&label, classes->name, classes->names.count, sizeof label,
                                 classes->whole ? compare_whole : compare_bytes);
    return found ? (int32_t)(found - classes->name) : -1;
}

void class_names_free(ClassNames *classes)
{
    listing_free(&classes->names);
    free(classes->name);
    *classes = (ClassNames){0};
}
