/* Trained networks for other programs: the formats, one row each. */
#ifndef EXPORT_H
#define EXPORT_H

#include "compiler/exchange/fold.h"
#include "runtime/output.h"

typedef struct {
    const char *path;
    const char *weights_path; /* for messages */
    const WeightFile *weights;
    bool fold, logits, bare; /* the last two: as in OnnxOptions */
} ExportOptions;

/* What was written, for a line to the user. */
typedef struct {
    int tensors, operators; /* operators: of ONNX, else 0 */
    int version;            /* of these */
    const char *before;     /* stages of the data section that are not part of it; "" for none */
    Fold fold;
} Exported;

typedef struct {
    const char *name; /* "onnx": for --format, and the ending of files */
    OutputKind kind;
    bool network;        /* of the whole network, not of its weights alone */
    const char *library; /* that it is written with; NULL: none, or this cnnc has it */
    CnnStatus (*write)(const Program *program, const ExportOptions *options, TensorSet *set, Exported *out,
                       CnnError *error);
} ExportFormat;

/* Ended by one without a name. */
extern const ExportFormat export_formats[];

/** Writes the network of the program. Errors: as tensors_read, and where the file cannot be written. */
CnnStatus export_write(const ExportFormat *format, const Program *program, const ExportOptions *options,
                       Exported *out, CnnError *error);

#endif
