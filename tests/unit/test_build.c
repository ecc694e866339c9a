/* Code that is made in two goes: what is there first computes the bits of what follows, and whoever waits
 * gets all of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "compiler/cpu/key.h"
#include "tests/ops/computations.h"

enum { PARTS = 3 };
static const ConvShape shape = {4, 14, 14, 8, 40, 3, 1, 1, 1, .bias = true};

typedef struct {
    Arena *arena;
    const CpuTarget *target;
    Builder builder;
    Kernel full[PARTS], brief;
    CpuPart parts[PARTS]; /* with brief code; of the training; of the evaluation */
    CnnCode *code[PARTS];
} Parts;

static Kernel scheduled(const CpuTarget *target, Builder builder)
{
    Kernel kernel = {.name = "kernel", .computation = builder.computation};
    cpu_schedule(target, builder.computation, &kernel.cpu);
    return kernel;
}

static void parts_open(Parts *parts)
{
    *parts = (Parts){.arena = arena_new()};
    parts->target = cpu_host(parts->arena);
    ConvShape wider = shape;
    wider.width++;
    parts->builder = conv_forward(parts->arena, &shape);
    parts->full[0] = scheduled(parts->target, parts->builder);
    parts->full[1] = scheduled(parts->target, conv_forward(parts->arena, &wider));
    parts->full[2] = scheduled(parts->target, conv_weights(parts->arena, &shape));
    parts->brief = parts->full[0];
    assert_true(cpu_schedule_brief(parts->target, parts->builder.computation, &parts->full[0].cpu, 0,
                                   &parts->brief.cpu));
    for (int i = 0; i < PARTS; i++) {
        Key key = key_of_kernel(parts->target, parts->full[i].computation, &parts->full[i].cpu);
        parts->parts[i] = (CpuPart){.kernel = &parts->full[i],
                                    .symbol = key_symbol(parts->arena, key),
                                    .later = i == 2,
                                    .brief = i == 0 ? &parts->brief : NULL};
    }
}

static CpuBuild *build(Parts *parts, const char *cache, CpuBuildCounts *counts)
{
    const char *complaint = NULL;
    CpuCompileOptions options = {.cache = cache, .threads = 2};
    CpuBuild *made = cpu_build(parts->target, parts->parts, PARTS, &options, parts->arena, parts->code,
                               counts, &complaint);
    assert_non_null(made);
    return made;
}

static Memory run(Parts *parts, CnnCode *code)
{
    Memory memory = memory_new(parts->arena, &parts->builder, 3);
    CnnCall call = {.end = shape.batch, .samples = shape.batch, .slices = 1, .first = 1};
    code(memory.stored, &call);
    return memory;
}

static void brief_code_has_the_bits_of_what_takes_its_place(void **state)
{
    (void)state;
    Parts parts;
    CpuBuildCounts counts;
    parts_open(&parts);
    CpuBuild *made = build(&parts, NULL, &counts);
    assert_int_equal(counts.compiled, 2);
    assert_int_equal(counts.cached, 0);
    assert_int_equal(counts.later, 2);
    CnnCode *first = __atomic_load_n(&parts.code[0], __ATOMIC_ACQUIRE);
    assert_non_null(first);
    assert_non_null(parts.code[1]);
    Memory before = run(&parts, first);
    assert_null(cpu_build_await(made));
    assert_non_null(parts.code[2]);
    Memory after = run(&parts, parts.code[0]);
    for (int t = 0; t < before.count; t++)
        assert_memory_equal(before.stored[t], after.stored[t],
                            (size_t)before.elements[t] * dtype_bytes(before.dtype[t]));
    cpu_build_close(made);
    arena_free(parts.arena);
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(folder);
    rmdir(path);
}

static void what_the_cache_has_needs_no_brief_code(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnnc-build-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (int again = 0; again < 2; again++) {
        Parts parts;
        CpuBuildCounts counts;
        parts_open(&parts);
        CpuBuild *made = build(&parts, folder, &counts);
        assert_int_equal(counts.compiled, again ? 0 : 2);
        assert_int_equal(counts.later, again ? 1 : 2);
        CnnCode *first = parts.code[0];
        assert_null(cpu_build_await(made));
        if (again)
            assert_true(first == parts.code[0]);
        cpu_build_close(made);
        arena_free(parts.arena);
    }
    remove_folder(folder);
}

static void a_build_is_closed_before_all_is_made(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        Parts parts;
        CpuBuildCounts counts;
        parts_open(&parts);
        CpuBuild *made = build(&parts, NULL, &counts);
        usleep((useconds_t)i * 1000);
        cpu_build_close(made);
        arena_free(parts.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brief_code_has_the_bits_of_what_takes_its_place),
        cmocka_unit_test(what_the_cache_has_needs_no_brief_code),
        cmocka_unit_test(a_build_is_closed_before_all_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
