/* What stands before the shared object that libnvrtc.so.13 of this folder gives for a cubin. */
#ifndef FAKE_MODULE_H
#define FAKE_MODULE_H

#include <stdint.h>

#define FAKE_MAGIC "cnncfake"
typedef struct {
    char magic[8];
    char architecture[24]; /* "sm_90", "compute_90" */
    uint64_t bytes;        /* of the object, which follows */
} FakeModuleHeader;

#endif
