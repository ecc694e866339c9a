#include "runtime/data/stamp.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "runtime/data/pipeline.h"
#include "runtime/image_io.h"
#include "runtime/text_stream.h"

/* Whatever changes what is made of the same file by the same statements must change this, or old caches would
 * be believed. */
enum { DECODING_VERSION = 1 };

void stamp_place(Stamp *stamp, const char *path)
{
    char real[PATH_MAX];
    snprintf(stamp->path, sizeof stamp->path, "%s", realpath(path, real) ? real : path);
    stamp->place = key_add_text(stamp->place, stamp->path);
}

void stamp_file(Stamp *stamp, const char *path, const char *name)
{
    struct stat info;
    bool there = stat(path, &info) == 0;
    Key key = key_add_text(stamp->content, name);
    key = key_add_number(key, there ? (int64_t)info.st_size : -1);
    key = key_add_number(key, there ? (int64_t)info.st_mtim.tv_sec : 0);
    stamp->content = key_add_number(key, there ? (int64_t)info.st_mtim.tv_nsec : 0);
}

static CnnStatus stamp_statement(const CnnStatement *statement, FILE *out, CnnError *error)
{
    fprintf(out, "%s %d ", statement->schema->word, statement->body.count);
    TRY(cnn_args_write(out, statement, error));
    for (int i = 0; i < statement->body.count; i++)
        TRY(stamp_statement(&statement->body.items[i], out, error));
    return CNN_OK;
}

/* The text of all statements that have a part in the samples. */
static CnnStatus stamp_statements(const CnnData *data, FILE *out, CnnError *error)
{
    TRY(stamp_statement(data->source_by, out, error));
    if (data->held_out_by)
        TRY(stamp_statement(data->held_out_by, out, error));
    for (int i = 0; i < data->fixed_stages; i++)
        TRY(stamp_statement(data->stage_by[i], out, error));
    return CNN_OK;
}

CnnStatus data_stamp(const CnnData *data, Stamp *stamp, CnnError *error)
{
    TextStream stream;
    size_t length = 0;
    if (!data->source->stamp)
        return cnn_fail(error, CNN_BAD_INPUT, "samples of '%s' cannot be kept on disk: use 'cache memory'",
                        data->source_by->schema->word);
    if (!cnn_text_open(&stream))
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a cache");
    CnnStatus status = stamp_statements(data, stream.out, error);
    char *text = cnn_text_close(&stream, &length);
    if (!text && status == CNN_OK)
        status = cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a cache");
    if (status == CNN_OK) {
        Key key = key_add(key_add_number(key_start(), DECODING_VERSION), text, length);
        key = key_add_number(key_add_number(key, data->want_height), data->want_width);
        *stamp = (Stamp){.place = key, .content = key};
        data->source->stamp(data->source, stamp);
    }
    free(text);
    return status;
}
