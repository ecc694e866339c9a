/* The arguments of the statements of `compile { }`, and their schemas. The command line has the last word on
 * all of them. */
#ifndef COMPILE_ARGS_H
#define COMPILE_ARGS_H

#include "runtime/schema.h"

typedef struct {
    const char *name; /* of a processor: compiler/cpu knows which there are */
} CpuArgs;

typedef enum { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA } DeviceChoice;
typedef struct {
    int kind; /* DeviceChoice */
} DeviceArgs;

typedef struct {
    bool on;
} ExactArgs;

typedef struct {
    Names names; /* of fusions; or the one name `all` or `none` */
} FuseArgs;

typedef struct {
    Names names; /* of rewrites; `none` among them turns off what stands before it */
} RewriteArgs;

typedef struct {
    int64_t count;
} ThreadsArgs;

typedef enum { TUNE_AUTO, TUNE_OFF, TUNE_QUICK, TUNE_FULL } TuneMode;
typedef struct {
    int mode; /* TuneMode */
} TuneArgs;

extern const Schema cpu_schema, device_schema, exact_schema, fuse_schema, rewrite_schema, threads_schema,
    tune_schema;

/* All statements of `compile { }`, NULL-terminated. */
extern const Schema *const compile_schemas[];

#endif
