/* Around the emitter: targets, illegal schedules, the cache of objects, and the quality of the code that is
 * made: no sums pushed out of registers in inner loops, no kernel that takes long to compile. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compiler/base/cache.h"
#include "compiler/cpu/peak.h"
#include "tests/ops/computations.h"

static const ConvShape small = {2, 6, 9, 3, 20, 3, 1, 1, 0, .bias = true};

/* ---- Targets ---- */

static void this_machine_is_described(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *host = cpu_host(arena);
    assert_true(host->lanes == 16 || host->lanes == 8 || host->lanes == 4);
    assert_true(host->registers >= 16);
    assert_true(host->l1_bytes >= 4096 && host->l2_bytes > host->l1_bytes);
    assert_true(strlen(host->cpu) > 0);
    arena_free(arena);
}

static void an_unknown_cpu_is_refused_by_name(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *complaint = NULL;
    assert_null(cpu_target(arena, "z80", &complaint));
    assert_string_equal(complaint,
                        "there is no CPU 'z80'; there are native, x86-64, x86-64-v2, x86-64-v3, x86-64-v4, "
                        "aarch64, and processors by LLVM's names, such as skylake, znver4 or neoverse-n1");
    assert_null(cpu_target(arena, "skylak", &complaint));
    assert_string_equal(complaint, "there is no CPU 'skylak'; did you mean 'skylake'?");
    assert_null(cpu_target(arena, "", &complaint));
    arena_free(arena);
}

static Kernel scheduled(const CpuTarget *target, const char *name, Builder b)
{
    Kernel kernel = {.name = name, .computation = b.computation};
    cpu_schedule(target, b.computation, &kernel.cpu);
    return kernel;
}

static void code_is_printed_for_other_machines(void **state)
{
    (void)state;
    static const struct {
        const char *cpu, *instruction;
    } rows[] = {{"x86-64-v4", "zmm"}, {"skylake-avx512", "zmm"}, {"x86-64-v3", "vfmadd"}, {"znver3", "ymm"},
                {"x86-64", "mulps"},  {"aarch64", "fmla"},       {"neoverse-v1", "fmla"}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *complaint;
        const CpuTarget *target = cpu_target(arena, rows[i].cpu, &complaint);
        Kernel kernel = scheduled(target, "conv", conv_forward(arena, &small));
        assert_non_null(strstr(cpu_print(target, &kernel, "conv", true, arena), rows[i].instruction));
        assert_non_null(strstr(cpu_print(target, &kernel, "conv", false, arena), "define void @conv(ptr"));
    }
    arena_free(arena);
}

static void other_machines_are_described_by_their_features(void **state)
{
    (void)state;
    static const struct {
        const char *cpu;
        int lanes, registers;
        bool fma, dot, tile;
        uint64_t l2_kib;
    } rows[] = {
        {"x86-64", 4, 16, false, false, false, 512},        {"sandybridge", 4, 16, false, false, false, 256},
        {"x86-64-v3", 8, 16, true, false, false, 512},      {"knl", 8, 16, true, false, false, 512},
        {"x86-64-v4", 16, 32, true, false, false, 512},     {"znver4", 16, 32, true, true, false, 1024},
        {"sapphirerapids", 16, 32, true, true, true, 2048}, {"aarch64", 4, 32, true, false, false, 512},
        {"neoverse-v2", 4, 32, true, false, false, 2048}};
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *complaint;
        const CpuTarget *target = cpu_target(arena, rows[i].cpu, &complaint);
        assert_non_null(target);
        assert_int_equal(target->lanes, rows[i].lanes);
        assert_int_equal(target->registers, rows[i].registers);
        assert_int_equal(target->fma, rows[i].fma);
        assert_int_equal(target->dot, rows[i].dot);
        assert_int_equal(target->tile, rows[i].tile);
        assert_int_equal(target->l2_bytes, rows[i].l2_kib << 10);
    }
    arena_free(arena);
}

/* ---- Schedules ---- */

static void schedules_that_compute_something_else_are_refused(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *host = cpu_host(arena);
    Builder b = conv_forward(arena, &small);
    CpuSchedule good, bad;
    cpu_schedule(host, b.computation, &good);
    assert_null(cpu_schedule_legal(b.computation, &good, arena));

    bad = good;
    bad.order_count--;
    assert_string_equal(cpu_schedule_legal(b.computation, &bad, arena), "axis x is not visited once");
    bad = good;
    bad.reduce[0] = good.reduce[1];
    bad.reduce[1] = good.reduce[0];
    assert_non_null(strstr(cpu_schedule_legal(b.computation, &bad, arena), "summed out of order"));
    bad = good;
    bad.order[bad.order_count++] = bad.reduce[0];
    bad.block[bad.reduce[0]] = 2;
    assert_string_equal(cpu_schedule_legal(b.computation, &bad, arena),
                        "sums in blocks that are not kept in memory");
    bad = good;
    bad.row_axis = bad.vector_axis;
    assert_string_equal(cpu_schedule_legal(b.computation, &bad, arena), "a tile with the same axis twice");
    bad = good;
    bad.rows = 0;
    assert_string_equal(cpu_schedule_legal(b.computation, &bad, arena), "an empty tile");
    bad = good;
    bad.unrolled[bad.order[0]] = true;
    assert_non_null(cpu_schedule_legal(b.computation, &bad, arena));

    /* A sum over y in an epilogue, with rows along n outside of it. */
    int tensor = builder_tensor(&b, DTYPE_F32, true, 20);
    builder_store(&b, STORE_ADD, tensor, affine(0, 1, X(3, 1)), b.computation->stores.items[0].expr);
    cpu_schedule(host, b.computation, &good);
    assert_null(cpu_schedule_legal(b.computation, &good, arena));
    bad = good;
    bad.row_axis = 1;
    assert_non_null(strstr(cpu_schedule_legal(b.computation, &bad, arena), "added out of order"));
    arena_free(arena);
}

static void weight_gradients_may_not_be_cut_out_of_order(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Builder b = conv_weights(arena, &small);
    CpuSchedule good, bad;
    cpu_schedule(cpu_host(arena), b.computation, &good);
    assert_null(cpu_schedule_legal(b.computation, &good, arena));
    int axes = b.computation->axis_count;
    bad = good;
    bad.order_count = 0;
    bad.order[bad.order_count++] = axes - 1; /* columns outside, rows of the picture inside */
    bad.block[axes - 1] = 1;
    for (int a = 0; a < axes && !b.computation->axes[a].reduced; a++)
        bad.order[bad.order_count++] = a;
    bad.reduce_count = 2;
    bad.reduce[0] = axes - 3;
    bad.reduce[1] = axes - 2;
    bad.spread_axis = -1;
    assert_non_null(strstr(cpu_schedule_legal(b.computation, &bad, arena), "out of order"));
    arena_free(arena);
}

/* ---- Objects and the cache ---- */

static void make_folder(char *path)
{
    strcpy(path, "/tmp/cnnc-test-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return;
    char file[1024];
    for (const struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (unlink(file) != 0)
            remove_folder(file);
    }
    closedir(folder);
    rmdir(path);
}

static CpuObject compile_one(Arena *arena, Kernel *kernel, const char *cache, const char **symbol)
{
    CpuCompileOptions options = {.cache = cache, .threads = 1};
    CpuObject object;
    const char *complaint = NULL;
    Kernel *kernels[1] = {kernel};
    assert_true(cpu_compile(cpu_host(arena), kernels, symbol, 1, &options, arena, &object, &complaint));
    return object;
}

static void kernels_that_are_alike_share_their_code(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *host = cpu_host(arena);
    ConvShape wider = small;
    wider.width++;
    Kernel kernels[3] = {scheduled(host, "first", conv_forward(arena, &small)),
                         scheduled(host, "second", conv_forward(arena, &small)),
                         scheduled(host, "third", conv_forward(arena, &wider))};
    kernels[1].computation->name = "another name";
    kernels[1].computation->tensors.items[0].node = 7;
    Kernel *list[3] = {&kernels[0], &kernels[1], &kernels[2]};
    const char *symbols[3], *complaint;
    CpuObject objects[3];
    CpuCompileOptions options = {.threads = 3};
    assert_true(cpu_compile(host, list, symbols, 3, &options, arena, objects, &complaint));
    assert_string_equal(symbols[0], symbols[1]);
    assert_ptr_equal(objects[0].object, objects[1].object);
    assert_string_not_equal(symbols[0], symbols[2]);
    arena_free(arena);
}

/* Does something to the only file of a folder. */
static void damage(const char *folder, long at, bool cut)
{
    DIR *open = opendir(folder);
    assert_non_null(open);
    char path[1024] = "";
    for (const struct dirent *entry; (entry = readdir(open));)
        if (entry->d_name[0] != '.')
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    closedir(open);
    if (cut) {
        assert_int_equal(truncate(path, at), 0);
        return;
    }
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void objects_come_back_from_the_cache_unless_damaged(void **state)
{
    (void)state;
    char folder[64];
    make_folder(folder);
    Arena *arena = arena_new();
    Kernel kernel = scheduled(cpu_host(arena), "conv", conv_forward(arena, &small));
    const char *symbol;
    CpuObject fresh = compile_one(arena, &kernel, folder, &symbol);
    assert_false(fresh.cached);
    static const struct {
        long at;
        bool cut;
    } damages[] = {{0, false}, {9, false}, {20, false}, {100, false}, {0, true}, {30, true}, {200, true}};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        CpuObject again = compile_one(arena, &kernel, folder, &symbol);
        assert_true(again.cached);
        assert_int_equal(again.bytes, fresh.bytes);
        assert_memory_equal(again.object, fresh.object, fresh.bytes);
        damage(folder, damages[i].at, damages[i].cut);
        CpuObject repaired = compile_one(arena, &kernel, folder, &symbol);
        assert_false(repaired.cached);
        assert_memory_equal(repaired.object, fresh.object, fresh.bytes);
    }
    assert_false(compile_one(arena, &kernel, "/nonexistent/folder", &symbol).cached);
    remove_folder(folder);
    arena_free(arena);
}

static void the_cache_forgets_what_was_not_used_for_longest(void **state)
{
    (void)state;
    char folder[] = "/tmp/cnnc-trim-XXXXXX", path[64];
    static const char object[1000] = {1};
    size_t bytes;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "k%d", i);
        cache_write(folder, path, object, sizeof object);
        struct timespec times[2] = {{1000 + i, 0}, {1000 + i, 0}};
        snprintf(path, sizeof path, "%s/k%d.o", folder, i);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    free(cache_read(folder, "k0", &bytes)); /* used now */
    cache_trim_to(folder, 2 * (sizeof object + 100));
    static const bool kept[] = {true, false, false, true};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "k%d", i);
        void *read = cache_read(folder, path, &bytes);
        assert_true((read != NULL) == kept[i]);
        free(read);
    }
    cache_trim_to(folder, 0);
    assert_int_equal(rmdir(folder), 0);
    cache_trim_to("/nonexistent/folder", 0);
}

static void the_cache_is_a_private_folder_or_none(void **state)
{
    (void)state;
    char base[64], path[128];
    make_folder(base);
    Arena *arena = arena_new();
    setenv("XDG_CACHE_HOME", base, 1);
    const char *complaint = NULL;
    const char *folder = cache_folder(arena, &complaint);
    assert_non_null(folder);
    struct stat status;
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_null(cache_folder(arena, &complaint));
    assert_non_null(strstr(complaint, "0700"));
    assert_int_equal(rmdir(folder), 0);
    snprintf(path, sizeof path, "%s/cnnc", base);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_null(cache_folder(arena, &complaint));
    remove_folder(base);
    setenv("XDG_CACHE_HOME", "/dev/null", 1);
    assert_null(cache_folder(arena, &complaint));
    unsetenv("XDG_CACHE_HOME");
    arena_free(arena);
}

static void a_broken_object_is_no_code(void **state)
{
    (void)state;
    CpuObject object = {.object = "not an object file", .bytes = 18};
    const char *symbol = "kernel", *complaint = NULL;
    CnnCode *code;
    assert_null(cpu_load(&object, &symbol, 1, &code, &complaint));
    assert_non_null(complaint);
}

/* Loaded or refused, but nothing outside it is read or written (what the sanitizers see). */
static void a_damaged_object_does_no_harm(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    Kernel kernel = scheduled(cpu_host(arena), "conv", conv_forward(arena, &small));
    const char *symbol, *complaint;
    CpuObject object = compile_one(arena, &kernel, NULL, &symbol);
    CnnCode *code;
    CpuCode *whole = cpu_load(&object, &symbol, 1, &code, &complaint);
    assert_non_null(whole);
    cpu_unload(whole);
    int refused = 0;
    for (size_t i = 0; i < object.bytes; i += 11) {
        CpuObject cut = {.object = arena_copy(arena, object.object, i), .bytes = i};
        char *damaged = arena_copy(arena, object.object, object.bytes);
        damaged[i] ^= (char)(1 << i % 8);
        CpuObject changed = {.object = damaged, .bytes = object.bytes};
        assert_null(cpu_load(&cut, &symbol, 1, &code, &complaint));
        CpuCode *loaded = cpu_load(&changed, &symbol, 1, &code, &complaint);
        refused += loaded == NULL;
        if (loaded)
            cpu_unload(loaded);
    }
    assert_true(refused > 0);
    arena_free(arena);
}

/* ---- Quality ---- */

/* A conditional one: jne, b.ne, cbnz. */
static bool is_branch(const char *line)
{
    return (line[0] == '\t' && line[1] == 'j' && strncmp(line + 1, "jmp", 3) != 0) ||
           strncmp(line, "\tb.", 3) == 0 || strncmp(line, "\tcb", 3) == 0;
}

/* Vector instructions with the stack as operand, in loops of one basic block where they are more than one to
 * sixteen multiply-adds: the allocator may push out a single value. */
static int stack_traffic(const char *assembly)
{
    int found = 0, in_block = 0, sums = 0;
    char label[64] = "", line[512];
    for (const char *at = assembly; *at;) {
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(length < 511 ? length : 511), at);
        at += length + (at[length] != 0);
        sums += strstr(line, "vfmadd") || strstr(line, "fmla") || strstr(line, "\taddps");
        if (line[0] == '.' && strchr(line, ':')) {
            snprintf(label, sizeof label, "%.*s", (int)strcspn(line, ":"), line);
            in_block = sums = 0;
        } else if ((strstr(line, "mm") && strstr(line, "(%rsp)")) ||
                   (strstr(line, "\tq") && strstr(line, "[sp"))) {
            in_block++;
        } else if (is_branch(line)) {
            const char *target = strrchr(line, '.');
            if (label[0] && target && strcmp(target, label) == 0 && in_block * 16 > sums)
                found += in_block;
            label[0] = '\0'; /* what follows a branch is another block */
        }
    }
    return found;
}

static const ConvShape important[] = {
    {4, 28, 28, 1, 32, 3, 1, 1, 0, .bias = true},    {4, 26, 26, 32, 64, 3, 1, 1, 0, .pool = true},
    {2, 64, 64, 3, 32, 3, 1, 1, 0, .pool = true},    {2, 31, 31, 32, 64, 3, 1, 1, 0, .pool = true},
    {4, 14, 14, 64, 126, 3, 1, 1, 0, .pool = true},  {1, 224, 224, 3, 16, 3, 1, 1, 0, .pool = true},
    {1, 111, 111, 16, 16, 3, 1, 1, 0, .pool = true}, {2, 28, 28, 64, 64, 3, 1, 1, 1, .bias = true},
    {2, 32, 32, 32, 32, 3, 1, 1, 1, .pool = true},   {2, 8, 8, 256, 256, 3, 1, 1, 1, .bias = true},
};

static Builder contraction(Arena *arena, size_t shape, int kind)
{
    switch (kind) {
    case 0:
        return conv_forward(arena, &important[shape]);
    case 1:
        return conv_weights(arena, &important[shape]);
    default:
        return conv_inputs(arena, &important[shape]);
    }
}

static void sums_that_do_not_fit_the_registers_are_noticed(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *complaint;
    static const char *const machines[] = {"x86-64-v4", "x86-64", "aarch64"};
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        const CpuTarget *target = cpu_target(arena, machines[m], &complaint);
        Kernel kernel = scheduled(target, "conv", conv_inputs(arena, &important[1]));
        kernel.cpu.rows = 20;
        kernel.cpu.vectors = 2;
        assert_true(stack_traffic(cpu_print(target, &kernel, "kernel", true, arena)) > 10);
    }
    arena_free(arena);
}

static void inner_loops_keep_their_sums_in_registers(void **state)
{
    (void)state;
    static const char *const kinds[] = {"forward", "dW", "dx"};
    static const struct {
        const char *cpu;
        int spilled_most; /* of the thirty kernels */
    } machines[] = {{"x86-64-v4", 0}, {"x86-64-v3", 0}, {"x86-64", 1}, {"aarch64", 1}};
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
        int spilled = 0;
        for (size_t i = 0; i < 3 * sizeof important / sizeof *important; i++) {
            size_t shape = i / 3, kind = i % 3;
            Arena *arena = arena_new();
            const char *complaint;
            const CpuTarget *target = cpu_target(arena, machines[m].cpu, &complaint);
            assert_non_null(target);
            Kernel kernel = scheduled(target, kinds[kind], contraction(arena, shape, (int)kind));
            int traffic = stack_traffic(cpu_print(target, &kernel, "kernel", true, arena));
            if (traffic)
                print_message("shape %zu %s for %s: %d\n", shape, kinds[kind], machines[m].cpu, traffic);
            spilled += traffic > 0;
            arena_free(arena);
        }
        assert_true(spilled <= machines[m].spilled_most);
    }
}

/* Instructions in the text of a function: lines that are neither labels nor directives. */
static int count_instructions(const char *assembly)
{
    int found = 0;
    for (const char *at = assembly; *at; at += strcspn(at, "\n"), at += *at == '\n')
        found += at[0] == '\t' && at[1] != '.';
    return found;
}

/* What LLVM takes for a kernel grows with its code: loops that are unrolled or made in too many versions are
 * seen here, the same on every machine. */
static void kernels_are_short(void **state)
{
    (void)state;
    enum { INSTRUCTIONS_MOST = 10000 };
    static const char *const machines[] = {"x86-64-v4", "x86-64-v3", "aarch64"};
    for (size_t i = 0; i < 3 * sizeof machines / sizeof *machines * sizeof important / sizeof *important;
         i++) {
        Arena *arena = arena_new();
        const char *complaint, *machine = machines[i % 3];
        size_t shape = i / 9;
        int kind = (int)(i / 3 % 3);
        const CpuTarget *target = cpu_target(arena, machine, &complaint);
        Kernel kernel = scheduled(target, "contraction", contraction(arena, shape, kind));
        int instructions = count_instructions(cpu_print(target, &kernel, "kernel", true, arena));
        if (instructions > INSTRUCTIONS_MOST)
            print_error("shape %zu, kind %d for %s: %d instructions\n", shape, kind, machine, instructions);
        assert_true(instructions > 20 && instructions <= INSTRUCTIONS_MOST);
        arena_free(arena);
    }
}

/* ---- The peak ---- */

static double peak_of(const char *machine)
{
    Arena *arena = arena_new();
    const char *complaint;
    double peak = cpu_peak_flops(cpu_target(arena, machine, &complaint), 1);
    arena_free(arena);
    return peak;
}

static void caches_are_read_faster_than_memory(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *host = cpu_host(arena);
    double cache = cpu_bandwidth(host, 1, host->l1_bytes / 2), memory = cpu_bandwidth(host, 1, 64 << 20);
    assert_true(cache > 1.2 * memory && memory > 1e8 && cache < 1e13);
    assert_true(cpu_bandwidth(host, 1, 16) == 0);
    arena_free(arena);
}

static void wider_vectors_have_a_higher_peak(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const CpuTarget *host = cpu_host(arena);
    double peak = cpu_peak_flops(host, 1);
    assert_true(peak > 1e9 && peak < 1e13);
    if (strncmp(host->triple, "x86_64", 6) == 0 && host->fma && host->lanes > 4)
        assert_true(peak > 1.5 * peak_of("x86-64"));
    arena_free(arena);
}

static void code_for_another_machine_has_no_peak(void **state)
{
    (void)state;
    Arena *arena = arena_new();
    const char *complaint;
    bool x86 = strncmp(cpu_host(arena)->triple, "x86_64", 6) == 0;
    const CpuTarget *other = cpu_target(arena, x86 ? "aarch64" : "x86-64", &complaint);
    assert_non_null(other);
    CnnError error = {0};
    assert_true(cpu_peak_flops(other, 1) == 0);
    assert_int_equal(cpu_runs_here(other, &error), CNN_NO_RESOURCE);
    assert_string_equal(error.text,
                        x86 ? "code for aarch64 cannot be linked or run on this machine, which is x86_64"
                            : "code for x86_64 cannot be linked or run on this machine, which is aarch64");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_is_described),
        cmocka_unit_test(an_unknown_cpu_is_refused_by_name),
        cmocka_unit_test(code_is_printed_for_other_machines),
        cmocka_unit_test(other_machines_are_described_by_their_features),
        cmocka_unit_test(schedules_that_compute_something_else_are_refused),
        cmocka_unit_test(weight_gradients_may_not_be_cut_out_of_order),
        cmocka_unit_test(kernels_that_are_alike_share_their_code),
        cmocka_unit_test(objects_come_back_from_the_cache_unless_damaged),
        cmocka_unit_test(the_cache_forgets_what_was_not_used_for_longest),
        cmocka_unit_test(the_cache_is_a_private_folder_or_none),
        cmocka_unit_test(a_broken_object_is_no_code),
        cmocka_unit_test(a_damaged_object_does_no_harm),
        cmocka_unit_test(sums_that_do_not_fit_the_registers_are_noticed),
        cmocka_unit_test(inner_loops_keep_their_sums_in_registers),
        cmocka_unit_test(kernels_are_short),
        cmocka_unit_test(wider_vectors_have_a_higher_peak),
        cmocka_unit_test(caches_are_read_faster_than_memory),
        cmocka_unit_test(code_for_another_machine_has_no_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
