#include "runtime/prediction.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/answers_file.h"
#include "runtime/csv_field.h"
#include "runtime/data/files.h"

CnnStatus prediction_open(const CnnData *data, PredictionForm form, CnnOutput output, int64_t columns,
                          int64_t top, Prediction *out, CnnError *error)
{
    int64_t classes = answers_classes(data, columns), values = classes > columns ? classes : columns;
    *out = (Prediction){.data = data,
                        .form = form,
                        .output = output,
                        .columns = columns,
                        .classes = classes,
                        .top = top > classes ? classes
                               : top         ? top
                                             : 1,
                        .shares = classes > 0 && output != OUTPUT_VALUES};
    if (top > 0 && classes == 0)
        return cnn_fail(
            error, CNN_BAD_USAGE,
            "--top is for classes, and this network was trained on numbers: its outputs are all told");
    out->ranked = calloc((size_t)values, sizeof *out->ranked);
    if (!out->ranked)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %" PRId64 " outputs", values);
    return CNN_OK;
}

void prediction_close(Prediction *prediction)
{
    free(prediction->ranked);
    *prediction = (Prediction){0};
}

static int compare_ranked(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->class_index < y->class_index ? -1 : 1;
}

/* Logits become shares. */
static void take_softmax(Ranked *ranked, int64_t count)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, ranked[i].value);
    for (int64_t i = 0; i < count; i++)
        sum += ranked[i].value = exp(ranked[i].value - largest);
    for (int64_t i = 0; i < count; i++)
        ranked[i].value /= sum;
}

void prediction_rank(Prediction *prediction, const float *outputs)
{
    Ranked *ranked = prediction->ranked;
    int64_t columns = prediction->columns;
    for (int64_t i = 0; i < columns; i++)
        ranked[i] = (Ranked){i, (double)outputs[i]};
    if (prediction->classes == 0)
        return;
    if (columns == 1) { /* the one output is that of class 1 of two */
        ranked[0] = (Ranked){0, 1 - (double)outputs[0]};
        ranked[1] = (Ranked){1, (double)outputs[0]};
    } else if (prediction->output == OUTPUT_LOGITS) {
        take_softmax(ranked, columns);
    }
    qsort(ranked, (size_t)(columns == 1 ? 2 : columns), sizeof *ranked, compare_ranked);
}

/* ---- Lines ---- */

static const char *class_name(const Prediction *prediction, int64_t class_index, char name[NAME_BYTES])
{
    if (class_index < cnn_data_classes(prediction->data))
        return name_printable(cnn_data_class_name(prediction->data, class_index), name);
    snprintf(name, NAME_BYTES, "%" PRId64,
             class_index); /* the network has more outputs than there are classes */
    return name;
}

/* A path, whole; what is no character to be shown as \xNN, so that a line stays one. */
static void put_path(FILE *out, const char *path)
{
    while (*path) {
        size_t count = name_character(path);
        if (count == 0)
            fprintf(out, "\\x%02x", (unsigned char)*path);
        else
            fwrite(path, 1, count, out);
        path += count ? count : 1;
    }
}

static void text_line(const Prediction *prediction, const char *path, FILE *out)
{
    char name[NAME_BYTES];
    int64_t count = prediction->classes ? prediction->top : prediction->columns;
    put_path(out, path);
    for (int64_t i = 0; i < count; i++) {
        const Ranked *ranked = &prediction->ranked[i];
        if (prediction->classes)
            fprintf(out, "  %s", class_name(prediction, ranked->class_index, name));
        if (prediction->shares)
            fprintf(out, "  %.1f %%", 100 * ranked->value);
        else
            fprintf(out, "  %.6g", ranked->value);
    }
    putc('\n', out);
}

/* A string of JSON, which is UTF-8: a byte of a path that is none becomes the character of its number. */
static void put_string(FILE *out, const char *text)
{
    putc('"', out);
    while (*text) {
        size_t count = name_character(text);
        if (count == 0)
            fprintf(out, "\\u%04x", (unsigned char)*text);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fwrite(text, 1, count, out);
        text += count ? count : 1;
    }
    putc('"', out);
}

/* JSON has no other numbers than finite ones. */
static void put_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, "%.9g", value);
    else
        fputs("null", out);
}

static void json_line(const Prediction *prediction, const char *path, FILE *out)
{
    char name[NAME_BYTES];
    fputs("{\"file\": ", out);
    put_string(out, path);
    fputs(prediction->classes ? ", \"classes\": [" : ", \"outputs\": [", out);
    int64_t count = prediction->classes ? prediction->top : prediction->columns;
    for (int64_t i = 0; i < count; i++) {
        const Ranked *ranked = &prediction->ranked[i];
        fputs(i ? ", " : "", out);
        if (prediction->classes) {
            fputs("{\"class\": ", out);
            put_string(out, class_name(prediction, ranked->class_index, name));
            fputs(prediction->shares ? ", \"share\": " : ", \"output\": ", out);
        }
        put_number(out, ranked->value);
        fputs(prediction->classes ? "}" : "", out);
    }
    fputs("]}\n", out);
}

static void csv_line(const Prediction *prediction, const char *path, FILE *out)
{
    char name[NAME_BYTES];
    int64_t count = prediction->classes ? prediction->top : prediction->columns;
    csv_field(out, path);
    for (int64_t i = 0; i < count; i++) {
        const Ranked *ranked = &prediction->ranked[i];
        if (prediction->classes) {
            putc(',', out);
            csv_field(out, class_name(prediction, ranked->class_index, name));
        }
        fprintf(out, ",%.6g", ranked->value);
    }
    fputs("\r\n", out);
}

void prediction_begin(const Prediction *prediction, FILE *out)
{
    if (prediction->form != PREDICTION_CSV)
        return;
    fputs("file", out);
    for (int64_t i = 0; i < prediction->columns && !prediction->classes; i++)
        fprintf(out, ",output%" PRId64, i + 1);
    for (int64_t i = 0; i < prediction->top && prediction->classes; i++) {
        const char *of = prediction->shares ? "share" : "output";
        if (i == 0)
            fprintf(out, ",class,%s", of);
        else
            fprintf(out, ",class%" PRId64 ",%s%" PRId64, i + 1, of, i + 1);
    }
    fputs("\r\n", out);
}

void prediction_line(Prediction *prediction, const char *path, const float *outputs, FILE *out)
{
    static void (*const lines[])(const Prediction *, const char *, FILE *) = {
        [PREDICTION_TEXT] = text_line, [PREDICTION_JSON] = json_line, [PREDICTION_CSV] = csv_line};
    prediction_rank(prediction, outputs);
    lines[prediction->form](prediction, path, out);
}
