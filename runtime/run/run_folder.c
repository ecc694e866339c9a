#include "runtime/run/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/file.h"

#define CHECKPOINT_SUFFIX ".safetensors"

static CnnStatus no_memory(CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE, "no memory for the paths of the run folder");
}

char *cnn_run_folder_file(const RunFolder *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder->path, name) < 0 ? NULL : path;
}

char *cnn_run_folder_checkpoint(const RunFolder *folder, int64_t step)
{
    char *path;
    return asprintf(&path, "%s/" RUN_CHECKPOINT "%" PRId64 CHECKPOINT_SUFFIX, folder->path, step) < 0 ? NULL
                                                                                                      : path;
}

/* The number in a name PREFIX N SUFFIX; -1: it is no such name. */
static int64_t numbered(const char *name, const char *prefix, const char *suffix)
{
    size_t length = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, length) != 0 || name[length] < '0' || name[length] > '9')
        return -1;
    errno = 0;
    long long number = strtoll(name + length, &end, 10);
    return errno == 0 && strcmp(end, suffix) == 0 ? number : -1;
}

/* Calls `see` with the name of each entry of a folder. */
static CnnStatus each_entry(const char *path, void (*see)(void *context, const char *name), void *context,
                            CnnError *error)
{
    DIR *entries = opendir(path);
    if (!entries)
        return errno == ENOENT ? CNN_OK
                               : cnn_fail(error, CNN_NO_RESOURCE, "cannot read the folder '%s': %s", path,
                                          strerror(errno));
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            see(context, entry->d_name);
    closedir(entries);
    return CNN_OK;
}

/* ---- The lock ---- */

static CnnStatus locked_by_other(const RunFolder *folder, CnnError *error)
{
    char holder[24] = "";
    ssize_t got = read(folder->lock, holder, sizeof holder - 1);
    holder[got > 0 ? strcspn(holder, "\n") : 0] = '\0';
    return cnn_fail(error, CNN_NO_RESOURCE, "another training runs in '%s' (process %s)", folder->path,
                    *holder ? holder : "unknown");
}

/* For whoever finds the folder locked. */
static bool put_process(int lock)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    return ftruncate(lock, 0) == 0 && write(lock, text, (size_t)length) == length;
}

/* Held by the open file, so it ends with the process, however that ends. */
static CnnStatus lock_folder(RunFolder *folder, CnnError *error)
{
    char *path = cnn_run_folder_file(folder, RUN_LOCK);
    if (!path)
        return no_memory(error);
    CnnStatus status = CNN_OK;
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (folder->lock < 0)
        status = cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", path, strerror(errno));
    else if (flock(folder->lock, LOCK_EX | LOCK_NB) != 0)
        status = errno == EWOULDBLOCK
                     ? locked_by_other(folder, error)
                     : cnn_fail(error, CNN_NO_RESOURCE, "cannot lock '%s': %s", path, strerror(errno));
    else if (!put_process(folder->lock))
        status = cnn_fail(error, CNN_NO_RESOURCE, "cannot write '%s': %s", path, strerror(errno));
    free(path);
    return status;
}

bool cnn_run_folder_busy(const char *path)
{
    char *lock = cnn_run_folder_file(&(RunFolder){.path = (char *)(uintptr_t)path}, RUN_LOCK);
    int file = lock ? open(lock, O_RDONLY | O_CLOEXEC) : -1;
    bool busy = file >= 0 && flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (file >= 0)
        close(file); /* and with it the lock, if it was free */
    free(lock);
    return busy;
}

/* ---- Making ---- */

typedef struct {
    const char *prefix, *suffix;
    int64_t largest;
} Numbers;

static void see_number(void *context, const char *name)
{
    Numbers *numbers = context;
    int64_t number = numbered(name, numbers->prefix, numbers->suffix);
    numbers->largest = number > numbers->largest ? number : numbers->largest;
}

CnnStatus cnn_run_folder_largest(const RunFolder *folder, const char *prefix, const char *suffix,
                                 int64_t *number, CnnError *error)
{
    Numbers numbers = {.prefix = prefix, .suffix = suffix};
    CnnStatus status = each_entry(folder->path, see_number, &numbers, error);
    *number = numbers.largest;
    return status;
}

/* The largest N of the folders runs/NAME-N, 0: there is none. */
static CnnStatus largest_run(const CnnImage *image, int64_t *number, CnnError *error)
{
    char *prefix;
    if (asprintf(&prefix, "%s-", image->recipe.model_name) < 0)
        return no_memory(error);
    CnnStatus status = cnn_run_folder_largest(&(RunFolder){.path = RUNS}, prefix, "", number, error);
    free(prefix);
    return status;
}

static char *run_path(const CnnImage *image, int64_t number)
{
    char *path;
    return asprintf(&path, RUNS "/%s-%" PRId64, image->recipe.model_name, number) < 0 ? NULL : path;
}

static CnnStatus cannot_make(const char *path, CnnError *error)
{
    return cnn_fail(error, CNN_NO_RESOURCE,
                    "cannot make the run folder '%s': %s; --out names another place, --no-out does without",
                    path, strerror(errno));
}

/* Two trainings that start at the same time get different numbers: mkdir tells who was first. */
static CnnStatus make_numbered(const CnnImage *image, char **path, CnnError *error)
{
    int64_t number = 0;
    TRY(largest_run(image, &number, error));
    if (mkdir(RUNS, 0777) != 0 && errno != EEXIST)
        return cannot_make(RUNS, error);
    for (;;) {
        free(*path);
        *path = run_path(image, ++number);
        if (!*path)
            return no_memory(error);
        if (mkdir(*path, 0777) == 0)
            return CNN_OK;
        if (errno != EEXIST)
            return cannot_make(*path, error);
    }
}

static void see_entry(void *context, const char *name)
{
    (void)name;
    ++*(int64_t *)context;
}

static CnnStatus make_named(const char *path, CnnError *error)
{
    int64_t entries = 0;
    if (mkdir(path, 0777) == 0)
        return CNN_OK;
    if (errno != EEXIST)
        return cannot_make(path, error);
    struct stat made;
    if (stat(path, &made) != 0 || !S_ISDIR(made.st_mode))
        return cnn_fail(error, CNN_BAD_USAGE, "--out: '%s' is not a folder", path);
    TRY(each_entry(path, see_entry, &entries, error));
    return entries == 0
               ? CNN_OK
               : cnn_fail(error, CNN_BAD_USAGE,
                          "--out: the folder '%s' is not empty; --resume=%s goes on with the training "
                          "in it",
                          path, path);
}

CnnStatus cnn_run_folder_make(const CnnImage *image, const char *path, RunFolder *folder, CnnError *error)
{
    *folder = (RunFolder){.lock = -1};
    if (path) {
        folder->path = strdup(path);
        if (!folder->path)
            return no_memory(error);
        TRY(make_named(path, error));
    } else {
        TRY(make_numbered(image, &folder->path, error));
    }
    return lock_folder(folder, error);
}

/* ---- Opening ---- */

/* Removes an entry that a process was writing when it was killed (cnn_file_create). */
static void see_half(void *context, const char *name)
{
    static const char *const files[] = {RUN_MODEL, RUN_BEST, RUN_LAST, RUN_CLASSES, RUN_MISTAKES};
    const char *end = strrchr(name, '.');
    bool ours = numbered(name, RUN_CHECKPOINT, CHECKPOINT_SUFFIX FILE_TEMPORARY) >= 0;
    for (size_t i = 0; i < sizeof files / sizeof *files && end; i++)
        ours = ours || (strcmp(end, FILE_TEMPORARY) == 0 && strlen(files[i]) == (size_t)(end - name) &&
                        strncmp(name, files[i], strlen(files[i])) == 0);
    char *path = ours ? cnn_run_folder_file(context, name) : NULL;
    if (path)
        unlink(path);
    free(path);
}

CnnStatus cnn_run_folder_open(const CnnImage *image, const char *path, RunFolder *folder, CnnError *error)
{
    int64_t number = 0;
    struct stat found;
    *folder = (RunFolder){.lock = -1};
    if (!path)
        TRY(largest_run(image, &number, error));
    if (!path && number == 0)
        return cnn_fail(error, CNN_BAD_USAGE,
                        "--resume: there is no training of %s in the folder '" RUNS "' here",
                        image->recipe.model_name);
    folder->path = path ? strdup(path) : run_path(image, number);
    if (!folder->path)
        return no_memory(error);
    if (stat(folder->path, &found) != 0 || !S_ISDIR(found.st_mode))
        return cnn_fail(error, CNN_BAD_USAGE, "--resume: there is no folder '%s'", folder->path);
    TRY(lock_folder(folder, error));
    return each_entry(folder->path, see_half, folder, error);
}

void cnn_run_folder_close(RunFolder *folder)
{
    if (folder->path && folder->lock >= 0)
        close(folder->lock);
    free(folder->path);
    *folder = (RunFolder){.lock = -1};
}

/* ---- Checkpoints ---- */

typedef struct {
    CheckpointList *list;
    bool full; /* no memory for more */
} Collected;

static void see_checkpoint(void *context, const char *name)
{
    Collected *collected = context;
    CheckpointList *list = collected->list;
    int64_t step = numbered(name, RUN_CHECKPOINT, CHECKPOINT_SUFFIX);
    if (step < 0)
        return;
    int64_t *larger = realloc(list->steps, ((size_t)list->count + 1) * sizeof *larger);
    if (!larger) {
        collected->full = true;
        return;
    }
    list->steps = larger;
    larger[list->count++] = step;
}

static int newer_first(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

CnnStatus cnn_run_folder_checkpoints(const RunFolder *folder, CheckpointList *list, CnnError *error)
{
    Collected collected = {.list = list};
    *list = (CheckpointList){0};
    CnnStatus status = each_entry(folder->path, see_checkpoint, &collected, error);
    if (status == CNN_OK && collected.full)
        status = no_memory(error);
    if (status == CNN_OK && list->count)
        qsort(list->steps, (size_t)list->count, sizeof *list->steps, newer_first);
    return status;
}

static void remove_checkpoint(const RunFolder *folder, int64_t step)
{
    char *path = cnn_run_folder_checkpoint(folder, step);
    if (path)
        unlink(path);
    free(path);
}

void cnn_run_folder_prune(const RunFolder *folder, int64_t newest, int64_t keep)
{
    CheckpointList list;
    CnnError unused = {0};
    if (cnn_run_folder_checkpoints(folder, &list, &unused) != CNN_OK)
        list.count = 0; /* the next time, then */
    for (int64_t i = 0, kept = 0; i < list.count; i++)
        if (list.steps[i] > newest || ++kept > keep)
            remove_checkpoint(folder, list.steps[i]);
    free(list.steps);
}

CnnStatus cnn_run_folder_sources(const RunFolder *folder, const CnnImage *image, CnnError *error)
{
    for (int i = 0; i < image->source_count; i++) {
        const CnnSource *source = &image->sources[i];
        NewFile file;
        char *path = cnn_run_folder_file(folder, source->name);
        if (!path)
            return no_memory(error);
        CnnStatus status = cnn_file_create(path, &file, error);
        if (status == CNN_OK) {
            status = cnn_file_write(&file, source->text, strlen(source->text), error);
            if (status == CNN_OK)
                status = cnn_file_commit(&file, error);
            else
                cnn_file_abandon(&file);
        }
        free(path);
        TRY(status);
    }
    return CNN_OK;
}
