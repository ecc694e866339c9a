/* The curves of a run as TensorBoard reads them: a file of TFRecord, a scalar of one step in each record. The
 * messages are those of tensorflow/core/util/event.proto and framework/summary.proto, written by hand: five
 * fields are no reason for a trainer to need a library. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/run/events.h"

enum { MESSAGE_BYTES = 256, TAG_BYTES = 96, POINTS = 10000 };
static const double FLUSH_SECONDS = 1;

typedef struct {
    FILE *out;
    char *path;
    int64_t every;  /* steps that one point of a curve is the mean of */
    Totals totals;  /* of the steps since the last point */
    double took;    /* seconds of these */
    double flushed; /* cnn_clock */
} TensorBoard;

/* ---- Records ---- */

/* CRC-32C (Castagnoli), four bits at a time. */
static uint32_t crc32c(const unsigned char *bytes, size_t count)
{
    static const uint32_t of_bits[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ of_bits[crc & 15];
        crc = crc >> 4 ^ of_bits[crc & 15];
    }
    return ~crc;
}

static void put_number(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

/* TFRecord masks its sums, so that the sum of bytes with sums in them is as good as any other. */
static void put_sum(FILE *out, const unsigned char *bytes, size_t count)
{
    unsigned char sum[4];
    uint32_t crc = crc32c(bytes, count);
    put_number(sum, (crc >> 15 | crc << 17) + 0xa282ead8u, sizeof sum);
    fwrite(sum, 1, sizeof sum, out);
}

static void put_record(FILE *out, const unsigned char *bytes, size_t count)
{
    unsigned char length[8];
    put_number(length, count, sizeof length);
    fwrite(length, 1, sizeof length, out);
    put_sum(out, length, sizeof length);
    fwrite(bytes, 1, count, out);
    put_sum(out, bytes, count);
}

/* ---- Messages of protocol buffers ---- */

typedef struct {
    unsigned char bytes[MESSAGE_BYTES];
    size_t length;
} Message;

typedef enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 } Wire;

/* Of an Event; of what stands in it. */
enum { FIELD_TIME = 1, FIELD_STEP = 2, FIELD_VERSION = 3, FIELD_SUMMARY = 5, FIELD_SESSION = 7 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_NUMBER = 2, SESSION_STATUS = 1, SESSION_STARTED = 1 };

static void put_varint(Message *message, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        message->bytes[message->length++] = (unsigned char)(value | 0x80);
    message->bytes[message->length++] = (unsigned char)value;
}

static void put_field(Message *message, int field, Wire wire)
{
    put_varint(message, (uint64_t)field << 3 | wire);
}

static void put_fixed(Message *message, int field, Wire wire, uint64_t bits)
{
    int bytes = wire == WIRE_64 ? 8 : 4;
    put_field(message, field, wire);
    put_number(message->bytes + message->length, bits, bytes);
    message->length += (size_t)bytes;
}

static void put_bytes(Message *message, int field, const void *bytes, size_t count)
{
    put_field(message, field, WIRE_BYTES);
    put_varint(message, count);
    memcpy(message->bytes + message->length, bytes, count);
    message->length += count;
}

/* An Event with one of its contents: a file version, a summary, a session. */
static void put_event(TensorBoard *board, int64_t step, int field, const void *bytes, size_t count)
{
    Message event = {.length = 0};
    struct timespec now;
    uint64_t bits;
    clock_gettime(CLOCK_REALTIME, &now);
    double seconds = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    memcpy(&bits, &seconds, sizeof bits);
    put_fixed(&event, FIELD_TIME, WIRE_64, bits);
    put_field(&event, FIELD_STEP, WIRE_VARINT);
    put_varint(&event, (uint64_t)step);
    put_bytes(&event, field, bytes, count);
    put_record(board->out, event.bytes, event.length);
}

static void put_scalar(TensorBoard *board, int64_t step, const char *prefix, const char *name, double number)
{
    Message value = {.length = 0}, summary = {.length = 0};
    char tag[TAG_BYTES];
    float narrow = (float)number;
    uint32_t bits;
    snprintf(tag, sizeof tag, "%s%s", prefix, name);
    memcpy(&bits, &narrow, sizeof bits);
    put_bytes(&value, VALUE_TAG, tag, strlen(tag));
    put_fixed(&value, VALUE_NUMBER, WIRE_32, bits);
    put_bytes(&summary, SUMMARY_VALUE, value.bytes, value.length);
    put_event(board, step, FIELD_SUMMARY, summary.bytes, summary.length);
}

/* What was written from this step on, before the training was interrupted, is void. */
static void put_session(TensorBoard *board, int64_t step)
{
    Message session = {.length = 0};
    put_field(&session, SESSION_STATUS, WIRE_VARINT);
    put_varint(&session, SESSION_STARTED);
    put_event(board, step, FIELD_SESSION, session.bytes, session.length);
}

/* ---- Events ---- */

static void put_totals(TensorBoard *board, int64_t step, const char *prefix, const CnnProgram *program,
                       const Totals *totals)
{
    put_scalar(board, step, prefix, "loss", totals_loss(totals));
    for (int i = 0; i < program->metric_count; i++)
        put_scalar(board, step, prefix, program->metrics[i].name, totals_metric(totals, i));
}

static void hear_step(TensorBoard *board, const CnnProgram *program, const RunEvent *event)
{
    board->totals.loss += event->training->loss;
    for (int i = 0; i < program->metric_count; i++)
        board->totals.metric[i] += event->training->metric[i];
    board->totals.samples += event->training->samples;
    board->took += event->took;
    if (event->step % board->every != 0)
        return;
    put_totals(board, event->step, "", program, &board->totals);
    put_scalar(board, event->step, "", "rate", event->rate);
    if (board->took > 0)
        put_scalar(board, event->step, "", "images_per_second", (double)board->totals.samples / board->took);
    board->totals = (Totals){0};
    board->took = 0;
}

static void hear(void *self, const CnnProgram *program, const RunEvent *event)
{
    TensorBoard *board = self;
    switch (event->kind) {
    case EVENT_START:
        board->every = event->steps > POINTS ? (event->steps - 1) / POINTS + 1 : 1;
        if (event->resumed)
            put_session(board, event->step + 1);
        break;
    case EVENT_STEP:
        hear_step(board, program, event);
        break;
    case EVENT_EPOCH:
        put_totals(board, event->step, "epoch_", program, event->training);
        if (event->other)
            put_totals(board, event->step, "val_", event->evaluated, event->other);
        break;
    case EVENT_TEST:
        put_totals(board, event->step, "test_", event->evaluated, event->other);
        break;
    default:
        break;
    }
    if (event->kind != EVENT_STEP || cnn_clock() - board->flushed > FLUSH_SECONDS) {
        fflush(board->out);
        board->flushed = cnn_clock();
    }
}

/* ---- The file ---- */

static CnnStatus close_file(void *self, CnnError *error)
{
    TensorBoard *board = self;
    bool failed = ferror(board->out) != 0;
    failed = fclose(board->out) != 0 || failed;
    CnnStatus status = failed ? cnn_fail(error, CNN_NO_RESOURCE, "'%s' is not whole", board->path) : CNN_OK;
    free(board->path);
    free(board);
    return status;
}

/* Each start has a file of its own, which ends where a crash left it. TensorBoard reads those of a folder in
 * the order of their names: the seconds since 1970, or later than those of the file before. */
static CnnStatus open_file(const RunFolder *folder, TensorBoard *board, CnnError *error)
{
    char name[64];
    int64_t before, now = (int64_t)time(NULL);
    TRY(cnn_run_folder_largest(folder, RUN_TENSORBOARD, RUN_TENSORBOARD_END, &before, error));
    snprintf(name, sizeof name, RUN_TENSORBOARD "%010" PRId64 RUN_TENSORBOARD_END,
             now > before ? now : before + 1);
    board->path = cnn_run_folder_file(folder, name);
    if (!board->path)
        return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the path of '%s'", name);
    board->out = fopen(board->path, "we");
    return board->out
               ? CNN_OK
               : cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", board->path, strerror(errno));
}

CnnStatus cnn_tensorboard_open(const RunFolder *folder, RunListeners *listeners, CnnError *error)
{
    static const char version[] = "brain.Event:2";
    TensorBoard *board = calloc(1, sizeof *board);
    CnnStatus status = board ? open_file(folder, board, error)
                             : cnn_fail(error, CNN_NO_RESOURCE, "no memory for the curves of a run");
    if (status != CNN_OK) {
        if (board)
            free(board->path);
        free(board);
        return status;
    }
    board->every = 1;
    put_event(board, 0, FIELD_VERSION, version, sizeof version - 1);
    cnn_listeners_add(listeners, (RunListener){hear, close_file, board});
    return CNN_OK;
}
