#include "runtime/answers_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/csv_field.h"
#include "runtime/data/files.h"
#include "runtime/output.h"
#include "runtime/text_stream.h"

static bool ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), of_ending = strlen(ending);
    return length > of_ending && strcmp(path + length - of_ending, ending) == 0;
}

CnnStatus answers_file_check(const CnnRecipe *recipe, const char *path, CnnError *error)
{
    if (!path)
        return CNN_OK;
    bool table = ends_in(path, ".csv");
    if (!table && !ends_in(path, ".npy"))
        return cnn_fail(error, CNN_BAD_USAGE,
                        "'%s': outputs are written as a table, FILE.csv, or as an array, FILE.npy", path);
    return cnn_output_check(recipe, path, table ? OUTPUT_ANSWERS : OUTPUT_ARRAY, error);
}

int64_t answers_classes(const CnnData *data, int64_t columns)
{
    int64_t classes = cnn_data_classes(data);
    return columns > 0 && (columns == 1 ? classes == 2 : columns >= classes) ? classes : 0;
}

static void put_field(FILE *out, const char *name)
{
    char shown[NAME_BYTES];
    csv_field(out, name_printable(name, shown));
}

static void put_class(FILE *out, const CnnData *data, int64_t class_index)
{
    if (class_index >= 0 && class_index < cnn_data_classes(data))
        put_field(out, cnn_data_class_name(data, class_index));
    else
        fprintf(out, "%" PRId64, class_index);
}

static void put_header(FILE *out, const AnswersFile *file)
{
    int64_t classes = file->classes, columns = file->columns;
    fputs(classes ? OUTPUT_ANSWERS_MARK "class,answer,right" : OUTPUT_ANSWERS_MARK "label", out);
    for (int64_t i = 0; i < columns; i++) {
        putc(',', out);
        if (classes == 0)
            fprintf(out, "output%" PRId64, i + 1);
        else
            put_class(out, file->data, columns == 1 ? 1 : i); /* one output is that of class 1 */
    }
    fputs("\r\n", out);
}

static void put_row(FILE *out, const AnswersFile *file, int64_t sample, const void *labels,
                    const int32_t *answers, int64_t i, const float *outputs)
{
    char name[PATH_MAX];
    cnn_data_name(file->data, file->part, sample, name, sizeof name);
    put_field(out, name);
    putc(',', out);
    int32_t class_index = 0;
    if (cnn_data_label_dtype(file->data) == DTYPE_I32) /* the first number of a label is its class */
        class_index = ((const int32_t *)labels)[i * cnn_data_label_width(file->data)];
    if (file->classes) {
        put_class(out, file->data, class_index);
        putc(',', out);
        put_class(out, file->data, answers[i]);
        fprintf(out, ",%d", class_index == answers[i]);
    } else if (cnn_data_label_dtype(file->data) == DTYPE_I32) {
        put_class(out, file->data, class_index);
    } else {
        fprintf(out, "%.7g", (double)((const float *)labels)[i]);
    }
    for (int64_t column = 0; column < file->columns; column++)
        fprintf(out, ",%.6g", (double)outputs[i * file->columns + column]);
    fputs("\r\n", out);
}

/* Writes what has been put into memory. */
static CnnStatus put_end(TextStream *memory, NewFile *file, CnnError *error)
{
    size_t length;
    char *text = cnn_text_close(memory, &length);
    CnnStatus status = text ? cnn_file_write(file, text, length, error)
                            : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a table");
    free(text);
    return status;
}

CnnStatus answers_file_create(const char *path, const CnnData *data, Part part, int64_t columns,
                              AnswersFile *out, CnnError *error)
{
    *out = (AnswersFile){.data = data,
                         .part = part,
                         .columns = columns,
                         .classes = answers_classes(data, columns),
                         .table = ends_in(path, ".csv")};
    if (!out->table)
        return cnn_npy_create(path, (Dims){1, {columns}}, &out->npy, error);
    TRY(cnn_file_create(path, &out->csv, error));
    TextStream memory;
    if (!cnn_text_open(&memory)) {
        cnn_file_abandon(&out->csv);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a table");
    }
    put_header(memory.out, out);
    CnnStatus status = put_end(&memory, &out->csv, error);
    if (status != CNN_OK)
        cnn_file_abandon(&out->csv);
    return status;
}

CnnStatus answers_file_write(AnswersFile *out, const int64_t *samples, const void *labels,
                             const int32_t *answers, const float *outputs, int64_t count, CnnError *error)
{
    if (!out->table)
        return cnn_npy_write(&out->npy, outputs, count, error);
    TextStream memory;
    if (!cnn_text_open(&memory))
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a table");
    for (int64_t i = 0; i < count; i++)
        put_row(memory.out, out, samples[i], labels, answers, i, outputs);
    return put_end(&memory, &out->csv, error);
}

CnnStatus answers_file_commit(AnswersFile *out, CnnError *error)
{
    return out->table ? cnn_file_commit(&out->csv, error) : cnn_npy_commit(&out->npy, error);
}

void answers_file_abandon(AnswersFile *out)
{
    if (out->table)
        cnn_file_abandon(&out->csv);
    else
        cnn_npy_abandon(&out->npy);
}
