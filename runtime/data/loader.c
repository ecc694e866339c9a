/* A ring of batches, filled by threads and emptied by the step. A batch is a run of consecutive positions of
 * the epoch, and every position has its place in the ring, so threads fill places in any order and the
 * batches are the same. A place whose sample cannot be read is filled, when its batch is asked for, with the
 * last sample of the epoch that is left: which one depends on the positions alone. The epoch gets shorter by
 * it. */
#include "runtime/data/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/data/pipeline.h"
#include "runtime/memory.h"
#include "runtime/rng.h"

enum { CHUNK_MOST = 32, ALIGNMENT = 64 };

typedef enum { PLACE_EMPTY, PLACE_GOOD, PLACE_UNREADABLE, PLACE_FAILED } PlaceState;

typedef struct {
    PlaceState state;
    int64_t sample;   /* index in the part */
    CnnStatus status; /* PLACE_FAILED */
    char *reason;     /* of PLACE_UNREADABLE and PLACE_FAILED; NULL where it has been told before */
} Place;

typedef struct {
    unsigned char *input, *label;
    Place *place;    /* [batch] */
    int64_t pending; /* places that are not filled yet */
} Slot;

typedef struct {
    int64_t sample; /* index in the part */
    char *reason;
} Skipped;

struct CnnLoader {
    CnnData *data;
    Part part;
    LoaderOptions options;
    int64_t count; /* samples of an epoch */
    size_t sample_bytes, label_bytes;
    bool keeps_order, plain;

    int slot_count;
    Slot *slots;  /* batch k lies in slot k % slot_count */
    void *memory; /* NULL where the options lend it */
    Place *places;

    int thread_count;
    pthread_t *threads;
    DataScratch *scratch; /* of the thread that calls cnn_loader_next */
    void *mixed;          /* room for a sample and its label; NULL: batches are not mixed */

    /* Under lock: */
    pthread_mutex_t lock;
    pthread_cond_t work, filled, idle;
    bool stop;
    int busy; /* threads at work on places */
    int64_t epoch;
    int64_t next; /* position that is handed out next */
    int64_t hand_out_end;
    int64_t batch; /* the next one to be lent */
    bool lent;     /* the one before it is still in use */

    /* Of the calling thread: */
    int64_t end; /* of the epoch: positions from here on have replaced samples that could not be read */
    Skipped *skipped;
    int64_t skipped_count, skipped_room;
    bool *listed; /* [samples of the part]: among the skipped */
    bool *known;  /* [samples of the part]: since an earlier epoch. Changes only while no thread is at work */
    double waited;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The sample at a position of the running epoch. */
static Pick loader_pick(const CnnLoader *loader, int64_t position)
{
    const CnnData *data = loader->data;
    if (loader->part != PART_TRAIN)
        return (Pick){.sample = position};
    if (loader->options.shuffle && data->shuffle)
        position = (int64_t)cnn_permute((uint64_t)position, (uint64_t)loader->count, data->seed,
                                        PURPOSE_SHUFFLE, (uint32_t)loader->epoch);
    return balance_pick(&data->balance, position, data->seed, loader->epoch);
}

static Slot *loader_slot(const CnnLoader *loader, int64_t batch)
{
    return &loader->slots[batch % loader->slot_count];
}

/* Reads the sample of a position into a place. */
static void loader_fill(const CnnLoader *loader, Slot *slot, int64_t i, int64_t position,
                        DataScratch **scratch)
{
    Place *place = &slot->place[i];
    Pick pick = loader_pick(loader, position);
    CnnError error = {0};
    place->sample = pick.sample;
    bool unreadable = loader->known[pick.sample];
    if (unreadable) {
        place->state = PLACE_UNREADABLE;
        return;
    }
    float *input = (float *)(slot->input + (size_t)i * loader->sample_bytes);
    void *label = slot->label + (size_t)i * loader->label_bytes;
    int64_t epoch = loader->plain ? EPOCH_NONE : loader->epoch;
    place->status =
        data_fill(loader->data, loader->part, pick, epoch, scratch, input, label, &unreadable, &error);
    place->state = place->status == CNN_OK ? PLACE_GOOD : unreadable ? PLACE_UNREADABLE : PLACE_FAILED;
    if (place->state != PLACE_GOOD)
        place->reason = strdup(error.text);
}

static bool loader_has_work(const CnnLoader *loader)
{
    int64_t first = loader->batch - (loader->lent ? 1 : 0);
    return loader->next < smaller(loader->hand_out_end, (first + loader->slot_count) * loader->options.batch);
}

static void *loader_thread(void *argument)
{
    CnnLoader *loader = argument;
    DataScratch *scratch = NULL;
    int64_t size = loader->options.batch, most = size / (4 * loader->options.threads);
    most = most < 1 ? 1 : smaller(most, CHUNK_MOST);
    pthread_mutex_lock(&loader->lock);
    for (;;) {
        while (!loader->stop && !loader_has_work(loader))
            pthread_cond_wait(&loader->work, &loader->lock);
        if (loader->stop)
            break;
        int64_t position = loader->next, batch = position / size, first = position - batch * size;
        int64_t chunk = smaller(most, smaller(size - first, loader->hand_out_end - position));
        Slot *slot = loader_slot(loader, batch);
        loader->next += chunk;
        loader->busy++;
        pthread_mutex_unlock(&loader->lock);
        for (int64_t i = 0; i < chunk; i++)
            loader_fill(loader, slot, first + i, position + i, &scratch);
        pthread_mutex_lock(&loader->lock);
        slot->pending -= chunk;
        if (slot->pending == 0)
            pthread_cond_signal(&loader->filled);
        if (--loader->busy == 0)
            pthread_cond_signal(&loader->idle);
    }
    pthread_mutex_unlock(&loader->lock);
    cnn_data_scratch_free(scratch);
    return NULL;
}

/* Makes a slot ready to be filled with a batch. */
static void loader_reset_slot(CnnLoader *loader, int64_t batch)
{
    Slot *slot = loader_slot(loader, batch);
    for (int64_t i = 0; i < loader->options.batch; i++) {
        free(slot->place[i].reason);
        slot->place[i] = (Place){.state = PLACE_EMPTY};
    }
    int64_t left = loader->count - batch * loader->options.batch;
    slot->pending = left < 0 ? 0 : smaller(left, loader->options.batch);
}

static int slots_of(const LoaderOptions *options)
{
    return options->ahead + 1 > 2 ? options->ahead + 1 : 2;
}

/* Bytes of a batch's samples, and of its labels. */
static bool slot_bytes(const CnnData *data, int64_t batch, uint64_t *input, uint64_t *label)
{
    bool fits = cnn_multiply((uint64_t)batch, data_sample_bytes(data), input) &&
                cnn_add(*input, ALIGNMENT - 1, input) &&
                cnn_multiply((uint64_t)batch, data_label_bytes(data), label) &&
                cnn_add(*label, ALIGNMENT - 1, label);
    *input -= *input % ALIGNMENT;
    *label -= *label % ALIGNMENT;
    return fits;
}

bool cnn_loader_bytes(const CnnData *data, const LoaderOptions *options, uint64_t *bytes)
{
    uint64_t input = 0, label = 0;
    return slot_bytes(data, options->batch, &input, &label) && cnn_add(input, label, bytes) &&
           cnn_multiply(*bytes, (uint64_t)slots_of(options), bytes);
}

static CnnStatus loader_take_memory(CnnLoader *loader, CnnError *error)
{
    uint64_t batch = (uint64_t)loader->options.batch, input = 0, label = 0, all = 0;
    bool fits = cnn_loader_bytes(loader->data, &loader->options, &all) &&
                slot_bytes(loader->data, loader->options.batch, &input, &label);
    unsigned char *memory = loader->options.memory;
    if (fits && (memory || all <= cnn_memory_available())) {
        if (!memory)
            memory = loader->memory = cnn_memory_take(all);
        loader->slots = calloc((size_t)loader->slot_count, sizeof *loader->slots);
        loader->places = calloc((size_t)loader->slot_count * (size_t)batch, sizeof *loader->places);
        size_t samples = (size_t)cnn_data_count(loader->data, loader->part);
        if (loader->part == PART_TRAIN && mix_wanted(&loader->data->mix))
            loader->mixed = malloc(loader->sample_bytes + loader->label_bytes);
        loader->listed = calloc(samples + 1, sizeof *loader->listed);
        loader->known = calloc(samples + 1, sizeof *loader->known);
    }
    if (!memory || !loader->slots || !loader->places || !loader->listed || !loader->known ||
        (loader->part == PART_TRAIN && mix_wanted(&loader->data->mix) && !loader->mixed))
        return cnn_fail(error, CNN_NO_RESOURCE,
                        "not enough memory for %d batches of %llu samples of %zu bytes", loader->slot_count,
                        (unsigned long long)batch, loader->sample_bytes);
    for (int i = 0; i < loader->slot_count; i++) {
        loader->slots[i].input = memory + (uint64_t)i * (input + label);
        loader->slots[i].label = loader->slots[i].input + input;
        loader->slots[i].place = loader->places + (uint64_t)i * batch;
    }
    return CNN_OK;
}

/* Signals are for the thread that trains: these threads start with all of them blocked. */
static CnnStatus loader_start_threads(CnnLoader *loader, CnnError *error)
{
    sigset_t all, before;
    loader->thread_count = loader->options.threads;
    loader->threads = calloc((size_t)loader->thread_count, sizeof *loader->threads);
    if (!loader->threads)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %d threads", loader->thread_count);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int started = 0, failure = 0;
    while (started < loader->thread_count && failure == 0) {
        failure = pthread_create(&loader->threads[started], NULL, loader_thread, loader);
        started += failure == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure == 0)
        return CNN_OK;
    pthread_mutex_lock(&loader->lock);
    loader->thread_count = started; /* those are what closing has to join */
    pthread_mutex_unlock(&loader->lock);
    return cnn_fail(error, CNN_NO_RESOURCE, "cannot start %d threads: %s", loader->options.threads,
                    strerror(failure));
}

CnnStatus cnn_loader_open(CnnData *data, Part part, const LoaderOptions *options, CnnLoader **out,
                          CnnError *error)
{
    int64_t count = cnn_data_epoch_count(data, part);
    if (options->drop_last && count > 0 && count < options->batch)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "an epoch has %lld samples, fewer than a batch of %lld, and last=drop leaves "
                        "none of them",
                        (long long)count, (long long)options->batch);
    CnnLoader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a loader");
    loader->data = data;
    loader->part = part;
    loader->options = *options;
    loader->count = count;
    loader->sample_bytes = data_sample_bytes(data);
    loader->label_bytes = data_label_bytes(data);
    loader->slot_count = slots_of(options);
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->work, NULL);
    pthread_cond_init(&loader->filled, NULL);
    pthread_cond_init(&loader->idle, NULL);
    CnnStatus status = loader_take_memory(loader, error);
    if (status == CNN_OK)
        status = loader_start_threads(loader, error);
    if (status == CNN_OK)
        *out = loader;
    else
        cnn_loader_close(loader);
    return status;
}

void cnn_loader_close(CnnLoader *loader)
{
    if (!loader)
        return;
    pthread_mutex_lock(&loader->lock);
    loader->stop = true;
    pthread_cond_broadcast(&loader->work);
    int threads = loader->threads ? loader->thread_count : 0;
    pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < threads; i++)
        pthread_join(loader->threads[i], NULL);
    for (int64_t i = 0; loader->places && i < loader->slot_count * loader->options.batch; i++)
        free(loader->places[i].reason);
    for (int64_t i = 0; i < loader->skipped_count; i++)
        free(loader->skipped[i].reason);
    pthread_cond_destroy(&loader->idle);
    pthread_cond_destroy(&loader->filled);
    pthread_cond_destroy(&loader->work);
    pthread_mutex_destroy(&loader->lock);
    cnn_data_scratch_free(loader->scratch);
    free(loader->mixed);
    free(loader->skipped);
    free(loader->listed);
    free(loader->known);
    free(loader->threads);
    free(loader->places);
    free(loader->slots);
    free(loader->memory);
    free(loader);
}

void cnn_loader_keep_order(CnnLoader *loader)
{
    loader->keeps_order = true;
}

void cnn_loader_keep_plain(CnnLoader *loader)
{
    loader->plain = true;
}

/* With the lock held. */
static void loader_halt(CnnLoader *loader)
{
    loader->hand_out_end = loader->next; /* nothing more of the epoch before */
    while (loader->busy > 0)
        pthread_cond_wait(&loader->idle, &loader->lock);
}

void cnn_loader_stop(CnnLoader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader_halt(loader);
    pthread_mutex_unlock(&loader->lock);
}

CnnStatus cnn_loader_start(CnnLoader *loader, int64_t epoch, int64_t first_batch, CnnError *error)
{
    if (epoch < 0 || first_batch < 0)
        return cnn_fail(error, CNN_BAD_INPUT, "epochs and batches are counted from 0");
    pthread_mutex_lock(&loader->lock);
    loader_halt(loader);
    for (int64_t i = 0; i < loader->skipped_count; i++)
        loader->known[loader->skipped[i].sample] = true;
    loader->epoch = epoch;
    loader->hand_out_end = loader->end = loader->count;
    loader->next = smaller(first_batch * loader->options.batch, loader->count);
    loader->batch = first_batch;
    loader->lent = false;
    loader->waited = 0;
    for (int i = 0; i < loader->slot_count; i++)
        loader_reset_slot(loader, first_batch + i);
    pthread_cond_broadcast(&loader->work);
    pthread_mutex_unlock(&loader->lock);
    return CNN_OK;
}

int64_t cnn_loader_replaced(const CnnLoader *loader)
{
    return loader->count - loader->end;
}

void cnn_loader_set_replaced(CnnLoader *loader, int64_t replaced)
{
    loader->end = loader->count - replaced;
}

/* Takes the sample of a position into the list of those skipped, unless it is there. The reason is the list's
 * then. */
static CnnStatus loader_skip(CnnLoader *loader, int64_t position, Place *place, CnnError *error)
{
    int64_t sample = loader_pick(loader, position).sample;
    if (loader->listed[sample])
        return CNN_OK;
    if (loader->skipped_count == loader->skipped_room) {
        int64_t room = 2 * loader->skipped_room + 16;
        Skipped *larger = realloc(loader->skipped, (size_t)room * sizeof *larger);
        if (!larger)
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a list of unreadable samples");
        loader->skipped = larger;
        loader->skipped_room = room;
    }
    loader->skipped[loader->skipped_count++] = (Skipped){sample, place->reason};
    loader->listed[sample] = true;
    place->reason = NULL;
    return data_judge_skipped(loader->data, loader->part, loader->skipped_count,
                              cnn_loader_skipped_reason(loader, 0), error);
}

static CnnStatus place_failure(const Place *place, CnnError *error)
{
    return cnn_fail(error, place->status, "%s", place->reason ? place->reason : "not enough memory");
}

/* Fills a place whose sample cannot be read with the last sample that is left, and so on while that one
 * cannot be read either. When none is left behind it the place itself falls away. */
static CnnStatus loader_replace(CnnLoader *loader, Slot *slot, int64_t i, int64_t position, CnnError *error)
{
    Place *place = &slot->place[i];
    TRY(loader_skip(loader, position, place, error));
    int64_t from;
    while ((from = --loader->end) > position) {
        loader_fill(loader, slot, i, from, &loader->scratch);
        if (place->state == PLACE_GOOD)
            return CNN_OK;
        if (place->state == PLACE_FAILED)
            return place_failure(place, error);
        TRY(loader_skip(loader, from, place, error));
    }
    return CNN_OK;
}

/* Sees to the places of a filled batch that have no sample. */
static CnnStatus loader_settle(CnnLoader *loader, int64_t batch, CnnError *error)
{
    Slot *slot = loader_slot(loader, batch);
    int64_t first = batch * loader->options.batch;
    for (int64_t i = 0; i < smaller(loader->options.batch, loader->end - first); i++) {
        if (slot->place[i].state == PLACE_FAILED)
            return place_failure(&slot->place[i], error);
        if (slot->place[i].state == PLACE_UNREADABLE)
            TRY(loader_replace(loader, slot, i, first + i, error));
    }
    return CNN_OK;
}

/* Moves the samples of a filled batch that could be read together, and counts them. */
static CnnStatus loader_close_gaps(CnnLoader *loader, int64_t batch, int64_t size, int64_t *good,
                                   CnnError *error)
{
    Slot *slot = loader_slot(loader, batch);
    *good = 0;
    for (int64_t i = 0; i < size; i++) {
        Place *place = &slot->place[i];
        if (place->state == PLACE_FAILED)
            return place_failure(place, error);
        if (place->state == PLACE_UNREADABLE) {
            TRY(loader_skip(loader, batch * loader->options.batch + i, place, error));
            continue;
        }
        int64_t to = (*good)++;
        if (to == i)
            continue;
        memcpy(slot->input + (size_t)to * loader->sample_bytes,
               slot->input + (size_t)i * loader->sample_bytes, loader->sample_bytes);
        memcpy(slot->label + (size_t)to * loader->label_bytes, slot->label + (size_t)i * loader->label_bytes,
               loader->label_bytes);
        slot->place[to].sample = place->sample;
    }
    return CNN_OK;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void loader_wait_filled(CnnLoader *loader, int64_t batch)
{
    Slot *slot = loader_slot(loader, batch);
    pthread_mutex_lock(&loader->lock);
    while (slot->pending > 0)
        pthread_cond_wait(&loader->filled, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
}

/* Samples of a batch as far as the epoch goes now. */
static int64_t loader_size(const CnnLoader *loader, int64_t batch)
{
    int64_t left = smaller(loader->end - batch * loader->options.batch, loader->options.batch);
    return left <= 0 || (loader->options.drop_last && left < loader->options.batch) ? 0 : left;
}

/* Whether nothing comes behind this batch. If only unreadable samples do, the epoch ends here too, and they
 * are noted. */
static CnnStatus loader_is_last(CnnLoader *loader, int64_t batch, bool *last, CnnError *error)
{
    int64_t first = (batch + 1) * loader->options.batch, size = loader_size(loader, batch + 1);
    *last = size == 0;
    if (size == 0 || loader_size(loader, batch + 2) > 0)
        return CNN_OK;
    loader_wait_filled(loader, batch + 1);
    const Slot *slot = loader_slot(loader, batch + 1);
    for (int64_t i = 0; i < size; i++)
        if (slot->place[i].state != PLACE_UNREADABLE)
            return CNN_OK;
    for (int64_t i = 0; i < size; i++)
        TRY(loader_skip(loader, first + i, &slot->place[i], error));
    loader->end = first;
    *last = true;
    return CNN_OK;
}

static void loader_give_back(CnnLoader *loader)
{
    pthread_mutex_lock(&loader->lock);
    if (loader->lent) {
        loader_reset_slot(loader, loader->batch - 1 + loader->slot_count);
        loader->lent = false;
        pthread_cond_broadcast(&loader->work);
    }
    pthread_mutex_unlock(&loader->lock);
}

CnnStatus cnn_loader_next(CnnLoader *loader, Batch *batch, CnnError *error)
{
    int64_t number = loader->batch;
    *batch = (Batch){.first = number * loader->options.batch, .last = true};
    loader_give_back(loader);
    if (loader_size(loader, number) == 0)
        return CNN_OK;
    double start = now_seconds();
    loader_wait_filled(loader, number);
    if (loader->keeps_order) {
        TRY(loader_close_gaps(loader, number, loader_size(loader, number), &batch->samples, error));
        batch->last = loader_size(loader, number + 1) == 0;
    } else {
        TRY(loader_settle(loader, number, error));
        batch->samples = loader_size(loader, number);
        if (batch->samples > 0)
            TRY(loader_is_last(loader, number, &batch->last, error));
    }
    loader->waited += now_seconds() - start;
    if (batch->samples == 0 && !loader->keeps_order)
        return CNN_OK;
    const Slot *slot = loader_slot(loader, number);
    if (loader->mixed && !loader->plain)
        data_mix_batch(loader->data, loader->epoch, batch->first, batch->samples, (float *)slot->input,
                       slot->label, loader->mixed);
    batch->input = (const float *)slot->input;
    batch->label = slot->label;
    pthread_mutex_lock(&loader->lock);
    loader->batch++;
    loader->lent = true;
    pthread_mutex_unlock(&loader->lock);
    return CNN_OK;
}

bool cnn_loader_peek(CnnLoader *loader, Batch *batch)
{
    int64_t number = loader->batch, size = loader_size(loader, number);
    const Slot *slot = loader_slot(loader, number);
    if (size == 0 || (loader->mixed && !loader->plain)) /* mixing is done when it is lent */
        return false;
    pthread_mutex_lock(&loader->lock);
    bool whole = slot->pending == 0;
    pthread_mutex_unlock(&loader->lock);
    for (int64_t i = 0; i < size && whole; i++)
        whole = slot->place[i].state == PLACE_GOOD;
    *batch = (Batch){.input = (const float *)slot->input, .label = slot->label, .samples = size};
    return whole;
}

int64_t cnn_loader_sample(const CnnLoader *loader, int64_t i)
{
    return loader_slot(loader, loader->batch - 1)->place[i].sample;
}

int64_t cnn_loader_batches(const CnnLoader *loader)
{
    int64_t batch = loader->options.batch;
    return loader->options.drop_last ? loader->count / batch : (loader->count + batch - 1) / batch;
}

int64_t cnn_loader_skipped(const CnnLoader *loader)
{
    return loader->skipped_count;
}

int64_t cnn_loader_skipped_sample(const CnnLoader *loader, int64_t i)
{
    return loader->skipped[i].sample;
}

const char *cnn_loader_skipped_reason(const CnnLoader *loader, int64_t i)
{
    const char *reason = loader->skipped[i].reason;
    return reason ? reason : "not enough memory to keep the reason";
}

double cnn_loader_waited(const CnnLoader *loader)
{
    return loader->waited;
}
