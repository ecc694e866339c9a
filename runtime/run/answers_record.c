#include "runtime/run/answers_record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include "runtime/data/files.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/text_stream.h"

enum { MISTAKES = 24 };

/* What is recorded. */
typedef struct {
    const CnnData *data;
    Part part;
    AnswerList answers;
} Record;

static CnnStatus no_memory(CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "no memory to record what the network answered");
}

/* Answers that no class has are told by their numbers. */
static void put_class(FILE *out, const Record *record, const char *key, int32_t class_index)
{
    char text[NAME_BYTES], number[16];
    snprintf(number, sizeof number, "%" PRId32, class_index);
    bool named = class_index < cnn_data_classes(record->data);
    fprintf(out, ", \"%s\": ", key);
    json_string(out, named ? name_printable(cnn_data_class_name(record->data, class_index), text) : number);
}

static void put_part(FILE *out, const Record *record)
{
    fprintf(out, "{\"part\": \"%s\"", record->part == PART_TEST ? "test" : "validation");
}

/* ---- Counts ---- */

/* Sorts the answers. */
static void put_counts(FILE *out, const Record *record)
{
    const Answer *sorted = record->answers.item;
    int64_t all = record->answers.count;
    qsort(record->answers.item, (size_t)all, sizeof *sorted, answers_compare);
    for (int64_t i = 0, count; i < all; i += count) {
        for (count = 1; i + count < all && answers_compare(&sorted[i], &sorted[i + count]) == 0;)
            count++;
        put_part(out, record);
        put_class(out, record, "class", sorted[i].class_index);
        put_class(out, record, "answer", sorted[i].answer);
        fprintf(out, ", \"samples\": %" PRId64 "}\n", count);
    }
}

/* ---- Mistakes ---- */

/* Of two wrong answers, whether `a` is told first. */
static bool is_surer(const Answer *a, const Answer *b)
{
    return a->output != b->output ? a->output > b->output : a->sample < b->sample;
}

/* The surest, in their order; returns how many there are. */
static int find_mistakes(const AnswerList *answers, Answer found[MISTAKES])
{
    int count = 0;
    for (int64_t i = 0; i < answers->count; i++) {
        const Answer *answer = &answers->item[i];
        if (answer->answer == answer->class_index ||
            (count == MISTAKES && !is_surer(answer, &found[MISTAKES - 1])))
            continue;
        int at = count < MISTAKES ? count++ : MISTAKES - 1;
        for (; at > 0 && is_surer(answer, &found[at - 1]); at--)
            found[at] = found[at - 1];
        found[at] = *answer;
    }
    return count;
}

static void put_mistakes(FILE *out, const Record *record)
{
    char name[PATH_MAX];
    Answer found[MISTAKES];
    int count = find_mistakes(&record->answers, found);
    for (int i = 0; i < count; i++) {
        const Answer *answer = &found[i];
        cnn_data_name(record->data, record->part, answer->sample, name, sizeof name);
        put_part(out, record);
        fputs(", \"sample\": ", out);
        json_string(out, name);
        fprintf(out, ", \"index\": %" PRId64, answer->sample);
        put_class(out, record, "class", answer->class_index);
        put_class(out, record, "answer", answer->answer);
        fprintf(out, ", \"output\": %.6g}\n", (double)answer->output);
    }
}

void cnn_mistakes_put(FILE *out, const CnnData *data, Part part, const AnswerList *answers)
{
    put_mistakes(out, &(Record){data, part, *answers});
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

static CnnStatus write_record(const RunFolder *folder, const char *name, const Record *record,
                              void (*put)(FILE *out, const Record *record), CnnError *error)
{
    TextStream stream;
    size_t length = 0;
    if (!cnn_text_open(&stream))
        return no_memory(error);
    put(stream.out, record);
    char *text = cnn_text_close(&stream, &length);
    CnnStatus status = text ? write_text(folder, name, text, length, error) : no_memory(error);
    free(text);
    return status;
}

CnnStatus cnn_answers_record(const RunFolder *folder, const CnnData *data, Part part,
                             const AnswerList *answers, CnnError *error)
{
    Record record = {.data = data, .part = part};
    if (answers->count == 0)
        return CNN_OK;
    TRY(answers_list_open(answers->count, &record.answers, error));
    answers_copy(answers, &record.answers);
    CnnStatus status = write_record(folder, RUN_CLASSES, &record, put_counts, error);
    if (status == CNN_OK)
        status = write_record(folder, RUN_MISTAKES, &record, put_mistakes, error);
    answers_list_close(&record.answers);
    return status;
}
