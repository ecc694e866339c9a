/* Finding out what the machine and the build have. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "compiler/base/cache.h"
#include "compiler/commands/chart.h"
#include "compiler/commands/doctor.h"
#include "compiler/commands/web.h"
#include "compiler/cpu/peak.h"
#include "compiler/exchange/export.h"
#include "compiler/link/standalone.h"
#include "runtime/data/decode.h"
#include "runtime/data/decompress.h"
#include "runtime/data/kept_files.h"
#include "runtime/data/sound.h"
#include "runtime/file.h"
#include "runtime/memory.h"
#include "runtime/pool.h"

Fact *doctor_add(Doctor *doctor, const char *section, const char *name, const char *value)
{
    Fact *fact = vec_push(doctor->arena, &doctor->facts);
    *fact = (Fact){.section = section, .name = name, .value = value};
    return fact;
}

static void add_number(Doctor *doctor, const char *section, const char *name, const char *value,
                       const char *key, double number)
{
    Fact *fact = doctor_add(doctor, section, name, value);
    fact->key = key;
    fact->number = number;
}

static const char *bytes_text(Arena *arena, double bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;
    for (; bytes >= 1024 && unit < 4; unit++)
        bytes /= 1024;
    return arena_printf(arena, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* The processor as its maker calls it; NULL where the system does not say. */
static const char *processor_name(Arena *arena)
{
    char line[256];
    const char *name = NULL;
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && !name && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon && colon[1] == ' ')
            name = arena_text(arena, colon + 2, strcspn(colon + 2, "\n"));
    }
    if (file)
        fclose(file);
    return name;
}

static const char *vectors_text(Arena *arena, const CpuTarget *target)
{
    return arena_printf(arena, "%d bits, %d registers%s%s%s", 32 * target->lanes, target->registers,
                        target->fma ? ", fused multiply-add" : "", target->dot ? ", bf16 products" : "",
                        target->tile ? ", bf16 tiles (AMX)" : "");
}

static void look_at_caches(Doctor *doctor)
{
    static const struct {
        int name;
        const char *level, *key;
    } caches[] = {{_SC_LEVEL1_DCACHE_SIZE, "L1 cache", "l1_bytes"},
                  {_SC_LEVEL2_CACHE_SIZE, "L2 cache", "l2_bytes"},
                  {_SC_LEVEL3_CACHE_SIZE, "L3 cache", "l3_bytes"}};
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        long bytes = sysconf(caches[i].name);
        if (bytes > 0)
            add_number(doctor, "machine", caches[i].level, bytes_text(doctor->arena, (double)bytes),
                       caches[i].key, (double)bytes);
    }
}

static void look_at_machine(Doctor *doctor)
{
    Arena *arena = doctor->arena;
    const CpuTarget *target = cpu_host(arena);
    const char *name = processor_name(arena);
    CnnError error = {0};
    if (name)
        doctor_add(doctor, "machine", "processor", name);
    doctor_add(doctor, "machine", "kind", arena_printf(arena, "%s %s", target->triple, target->cpu));
    doctor_add(doctor, "machine", "vectors", vectors_text(arena, target));
    if (cpu_runs_here(target, &error) != CNN_OK) {
        Fact *fact = doctor_add(doctor, "machine", "instructions", arena_printf(arena, "%s", error.text));
        fact->state = FACT_BROKEN;
        fact->advice = "--cpu x86-64-v3 or x86-64-v2 may run here";
    }
    add_number(doctor, "machine", "cores", arena_printf(arena, "%d that this process may use", cnn_cores()),
               "cores", cnn_cores());
    look_at_caches(doctor);
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    uint64_t free = cnn_memory_available();
    add_number(doctor, "machine", "memory", bytes_text(arena, memory), "memory_bytes", memory);
    if (free != UINT64_MAX)
        add_number(doctor, "machine", "free memory", bytes_text(arena, (double)free), "free_memory_bytes",
                   (double)free);
    double peak = cpu_peak_flops(target, 0);
    add_number(doctor, "machine", "f32 peak",
               peak > 0 ? arena_printf(arena, "%.0f GFLOP/s, measured on all cores", peak / 1e9)
                        : "no code could be made and run",
               "peak_flops", peak);
    doctor->facts.items[doctor->facts.count - 1].state = peak > 0 ? FACT_HERE : FACT_BROKEN;
}

static void look_at_compiler(Doctor *doctor)
{
    Arena *arena = doctor->arena;
    const char *linker, *complaint;
    doctor_add(doctor, "compiler", "cnnc", CNNC_VERSION);
    doctor_add(doctor, "compiler", "LLVM", CNNC_LLVM_VERSION);
    doctor_add(doctor, "compiler", "SQLite", sqlite3_libversion());
    if (standalone_check(arena, &linker, &complaint)) {
        doctor_add(doctor, "compiler", "linker", linker);
    } else {
        Fact *fact = doctor_add(doctor, "compiler", "linker", complaint);
        fact->state = FACT_ABSENT;
        fact->advice = "only `cnnc build` needs it";
    }
    Fact *charts = doctor_add(doctor, "compiler", "charts", "PNG and SVG, by cairo");
    if (!chart_can_draw()) {
        charts->value = "built without cairo, which --plot needs";
        charts->advice = "install libcairo2-dev and build cnnc again";
        charts->state = FACT_ABSENT;
    }
    for (const ExportFormat *format = export_formats; format->name; format++) {
        if (!format->library)
            continue;
        Fact *export =
            doctor_add(doctor, "compiler", "export",
                       arena_printf(arena, "no .%s: built without %s", format->name, format->library));
        export->state = FACT_ABSENT;
    }
    Fact *page = doctor_add(doctor, "compiler", "run --web", NULL);
    if (web_library()) {
        page->value = arena_printf(arena, "libmicrohttpd %s", web_library());
    } else {
        page->value = "built without libmicrohttpd";
        page->advice = "install libmicrohttpd-dev and build cnnc again";
        page->state = FACT_ABSENT;
    }
}

static void look_at_formats(Doctor *doctor)
{
    Arena *arena = doctor->arena;
    for (const PictureFormat *format = picture_formats; format->name; format++) {
        char version[32] = "";
        if (format->codec) {
            picture_library_version(format, version);
            doctor_add(doctor, "pictures", format->name,
                       format->library ? arena_printf(arena, "%s %s", format->library, version)
                                       : "cnnc's own code");
        } else if (format->package) {
            Fact *fact = doctor_add(doctor, "pictures", format->name,
                                    arena_printf(arena, "built without %s", format->library));
            fact->state = FACT_ABSENT;
            fact->advice = arena_printf(arena, "install %s and build cnnc again", format->package);
        }
    }
    doctor_add(doctor, "archives", "zip, tar.gz", arena_printf(arena, "zlib %s", zlibVersion()));
    Fact *unpack = doctor_add(doctor, "archives", "tar.bz2, xz, zst", "libarchive");
    if (!decompress_has_library()) {
        unpack->value = "built without libarchive";
        unpack->advice = "install libarchive-dev and build cnnc again";
        unpack->state = FACT_ABSENT;
    }
    const SoundLibrary *library;
    CnnError error = {0};
    Fact *sound = doctor_add(doctor, "sounds", "WAV, FLAC, OGG", "libsndfile, libsoxr");
    if (sound_library(&library, &error) != CNN_OK) {
        sound->value = "built without libsndfile and libsoxr";
        sound->advice = "install libsndfile1-dev libogg-dev libsoxr-dev and build cnnc again";
        sound->state = FACT_ABSENT;
    }
}

/* The folder is writable when a file can be made in it: rights alone do not tell of a disk that is full or
 * read-only. */
static CnnStatus try_to_write(Arena *arena, const char *folder, CnnError *error)
{
    NewFile file;
    TRY(cnn_file_create(arena_printf(arena, "%s/doctor", folder), &file, error));
    CnnStatus status = cnn_file_write(&file, "cnnc", 4, error);
    cnn_file_abandon(&file);
    return status;
}

/* What data have left in the cache folder. */
static void look_at_kept_files(Doctor *doctor)
{
    Arena *arena = doctor->arena;
    KeptFile *files;
    size_t count;
    uint64_t bytes = 0, useless = 0;
    CnnError error = {0};
    if (kept_files_list(&files, &count, &error) != CNN_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        bytes += files[i].bytes;
        useless += kept_file_is_useless(&files[i]) ? files[i].bytes : 0;
    }
    free(files);
    const char *all = bytes_text(arena, (double)bytes), *no_use = bytes_text(arena, (double)useless);
    add_number(doctor, "cache", "data", all, "data_bytes", (double)bytes);
    add_number(doctor, "cache", "of no use",
               useless > 0 ? arena_printf(arena, "%s of it: `cnnc data clean` removes that", no_use) : no_use,
               "useless_bytes", (double)useless);
}

static void look_at_cache(Doctor *doctor)
{
    Arena *arena = doctor->arena;
    const char *complaint, *folder = cache_folder(arena, &complaint);
    CnnError error = {0};
    if (folder && try_to_write(arena, folder, &error) != CNN_OK) {
        complaint = arena_printf(arena, "%s", error.text);
        folder = NULL;
    }
    if (!folder) {
        Fact *fact = doctor_add(doctor, "cache", "folder", complaint);
        fact->state = FACT_ABSENT;
        fact->advice = "kernels are compiled anew in each run, until XDG_CACHE_HOME names a folder of yours";
        return;
    }
    uint64_t bytes;
    int64_t count = cache_use(folder, &bytes);
    doctor_add(doctor, "cache", "folder", folder);
    add_number(doctor, "cache", "kernels", arena_printf(arena, "%lld", (long long)count), "kernels",
               (double)count);
    add_number(doctor, "cache", "size", bytes_text(arena, (double)bytes), "bytes", (double)bytes);
    look_at_kept_files(doctor);
}

void doctor_look(Doctor *doctor)
{
    look_at_machine(doctor);
    look_at_compiler(doctor);
    doctor_look_at_gpu(doctor);
    look_at_formats(doctor);
    look_at_cache(doctor);
}
