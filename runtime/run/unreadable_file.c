#include "runtime/run/unreadable_file.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/data/files.h"
#include "runtime/file.h"
#include "runtime/json.h"

static CnnStatus open_file(UnreadableFile *file, const RunFolder *folder, CnnError *error)
{
    size_t length;
    TRY(cnn_lines_open(folder, RUN_UNREADABLE, &file->lines, error));
    file->open = true;
    return cnn_file_read(file->lines.path, &file->before, &length, error);
}

/* The object of number i of the loader's samples, with its newline; freed by the caller. NULL: no memory. */
static char *line_of(const CnnData *data, Part part, const CnnLoader *loader, int64_t i)
{
    TextStream stream;
    size_t length;
    char name[NAME_BYTES];
    if (!cnn_text_open(&stream))
        return NULL;
    cnn_data_name(data, part, cnn_loader_skipped_sample(loader, i), name, sizeof name);
    fprintf(stream.out, "{\"part\": \"%s\", \"sample\": ", data_part_names[part]);
    json_string(stream.out, name);
    fputs(", \"reason\": ", stream.out);
    json_string(stream.out, cnn_loader_skipped_reason(loader, i));
    fputs("}\n", stream.out);
    return cnn_text_close(&stream, &length);
}

static CnnStatus add_lines(UnreadableFile *file, const CnnData *data, Part part, const CnnLoader *loader,
                           CnnError *error)
{
    for (; file->told[part] < cnn_loader_skipped(loader); file->told[part]++) {
        char *line = line_of(data, part, loader, file->told[part]);
        FILE *out = line ? cnn_lines_out(&file->lines) : NULL;
        if (out && !strstr(file->before, line))
            fputs(line, out);
        free(line);
        if (!out)
            return cnn_fail(error, CNN_NO_RESOURCE, "no memory to name the samples that cannot be read");
    }
    cnn_lines_flush(&file->lines, false);
    return CNN_OK;
}

CnnStatus cnn_unreadable_record(UnreadableFile *file, const RunFolder *folder, const CnnData *data, Part part,
                                const CnnLoader *loader, CnnError *error)
{
    if (file->failed || cnn_loader_skipped(loader) == file->told[part])
        return CNN_OK;
    CnnStatus status = file->open ? CNN_OK : open_file(file, folder, error);
    if (status == CNN_OK)
        status = add_lines(file, data, part, loader, error);
    file->failed = status != CNN_OK;
    return status;
}

CnnStatus cnn_unreadable_close(UnreadableFile *file, CnnError *error)
{
    CnnStatus status = file->open ? cnn_lines_close(&file->lines, error) : CNN_OK;
    free(file->before);
    *file = (UnreadableFile){0};
    return status;
}
