/* A slip on the command line (--save data.npy) must not cost anybody's data: what is overwritten must look
 * like what is written. */
#include "runtime/output.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/file.h"

enum { MARK_BYTES = 16 };

/* How a file of each kind begins. */
static const struct {
    const char *name, *mark;
    size_t at;
} kinds[] = {
    [OUTPUT_WEIGHTS] = {"a weight file", "{", 8},
    [OUTPUT_LOG] = {"a log", "{\"step\"", 0},
    [OUTPUT_ARRAY] = {"a .npy file", "\x93NUMPY", 0},
    [OUTPUT_ANSWERS] = {"a table of answers", OUTPUT_ANSWERS_MARK, 0},
    [OUTPUT_PROGRAM] = {"a program",
                        "\x7f"
                        "ELF",
                        0},
    [OUTPUT_LIBRARY] = {"a library", "!<arch>", 0},
    [OUTPUT_INTERFACE] = {"a header that cnnc wrote", OUTPUT_INTERFACE_MARK, 0},
    [OUTPUT_REPORT] = {"a report", OUTPUT_REPORT_MARK, 0},
    [OUTPUT_MODEL] = {"an empty file", NULL, 0},
    [OUTPUT_PNG] = {"a picture in PNG", "\x89PNG", 0},
    [OUTPUT_SVG] = {"a picture in SVG", "<?xml", 0},
    [OUTPUT_ONNX] = {"a network in ONNX", "\x08", 0}, /* the first field of a model */
    [OUTPUT_KERAS] = {"a .keras file", "PK", 0},
    [OUTPUT_HDF5] = {"an HDF5 file", "\x89HDF", 0},
    [OUTPUT_ARRAYS] = {"a .npz file", "PK", 0},
    [OUTPUT_HEADER] = {"a header with weights", OUTPUT_HEADER_MARK, 0},
};

static bool is_of_kind(const char *path, OutputKind kind)
{
    char bytes[MARK_BYTES];
    FILE *file = fopen(path, "rbe");
    if (!file)
        return true; /* not there, or not to be read: then writing it will say why */
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (count == 0 || !kinds[kind].mark)
        return count == 0;
    size_t length = strlen(kinds[kind].mark);
    return count >= kinds[kind].at + length && memcmp(bytes + kinds[kind].at, kinds[kind].mark, length) == 0;
}

/* Whether a text of the data section names this file. */
static bool is_data(const CnnRecipe *recipe, const char *path)
{
    char resolved[PATH_MAX];
    for (int i = 0; i < recipe->data.count; i++) {
        const CnnStatement *statement = &recipe->data.items[i];
        for (const Field *field = statement->schema->fields; field->name; field++) {
            if (field->kind != FIELD_TEXT)
                continue;
            const char *text = *(const char *const *)((const char *)statement->args + field->offset);
            CnnError unused = {0};
            if (text && path_resolve_beside(recipe->model_path, text, resolved, &unused) == CNN_OK &&
                cnn_file_same(resolved, path))
                return true;
        }
    }
    return false;
}

CnnStatus cnn_output_check(const CnnRecipe *recipe, const char *path, OutputKind kind, CnnError *error)
{
    if (!path)
        return CNN_OK;
    TRY(cnn_file_check(path, error));
    if (cnn_file_same(path, recipe->model_path))
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' is the model itself; it would be overwritten", path);
    if (is_data(recipe, path))
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' holds the data; it would be overwritten", path);
    if (!is_of_kind(path, kind))
        return cnn_fail(error, CNN_BAD_USAGE, "'%s' is there already and is not %s; it would be overwritten",
                        path, kinds[kind].name);
    return CNN_OK;
}
