/* Runs compiled kernels: here, or, where they are for another architecture, linked by its cross compiler into
 * a program of their own (tests/ops/emulated.c) that qemu-user executes. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <stdio.h>
#include <unistd.h>

#include "compiler/cpu/data_object.h"
#include "tests/ops/computations.h"

enum { RUNS_MOST = 16 };

/* The cross compiler and the emulator of a target's architecture, as their Debian packages call them. */
static inline void emulator_tools(const CpuTarget *target, char *linker, char *emulator, size_t size)
{
    int length = (int)strcspn(target->triple, "-");
    snprintf(linker, size, "%.*s-linux-gnu-gcc", length, target->triple);
    snprintf(emulator, size, "qemu-%.*s-static", length, target->triple);
}

/* Both are installed. */
static inline bool emulator_found(const CpuTarget *target)
{
    char linker[64], emulator[64], command[256];
    emulator_tools(target, linker, emulator, sizeof linker);
    snprintf(command, sizeof command, "{ command -v %s && command -v %s; } >/dev/null 2>&1", linker,
             emulator);
    return system(command) == 0;
}

static char emulator_folder[64]; /* of this process; removed when it ends */

static inline void emulator_remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", emulator_folder);
    if (system(command))
        print_error("cannot remove %s\n", emulator_folder);
}

static inline void emulator_call(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void emulator_call(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command))
        fail_msg("failed: %s", command);
}

static inline FILE *emulator_open(const char *name, const char *mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", emulator_folder, name);
    FILE *file = fopen(path, mode);
    if (!file)
        fail_msg("cannot open %s", path);
    return file;
}

static inline void emulator_write(FILE *file, const void *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, file) != count)
        fail_msg("cannot write");
}

static inline void emulator_write_object(const char *name, const CpuObject *object)
{
    FILE *file = emulator_open(name, "wb");
    emulator_write(file, object->object, object->bytes);
    assert_int_equal(fclose(file), 0);
}

/* Makes the folder, and in it the program's `main`, once. */
static inline void emulator_start(const char *linker)
{
    if (*emulator_folder)
        return;
    strcpy(emulator_folder, "/tmp/cnnc-emulator-XXXXXX");
    assert_non_null(mkdtemp(emulator_folder));
    atexit(emulator_remove_folder);
    emulator_call("%s -std=c11 -O2 -I%s/.. -c %s/ops/emulated.c -o %s/main.o", linker, TESTS_FOLDER,
                  TESTS_FOLDER, emulator_folder);
}

/* Links the functions, without those that stand twice; which[i] is the number of symbols[i] among them. */
static inline void emulator_link(Arena *arena, const CpuTarget *target, const char *linker,
                                 const CpuObject *objects, const char *const *symbols, int count,
                                 int64_t *which)
{
    const char *linked[RUNS_MOST], *complaint;
    int functions = 0;
    for (int i = 0; i < count; i++) {
        which[i] = 0;
        while (which[i] < functions && strcmp(linked[which[i]], symbols[i]) != 0)
            which[i]++;
        if (which[i] < functions)
            continue;
        linked[functions] = symbols[i];
        emulator_write_object(arena_printf(arena, "kernel%d.o", functions++), &objects[i]);
    }
    CpuObject table;
    DataVersion version = {.symbols = linked, .functions = functions};
    DataContents contents = {.versions = &version, .version_count = 1};
    assert_true(cpu_data_object(target, &contents, arena, &table, &complaint));
    emulator_write_object("table.o", &table);
    emulator_call("cd %s && %s -static -o program main.o table.o kernel*.o -lm && rm kernel*.o",
                  emulator_folder, linker);
}

static inline int64_t emulator_bytes(const Memory *memory, int tensor)
{
    return (memory->elements[tensor] + 2 * MARGIN) * (int64_t)dtype_bytes(memory->dtype[tensor]);
}

static inline char *emulator_place(const Memory *memory, int tensor)
{
    return (char *)memory->stored[tensor] - MARGIN * dtype_bytes(memory->dtype[tensor]);
}

static inline void emulator_run(Arena *arena, const CpuTarget *target, const CpuObject *objects,
                                const char *const *symbols, int count, Memory *memories, const CnnCall *call)
{
    char linker[64], emulator[64];
    int64_t which[RUNS_MOST], runs = count;
    emulator_tools(target, linker, emulator, sizeof linker);
    emulator_start(linker);
    emulator_link(arena, target, linker, objects, symbols, count, which);
    FILE *file = emulator_open("in", "wb");
    emulator_write(file, &runs, sizeof runs);
    emulator_write(file, call, sizeof *call);
    for (int i = 0; i < count; i++) {
        const int64_t head[] = {which[i], memories[i].count};
        emulator_write(file, head, sizeof head);
        for (int t = 0; t < memories[i].count; t++) {
            const int64_t sizes[] = {emulator_bytes(&memories[i], t),
                                     MARGIN * (int64_t)dtype_bytes(memories[i].dtype[t])};
            emulator_write(file, sizes, sizeof sizes);
            emulator_write(file, emulator_place(&memories[i], t), (size_t)sizes[0]);
        }
    }
    assert_int_equal(fclose(file), 0);
    emulator_call("cd %s && %s ./program <in >out", emulator_folder, emulator);
    file = emulator_open("out", "rb");
    for (int i = 0; i < count; i++)
        for (int t = 0; t < memories[i].count; t++) {
            size_t bytes = (size_t)emulator_bytes(&memories[i], t);
            assert_int_equal(fread(emulator_place(&memories[i], t), 1, bytes, file), bytes);
        }
    fclose(file);
}

/** Runs objects[i], whose function is symbols[i], on memories[i]. */
static inline void run_objects(Arena *arena, const CpuTarget *target, const CpuObject *objects,
                               const char *const *symbols, int count, Memory *memories, const CnnCall *call)
{
    CnnError error = {0};
    if (cpu_runs_here(target, &error) != CNN_OK) {
        emulator_run(arena, target, objects, symbols, count, memories, call);
        return;
    }
    for (int i = 0; i < count; i++) {
        CnnCode *code;
        const char *complaint;
        CpuCode *loaded = cpu_load(&objects[i], &symbols[i], 1, &code, &complaint);
        assert_non_null(loaded);
        code(memories[i].stored, call);
        cpu_unload(loaded);
    }
}

#endif
