/* Picture files by their number. */
#include "runtime/data/pictures.h"

int pictures_channels(int word)
{
    static const int channels[] = {3, 1, 4, 0}; /* the order of the words */
    return channels[word];
}

CnnStatus pictures_find_channels(Pictures *pictures, int64_t count, CnnError *error)
{
    enum { TRIES = 16 };
    char path[PATH_MAX];
    Picture work = {0};
    CnnError first = {0};
    CnnStatus status = pictures->channels ? CNN_OK : CNN_BAD_INPUT;
    for (int64_t i = 0; i < count && i < TRIES && status == CNN_BAD_INPUT; i++) {
        status = members_path(&pictures->members, i, path, &first);
        if (status == CNN_OK)
            status = decode_channels(pictures->members.tree, path, &work, &pictures->channels, &first);
    }
    picture_free(&work);
    return status == CNN_OK ? CNN_OK : cnn_fail(error, status, "%s", first.text);
}

CnnStatus pictures_look(const Pictures *pictures, const char *table, CnnError *error)
{
    enum { TRIES = 8 };
    const Tree *tree = pictures->members.tree;
    int64_t count = members_count(&pictures->members);
    char path[PATH_MAX], name[NAME_BYTES];
    CnnError first = {0};
    for (int64_t i = 0; i < TRIES; i++) {
        Extent file;
        TRY(members_path(&pictures->members, i * (count - 1) / (TRIES - 1), path, error));
        if (tree->open(tree, path, &file, &first) == CNN_OK) {
            extent_close(&file);
            return CNN_OK;
        }
    }
    return cnn_fail(error, CNN_BAD_INPUT,
                    "%s: none of its pictures is found; root= names the folder that their paths start from, "
                    "ending= what is "
                    "missing at their ends; the first: %s",
                    name_printable(table, name), first.text);
}

CnnStatus pictures_read(const Pictures *pictures, int64_t index, int64_t want_height, int64_t want_width,
                        Picture *out, CnnError *error)
{
    char path[PATH_MAX];
    DecodeOptions options = {
        .channels = pictures->channels, .want_height = want_height, .want_width = want_width};
    TRY(members_path(&pictures->members, index, path, error));
    return decode_member(pictures->members.tree, path, &options, out, error);
}
