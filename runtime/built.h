/* What `cnnc build` puts into a program or a library (compiler/cpu/data_object.h): the network in one or
 * several versions, each for another processor, and perhaps its weights. */
#ifndef CNN_BUILT_H
#define CNN_BUILT_H

#include "runtime/image.h"

/* The members of both are pointers and numbers of 64 bits only: that is how they are written. */
typedef struct {
    const char *name;  /* as the user called the processor: "x86-64-v3" */
    const char *needs; /* CPU features that the code uses, as in CnnImage */
    const void *image; /* for cnn_image_read */
    uint64_t image_bytes;
    CnnCode *const *code;
    uint64_t code_count;
} CnnVersion;

typedef struct {
    const CnnVersion *versions; /* the most able first */
    uint64_t version_count;
    const void *weights; /* a weight file; NULL: none is inside */
    uint64_t weights_bytes;
    const char *weights_name; /* the path of that file when the program was built */
    const char *made;         /* by which version of cnnc, and with which flags */
} CnnBuilt;

extern const CnnBuilt cnn_built;

/**
 * The first version that runs on this CPU. Errors: CNN_NO_RESOURCE with what the CPU lacks for each of them;
 * *out is then the last, which asks for the least.
 */
CnnStatus cnn_built_choose(const CnnBuilt *built, const CnnVersion **out, CnnError *error);

#endif
