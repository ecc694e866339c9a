/* The curves that a run keeps for TensorBoard, read here record by record: framing, sums, messages, and what
 * a second start does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/file.h"
#include "runtime/run/events.h"

static const CnnMetric metrics[] = {{.name = "accuracy"}};
static const CnnProgram program = {.metric_count = 1, .metrics = metrics};
static char path[] = "/tmp/test_tensorboard.XXXXXX";
static const RunFolder folder = {.path = path, .lock = -1};

/* ---- Reading ---- */

/* By the definition: the remainder of a division of polynomials, the bits of each byte turned around. */
static uint32_t masked_sum(const unsigned char *bytes, size_t count)
{
    uint32_t crc = 0xffffffff, turned = 0;
    for (size_t i = 0; i < count; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint32_t top = crc >> 31 ^ (bytes[i] >> bit & 1);
            crc = (crc << 1) ^ (top ? 0x1edc6f41 : 0);
        }
    for (int bit = 0; bit < 32; bit++)
        turned |= (~crc >> bit & 1) << (31 - bit);
    return (turned >> 15 | turned << 17) + 0xa282ead8;
}

static uint64_t little(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* A field of a message: its number, and its number or bytes. */
typedef struct {
    int field;
    uint64_t number;
    const unsigned char *bytes; /* NULL: a number */
} Piece;

static uint64_t read_varint(const unsigned char **at)
{
    uint64_t value = 0;
    int shift = 0;
    do
        value |= (uint64_t)(**at & 0x7f) << shift, shift += 7;
    while (*(*at)++ & 0x80);
    return value;
}

static Piece read_piece(const unsigned char **at)
{
    uint64_t key = read_varint(at);
    Piece piece = {.field = (int)(key >> 3)};
    int wire = (int)(key & 7), bytes = wire == 1 ? 8 : 4;
    if (wire == 0) {
        piece.number = read_varint(at);
    } else if (wire == 2) {
        piece.number = read_varint(at);
        piece.bytes = *at;
        *at += piece.number;
    } else {
        assert_true(wire == 1 || wire == 5);
        piece.number = little(*at, bytes);
        *at += bytes;
    }
    return piece;
}

/* One record in words: "5 loss 0.25", "2 start", "0 brain.Event:2". */
static void describe(const unsigned char *at, size_t count, char *out, size_t bytes)
{
    const unsigned char *end = at + count;
    double seconds;
    Piece moment = read_piece(&at), step = read_piece(&at), content = read_piece(&at);
    assert_ptr_equal(at, end);
    assert_int_equal(moment.field, 1);
    memcpy(&seconds, &moment.number, sizeof seconds);
    assert_true(fabs(seconds - (double)time(NULL)) < 60);
    assert_int_equal(step.field, 2);
    int used = snprintf(out, bytes, "%lld ", (long long)step.number);
    out += used, bytes -= (size_t)used;
    at = content.bytes;
    if (content.field == 3) {
        snprintf(out, bytes, "%.*s\n", (int)content.number, (const char *)content.bytes);
    } else if (content.field == 7) {
        Piece status = read_piece(&at);
        assert_int_equal(status.field, 1);
        assert_int_equal(status.number, 1);
        snprintf(out, bytes, "start\n");
    } else {
        assert_int_equal(content.field, 5);
        Piece value = read_piece(&at);
        assert_int_equal(value.field, 1);
        Piece tag = read_piece(&value.bytes), number = read_piece(&value.bytes);
        assert_int_equal(tag.field, 1);
        assert_int_equal(number.field, 2);
        uint32_t bits = (uint32_t)number.number;
        float scalar;
        memcpy(&scalar, &bits, sizeof scalar);
        snprintf(out, bytes, "%.*s %g\n", (int)tag.number, (const char *)tag.bytes, (double)scalar);
    }
}

/* The newest file in words, a line a record; freed by the caller. */
static char *read_file(void)
{
    int64_t number;
    char *file, *bytes, *text = calloc(1, 1 << 20);
    size_t count;
    CnnError error = {0};
    assert_int_equal(cnn_run_folder_largest(&folder, RUN_TENSORBOARD, RUN_TENSORBOARD_END, &number, &error),
                     CNN_OK);
    assert_true(asprintf(&file, "%s/" RUN_TENSORBOARD "%lld" RUN_TENSORBOARD_END, path, (long long)number) >
                0);
    assert_int_equal(cnn_file_read(file, &bytes, &count, &error), CNN_OK);
    const unsigned char *at = (const unsigned char *)bytes, *end = at + count;
    while (at < end) {
        uint64_t length = little(at, 8);
        assert_int_equal(little(at + 8, 4), masked_sum(at, 8));
        assert_true(length < (uint64_t)(end - at));
        assert_int_equal(little(at + 12 + length, 4), masked_sum(at + 12, length));
        describe(at + 12, length, text + strlen(text), 256);
        at += 16 + length;
    }
    assert_ptr_equal(at, end);
    free(bytes);
    free(file);
    return text;
}

/* ---- Writing ---- */

static RunListeners begin(void)
{
    RunListeners listeners = {.program = &program};
    CnnError error = {0};
    assert_int_equal(cnn_tensorboard_open(&folder, &listeners, &error), CNN_OK);
    return listeners;
}

static void end_all(RunListeners *listeners)
{
    CnnError error = {0};
    assert_int_equal(cnn_listeners_close(listeners, &error), CNN_OK);
}

static void tell_start(const RunListeners *listeners, int64_t step, int64_t steps)
{
    cnn_listeners_tell(listeners,
                       &(RunEvent){.kind = EVENT_START, .step = step, .steps = steps, .resumed = step > 0});
}

/* Of four samples, a mean loss of 1/step. */
static void tell_step(const RunListeners *listeners, int64_t step)
{
    Totals totals = {.loss = 4.0 / (double)step, .metric = {1}, .samples = 4};
    cnn_listeners_tell(
        listeners,
        &(RunEvent){.kind = EVENT_STEP, .step = step, .rate = 0.5, .training = &totals, .took = 0.125});
}

static void steps_and_epochs_become_scalars(void **state)
{
    (void)state;
    RunListeners listeners = begin();
    Totals training = {.loss = 8, .metric = {2}, .samples = 4}, other = {.loss = NAN, .samples = 4};
    tell_start(&listeners, 0, 300);
    tell_step(&listeners, 1);
    tell_step(&listeners, 200); /* a step of two bytes */
    cnn_listeners_tell(
        &listeners,
        &(RunEvent){
            .kind = EVENT_EPOCH, .step = 200, .training = &training, .other = &other, .evaluated = &program});
    cnn_listeners_tell(&listeners, &(RunEvent){.kind = EVENT_NOTE, .text = "no scalar"});
    cnn_listeners_tell(
        &listeners, &(RunEvent){.kind = EVENT_TEST, .step = 300, .other = &training, .evaluated = &program});
    end_all(&listeners);
    char *text = read_file();
    assert_string_equal(text,
                        "0 brain.Event:2\n"
                        "1 loss 1\n1 accuracy 0.25\n1 rate 0.5\n1 images_per_second 32\n"
                        "200 loss 0.005\n200 accuracy 0.25\n200 rate 0.5\n200 images_per_second 32\n"
                        "200 epoch_loss 2\n200 epoch_accuracy 0.5\n200 val_loss nan\n200 val_accuracy 0\n"
                        "300 test_loss 2\n300 test_accuracy 0.5\n");
    free(text);
}

static void a_training_that_goes_on_takes_later_steps_back(void **state)
{
    (void)state;
    /* Within the same second as the file before: still a file of its own. */
    RunListeners listeners = begin();
    tell_start(&listeners, 200, 300);
    tell_step(&listeners, 201);
    end_all(&listeners);
    char *text = read_file();
    assert_string_equal(text, "0 brain.Event:2\n201 start\n201 loss 0.00497512\n201 accuracy 0.25\n"
                              "201 rate 0.5\n201 images_per_second 32\n");
    free(text);
}

static void very_many_steps_become_means(void **state)
{
    (void)state;
    RunListeners listeners = begin();
    tell_start(&listeners, 0, 20001); /* three steps a point */
    for (int64_t step = 1; step <= 4; step++)
        tell_step(&listeners, step);
    end_all(&listeners);
    char *text = read_file();
    assert_string_equal(text, "0 brain.Event:2\n3 loss 0.611111\n3 accuracy 0.25\n3 rate 0.5\n"
                              "3 images_per_second 32\n");
    free(text);
}

static void a_folder_that_cannot_be_written_is_said(void **state)
{
    (void)state;
    RunListeners listeners = {.program = &program};
    CnnError error = {0};
    char none[] = "/nowhere/at/all";
    assert_int_equal(cnn_tensorboard_open(&(RunFolder){.path = none}, &listeners, &error), CNN_NO_RESOURCE);
    assert_non_null(strstr(error.text, "cannot write '/nowhere/at/all/events.out.tfevents."));
    assert_int_equal(listeners.count, 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(path) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", path);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_and_epochs_become_scalars),
        cmocka_unit_test(a_training_that_goes_on_takes_later_steps_back),
        cmocka_unit_test(very_many_steps_become_means),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
