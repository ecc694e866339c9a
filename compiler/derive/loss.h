/* A loss: from the network's output and the labels to one number for each sample, as graph ops. losses.def
 * lists them. */
#ifndef LOSS_H
#define LOSS_H

#include "compiler/ops/make.h"
#include "runtime/schema.h"

typedef struct {
    Make make;
    NodeId output; /* the network's last value, [batch, classes] */
    NodeId logits; /* the value before a last softmax or sigmoid, or NODE_NONE when the output is not one */
    bool softmax, sigmoid; /* what stood between logits and output */
    NodeId label; /* [batch] i32 classes, or f32; where they are mixed [batch, 1], those with the larger
                     share: */
    NodeId other, share; /* [batch, 1]: the other class, and what part it has; NODE_NONE: nothing is mixed */
    const float *class_weights; /* one for each class (two for one output), or NULL */
} LossInput;

typedef struct Loss {
    Schema schema;
    /** The samples' losses, [batch, 1]. NODE_NONE after it has set *complaint to a sentence: the output does
     * not fit. */
    NodeId (*build)(const void *args, const LossInput *input, const char **complaint);
    bool needs_classes; /* labels are classes */
    bool takes_logits;  /* of a network that ends in neither softmax nor sigmoid, the outputs are logits */
} Loss;

extern const Loss *const loss_table[]; /* NULL-terminated */

#endif
