#include "runtime/run/answers_record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/text_stream.h"

enum { MISTAKES = 24 };

static CnnStatus no_memory(CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "no memory to record what the network answered");
}

/* Answers that no class has are told by their numbers. */
static void put_class(FILE *out, const Answers *answers, const char *key, int32_t class_index)
{
    char text[NAME_BYTES], number[16];
    snprintf(number, sizeof number, "%" PRId32, class_index);
    bool named = class_index < answers->classes;
    fprintf(out, ", \"%s\": ", key);
    json_string(out, named ? name_printable(cnn_data_class_name(answers->data, class_index), text) : number);
}

static void put_part(FILE *out, const Answers *answers)
{
    fprintf(out, "{\"part\": \"%s\"", answers->part == PART_TEST ? "test" : "validation");
}

/* ---- Counts ---- */

static int by_class(const void *a, const void *b)
{
    const Answer *x = a, *y = b;
    int32_t order =
        x->class_index != y->class_index ? x->class_index - y->class_index : x->answer - y->answer;
    return (order > 0) - (order < 0);
}

static void put_counts(FILE *out, const Answers *answers, Answer *sorted)
{
    qsort(sorted, (size_t)answers->count, sizeof *sorted, by_class);
    for (int64_t i = 0, count; i < answers->count; i += count) {
        for (count = 1; i + count < answers->count && by_class(&sorted[i], &sorted[i + count]) == 0;)
            count++;
        put_part(out, answers);
        put_class(out, answers, "class", sorted[i].class_index);
        put_class(out, answers, "answer", sorted[i].answer);
        fprintf(out, ", \"samples\": %" PRId64 "}\n", count);
    }
}

/* ---- Mistakes ---- */

/* Right answers last, then the surest first. */
static int surest_first(const void *a, const void *b)
{
    const Answer *x = a, *y = b;
    bool right_x = x->answer == x->class_index, right_y = y->answer == y->class_index;
    if (right_x != right_y)
        return right_x ? 1 : -1;
    if (x->output != y->output)
        return x->output > y->output ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

static void put_mistakes(FILE *out, const Answers *answers, Answer *sorted)
{
    char name[PATH_MAX];
    qsort(sorted, (size_t)answers->count, sizeof *sorted, surest_first);
    for (int64_t i = 0; i < answers->count && i < MISTAKES; i++) {
        const Answer *answer = &sorted[i];
        if (answer->answer == answer->class_index)
            break;
        cnn_data_name(answers->data, answers->part, answer->sample, name, sizeof name);
        put_part(out, answers);
        fputs(", \"sample\": ", out);
        json_string(out, name);
        fprintf(out, ", \"index\": %" PRId64, answer->sample);
        put_class(out, answers, "class", answer->class_index);
        put_class(out, answers, "answer", answer->answer);
        fprintf(out, ", \"output\": %.6g}\n", (double)answer->output);
    }
}

/* ---- Files ---- */

static CnnStatus write_text(const RunFolder *folder, const char *name, const char *text, size_t length,
                            CnnError *error)
{
    NewFile file;
    char *path = cnn_run_folder_file(folder, name);
    if (!path)
        return no_memory(error);
    CnnStatus status = cnn_file_create(path, &file, error);
    if (status == CNN_OK) {
        status = cnn_file_write(&file, text, length, error);
        if (status == CNN_OK)
            status = cnn_file_commit(&file, error);
        else
            cnn_file_abandon(&file);
    }
    free(path);
    return status;
}

static CnnStatus record(const RunFolder *folder, const char *name, const Answers *answers, Answer *sorted,
                        void (*put)(FILE *out, const Answers *answers, Answer *sorted), CnnError *error)
{
    TextStream stream;
    size_t length = 0;
    if (!cnn_text_open(&stream))
        return no_memory(error);
    put(stream.out, answers, sorted);
    char *text = cnn_text_close(&stream, &length);
    CnnStatus status = text ? write_text(folder, name, text, length, error) : no_memory(error);
    free(text);
    return status;
}

CnnStatus cnn_answers_record(const RunFolder *folder, const Answers *answers, CnnError *error)
{
    if (answers->classes == 0 || answers->count == 0)
        return CNN_OK;
    Answer *sorted = malloc((size_t)answers->count * sizeof *sorted);
    if (!sorted)
        return no_memory(error);
    memcpy(sorted, answers->answer, (size_t)answers->count * sizeof *sorted);
    CnnStatus status = record(folder, RUN_CLASSES, answers, sorted, put_counts, error);
    if (status == CNN_OK)
        status = record(folder, RUN_MISTAKES, answers, sorted, put_mistakes, error);
    free(sorted);
    return status;
}
