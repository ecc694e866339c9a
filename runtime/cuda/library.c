#include "runtime/cuda/library.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/shared_library.h"

/* Why the search has found nothing so far. */
typedef struct {
    char text[1024];
    bool of_file; /* of a file that is there, which tells more than that others are not */
} Complaint;

static void complain(Complaint *complaint, bool of_file, const char *text)
{
    if (complaint->of_file || (*complaint->text && !of_file))
        return;
    complaint->of_file = of_file;
    snprintf(complaint->text, sizeof complaint->text, "%s", text);
}

/* `bytes` of `folder` are its name. */
static void *open_in(const char *folder, size_t bytes, const char *const *names, Complaint *complaint)
{
    void *library = NULL;
    for (; *names && !library; names++) {
        char path[PATH_MAX];
        const char *reason;
        int length = snprintf(path, sizeof path, "%.*s/%s", (int)bytes, folder, *names);
        if (length >= (int)sizeof path || access(path, F_OK) != 0)
            continue;
        library = cnn_shared_open(path, &reason);
        if (!library)
            complain(complaint, true, reason);
    }
    return library;
}

static void *open_listed(const char *folders, const char *const *names, Complaint *complaint)
{
    void *library = NULL;
    while (folders && *folders && !library) {
        size_t bytes = strcspn(folders, ":");
        if (bytes > 0)
            library = open_in(folders, bytes, names, complaint);
        folders += bytes + (folders[bytes] == ':');
    }
    return library;
}

static void *open_of_system(const char *const *names, Complaint *complaint)
{
    void *library = NULL;
    for (; *names && !library; names++) {
        const char *reason;
        library = cnn_shared_open(*names, &reason);
        if (!library)
            complain(complaint, false, reason);
    }
    return library;
}

CnnStatus cuda_library_open(const char *const *names, void **out, CnnError *error)
{
    static const char usual[] = "/usr/local/cuda/lib64";
    Complaint complaint = {.text = ""};
    *out = open_listed(getenv("CNNC_CUDA_LIB"), names, &complaint);
    if (!*out)
        *out = open_of_system(names, &complaint);
    if (!*out)
        *out = open_in(usual, strlen(usual), names, &complaint);
    return *out ? CNN_OK : cnn_fail(error, CNN_NO_RESOURCE, "%s", complaint.text);
}

CnnStatus cuda_library_find(void *library, const char *symbol, void **out, CnnError *error)
{
    *out = cnn_shared_find(library, symbol);
    return *out ? CNN_OK : cnn_fail(error, CNN_NO_RESOURCE, "it has no %s", symbol);
}
