#include "runtime/time_plan.h"

/* Updates that pass before the speed is that of the training: the first touches all memory anew. */
enum { COLD = 2, MEASURED_LEAST = 3 };
/* An update counts this much less with each that follows: about the last 200 decide. */
static const double FADE = 0.995;
/* From this share of the time on, what was measured is believed. */
static const double FIRST_SHARE = 0.02;
/* Of an evaluation beside an update of as many samples, until one has been measured: forward only. */
static const double EVALUATION_SHARE = 0.4;

void cnn_time_step(TimePlan *plan, int64_t step, double seconds)
{
    if (step <= COLD && plan->steps_per_epoch > COLD)
        return;
    plan->step_seconds = FADE * plan->step_seconds + seconds;
    plan->step_weight = FADE * plan->step_weight + 1;
    plan->measured++;
}

/* Seconds that an evaluation of so many samples takes. */
static double evaluation_seconds(const TimePlan *plan, int64_t samples, double of_step)
{
    if (plan->validation > 0 && plan->epoch_seconds > 0)
        return plan->epoch_seconds / (double)plan->validation * (double)samples;
    return EVALUATION_SHARE * of_step / (double)plan->batch * (double)samples;
}

int64_t cnn_time_total(const TimePlan *plan, int64_t step, double elapsed)
{
    if (plan->measured == 0)
        return elapsed >= plan->limit ? step : 0;
    double of_step = plan->step_seconds / plan->step_weight;
    if (of_step < 1e-9)
        of_step = 1e-9;
    double validation =
        plan->epoch_seconds > 0 ? plan->epoch_seconds : evaluation_seconds(plan, plan->validation, of_step);
    /* From the beginning of this epoch, whose validation is still to come: whole ones, then a part of one,
     * each with its validation. */
    int64_t inside = (step - 1) % plan->steps_per_epoch + 1;
    double left =
        plan->limit - elapsed - evaluation_seconds(plan, plan->test, of_step) + (double)inside * of_step;
    double of_epoch = (double)plan->steps_per_epoch * of_step + validation;
    int64_t whole = left > 0 ? (int64_t)(left / of_epoch) : 0;
    left -= (double)whole * of_epoch + validation;
    int64_t part = left > 0 ? (int64_t)(left / of_step) : 0;
    int64_t total = step - inside + whole * plan->steps_per_epoch + part;
    bool believed = step >= plan->steps_per_epoch ||
                    (plan->measured >= MEASURED_LEAST && elapsed >= FIRST_SHARE * plan->limit);
    if (total > step && !believed)
        return 0;
    return total > step ? total : step;
}
