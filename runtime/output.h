/* What a training, an evaluation or a build may write over. */
#ifndef CNN_OUTPUT_H
#define CNN_OUTPUT_H

#include "runtime/recipe.h"
#include "runtime/status.h"

typedef enum {
    OUTPUT_WEIGHTS,
    OUTPUT_LOG,
    OUTPUT_ARRAY,
    OUTPUT_ANSWERS, /* a table of them: begins with OUTPUT_ANSWERS_MARK */
    OUTPUT_PROGRAM,
    OUTPUT_LIBRARY,   /* an archive of objects */
    OUTPUT_INTERFACE, /* a header of C: begins with OUTPUT_INTERFACE_MARK */
    OUTPUT_REPORT,    /* JSON of a measurement: begins with OUTPUT_REPORT_MARK */
    OUTPUT_MODEL,     /* replaces no file */
    OUTPUT_PNG,
    OUTPUT_SVG,
    OUTPUT_ONNX,
    OUTPUT_KERAS,
    OUTPUT_HDF5,
    OUTPUT_ARRAYS, /* .npz */
    OUTPUT_HEADER  /* of C: begins with OUTPUT_HEADER_MARK */
} OutputKind;
#define OUTPUT_ANSWERS_MARK   "sample,"
#define OUTPUT_HEADER_MARK    "/* Weights of"
#define OUTPUT_REPORT_MARK    "{\"report\": "
#define OUTPUT_INTERFACE_MARK "/* Made by cnnc"

/**
 * Whether a file of this kind can be written to `path` and destroys nothing: an old one of the same kind may
 * be replaced; the model, its data and files of any other kind may not. NULL is no output, and good. Errors:
 * CNN_BAD_USAGE.
 */
CnnStatus cnn_output_check(const CnnRecipe *recipe, const char *path, OutputKind kind, CnnError *error);

#endif
