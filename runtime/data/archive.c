/* A source inside an archive: the archive as a tree, which the inner source reads through. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/data/archive_files.h"
#include "runtime/data/source.h"
#include "runtime/data/stamp.h"
#include "runtime/data/tree.h"

typedef struct {
    Source source; /* all is passed on to the inner one */
    Tree tree;
    char path[PATH_MAX]; /* of the archive, with which all paths inside begin */
    ArchiveFiles files;
    Source *inner;
} ArchiveSource;

typedef struct {
    const char *file;
} ArchiveArgs;

static const Field archive_fields[] = {
    FIELD(ArchiveArgs, file, FIELD_TEXT, .path = true,
          .doc = "the archive: .zip, .tar, .tar.gz, .tar.bz2, .tar.xz or .tar.zst"),
    FIELDS_END,
};
const Schema archive_schema = {
    .word = "archive",
    .doc =
        "The source in { }, whose files lie in an archive. They are read from it at random and in parallel; "
        "only a compressed tar archive is unpacked first, into one file of the cache folder. The path of the "
        "source inside starts from the top of the archive, which is \".\".",
    .places = IN_DATA | IN_SOURCE,
    .body = IN_SOURCE,
    .fields = archive_fields,
    .args_bytes = sizeof(ArchiveArgs),
    .example = "archive \"data/plants.zip\" { folder \".\" }",
};

static const ArchiveSource *archive_of(const Tree *tree)
{
    return (const ArchiveSource *)((const char *)tree - offsetof(ArchiveSource, tree));
}

/* What follows the archive's own path: the name of a member or of a folder, "" for the top. */
static const char *archive_inside(const ArchiveSource *archive, const char *path)
{
    path += strlen(archive->path);
    return path + (*path == '/');
}

static CnnStatus archive_resolve(const Tree *tree, const char *base, const char *path, char *out,
                                 CnnError *error)
{
    (void)base; /* paths start from the top of the archive */
    const ArchiveSource *archive = archive_of(tree);
    char name[NAME_BYTES];
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    TRY(path_join(archive->path, strcmp(path, ".") == 0 ? "" : path, out, error));
    for (size_t end = strlen(out); end > strlen(archive->path) && out[end - 1] == '/'; end--)
        out[end - 1] = '\0';
    const char *inside = archive_inside(archive, out);
    size_t length = strlen(inside), first = archive_files_lower_bound(&archive->files, inside);
    for (size_t i = first; length > 0; i++) { /* names such as a-b stand between a and a/b */
        const char *member =
            i < archive_files_count(&archive->files) ? archive_files_name(&archive->files, i) : "";
        if (strncmp(member, inside, length) != 0)
            return cnn_fail(error, CNN_BAD_INPUT, "'%s' is not in the archive", name_printable(out, name));
        if (member[length] == '/' || member[length] == '\0')
            break;
    }
    return CNN_OK;
}

/* A part of a path that is left out: hidden, or what macOS adds to its archives. */
static bool part_is_hidden(const char *part, size_t length)
{
    return *part == '.' || (length == strlen("__MACOSX") && memcmp(part, "__MACOSX", length) == 0);
}

/* Members under a folder: calls are made for the range from *first that begins with `prefix`. */
static CnnStatus archive_prefix(const ArchiveSource *archive, const char *path, char prefix[PATH_MAX],
                                size_t *first, CnnError *error)
{
    const char *inside = archive_inside(archive, path);
    *prefix = '\0';
    if (*inside)
        TRY(path_join(inside, "", prefix, error));
    size_t length = strlen(prefix);
    if (length + 1 >= PATH_MAX)
        return cnn_fail(error, CNN_BAD_INPUT, "a path in '%s' is too long", archive->path);
    if (length > 0)
        memcpy(prefix + length, "/", 2);
    *first = archive_files_lower_bound(&archive->files, prefix);
    return CNN_OK;
}

static CnnStatus archive_list(const Tree *tree, Listing *listing, const char *path, EntryKind kind,
                              CnnError *error)
{
    const ArchiveSource *archive = archive_of(tree);
    char prefix[PATH_MAX], part[PATH_MAX];
    const char *last = "";
    size_t first;
    TRY(archive_prefix(archive, path, prefix, &first, error));
    size_t skip = strlen(prefix), last_length = 0;
    for (size_t i = first; i < archive_files_count(&archive->files); i++) {
        const char *name = archive_files_name(&archive->files, i);
        if (strncmp(name, prefix, skip) != 0)
            break;
        name += skip;
        size_t length = strcspn(name, "/");
        EntryKind is = name[length] == '/' ? ENTRY_FOLDER : ENTRY_FILE;
        bool again = length == last_length && memcmp(name, last, length) == 0;
        if (is != kind || again || part_is_hidden(name, length))
            continue;
        if (length >= sizeof part)
            return cnn_fail(error, CNN_BAD_INPUT, "a path in '%s' is too long", archive->path);
        memcpy(part, name, length);
        part[length] = '\0';
        TRY(listing_add(listing, "", part, error));
        last = name;
        last_length = length;
    }
    listing_sort(listing);
    return CNN_OK;
}

static bool any_part_is_hidden(const char *name)
{
    for (const char *part = name; *part;) {
        size_t length = strcspn(part, "/");
        if (part_is_hidden(part, length))
            return true;
        part += length + (part[length] == '/');
    }
    return false;
}

static CnnStatus archive_list_below(const Tree *tree, Listing *listing, const char *path,
                                    bool (*wanted)(const char *name), size_t *others, CnnError *error)
{
    const ArchiveSource *archive = archive_of(tree);
    char prefix[PATH_MAX];
    size_t first;
    *others = 0;
    TRY(archive_prefix(archive, path, prefix, &first, error));
    size_t skip = strlen(prefix);
    for (size_t i = first; i < archive_files_count(&archive->files); i++) {
        const char *name = archive_files_name(&archive->files, i);
        if (strncmp(name, prefix, skip) != 0)
            break;
        if (any_part_is_hidden(name + skip))
            continue;
        if (wanted(name))
            TRY(listing_add(listing, "", name + skip, error));
        else
            ++*others;
    }
    listing_sort(listing);
    return CNN_OK;
}

static CnnStatus archive_find(const ArchiveSource *archive, const char *path, size_t *member, CnnError *error)
{
    char name[NAME_BYTES];
    const char *inside = archive_inside(archive, path);
    *member = archive_files_lower_bound(&archive->files, inside);
    if (*member == archive_files_count(&archive->files) ||
        strcmp(archive_files_name(&archive->files, *member), inside) != 0)
        return cnn_fail(error, CNN_BAD_INPUT, "'%s' is not in the archive", name_printable(path, name));
    return CNN_OK;
}

static CnnStatus archive_load(const Tree *tree, const char *path, Bytes *out, CnnError *error)
{
    const ArchiveSource *archive = archive_of(tree);
    size_t member;
    TRY(archive_find(archive, path, &member, error));
    return archive_files_load(&archive->files, member, out, error);
}

static CnnStatus archive_open_file(const Tree *tree, const char *path, Extent *out, CnnError *error)
{
    const ArchiveSource *archive = archive_of(tree);
    size_t member;
    TRY(archive_find(archive, path, &member, error));
    return archive_files_open_file(&archive->files, member, out, error);
}

static CnnStatus archive_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                                Picture *out, CnnError *error)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    return inner->read(inner, index, want_height, want_width, out, error);
}

static CnnStatus archive_random(Source *source, int64_t index, uint64_t key, Picture *out, CnnError *error)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    return inner->read_random(inner, index, key, out, error);
}

static double archive_label(Source *source, int64_t index)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    return inner->label(inner, index);
}

static void archive_name(Source *source, int64_t index, char *out, size_t bytes)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    inner->name(inner, index, out, bytes);
}

static CnnStatus archive_group(Source *source, const char *by, int64_t *group, int64_t *groups,
                               CnnError *error)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    return inner->group(inner, by, group, groups, error);
}

static CnnStatus archive_square(Source *source, int64_t side, int64_t *group, int64_t *groups,
                                CnnError *error)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    return inner->square(inner, side, group, groups, error);
}

static CnnStatus archive_part_squares(Source *source, int64_t side, unsigned char *part, CnnError *error)
{
    Source *inner = ((ArchiveSource *)source)->inner;
    return inner->part_squares(inner, side, part, error);
}

static void archive_stamp(Source *source, Stamp *stamp)
{
    const char *path = ((const ArchiveSource *)source)->path;
    stamp_place(stamp, path);
    stamp_file(stamp, path, ""); /* whatever changes in it changes it */
}

static void archive_close(Source *source)
{
    ArchiveSource *archive = (ArchiveSource *)source;
    if (archive->inner)
        archive->inner->close(archive->inner);
    archive_files_close(&archive->files);
    free(archive);
}

static CnnStatus archive_open(const CnnStatement *statement, const char *base, Source **out, CnnError *error)
{
    const ArchiveArgs *args = statement->args;
    const CnnStatement *body = statement->body.items;
    if (statement->body.count != 1)
        return cnn_fail(error, CNN_BAD_INPUT, "'archive' takes one source in { }, not %d",
                        statement->body.count);
    if (source_kind_of(body->schema)->open_around)
        return cnn_fail(error, CNN_BAD_INPUT, "an archive in an archive is not read: unpack the outer one");
    ArchiveSource *archive = calloc(1, sizeof *archive);
    if (!archive)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'", args->file);
    CnnStatus status = path_resolve(base, args->file, archive->path, error);
    if (status == CNN_OK)
        status = archive_files_open(archive->path, &archive->files, error);
    if (status != CNN_OK) {
        free(archive);
        return status;
    }
    archive->tree = (Tree){.resolve = archive_resolve,
                           .list = archive_list,
                           .list_below = archive_list_below,
                           .load = archive_load,
                           .open = archive_open_file};
    status = source_kind_of(body->schema)->open_in(body->args, &archive->tree, "", &archive->inner, error);
    if (status != CNN_OK) {
        archive_close(&archive->source);
        return status;
    }
    archive->source = (Source){.info = archive->inner->info,
                               .read = archive_sample,
                               .read_random = archive->inner->read_random ? archive_random : NULL,
                               .label = archive_label,
                               .group = archive->inner->group ? archive_group : NULL,
                               .square = archive->inner->square ? archive_square : NULL,
                               .part_squares = archive->inner->part_squares ? archive_part_squares : NULL,
                               .name = archive_name,
                               .stamp = archive_stamp,
                               .close = archive_close};
    if (archive->files.unpacked > 0) {
        archive->source.info.unpacked = archive->files.tar.file.path;
        archive->source.info.unpacked_bytes = archive->files.unpacked;
    }
    *out = &archive->source;
    return CNN_OK;
}

const SourceKind source_archive = {
    .schema = &archive_schema, .libraries = LIBRARY_UNPACK, .open_around = archive_open};
