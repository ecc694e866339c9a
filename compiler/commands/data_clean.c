/* `cnnc data clean`: what data have left in the cache folder, and what of it is of use to nobody. */
#include <inttypes.h>
#include <stdlib.h>

#include "compiler/commands/data.h"
#include "compiler/commands/layers.h"
#include "runtime/data/kept_files.h"

typedef struct {
    int64_t files;
    uint64_t bytes;
} FileAmount;

static void count_file(FileAmount *amount, const KeptFile *file)
{
    amount->files++;
    amount->bytes += file->bytes;
}

static const char *amount_text(Arena *arena, const FileAmount *amount)
{
    return arena_printf(arena, "%" PRId64 " file%s, %s", amount->files, amount->files == 1 ? "" : "s",
                        bytes_text(arena, (double)amount->bytes));
}

/* Why a file goes or stays. */
static const char *reason_text(Arena *arena, const KeptFile *file)
{
    static const char *const states[] = {[KEPT_FILE_OF_USE] = "of %s",
                                         [KEPT_FILE_BUSY] = "being built",
                                         [KEPT_FILE_ORPHAN] = "of %s, which is gone",
                                         [KEPT_FILE_STALE] = "nothing reads it any more"};
    if (file->state == KEPT_FILE_OF_USE && !*file->origin)
        return "it does not say of what";
    char name[NAME_BYTES];
    return arena_printf(arena, states[file->state], name_printable(file->origin, name));
}

static CnnStatus clean(const Options *options, const KeptFile *files, size_t count, CnnError *error)
{
    Arena *arena = options->arena;
    FileAmount removed = {0}, kept = {0};
    for (size_t i = 0; i < count; i++) {
        const KeptFile *file = &files[i];
        bool goes = kept_file_is_useless(file) || (options->all && file->state != KEPT_FILE_BUSY);
        if (goes)
            TRY(kept_file_remove(file, error));
        count_file(goes ? &removed : &kept, file);
        printf("%s  %10s  %s (%s)\n", goes ? "removed" : "kept   ", bytes_text(arena, (double)file->bytes),
               file->path, reason_text(arena, file));
    }
    printf("removed: %s; kept: %s\n", amount_text(arena, &removed), amount_text(arena, &kept));
    return CNN_OK;
}

CnnStatus data_clean(const Options *options)
{
    KeptFile *files;
    size_t count;
    CnnError error = {0};
    CnnStatus status = kept_files_list(&files, &count, &error);
    if (status == CNN_OK) {
        status = clean(options, files, count, &error);
        free(files);
    }
    return status == CNN_OK ? CNN_OK : command_fail(status, "%s", error.text);
}
