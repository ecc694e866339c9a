/* The schemas of `train { }`; those of the stages of a schedule stand in rate.c, beside what they mean. */
#include "runtime/train_args.h"
#include "runtime/training.h"

static const Field no_fields[] = {FIELDS_END};

static const Field batch_fields[] = {
    FIELD(BatchArgs, size, FIELD_INTEGER, .preset = "32", .least = 1, .most = BATCH_MOST,
          .doc = "samples of a batch"),
    FIELD(BatchArgs, accumulate, FIELD_INTEGER, .preset = "1", .least = 1, .most = 1 << 16,
          .named_only = true, .doc = "batches whose gradients are summed before the weights change"),
    FIELD(BatchArgs, last, FIELD_WORD, .preset = "keep", .words = "keep drop", .named_only = true,
          .doc = "an epoch's last, smaller batch is trained on, or left out"),
    FIELD(BatchArgs, exact, FIELD_BOOLEAN, .preset = "false", .named_only = true,
          .doc = "the k batches are done as one, so that batchnorm's mean and variance are those of all of "
                 "them; in the memory of that one"),
    FIELDS_END,
};
const Schema batch_schema = {
    .word = "batch",
    .doc = "How many samples a step takes. With accumulate=k the weights change after every k batches, by "
           "the gradient averaged over all their samples. That is a large batch in the memory of a small "
           "one, but for batchnorm, which takes mean and variance of each of the k by itself: exact=true "
           "is the large batch in all.",
    .places = IN_TRAIN,
    .fields = batch_fields,
    .args_bytes = sizeof(BatchArgs),
    .example = "batch 32, accumulate=4, last=drop",
};

static const Field epochs_fields[] = {
    FIELD(CountArgs, count, FIELD_INTEGER, .preset = "1", .least = 1, .most = 1e9,
          .doc = "times that the training part is gone through"),
    FIELDS_END,
};
const Schema epochs_schema = {
    .word = "epochs",
    .doc = "How many times the training goes through the training part.",
    .places = IN_TRAIN,
    .fields = epochs_fields,
    .args_bytes = sizeof(CountArgs),
    .example = "epochs 30",
};

static const Field steps_fields[] = {
    FIELD(CountArgs, count, FIELD_INTEGER, .least = 1, .most = 1e15, .doc = "updates of the weights"),
    FIELDS_END,
};
const Schema steps_schema = {
    .word = "steps",
    .doc = "How many times the weights are updated. With epochs too, whichever ends first ends the training; "
           "alone, as many "
           "epochs are begun as the steps need.",
    .places = IN_TRAIN,
    .fields = steps_fields,
    .args_bytes = sizeof(CountArgs),
    .example = "steps 20000",
};

static const Field time_fields[] = {
    FIELD(TimeArgs, limit, FIELD_DURATION, .doc = "seconds, min or h, from the first step to the end"),
    FIELDS_END,
};
const Schema time_schema = {
    .word = "time",
    .doc = "How long the training may take. How many steps fit is planned from the speed of those so far, "
           "and the "
           "schedule goes over as many. With epochs or steps too, whichever ends first ends the training.",
    .places = IN_TRAIN,
    .fields = time_fields,
    .args_bytes = sizeof(TimeArgs),
    .example = "time 10 min",
};

static const Field seed_fields[] = {
    FIELD(SeedArgs, value, FIELD_INTEGER, .preset = "1", .least = 0, .most = 9007199254740992.0,
          .doc = "any number; the same number gives the same training"),
    FIELDS_END,
};
const Schema seed_schema = {
    .word = "seed",
    .doc = "The key of all random numbers: initial weights, order of the samples, augmentation, dropout.",
    .source = "Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011",
    .places = IN_TRAIN,
    .fields = seed_fields,
    .args_bytes = sizeof(SeedArgs),
    .example = "seed 42",
};

const Schema schedule_schema = {
    .word = "schedule",
    .doc = "How the learning rate changes: stages, one after another. Each takes `over=`, the time it lasts; "
           "the last takes the "
           "rest of the training if that is left out. A stage starts at the rate that the one before it "
           "ended with.",
    .places = IN_TRAIN,
    .body = IN_SCHEDULE,
    .fields = no_fields,
    .example = "schedule { warmup 5 epochs -> cosine to=1e-6 }",
};

static const Field stop_fields[] = {
    WATCHED_FIELDS(StopArgs, "5", "epochs without a better value before the training ends"),
    FIELDS_END,
};
const Schema stop_schema = {
    .word = "stop",
    .doc = "Ends the training when a value has not become better for some epochs, and takes the weights of "
           "its best epoch.",
    .source = "Prechelt, Early stopping - but when?, Neural Networks: Tricks of the Trade, 1998",
    .places = IN_TRAIN,
    .fields = stop_fields,
    .args_bytes = sizeof(StopArgs),
    .example = "stop patience=5, on=val_accuracy",
};

static const Field checkpoint_fields[] = {
    FIELD(CheckpointArgs, every, FIELD_DURATION, .preset = "1 epoch",
          .doc = "time between two files: epochs, steps, or min"),
    FIELD(CheckpointArgs, keep, FIELD_INTEGER, .preset = "3", .least = 1, .most = 1e6,
          .doc = "newest files that are kept; older ones of this training are removed"),
    FIELDS_END,
};
const Schema checkpoint_schema = {
    .word = "checkpoint",
    .doc = "How often the run folder gets a checkpoint: all that is needed to go on with the training "
           "(--resume). Without it: after an epoch, as long as that costs less than a hundredth of the time, "
           "and at the latest after ten minutes.",
    .places = IN_TRAIN,
    .fields = checkpoint_fields,
    .args_bytes = sizeof(CheckpointArgs),
    .example = "checkpoint every=1 epoch, keep=3",
};

static const Field precision_fields[] = {
    FIELD(PrecisionArgs, type, FIELD_WORD, .preset = "f32", .words = "f32 bf16 f16", .planned = "tf32",
          .doc = "the type in which activations and their gradients are kept"),
    FIELDS_END,
};
const Schema precision_schema = {
    .word = "precision",
    .doc = "bf16 keeps activations and their gradients in 16 bits, weights and sums in 32: half the memory "
           "traffic for three significant digits in what is kept between layers. f16 has four digits, and "
           "nothing beyond 65504: gradients are multiplied by a scale, 65536 at first, doubled after 2000 "
           "updates, halved where one overflows, which is then not made.",
    .source = "Micikevicius et al., Mixed precision training, ICLR 2018",
    .places = IN_TRAIN,
    .fields = precision_fields,
    .args_bytes = sizeof(PrecisionArgs),
    .example = "precision bf16",
};

static const Field clip_fields[] = {
    FIELD(ClipArgs, norm, FIELD_REAL, .preset = "", .least = 1e-12, .most = 1e30, .named_only = true,
          .doc = "gradients are scaled down together so that their common norm is at most this"),
    FIELD(ClipArgs, value, FIELD_REAL, .preset = "", .least = 1e-12, .most = 1e30, .named_only = true,
          .doc = "each element of a gradient is limited to -value..value"),
    FIELDS_END,
};
const Schema clip_schema = {
    .word = "clip",
    .doc = "Limits the gradients, before weight decay and update.",
    .source = "Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013",
    .places = IN_TRAIN,
    .fields = clip_fields,
    .args_bytes = sizeof(ClipArgs),
    .example = "clip norm=1.0",
};

static const Field average_fields[] = {
    FIELD(AverageArgs, ema, FIELD_SHARE, .preset = "0.999", .least = 0, .most = 0.99999999,
          .doc = "share of the average that is kept in each step; 1 / (1 - ema) steps count"),
    FIELDS_END,
};
const Schema average_schema = {
    .word = "average",
    .doc = "Keeps a moving average of the weights: average = ema average + (1 - ema) w after each step, from "
           "the weights after the first. It takes the place of the weights in evaluations and in the weights "
           "that are saved; checkpoints have both.",
    .source = "Polyak and Juditsky, Acceleration of stochastic approximation by averaging, SIAM Journal on "
              "Control and Optimization 30, 1992",
    .places = IN_TRAIN,
    .fields = average_fields,
    .args_bytes = sizeof(AverageArgs),
    .example = "average ema=0.999",
};

static const Field start_fields[] = {
    FIELD(StartArgs, file, FIELD_TEXT, .path = true,
          .doc = "a .safetensors file, from the folder of the model; --start has the last word"),
    FIELD(StartArgs, freeze, FIELD_TEXT, .preset = "", .named_only = true,
          .doc = "names or patterns of layers or tensors that stay as they are: \"conv*, stem\""),
    FIELD(StartArgs, new, FIELD_TEXT, .preset = "", .named_only = true,
          .doc = "those that are not taken from the file, but initialised, and never frozen"),
    FIELDS_END,
};
const Schema start_schema = {
    .word = "start",
    .doc =
        "Starts from the weights of a file, as far as it has them. What is frozen gets no gradient, so that "
        "the backward pass ends above it; a frozen batchnorm keeps its statistics, and uses them in "
        "training too.",
    .source = "Yosinski et al., How transferable are features in deep neural networks?, NeurIPS 2014",
    .places = IN_TRAIN,
    .fields = start_fields,
    .args_bytes = sizeof(StartArgs),
    .example = "start \"weights.safetensors\", freeze=\"conv*\"",
};

const Schema rates_schema = {
    .word = "rates",
    .doc = "Learning rates of some layers, as factors of the one that the schedule gives.",
    .places = IN_TRAIN,
    .body = IN_RATES,
    .fields = no_fields,
    .example = "rates { layers \"conv*\", factor=0.1 }",
};

static const Field layers_fields[] = {
    FIELD(LayersArgs, pattern, FIELD_TEXT, .doc = "names or patterns of layers or tensors: \"conv*, stem\""),
    FIELD(LayersArgs, factor, FIELD_REAL, .least = 1e-9, .most = 1e9,
          .doc = "what their learning rate is multiplied by"),
    FIELDS_END,
};
const Schema layers_schema = {
    .word = "layers",
    .doc = "The rate of these layers. Where several name a tensor, the last counts.",
    .source = "Howard and Ruder, Universal language model fine-tuning for text classification, ACL 2018, "
              "section 3.2",
    .places = IN_RATES,
    .fields = layers_fields,
    .args_bytes = sizeof(LayersArgs),
    .example = "layers \"conv*\", factor=0.1",
};

static const Field metrics_fields[] = {
    FIELD(MetricsArgs, names, FIELD_NAMES, .preset = "",
          .words = "accuracy topN precision recall f1 auc " METRIC_CONFUSION,
          .doc = "accuracy: share of the samples whose largest output is their class; topN, as top5: whose "
                 "class is among the N largest; precision, recall, f1: the means over the classes; auc: the "
                 "area under the ROC curve, of many classes the mean of one against the rest; confusion: a "
                 "table at the end, which class was taken for which"),
    FIELDS_END,
};
const Schema metrics_schema = {
    .word = "metrics",
    .doc = "What is measured beside the loss and the accuracy, which is measured wherever the labels are "
           "classes. precision, recall, f1, auc and confusion are made of all answers of the validation or "
           "the test part at once, so the training part has none; the others are of the training, too.",
    .source = "Sokolova and Lapalme, A systematic analysis of performance measures for classification tasks, "
              "Information Processing and Management 45, 2009",
    .places = IN_TRAIN,
    .fields = metrics_fields,
    .args_bytes = sizeof(MetricsArgs),
    .example = "metrics top5, f1, auc",
};

static const Field nan_fields[] = {
    FIELD(NanArgs, action, FIELD_WORD, .preset = "stop", .words = "stop skip back",
          .doc =
              "stop: the training ends, with exit code 4; skip: this update is not made; back: the weights "
              "and the optimizer's state of the epoch's begin (at most 1000 updates ago) are taken, and from "
              "then on a lower rate"),
    FIELD(NanArgs, most, FIELD_INTEGER, .preset = "5", .least = 1, .most = 1e9, .named_only = true,
          .doc = "updates in a row that are left out, or times that the training goes back, before it ends"),
    FIELD(NanArgs, factor, FIELD_SHARE, .preset = "50%", .least = 0.01, .most = 1, .named_only = true,
          .doc = "back: what the rate is multiplied by each time"),
    FIELDS_END,
};
const Schema nan_schema = {
    .word = "nan",
    .doc =
        "What is done when the loss is infinite or not a number; with skip and back also when a gradient is, "
        "which costs a pass over the gradients in each step. The layer, its line, and the sample where it "
        "began are told.",
    .places = IN_TRAIN,
    .fields = nan_fields,
    .args_bytes = sizeof(NanArgs),
    .example = "nan skip, most=5",
};

/* A statement that the language knows and a later version will do. */
#define PLANNED(name, word_of_it, place, what, use)                                                          \
    static const Schema name = {.word = word_of_it,                                                          \
                                .doc = what,                                                                 \
                                .places = place,                                                             \
                                .fields = no_fields,                                                         \
                                .example = use,                                                              \
                                .planned = "'" word_of_it "' is planned, but this version cannot do it yet"}
PLANNED(distill_schema, "distill", IN_TRAIN, "Learns from another network's outputs.",
        "distill \"teacher.cnn\", weights=\"teacher.safetensors\", temperature=4, alpha=70%");
PLANNED(prune_schema, "prune", IN_TRAIN, "Sets small weights to zero while training.",
        "prune magnitude, to=80%, over=10 epochs");
PLANNED(quantize_schema, "quantize", IN_TRAIN, "Trains for weights of 8 bits.", "quantize int8, aware=true");

const Schema *const train_schemas[] = {
    &batch_schema,
    &epochs_schema,
    &steps_schema,
    &seed_schema,
    &schedule_schema,
    &constant_schema,
    &warmup_schema,
    &step_schema,
    &exponential_schema,
    &cosine_schema,
    &linear_schema,
    &polynomial_schema,
    &onecycle_schema,
    &plateau_schema,
    &stop_schema,
    &checkpoint_schema,
    &precision_schema,
    &clip_schema,
    &metrics_schema,
    &nan_schema,
    &time_schema,
    &average_schema,
    &start_schema,
    &rates_schema,
    &layers_schema,
    &distill_schema,
    &prune_schema,
    &quantize_schema,
    NULL,
};
