/* Learning-rate schedules: a chain of stages, each a function of its first rate, its length and the updates
 * done in it. A stage starts where the one before it ended; behind the last one the rate stays at its end. */
#include "runtime/rate.h"

#include <math.h>

#include "runtime/train_args.h"

#define OVER(T)                                                                                              \
    FIELD(T, over, FIELD_DURATION, .preset = "",                                                             \
          .doc = "how long the stage lasts; the rest of the training if left out")

static const Field constant_fields[] = {OVER(ConstantArgs), FIELDS_END};
const Schema constant_schema = {
    .word = "constant",
    .doc = "The rate stays as it is.",
    .places = IN_SCHEDULE,
    .fields = constant_fields,
    .args_bytes = sizeof(ConstantArgs),
    .example = "constant over=10 epochs",
};

static const Field warmup_fields[] = {
    FIELD(WarmupArgs, over, FIELD_DURATION, .doc = "how long the stage lasts"),
    FIELD(WarmupArgs, start, FIELD_SHARE, .preset = "0%", .least = 0, .most = 1, .named_only = true,
          .doc = "the share of the rate that it rises from"),
    FIELDS_END,
};
const Schema warmup_schema = {
    .word = "warmup",
    .doc = "The rate rises in a straight line, by the same amount with each step, and reaches its full value "
           "with the last.",
    .source = "Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2017, section 2.2",
    .places = IN_SCHEDULE,
    .fields = warmup_fields,
    .args_bytes = sizeof(WarmupArgs),
    .example = "warmup 5 epochs",
};

#define EVERY_FIELDS(preset_of_factor)                                                                       \
    {                                                                                                        \
        FIELD(StepArgs, every, FIELD_DURATION, .doc = "the time in which the rate changes by the factor"),   \
            FIELD(StepArgs, factor, FIELD_REAL, .preset = preset_of_factor, .least = 1e-9, .most = 1e9,      \
                  .doc = "what the rate is multiplied by"),                                                  \
            OVER(StepArgs), FIELDS_END                                                                       \
    }
static const Field step_fields[] = EVERY_FIELDS("0.1");
const Schema step_schema = {
    .word = "step",
    .doc = "The rate is multiplied by a factor after each interval, and stays the same in between.",
    .places = IN_SCHEDULE,
    .fields = step_fields,
    .args_bytes = sizeof(StepArgs),
    .example = "step every=10 epochs, factor=0.1",
};

static const Field exponential_fields[] = EVERY_FIELDS("0.9");
const Schema exponential_schema = {
    .word = "exponential",
    .doc = "The rate is multiplied by a factor in each interval, a little with each step: rate * "
           "factor^(steps / every).",
    .places = IN_SCHEDULE,
    .fields = exponential_fields,
    .args_bytes = sizeof(StepArgs),
    .example = "exponential every=1 epoch, factor=0.9",
};

#define DECAY_TO                                                                                             \
    FIELD(DecayArgs, to, FIELD_REAL, .preset = "0", .least = 0, .most = 1e9,                                 \
          .doc = "the rate at the end of the stage")

static const Field cosine_fields[] = {DECAY_TO, OVER(DecayArgs), FIELDS_END};
const Schema cosine_schema = {
    .word = "cosine",
    .doc = "The rate falls along half a cosine: to + (rate - to) (1 + cos(pi t)) / 2, t from 0 to 1.",
    .source = "Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017",
    .places = IN_SCHEDULE,
    .fields = cosine_fields,
    .args_bytes = sizeof(DecayArgs),
    .example = "cosine to=1e-6",
};

static const Field linear_fields[] = {DECAY_TO, OVER(DecayArgs), FIELDS_END};
const Schema linear_schema = {
    .word = "linear",
    .doc = "The rate goes in a straight line: to + (rate - to) (1 - t), t from 0 to 1.",
    .places = IN_SCHEDULE,
    .fields = linear_fields,
    .args_bytes = sizeof(DecayArgs),
    .example = "linear to=0, over=20 epochs",
};

static const Field polynomial_fields[] = {
    DECAY_TO,
    OVER(DecayArgs),
    FIELD(DecayArgs, power, FIELD_REAL, .preset = "2", .least = 1e-3, .most = 100, .named_only = true,
          .doc = "the exponent"),
    FIELDS_END,
};
const Schema polynomial_schema = {
    .word = "polynomial",
    .doc = "The rate falls along a power: to + (rate - to) (1 - t)^power, t from 0 to 1.",
    .places = IN_SCHEDULE,
    .fields = polynomial_fields,
    .args_bytes = sizeof(DecayArgs),
    .example = "polynomial to=0, power=2",
};

int64_t cnn_duration_steps(Duration duration, int64_t steps_per_epoch)
{
    if (duration.unit == UNIT_SECONDS)
        return 0;
    double factor = duration.unit == UNIT_EPOCHS ? (double)steps_per_epoch : 1;
    double steps = floor(duration.value * factor + 0.5);
    return steps < 1 ? 1 : steps > 9e15 ? INT64_C(9000000000000000) : (int64_t)steps;
}

/* The time that a stage takes, as it was written. */
static Duration stage_over(const CnnStatement *stage)
{
    const Schema *schema = stage->schema;
    if (schema == &constant_schema)
        return ((const ConstantArgs *)stage->args)->over;
    if (schema == &warmup_schema)
        return ((const WarmupArgs *)stage->args)->over;
    if (schema == &step_schema || schema == &exponential_schema)
        return ((const StepArgs *)stage->args)->over;
    return ((const DecayArgs *)stage->args)->over;
}

/* The rate after `done` of `length` updates of a stage that started at `first`. */
static double stage_rate(const RateSchedule *schedule, const CnnStatement *stage, double first, int64_t done,
                         int64_t length)
{
    const Schema *schema = stage->schema;
    double t = (double)done / (double)length;
    if (schema == &constant_schema)
        return first;
    if (schema == &warmup_schema) {
        double start = first * ((const WarmupArgs *)stage->args)->start;
        /* One step further than the others: a first step at rate 0 would be wasted, and the last one has the
         * full rate. */
        return done >= length ? first : start + (first - start) * (double)(done + 1) / (double)length;
    }
    if (schema == &step_schema || schema == &exponential_schema) {
        const StepArgs *args = stage->args;
        double intervals = (double)done / (double)cnn_duration_steps(args->every, schedule->steps_per_epoch);
        return first * pow(args->factor, schema == &step_schema ? floor(intervals) : intervals);
    }
    const DecayArgs *args = stage->args;
    double left = schema == &cosine_schema   ? (1 + cos(3.14159265358979323846 * t)) / 2
                  : schema == &linear_schema ? 1 - t
                                             : pow(1 - t, args->power);
    return args->to + (first - args->to) * left;
}

double cnn_rate(const RateSchedule *schedule, int64_t step)
{
    double rate = schedule->base;
    int64_t start = 0;
    for (int i = 0; i < schedule->stages.count; i++) {
        const CnnStatement *stage = &schedule->stages.items[i];
        Duration over = stage_over(stage);
        int64_t length =
            over.value > 0 ? cnn_duration_steps(over, schedule->steps_per_epoch) : schedule->total - start;
        if (length < 1)
            length = 1; /* the stages before it took the whole training */
        int64_t done = step - start;
        if (done < length)
            return stage_rate(schedule, stage, rate, done, length);
        rate = stage_rate(schedule, stage, rate, length, length);
        start += length;
    }
    return rate;
}

/* Checks one stage; `next` is the one behind it, or NULL. */
static CnnStatus stage_check(const CnnStatement *stage, const CnnStatement *next, CnnError *error)
{
    Duration over = stage_over(stage);
    bool by_interval = stage->schema == &step_schema || stage->schema == &exponential_schema;
    if ((over.value > 0 && over.unit == UNIT_SECONDS) ||
        (by_interval && ((const StepArgs *)stage->args)->every.unit == UNIT_SECONDS))
        return cnn_fail(error, CNN_BAD_INPUT, "%s: '%s' counts epochs or steps, not seconds", stage->where,
                        stage->schema->word);
    if (over.value <= 0 && next)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: '%s' has no 'over=' and takes the rest of the training, so that '%s' is never reached",
            stage->where, stage->schema->word, next->schema->word);
    return CNN_OK;
}

CnnStatus cnn_rate_open(const CnnRecipe *recipe, int64_t steps_per_epoch, int64_t total, RateSchedule *out,
                        CnnError *error)
{
    const CnnStatement *schedule = recipe_find(recipe->train, &schedule_schema);
    *out = (RateSchedule){.base = recipe->rate, .steps_per_epoch = steps_per_epoch, .total = total};
    if (schedule)
        out->stages = schedule->body;
    for (int i = 0; i < out->stages.count; i++) {
        const CnnStatement *stage = &out->stages.items[i];
        TRY(stage_check(stage, i + 1 < out->stages.count ? stage + 1 : NULL, error));
    }
    return CNN_OK;
}
