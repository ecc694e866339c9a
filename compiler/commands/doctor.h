/* What `cnnc doctor` has found: facts, each with a value or the advice that brings it about. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "compiler/base/text.h"
#include "compiler/base/vec.h"

typedef enum {
    FACT_HERE,
    FACT_ABSENT, /* an optional part: all else works */
    FACT_BROKEN  /* nothing is trained without it */
} FactState;

typedef struct {
    const char *section, *name; /* facts of a section stand together */
    const char *value;          /* as it is printed; why not, when it is absent or broken */
    const char *advice;         /* how to get it; NULL: nothing to do */
    FactState state;
    const char *key; /* of the number in JSON, with its unit; NULL: the value is a text under `name` */
    double number;
} Fact;

typedef struct {
    Arena *arena;
    VEC(Fact) facts;
} Doctor;

/** Looks at the machine and the build; measures the peak, which takes a tenth of a second. */
void doctor_look(Doctor *doctor);
/** Adds a fact that is here; the value may be set later. Lent until the next is added. */
Fact *doctor_add(Doctor *doctor, const char *section, const char *name, const char *value);
/** The section "gpu": driver, devices, and the libraries that are opened for them. */
void doctor_look_at_gpu(Doctor *doctor);
int doctor_count(const Doctor *doctor, FactState state);

const char *doctor_text(const Doctor *doctor);
const char *doctor_json(const Doctor *doctor);

#endif
