/* What the samples of a training are, in a few lines: cheap for any number of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/data.h"
#include "runtime/data/source.h"
#include "runtime/key.h"

enum { NAMES_MOST = 4096 }; /* of each part */

/* The end of a path: the folder and the name. What stands before it may be written in several ways, and a set
 * of samples that was moved is the same. */
static const char *path_end(const char *name)
{
    const char *end = strrchr(name, '/');
    while (end && end > name && end[-1] != '/')
        end--;
    return end ? end : name;
}

static Key add_names(const CnnData *data, Part part, Key key)
{
    int64_t count = cnn_data_count(data, part), step = count / NAMES_MOST + 1;
    char name[1024];
    for (int64_t i = 0; i < count; i += step) {
        cnn_data_name(data, part, i, name, sizeof name);
        key = key_add_text(key, path_end(name));
    }
    return key;
}

char *cnn_data_identity(const CnnData *data)
{
    char *text;
    Key key = key_start();
    for (int64_t c = 0; c < cnn_data_classes(data); c++)
        key = key_add_text(key, cnn_data_class_name(data, c));
    for (int part = 0; part < PART_COUNT; part++)
        key = add_names(data, (Part)part, key);
    int length = asprintf(&text,
                          "%" PRId64 " training, %" PRId64 " validation, %" PRId64 " test samples of %" PRId64
                          " classes\nnames %016" PRIx64 "%016" PRIx64 "\n",
                          cnn_data_count(data, PART_TRAIN), cnn_data_count(data, PART_VALIDATION),
                          cnn_data_count(data, PART_TEST), cnn_data_classes(data), key.high, key.low);
    return length < 0 ? NULL : text;
}
