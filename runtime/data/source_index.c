#include "runtime/data/source_index.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "runtime/cache_folder.h"
#include "runtime/data/extent.h"
#include "runtime/file.h"
#include "runtime/memory.h"

/* Changed with the layout, and with what a source takes for a sample. */
enum { INDEX_VERSION = 2, BUFFER = 1 << 16, LABEL_BYTES = 4 };

static const char MAGIC[8] = "cnncnam";

/* The file begins with this. There follow the states of what is watched; a label for each sample; where each
 * name begins, and where the last one ends, counted from the first; the paths of what is watched, the names
 * of the classes, those of the samples, each ended by a NUL; the path that all was made of. */
typedef struct {
    char magic[8];
    uint32_t version;
    uint32_t crc; /* of all that follows, and then of this with a crc of 0 */
    Key key;
    uint64_t watched, watched_bytes; /* how many, and bytes of their paths */
    uint64_t classes, classes_bytes;
    uint64_t samples, samples_bytes;
    uint64_t origin_bytes;
    int64_t count[PART_COUNT];
    int64_t divided;
} Header;

struct SourceIndex {
    Extent file;
    int64_t samples;
    uint64_t at, names; /* where in the file the places of the names are, and the names */
};

/* Where everything lies. */
typedef struct {
    uint64_t states, labels, at, watched, classes, names, origin, end;
} Places;

Key source_index_key(const char *kind, const char *path)
{
    char real[PATH_MAX];
    return key_add_text(key_add_text(key_start(), kind), realpath(path, real) ? real : path);
}

static bool index_path(Key key, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    CnnError none = {0};
    return cnn_cache_folder(folder, &none) == CNN_OK &&
           snprintf(out, PATH_MAX, "%s/names-%016" PRIx64 "%016" PRIx64, folder, key.high, key.low) <
               PATH_MAX;
}

/* False: more than can be counted, as only a damaged header says. */
static bool find_places(const Header *header, Places *places)
{
    uint64_t states, labels, at;
    *places = (Places){.states = sizeof *header};
    return header->samples < INT64_MAX && cnn_multiply(header->watched, sizeof(WatchState), &states) &&
           cnn_multiply(header->samples, LABEL_BYTES, &labels) &&
           cnn_multiply(header->samples + 1, sizeof(uint64_t), &at) &&
           cnn_add(places->states, states, &places->labels) && cnn_add(places->labels, labels, &places->at) &&
           cnn_add(places->at, at, &places->watched) &&
           cnn_add(places->watched, header->watched_bytes, &places->classes) &&
           cnn_add(places->classes, header->classes_bytes, &places->names) &&
           cnn_add(places->names, header->samples_bytes, &places->origin) &&
           cnn_add(places->origin, header->origin_bytes, &places->end);
}

static uint32_t crc_of(uint32_t crc, const void *bytes, size_t count)
{
    return (uint32_t)crc32_z(crc, bytes, count);
}

static uint32_t header_crc(const Header *header, uint32_t body)
{
    Header plain = *header;
    plain.crc = 0;
    return crc_of(body, &plain, sizeof plain);
}

/* ---- Writing ---- */

typedef struct {
    NewFile file;
    uint32_t crc;
    size_t used;
    CnnStatus status; /* of what was written so far */
    CnnError error;
    unsigned char buffer[BUFFER];
} Writer;

static void writer_flush(Writer *writer)
{
    writer->crc = crc_of(writer->crc, writer->buffer, writer->used);
    if (writer->status == CNN_OK)
        writer->status = cnn_file_write(&writer->file, writer->buffer, writer->used, &writer->error);
    writer->used = 0;
}

static void put(Writer *writer, const void *bytes, size_t count)
{
    for (const unsigned char *from = bytes; count > 0;) {
        size_t part = BUFFER - writer->used < count ? BUFFER - writer->used : count;
        memcpy(writer->buffer + writer->used, from, part);
        writer->used += part;
        from += part;
        count -= part;
        if (writer->used == BUFFER)
            writer_flush(writer);
    }
}

/* The names behind their first `skip` bytes. */
static void put_names(Writer *writer, const Listing *names, size_t skip)
{
    for (size_t i = 0; i < names->count; i++) {
        const char *name = listing_name(names, i) + skip;
        put(writer, name, strlen(name) + 1);
    }
}

static uint64_t names_bytes(const Listing *names, size_t skip)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < names->count; i++)
        bytes += strlen(listing_name(names, i)) - skip + 1;
    return bytes;
}

static void put_body(Writer *writer, const char *origin, size_t root, const SourceFound *found,
                     const Listing *names, const Watch *watch)
{
    uint64_t at = 0;
    put(writer, watch->state, watch->paths.count * sizeof *watch->state);
    put(writer, found->label, names->count * LABEL_BYTES);
    for (size_t i = 0; i < names->count; i++) {
        put(writer, &at, sizeof at);
        at += strlen(listing_name(names, i)) + 1;
    }
    put(writer, &at, sizeof at);
    put_names(writer, &watch->paths, root);
    put_names(writer, &found->classes, 0);
    put_names(writer, names, 0);
    put(writer, origin, strlen(origin));
    writer_flush(writer);
}

static CnnStatus write_index(Writer *writer, Header *header, const char *origin, size_t root,
                             const SourceFound *found, const Listing *names, const Watch *watch)
{
    writer->status = cnn_file_write(&writer->file, header, sizeof *header, &writer->error);
    put_body(writer, origin, root, found, names, watch);
    TRY(writer->status);
    header->crc = header_crc(header, writer->crc);
    TRY(cnn_file_seek(&writer->file, 0, &writer->error));
    TRY(cnn_file_write(&writer->file, header, sizeof *header, &writer->error));
    return cnn_file_commit(&writer->file, &writer->error);
}

SourceIndex *source_index_keep(Key key, const char *root, const SourceFound *found, const Listing *names,
                               const Watch *watch)
{
    char path[PATH_MAX], origin[PATH_MAX];
    size_t skip = strlen(root);
    if (!realpath(root, origin))
        return NULL;
    if (names->count < INDEX_LEAST || !watch_settled(watch) || !index_path(key, path))
        return NULL;
    Header header = {.version = INDEX_VERSION,
                     .key = key,
                     .watched = watch->paths.count,
                     .watched_bytes = names_bytes(&watch->paths, skip),
                     .classes = found->classes.count,
                     .classes_bytes = names_bytes(&found->classes, 0),
                     .samples = names->count,
                     .samples_bytes = names_bytes(names, 0),
                     .origin_bytes = strlen(origin),
                     .divided = found->divided};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    memcpy(header.count, found->count, sizeof header.count);
    Writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return NULL;
    CnnStatus status = cnn_file_create(path, &writer->file, &writer->error);
    if (status == CNN_OK) {
        status = write_index(writer, &header, origin, skip, found, names, watch);
        if (status != CNN_OK)
            cnn_file_abandon(&writer->file);
    }
    free(writer);
    SourceFound again;
    SourceIndex *index = status == CNN_OK ? source_index_recall(key, root, &again) : NULL;
    if (index) {
        listing_free(&again.classes);
        free(again.label);
    }
    return index;
}

/* ---- Reading ---- */

static CnnStatus body_crc(const Extent *file, uint32_t *crc, CnnError *error)
{
    unsigned char *buffer = malloc(BUFFER);
    CnnStatus status = buffer ? CNN_OK : cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a file");
    *crc = 0;
    for (uint64_t at = sizeof(Header); at < file->size && status == CNN_OK; at += BUFFER) {
        size_t count = file->size - at < BUFFER ? (size_t)(file->size - at) : BUFFER;
        status = extent_read(file, buffer, count, at, error);
        if (status == CNN_OK)
            *crc = crc_of(*crc, buffer, count);
    }
    free(buffer);
    return status;
}

/* Whether the file is whole, and of this key. */
static bool read_header(const Extent *file, Key key, Header *header, Places *places)
{
    CnnError none = {0};
    uint32_t crc;
    return extent_read(file, header, sizeof *header, 0, &none) == CNN_OK &&
           memcmp(header->magic, MAGIC, sizeof MAGIC) == 0 && header->version == INDEX_VERSION &&
           header->key.high == key.high && header->key.low == key.low && find_places(header, places) &&
           places->end == file->size && body_crc(file, &crc, &none) == CNN_OK &&
           header->crc == header_crc(header, crc);
}

/* Bytes from `from` to `to`, freed by the caller. */
static void *read_bytes_between(const Extent *file, uint64_t from, uint64_t to)
{
    CnnError none = {0};
    char *bytes = malloc((size_t)(to - from) + 1);
    if (bytes && extent_read(file, bytes, (size_t)(to - from), from, &none) == CNN_OK) {
        bytes[to - from] = '\0';
        return bytes;
    }
    free(bytes);
    return NULL;
}

static bool all_as_it_was(const Extent *file, const Header *header, const Places *places, const char *root)
{
    WatchState *state = read_bytes_between(file, places->states, places->labels);
    char *paths = read_bytes_between(file, places->watched, places->classes), whole[2 * PATH_MAX];
    bool same = state && paths;
    const char *path = paths;
    for (uint64_t i = 0; i < header->watched && same; i++) {
        same = snprintf(whole, sizeof whole, "%s%s", root, path) < PATH_MAX && watch_same(whole, &state[i]);
        path += strlen(path) + 1;
    }
    free(state);
    free(paths);
    return same;
}

static bool read_found(const Extent *file, const Header *header, const Places *places, SourceFound *found)
{
    CnnError none = {0};
    *found = (SourceFound){.divided = header->divided,
                           .label = read_bytes_between(file, places->labels, places->at)};
    memcpy(found->count, header->count, sizeof found->count);
    char *names = read_bytes_between(file, places->classes, places->names);
    const char *name = names;
    bool good = found->label && names;
    for (uint64_t i = 0; i < header->classes && good; i++) {
        good = listing_add(&found->classes, "", name, &none) == CNN_OK;
        name += strlen(name) + 1;
    }
    free(names);
    if (!good) {
        listing_free(&found->classes);
        free(found->label);
    }
    return good;
}

SourceIndex *source_index_recall(Key key, const char *root, SourceFound *found)
{
    char path[PATH_MAX];
    Extent file;
    Header header;
    Places places;
    CnnError none = {0};
    if (!index_path(key, path) || extent_open(path, &file, &none) != CNN_OK)
        return NULL;
    SourceIndex *index = malloc(sizeof *index);
    if (index && read_header(&file, key, &header, &places) && all_as_it_was(&file, &header, &places, root) &&
        read_found(&file, &header, &places, found)) {
        *index = (SourceIndex){file, (int64_t)header.samples, places.at, places.names};
        return index;
    }
    free(index);
    extent_close(&file);
    return NULL;
}

int64_t source_index_count(const SourceIndex *index)
{
    return index->samples;
}

CnnStatus source_index_name(const SourceIndex *index, int64_t sample, char *out, CnnError *error)
{
    uint64_t at[2];
    char name[NAME_BYTES];
    CnnError none = {0};
    if (extent_read(&index->file, at, sizeof at, index->at + (uint64_t)sample * sizeof *at, &none) ==
            CNN_OK &&
        at[0] < at[1] && at[1] - at[0] <= PATH_MAX &&
        extent_read(&index->file, out, (size_t)(at[1] - at[0]), index->names + at[0], &none) == CNN_OK &&
        out[at[1] - at[0] - 1] == '\0')
        return CNN_OK;
    *out = '\0';
    return cnn_fail(error, CNN_NO_RESOURCE, "%s was changed while it was in use: start again",
                    name_printable(index->file.path, name));
}

const char *source_index_path(const SourceIndex *index, uint64_t *bytes)
{
    *bytes = index->file.size;
    return index->file.path;
}

void source_index_close(SourceIndex *index)
{
    if (!index)
        return;
    extent_close(&index->file);
    free(index);
}

bool source_index_origin(const char *path, char *origin)
{
    Extent file;
    Header header;
    Places places;
    CnnError none = {0};
    if (extent_open(path, &file, &none) != CNN_OK)
        return false;
    bool read = extent_read(&file, &header, sizeof header, 0, &none) == CNN_OK &&
                memcmp(header.magic, MAGIC, sizeof MAGIC) == 0 && header.version == INDEX_VERSION &&
                find_places(&header, &places) && places.end == file.size && header.origin_bytes < PATH_MAX &&
                extent_read(&file, origin, (size_t)header.origin_bytes, places.origin, &none) == CNN_OK;
    origin[read ? header.origin_bytes : 0] = '\0';
    extent_close(&file);
    return read;
}
