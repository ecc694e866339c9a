/* The schemas of `compile { }`. */
#include "compiler/check/compile_args.h"

static const Field cpu_fields[] = {
    FIELD(CpuArgs, name, FIELD_TEXT,
          .doc = "\"native\", \"x86-64\", \"x86-64-v2\", \"x86-64-v3\", \"x86-64-v4\", \"aarch64\", or a "
                 "processor by LLVM's name"),
    FIELDS_END,
};
const Schema cpu_schema = {
    .word = "cpu",
    .doc = "The processor that kernels are made for; this machine's where nothing is said.",
    .places = IN_COMPILE,
    .fields = cpu_fields,
    .args_bytes = sizeof(CpuArgs),
    .example = "cpu \"x86-64-v3\"",
};

static const Field device_fields[] = {
    FIELD(DeviceArgs, kind, FIELD_WORD, .preset = "auto", .words = "auto cpu cuda",
          .doc = "the device that trains"),
    FIELDS_END,
};
const Schema device_schema = {
    .word = "device",
    .doc = "Where the network is trained. auto takes an NVIDIA GPU where there is one, else the CPU; cuda "
           "wants the GPU, or ends with what is missing.",
    .places = IN_COMPILE,
    .fields = device_fields,
    .args_bytes = sizeof(DeviceArgs),
    .example = "device cpu",
};

static const Field exact_fields[] = {
    FIELD(ExactArgs, on, FIELD_BOOLEAN, .preset = "true", .doc = "whether it is so"),
    FIELDS_END,
};
const Schema exact_schema = {
    .word = "exact",
    .doc = "Convolutions are summed as they are defined. Otherwise those of 3x3 are computed by Winograd's "
           "minimal filtering where that is faster: a quarter of the products, and rounding errors that are "
           "some 10 times larger, about 1e-5 of the largest value.",
    .places = IN_COMPILE,
    .fields = exact_fields,
    .args_bytes = sizeof(ExactArgs),
    .example = "exact true",
};

static const Field fuse_fields[] = {
    FIELD(FuseArgs, names, FIELD_NAMES, .preset = "all",
          .doc = "all, none, or the names of fusions (cnnc passes lists them)"),
    FIELDS_END,
};
const Schema fuse_schema = {
    .word = "fuse",
    .doc = "Which fusions the compiler may use. A fusion computes the same function with fewer passes over "
           "memory.",
    .places = IN_COMPILE,
    .fields = fuse_fields,
    .args_bytes = sizeof(FuseArgs),
    .example = "fuse elementwise, epilogue",
};

static const Field threads_fields[] = {
    FIELD(ThreadsArgs, count, FIELD_INTEGER, .least = 1, .most = 1024, .doc = "worker threads"),
    FIELDS_END,
};
const Schema threads_schema = {
    .word = "threads",
    .doc = "How many threads train; all cores where nothing is said. The numbers do not depend on it.",
    .places = IN_COMPILE,
    .fields = threads_fields,
    .args_bytes = sizeof(ThreadsArgs),
    .example = "threads 2",
};

static const Field tune_fields[] = {
    FIELD(TuneArgs, mode, FIELD_WORD, .preset = "auto", .words = "auto off quick full",
          .doc =
              "auto: what an earlier tuning found on this machine; off: the cost model alone; quick, full: "
              "how long to look for faster schedules before the training"),
    FIELDS_END,
};
const Schema tune_schema = {
    .word = "tune",
    .doc = "Measures schedules of the kernels on this machine and keeps the fastest, in the cache, for all "
           "trainings to come. The numbers that a network computes do not depend on it.",
    .places = IN_COMPILE,
    .fields = tune_fields,
    .args_bytes = sizeof(TuneArgs),
    .example = "tune quick",
};

/* Of the table of rewrites, which stands above this folder. */
#define REWRITE(id, name, doc) " " #name
static const char rewrite_words[] = "none"
#include "compiler/rewrite/rewrites.def"
    ;
#undef REWRITE
#define REWRITE(id, name, doc) "; " #name ": " doc
static const char rewrite_docs[] = "none: the model as it is written"
#include "compiler/rewrite/rewrites.def"
    ;
#undef REWRITE
static const Field rewrite_fields[] = {
    FIELD(RewriteArgs, names, FIELD_NAMES, .words = rewrite_words, .doc = rewrite_docs),
    FIELDS_END,
};
const Schema rewrite_schema = {
    .word = "rewrite",
    .doc = "Changes of the model that make it faster and learn another function, each asked for by name. "
           "Every use is reported.",
    .places = IN_COMPILE,
    .fields = rewrite_fields,
    .args_bytes = sizeof(RewriteArgs),
    .example = "rewrite stride_for_pool",
};

const Schema *const compile_schemas[] = {&cpu_schema,     &device_schema,  &exact_schema, &fuse_schema,
                                         &rewrite_schema, &threads_schema, &tune_schema,  NULL};
