/* What the sources with numbers for labels have in common. */
#include "runtime/data/labels.h"

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
