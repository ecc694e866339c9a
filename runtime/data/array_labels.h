/* Labels that stand in arrays: one for each sample. Integers and truth values are classes, rows with a single
 * 1 among zeros (one-hot) too; texts are names of classes; real numbers are learnt as numbers. */
#ifndef CNN_ARRAY_LABELS_H
#define CNN_ARRAY_LABELS_H

#include "runtime/data/labels.h"
#include "runtime/data/npy.h"

typedef enum { LABELS_INTEGERS, LABELS_ONE_HOT, LABELS_TEXTS, LABELS_REALS } LabelsKind;

/* Zeroed: none yet. */
typedef struct {
    LabelsKind kind;
    int64_t count;
    int32_t *class_label; /* [count], or */
    float *real_label;    /* [count] */
    int64_t classes;      /* 0: real numbers */
    ClassNames names;     /* of LABELS_TEXTS */
    Listing texts;        /* of LABELS_TEXTS, until they are numbered */
} ArrayLabels;

/** Adds those of one part, which has `samples` samples in the file `x_path`. All parts are of one kind. */
CnnStatus array_labels_add(ArrayLabels *labels, const Npy *y, int64_t samples, const char *x_path,
                           CnnError *error);
/** Numbers the classes when all parts are there; the training part is the first `train` labels, read from
 * `y_path`. */
CnnStatus array_labels_finish(ArrayLabels *labels, int64_t train, const char *y_path, CnnError *error);
void array_labels_free(ArrayLabels *labels);

#endif
