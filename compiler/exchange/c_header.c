/* Weights as arrays of C. */
#include <ctype.h>
#include <inttypes.h>

#include "compiler/base/text.h"
#include "compiler/check/name_map.h"
#include "compiler/exchange/weight_files.h"
#include "runtime/file.h"
#include "runtime/output.h"

enum { NUMBERS_OF_A_LINE = 8 };

/* A name of C that no other tensor has. */
static const char *array_name(const TensorSet *set, NameMap *names, const char *name)
{
    char *wish = arena_printf(set->arena, "%s%s", isdigit((unsigned char)*name) ? "_" : "", name);
    for (char *c = wish; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    const char *found = wish;
    for (int number = 2; name_map_find(names, found); number++)
        found = arena_printf(set->arena, "%s_%d", wish, number);
    name_map_add(set->arena, names, found, names);
    return found;
}

/* Nine digits tell every float from every other. */
static void put_numbers(Text *text, const float *value, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.9g", value[i]);
        text_printf(text, "%s%s%sf,", i % NUMBERS_OF_A_LINE ? " " : "\n    ", number,
                    strpbrk(number, ".e") ? "" : ".0");
    }
}

static CnnStatus put_tensor(NewFile *file, const TensorSet *set, NameMap *names, const NamedTensor *tensor,
                            CnnError *error)
{
    Arena *arena = arena_new(); /* a line's worth of text for each number is much */
    Text text = {.arena = arena};
    int64_t elements = tensor_elements(tensor);
    text_printf(&text, "\n/* %s: ", tensor->name);
    for (int i = 0; i < tensor->rank; i++)
        text_printf(&text, "%s%" PRId64, i ? " x " : "", tensor->dim[i]);
    text_printf(&text, " */\nstatic const float %s[%" PRId64 "] = {", array_name(set, names, tensor->name),
                elements);
    put_numbers(&text, tensor->data, elements);
    text_printf(&text, "\n};\n");
    CnnStatus status = cnn_file_write(file, text_string(&text), text.length, error);
    arena_free(arena);
    return status;
}

static CnnStatus put_all(NewFile *file, const TensorSet *set, const char *model, CnnError *error)
{
    static const char notes[] =
        ", written by cnnc export. The last dim of each array is the innermost one: a kernel\n"
        " * is [height, width, channels / groups, filters], that of a dense layer [in, out]. */\n"
        "#pragma once\n";
    NameMap names = {0};
    const char *head = arena_printf(set->arena, OUTPUT_HEADER_MARK " %s%s", model, notes);
    TRY(cnn_file_write(file, head, strlen(head), error));
    for (size_t i = 0; i < set->list.count; i++)
        TRY(put_tensor(file, set, &names, &set->list.items[i], error));
    return CNN_OK;
}

CnnStatus c_header_write(const TensorSet *set, const char *model, const char *path, CnnError *error)
{
    NewFile file;
    TRY(cnn_file_create(path, &file, error));
    CnnStatus status = put_all(&file, set, model, error);
    if (status == CNN_OK)
        return cnn_file_commit(&file, error);
    cnn_file_abandon(&file);
    return status;
}
