#include "runtime/run/training_state.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/text_stream.h"

typedef struct {
    const char *name;
    size_t offset;
    bool real; /* double; else 64 bits, of which all are written */
    int count;
} Item;

#define NUMBER(member)                                                                                       \
    {                                                                                                        \
        .name = #member, .offset = offsetof(TrainingState, member), .count = 1                               \
    }
#define REAL(member, values)                                                                                 \
    {                                                                                                        \
        .name = #member, .offset = offsetof(TrainingState, member), .real = true, .count = values            \
    }
#define SPREAD(member) NUMBER(member.count), REAL(member.mean, 1), REAL(member.squares, 1)
static const Item items[] = {
    NUMBER(epoch),
    NUMBER(batches),
    NUMBER(replaced),
    NUMBER(step),
    NUMBER(totals.samples),
    REAL(totals.loss, 1),
    REAL(totals.metric, METRICS_MAX),
    REAL(seconds, 1),
    NUMBER(best_epoch),
    NUMBER(best_since),
    REAL(best_value, 1),
    REAL(rate.best, 1),
    NUMBER(rate.epochs),
    NUMBER(rate.since),
    NUMBER(rate.lowered),
    REAL(rate_factor, 1),
    NUMBER(returned),
    REAL(scale.value, 1),
    NUMBER(scale.good),
    NUMBER(scale.skipped),
    NUMBER(scale.of_epoch),
    NUMBER(advice.said),
    NUMBER(advice.updates),
    NUMBER(advice.done),
    NUMBER(advice.all),
    SPREAD(advice.start),
    SPREAD(advice.end),
    NUMBER(advice.epoch),
    REAL(advice.best, 1),
    NUMBER(advice.best_epoch),
    REAL(advice.loss, 1),
    NUMBER(advice.falling),
    NUMBER(batch),
    NUMBER(accumulate),
    NUMBER(steps_per_epoch),
    NUMBER(total),
    NUMBER(seed),
};
enum { ITEMS = sizeof items / sizeof items[0], WIDE = 8 };

char *cnn_training_state_text(const TrainingState *state)
{
    TextStream stream;
    if (!cnn_text_open(&stream))
        return NULL;
    FILE *out = stream.out;
    for (int i = 0; i < ITEMS; i++) {
        fprintf(out, "%s", items[i].name);
        for (int k = 0; k < items[i].count; k++) {
            const char *at = (const char *)state + items[i].offset + WIDE * (size_t)k;
            if (items[i].real)
                fprintf(out, " %a", *(const double *)(const void *)at); /* hexadecimal: exact */
            else
                fprintf(out, " %" PRId64, *(const int64_t *)(const void *)at);
        }
        putc('\n', out);
    }
    return cnn_text_close(&stream, NULL);
}

/* The values of the line that begins with `name`, or NULL. */
static const char *find_line(const char *text, const char *name)
{
    size_t length = strlen(name);
    while (*text) {
        if (strncmp(text, name, length) == 0 && text[length] == ' ')
            return text + length;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return NULL;
}

CnnStatus cnn_training_state_read(const char *text, TrainingState *state, CnnError *error)
{
    for (int i = 0; i < ITEMS; i++) {
        const char *value = find_line(text, items[i].name);
        if (!value)
            return cnn_fail(error, CNN_BAD_INPUT, "it does not say '%s'", items[i].name);
        for (int k = 0; k < items[i].count; k++) {
            char *at = (char *)state + items[i].offset + WIDE * (size_t)k, *end;
            if (items[i].real)
                *(double *)(void *)at = strtod(value, &end);
            else
                *(int64_t *)(void *)at = (int64_t)strtoll(value, &end, 10);
            if (end == value)
                return cnn_fail(error, CNN_BAD_INPUT, "its '%s' is no number", items[i].name);
            value = end;
        }
    }
    bool good = state->epoch >= 0 && state->batches >= 0 && state->replaced >= 0 && state->step >= 0 &&
                state->batch > 0 && state->accumulate > 0 && state->steps_per_epoch > 0 && state->total > 0 &&
                state->scale.value >= LOSS_SCALE_LEAST && state->scale.value <= LOSS_SCALE_MOST;
    return good ? CNN_OK : cnn_fail(error, CNN_BAD_INPUT, "its numbers contradict each other");
}
