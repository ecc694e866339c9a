/* The commands of `cnnc`: one row each, one file each. What the command line says goes into one struct of
 * options, by the tables of flags that a command takes. */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdio.h>

#include "compiler/base/arena.h"
#include "compiler/fuse/plan.h"
#include "runtime/flags.h"
#include "runtime/predict.h"
#include "runtime/training.h"

struct Command;

/* What `cnnc build` is told. */
typedef struct {
    const char *march;   /* processors, separated by commas; NULL: one, as --cpu or the model says */
    const char *target;  /* triple of another kind of machine; NULL: this one */
    const char *weights; /* a weight file to embed, or NULL */
    const char *data_root;
    bool is_static;
    const char *library, *bare; /* files to write in place of a program, or NULL */
} BuildOptions;

typedef struct {
    Arena *arena; /* of the command line, until the end of the process */
    const struct Command *command;
    const char **words; /* what is no flag: "model.cnn" */
    int word_count;
    /* Of the commands that read a model: */
    FlagList defines, sets;
    const char *fuse;    /* the only fusions to be made, separated by commas */
    const char *rewrite; /* the only rewrites to be made, likewise */
    const char *cpu;     /* that kernels are made for; NULL: as the model says */
    bool no_fuse, no_cache, exact;
    bool fusion_off[FUSION_COUNT];
    TrainingOptions training; /* also `threads` and `batch` of commands that do not train */
    EvaluationOptions evaluation;
    PredictionOptions prediction;
    const LooseRequest *loose; /* predict: what the data are opened with */
    FILE *messages;            /* where mistakes of the model are told; NULL: the standard error */
    /* Of one command each: */
    int seeds;                  /* run, sweep; 0: one training, or one of each point */
    int random;                 /* sweep; 0: the whole grid */
    const char *stage;          /* emit */
    const char *kernel;         /* emit */
    bool of_evaluation;         /* emit, bench, explain */
    bool quiet;                 /* bench */
    int64_t seconds;            /* tune, bench, why */
    int64_t images;             /* bench */
    int windows;                /* bench */
    bool measure;               /* explain */
    bool full;                  /* tune */
    bool again;                 /* tune, sweep */
    bool dot;                   /* show */
    bool check;                 /* fmt */
    bool markdown;              /* help */
    const char *output;         /* build, export, import, data preview, data dump, why */
    const char *data;           /* import */
    const char *classes;        /* import */
    const char *format;         /* export */
    bool fold, logits, bare;    /* export */
    BuildOptions build;         /* build */
    const char *apply;          /* why */
    const char *ideas;          /* why */
    const char *why;            /* predict */
    const char *variants;       /* compare */
    const char *plot, *json;    /* compare, bench, explain, sweep; plot: run, json: doctor, runs, why too */
    bool repeated;              /* the model was read before: its warnings have been printed */
    int64_t overfit;            /* run: batches, 0: not asked for */
    bool find_rate, find_batch; /* run */
    bool each;                  /* compare */
    int rounds;                 /* compare */
    int count;                  /* data preview */
    const char *class_name;     /* data preview, predict */
    const char *sample;         /* data dump */
    bool augment;               /* data dump */
    int64_t epoch;              /* data dump; from 1, 0: not given */
    bool all;                   /* data clean */
    const char *web;            /* run: the port of the page, "": any; NULL: no page */
} Options;

typedef struct Command {
    const char *word;
    const char *words; /* what it takes beside flags: "MODEL", "MODEL…", "[WORD]", or "" */
    int least_words, most_words;
    const char *doc;
    const Flag *flags; /* into Options, of this command alone; may be NULL */
    bool compiles;     /* takes the flags of everything that compiles a model */
    bool trains;       /* takes the flags of a training (runtime/options.h) */
    bool evaluates;    /* takes those of an evaluation */
    CnnStatus (*run)(const Options *options);
    const struct Command *verbs; /* of a command that is several: the table of them, each called by both
                                    words, "data check"; then nothing else but word, words and doc is set,
                                    unless the word alone is a command too */
} Command;

/** All commands, in the order of the help; ended by a NULL word. */
extern const Command command_table[];

typedef enum {
    FLAGS_ALL,
    FLAGS_OWN,    /* those of this command */
    FLAGS_COMPILE /* those that all commands that make kernels of a model have in common */
} FlagGroup;

/** The verbs of `cnnc data`. */
extern const Command data_verbs[];

/** The verbs of `cnnc runs`, and the flags of the word alone. */
extern const Command runs_verbs[];
extern const Flag runs_flags[];

/** The tables of flags of a command, ended by one without flags; their values go to `options`. */
const FlagTable *command_flags(const Command *command, FlagGroup group, Options *options);

/** Reads the command line, runs the command, and returns the exit code of the process. */
int command_main(int argc, char **argv);

/** Prints "cnnc: error: …" and returns `status`: for what is wrong outside of a model's text. */
CnnStatus command_fail(CnnStatus status, const char *format, ...) PRINTF_LIKE(2, 3);

/* The commands, each in the file of its name. */
CnnStatus command_run(const Options *options);
CnnStatus command_check(const Options *options);
CnnStatus command_show(const Options *options);
CnnStatus command_emit(const Options *options);
CnnStatus command_fmt(const Options *options);
CnnStatus command_eval(const Options *options);
CnnStatus command_predict(const Options *options);
CnnStatus command_bench(const Options *options);
CnnStatus command_build(const Options *options);
CnnStatus command_import(const Options *options);
CnnStatus command_export(const Options *options);
CnnStatus command_compare(const Options *options);
CnnStatus command_explain(const Options *options);
CnnStatus command_runs(const Options *options);
CnnStatus command_doctor(const Options *options);
CnnStatus command_sweep(const Options *options);
CnnStatus command_tune(const Options *options);
CnnStatus command_why(const Options *options);
CnnStatus command_help(const Options *options);
CnnStatus command_passes(const Options *options);

#endif
