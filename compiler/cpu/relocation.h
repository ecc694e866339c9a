/* How code of this machine refers to other places: what load.c must know of the processor. */
#ifndef RELOCATION_H
#define RELOCATION_H

#include <elf.h>

#include "compiler/cpu/cpu.h"

#if defined(__x86_64__)
enum { RELOCATION_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { RELOCATION_MACHINE = EM_AARCH64 };
#else
#error "compiler/cpu/relocation.c does not know how code of this processor refers to other places"
#endif

/* Of each reference in the code; of the jumps to the C library, at the start of a mapping. */
enum { RELOCATION_BYTES = 4, RELOCATION_LIBRARY_BYTES = 64 };

/** Lets the reference at `at` be to `to + addend`. false: a type (ELF's) that kernels do not have, or too
 * far.
 */
bool relocation_apply(uint32_t type, char *at, const char *to, int64_t addend);

/** Writes jumps to the functions of the C library that kernels call to the start of `mapping`. */
void relocation_write_library(char *mapping);
/** The one to the function `name`; NULL: kernels do not call it. */
char *relocation_library(const char *name, char *mapping);

#endif
