/* The system's C compiler as a linker: how it is called, with which libraries, for which machine. */
#ifndef TOOLCHAIN_H
#define TOOLCHAIN_H

#include <limits.h>

#include "compiler/base/vec.h"
#include "compiler/cpu/cpu.h"

/* A machine that programs can be linked for. */
typedef struct {
    const char *triple;   /* "aarch64-linux-gnu" */
    const char *compiler; /* what links: "cc", "aarch64-linux-gnu-gcc" */
    const char *prefix;   /* of objcopy and ar: "", "aarch64-linux-gnu-" */
    const char *package;  /* of Debian, that has them */
    const char *folder;   /* of the runtime's libraries, from that of cnnc: "" */
    const char *flags;    /* of the libraries that the runtime there needs */
    const char *cpu;      /* of kernels that run on any such machine; NULL: this machine, "native" */
    const char *missing;  /* what its runtime cannot read, as a list for people; "": nothing */
} Platform;

/** The machine that cnnc runs on. */
const Platform *platform_here(void);
/** The machine of this triple. NULL with a sentence in *complaint: there are no libraries for it. */
const Platform *platform_find(Arena *arena, const char *triple, const char **complaint);

/* A folder for object files, removed at the end with what it holds. */
typedef struct {
    Arena *arena;
    char folder[PATH_MAX];
    VEC(const char *) files;
} Workplace;

/** false with a sentence in *complaint. */
bool workplace_open(Workplace *workplace, Arena *arena, const char **complaint);
void workplace_close(Workplace *workplace);
/** The path of a file that will be made there, and is removed with it. */
const char *workplace_path(Workplace *workplace, const char *name);
/** Writes NAME.o, unless it is there: kernels that are alike have one name. Its path, or NULL with a sentence
 * in *complaint. */
const char *workplace_object(Workplace *workplace, const char *name, const CpuObject *object,
                             const char **complaint);

typedef VEC(char *) Arguments;
void arguments_add(Arena *arena, Arguments *arguments, const char *text);
/** Several, a blank between two. */
void arguments_add_list(Arena *arena, Arguments *arguments, const char *list);
/** A path, in a form that no program takes for a flag. */
void arguments_add_path(Arena *arena, Arguments *arguments, const char *path);

/** Runs a program, whose name is the first argument, and waits for its end. false with a sentence in
 * *complaint; `package`: of Debian, that has the program. */
bool toolchain_run(Arena *arena, Arguments *arguments, const char *package, const char **complaint);

/** The path of a file that was built beside cnnc. NULL with a sentence in *complaint: it is not there. */
const char *toolchain_library(Arena *arena, const Platform *platform, const char *name,
                              const char **complaint);

#endif
