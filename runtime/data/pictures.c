/* Picture files by their number. */
#include "runtime/data/pictures.h"

int pictures_channels(int word)
{
    static const int channels[] = {3, 1, 4, 0}; /* the order of the words */
    return channels[word];
}

static CnnStatus pictures_path(const Pictures *pictures, int64_t index, char path[PATH_MAX], CnnError *error)
{
    const char *name = listing_name(&pictures->paths, (size_t)index);
    return path_join(*name == '/' ? "" : pictures->root, name, path, error);
}

CnnStatus pictures_find_channels(Pictures *pictures, int64_t count, CnnError *error)
{
    enum { TRIES = 16 };
    char path[PATH_MAX];
    Picture work = {0};
    CnnError first = {0};
    CnnStatus status = pictures->channels ? CNN_OK : CNN_BAD_INPUT;
    for (int64_t i = 0; i < count && i < TRIES && status == CNN_BAD_INPUT; i++) {
        status = pictures_path(pictures, i, path, &first);
        if (status == CNN_OK)
            status = decode_channels(pictures->tree, path, &work, &pictures->channels, &first);
    }
    picture_free(&work);
    return status == CNN_OK ? CNN_OK : cnn_fail(error, status, "%s", first.text);
}

CnnStatus pictures_read(const Pictures *pictures, int64_t index, int64_t want_height, int64_t want_width,
                        Picture *out, CnnError *error)
{
    char path[PATH_MAX];
    DecodeOptions options = {
        .channels = pictures->channels, .want_height = want_height, .want_width = want_width};
    TRY(pictures_path(pictures, index, path, error));
    return decode_member(pictures->tree, path, &options, out, error);
}

void pictures_name(const Pictures *pictures, int64_t index, char *out, size_t bytes)
{
    char path[PATH_MAX], name[NAME_BYTES];
    CnnError too_long = {0};
    const char *shown = pictures_path(pictures, index, path, &too_long) == CNN_OK
                            ? path
                            : listing_name(&pictures->paths, (size_t)index);
    snprintf(out, bytes, "%s", name_printable(shown, name));
}

void pictures_free(Pictures *pictures)
{
    listing_free(&pictures->paths);
}
