#include "compiler/commands/feed.h"

#include "compiler/commands/process.h"
#include "runtime/clock.h"
#include "runtime/interrupt.h"

CnnScalars feed_scalars(double rate, int64_t number, int64_t samples)
{
    return (CnnScalars){.rate = (float)rate,
                        .step = (float)number,
                        .inverse_count = 1 / (float)samples,
                        .count = (float)samples,
                        .seed_low = FEED_SEED,
                        .loss_scale = 1,
                        .inverse_loss_scale = 1,
                        .first_micro = 1,
                        .last_micro = 1};
}

CnnStatus feed_for(const Feed *feed, Fed *fed, CnnError *error)
{
    double start = 0, cores = 0;
    *fed = (Fed){0};
    for (int64_t epoch = 0; epoch == 0 || !feed->once; epoch++) {
        TRY(cnn_loader_start(feed->loader, epoch, 0, error));
        for (int64_t number = 0; feed->batches == 0 || number < feed->batches; number++) {
            Batch batch;
            double asked = cnn_clock();
            TRY(cnn_loader_next(feed->loader, &batch, error));
            double got = cnn_clock();
            if (batch.samples == 0 && number == 0)
                return cnn_fail(error, CNN_BAD_INPUT, "the training part has no samples");
            if (batch.samples == 0)
                break;
            if (cnn_interrupted())
                return cnn_fail(error, CNN_INTERRUPTED, "stopped");
            fed->batches++;
            if (start == 0) {
                start = got;
                cores = process_cores();
            } else {
                fed->waited += got - asked;
                fed->images += batch.samples;
            }
            if (feed->step)
                feed->step(feed->context, &batch);
            fed->seconds = cnn_clock() - start;
            fed->cores = process_cores() - cores;
            if (fed->seconds > feed->seconds && fed->images > 0)
                return CNN_OK;
        }
    }
    return CNN_OK;
}
