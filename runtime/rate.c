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

static const Field cosine_fields[] = {
    DECAY_TO,
    OVER(DecayArgs),
    FIELD(DecayArgs, restarts, FIELD_DURATION, .preset = "", .named_only = true,
          .doc =
              "the rate falls within this time, starts again at its full value, and so on to the end of the "
              "stage; once over the whole stage if left out"),
    FIELD(DecayArgs, multiplier, FIELD_INTEGER, .preset = "1", .least = 1, .most = 1000, .named_only = true,
          .doc = "each time between two restarts is this many times the one before it"),
    FIELDS_END,
};
const Schema cosine_schema = {
    .word = "cosine",
    .doc = "The rate falls along half a cosine: to + (rate - to) (1 + cos(pi t)) / 2, t from 0 to 1; with "
           "restarts= again and again.",
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

static const Field onecycle_fields[] = {
    FIELD(OnecycleArgs, peak, FIELD_REAL, .preset = "", .least = 1e-30, .most = 1e6,
          .doc = "the largest rate; the one that the stage begins with if left out"),
    FIELD(OnecycleArgs, rise, FIELD_SHARE, .preset = "30%", .least = 0, .most = 1, .named_only = true,
          .doc = "the share of the stage in which the rate rises"),
    FIELD(OnecycleArgs, divisor, FIELD_REAL, .preset = "25", .least = 1, .most = 1e9, .named_only = true,
          .doc = "the rate rises from peak / divisor"),
    FIELD(OnecycleArgs, final_divisor, FIELD_REAL, .preset = "1e4", .least = 1, .most = 1e12,
          .named_only = true, .doc = "and falls to peak / (divisor * final_divisor)"),
    OVER(OnecycleArgs),
    FIELDS_END,
};
const Schema onecycle_schema = {
    .word = "onecycle",
    .doc = "The rate rises along half a cosine to a peak, and falls along another far below where it began. "
           "As PyTorch's OneCycleLR, with the momentum left as it is.",
    .source = "Smith and Topin, Super-convergence: very fast training of neural networks using large "
              "learning rates, 2017",
    .places = IN_SCHEDULE,
    .fields = onecycle_fields,
    .args_bytes = sizeof(OnecycleArgs),
    .example = "onecycle peak=0.1, rise=30%",
};

static const Field plateau_fields[] = {
    WATCHED_FIELDS(PlateauArgs, "10", "epochs without a better value before the rate is lowered"),
    FIELD(PlateauArgs, factor, FIELD_REAL, .preset = "0.1", .least = 1e-9, .most = 0.999999999,
          .named_only = true, .doc = "what the rate is multiplied by"),
    FIELD(PlateauArgs, to, FIELD_REAL, .preset = "0", .least = 0, .most = 1e9, .named_only = true,
          .doc = "the rate is not lowered below this"),
    OVER(PlateauArgs),
    FIELDS_END,
};
const Schema plateau_schema = {
    .word = "plateau",
    .doc = "The rate is lowered whenever a value has not become better for some epochs.",
    .source = "Bengio, Practical recommendations for gradient-based training of deep architectures, 2012, "
              "section 3.1.1",
    .places = IN_SCHEDULE,
    .fields = plateau_fields,
    .args_bytes = sizeof(PlateauArgs),
    .example = "plateau patience=3, factor=0.1",
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
    if (schema == &onecycle_schema)
        return ((const OnecycleArgs *)stage->args)->over;
    if (schema == &plateau_schema)
        return ((const PlateauArgs *)stage->args)->over;
    return ((const DecayArgs *)stage->args)->over;
}

/* From `from` at t = 0 to `to` at t = 1. */
static double half_cosine(double from, double to, double t)
{
    return to + (from - to) * (1 + cos(3.14159265358979323846 * t)) / 2;
}

/* Where a stage with restarts is, from 0 to 1, in the period that runs after `done` updates. A period that
 * ends with the stage is not followed by another. */
static double restarted(const DecayArgs *args, int64_t steps_per_epoch, int64_t done, int64_t length)
{
    double period = (double)cnn_duration_steps(args->restarts, steps_per_epoch), left = (double)done;
    if (args->multiplier == 1)
        left = fmod(left, period);
    for (; left >= period; period *= (double)args->multiplier)
        left -= period;
    return left == 0 && done == length ? 1 : left / period;
}

/* With the two phases of PyTorch's OneCycleLR, which ends at the last update, not behind it. */
static double onecycle_rate(const OnecycleArgs *args, double first, int64_t done, int64_t length)
{
    double peak = args->peak > 0 ? args->peak : first;
    double low = peak / args->divisor, end = low / args->final_divisor;
    double top = args->rise * (double)length - 1, last = (double)length - 1, at = (double)done;
    if (at < top)
        return half_cosine(low, peak, at / top);
    return half_cosine(peak, end, last > top ? fmin((at - top) / (last - top), 1) : 0);
}

static double plateau_rate(const PlateauArgs *args, double first, int64_t lowered)
{
    return fmin(first, fmax(first * pow(args->factor, (double)lowered), args->to));
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
    if (schema == &onecycle_schema)
        return onecycle_rate(stage->args, first, done, length);
    if (schema == &plateau_schema)
        return plateau_rate(stage->args, first, schedule->state.lowered);
    const DecayArgs *args = stage->args;
    if (schema == &cosine_schema)
        return half_cosine(first, args->to,
                           args->restarts.value > 0 ? restarted(args, schedule->steps_per_epoch, done, length)
                                                    : t);
    return args->to + (first - args->to) * (schema == &linear_schema ? 1 - t : pow(1 - t, args->power));
}

/* The stage of update number `step`, and its rate; NULL: it lies behind the last stage, whose end is the
 * rate.
 */
static const CnnStatement *find_stage(const RateSchedule *schedule, int64_t step, double *rate)
{
    int64_t start = 0;
    *rate = schedule->base;
    for (int i = 0; i < schedule->stages.count; i++) {
        const CnnStatement *stage = &schedule->stages.items[i];
        Duration over = stage_over(stage);
        int64_t length =
            over.value > 0 ? cnn_duration_steps(over, schedule->steps_per_epoch) : schedule->total - start;
        if (length < 1)
            length = 1; /* the stages before it took the whole training */
        int64_t done = step - start;
        bool inside = done < length;
        *rate = stage_rate(schedule, stage, *rate, inside ? done : length, length);
        if (inside)
            return stage;
        start += length;
    }
    return NULL;
}

double cnn_rate(const RateSchedule *schedule, int64_t step)
{
    double rate;
    find_stage(schedule, step, &rate);
    return rate;
}

bool cnn_rate_epoch(RateSchedule *schedule, int64_t step, double value)
{
    RateState *state = &schedule->state;
    double before;
    const CnnStatement *stage = find_stage(schedule, step - 1, &before);
    if (!stage || stage->schema != &plateau_schema)
        return false;
    if (state->epochs++ == 0 || isnan(state->best) ||
        cnn_watched_gain(&schedule->watched, value, state->best) > schedule->plateau->least) {
        state->best = value;
        state->since = 0;
        return false;
    }
    if (++state->since < schedule->plateau->patience)
        return false;
    state->since = 0;
    state->lowered++;
    return cnn_rate(schedule, step - 1) < before;
}

/* Checks one stage; `next` is the one behind it, or NULL. */
static CnnStatus stage_check(const CnnStatement *stage, const CnnStatement *next, CnnError *error)
{
    for (const Field *field = stage->schema->fields; field->name; field++) {
        const Duration *duration = (const Duration *)((const char *)stage->args + field->offset);
        if (field->kind == FIELD_DURATION && duration->value > 0 && duration->unit == UNIT_SECONDS)
            return cnn_fail(error, CNN_BAD_INPUT, "%s: '%s' counts epochs or steps, not seconds",
                            stage->where, stage->schema->word);
    }
    if (stage_over(stage).value <= 0 && next)
        return cnn_fail(
            error, CNN_BAD_INPUT,
            "%s: '%s' has no 'over=' and takes the rest of the training, so that '%s' is never reached",
            stage->where, stage->schema->word, next->schema->word);
    return CNN_OK;
}

/* The stage that watches a value. */
static CnnStatus plateau_open(const CnnImage *image, bool validation, RateSchedule *schedule, CnnError *error)
{
    for (int i = 0; i < schedule->stages.count; i++) {
        const CnnStatement *stage = &schedule->stages.items[i];
        if (stage->schema != &plateau_schema)
            continue;
        if (schedule->plateau)
            return cnn_fail(error, CNN_BAD_INPUT, "%s: a schedule has one 'plateau'", stage->where);
        schedule->plateau = stage->args;
        TRY(cnn_watched_find(image, validation, stage, schedule->plateau->on, &schedule->watched, error));
    }
    return CNN_OK;
}

CnnStatus cnn_rate_open(const CnnImage *image, bool validation, int64_t steps_per_epoch, int64_t total,
                        RateSchedule *out, CnnError *error)
{
    const CnnStatement *schedule = recipe_find(image->recipe.train, &schedule_schema);
    *out = (RateSchedule){.base = image->recipe.rate, .steps_per_epoch = steps_per_epoch, .total = total};
    if (schedule)
        out->stages = schedule->body;
    for (int i = 0; i < out->stages.count; i++) {
        const CnnStatement *stage = &out->stages.items[i];
        TRY(stage_check(stage, i + 1 < out->stages.count ? stage + 1 : NULL, error));
    }
    return plateau_open(image, validation, out, error);
}
