/* Reading tar archives. All sizes of the file are checked against its length before they are used. Links are
 * never followed, but for hard links, which are second names of a member. */
#include "runtime/data/tar.h"

#include <stdlib.h>
#include <string.h>

enum {
    AT_SIZE = 124,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
    AT_EXTENDED = 482,      /* GNU: blocks of a sparse file's map follow */
    AT_MORE_EXTENDED = 504, /* the same in such a block */
    NAME_SIZE = 100,
    PREFIX_SIZE = 155,
    LONG_MOST = 1 << 20 /* bytes of a long name, or of a pax header */
};

/* What is known while the headers are read. */
typedef struct {
    Tar *tar;
    CnnError *error;
    uint64_t at;        /* of the next header */
    Listing links;      /* the targets of hard links */
    Bytes name, target; /* those that precede the header of the next member */
    bool has_name, has_target, has_size, sparse;
    uint64_t size;
} Reader;

/* A number of the header: octal digits, or, where the first bit is set, a big-endian one. */
static bool read_number(const unsigned char *at, size_t bytes, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    if (at[0] & 0x80) {
        for (i = 0; i < bytes; i++) {
            if (value >> 55)
                return false;
            value = value << 8 | (i == 0 ? at[0] & 0x7f : at[i]);
        }
        *out = value;
        return true;
    }
    while (i < bytes && at[i] == ' ')
        i++;
    for (; i < bytes && at[i] >= '0' && at[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(at[i] - '0');
    *out = value;
    return i == bytes || at[i] == '\0' || at[i] == ' ';
}

bool tar_begins(const unsigned char *block)
{
    uint64_t stored, sum = 0, signed_sum = 0; /* of signed bytes: some old programs wrote that */
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        unsigned char byte = i >= AT_SUM && i < AT_SUM + 8 ? ' ' : block[i];
        sum += byte;
        signed_sum += (uint64_t)(int64_t)(signed char)byte;
    }
    return read_number(block + AT_SUM, 8, &stored) && (stored == sum || stored == signed_sum);
}

static CnnStatus tar_damaged(const Reader *reader, const char *what)
{
    char name[NAME_BYTES];
    return cnn_fail(reader->error, CNN_BAD_INPUT, "%s: damaged tar archive: %s (at byte %llu)",
                    name_printable(reader->tar->path, name), what, (unsigned long long)reader->at);
}

static CnnStatus member_failed(const Tar *tar, const char *member, const char *what, CnnError *error)
{
    char archive[NAME_BYTES], name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s/%s: %s", name_printable(tar->path, archive),
                    name_printable(member, name), what);
}

/* A field of the header that ends with it or with a NUL; put behind what `out` has. */
static CnnStatus take_field(const unsigned char *field, size_t most, Bytes *out, CnnError *error)
{
    size_t length = strnlen((const char *)field, most);
    TRY(bytes_reserve(out, length + 1, error));
    memcpy(out->data, field, length);
    out->data[length] = '\0';
    return CNN_OK;
}

/* ---- Headers that tell of the next member ---- */

static CnnStatus load_long(Reader *reader, uint64_t at, uint64_t size, Bytes *out)
{
    if (size > LONG_MOST)
        return tar_damaged(reader, "a long name or a pax header is longer than can be");
    TRY(bytes_reserve(out, (size_t)size + 1, reader->error));
    TRY(extent_read(&reader->tar->file, out->data, (size_t)size, at, reader->error));
    out->data[size] = '\0';
    return CNN_OK;
}

static CnnStatus take_text(Bytes *out, bool *has, const char *text, CnnError *error)
{
    *has = true;
    return take_field((const unsigned char *)text, strlen(text), out, error);
}

static CnnStatus take_record(Reader *reader, const char *key, const char *value, bool *good)
{
    if (strncmp(key, "GNU.sparse.", strlen("GNU.sparse.")) == 0)
        reader->sparse = true;
    if (strcmp(key, "path") == 0 || strcmp(key, "GNU.sparse.name") == 0)
        return take_text(&reader->name, &reader->has_name, value, reader->error);
    if (strcmp(key, "linkpath") == 0)
        return take_text(&reader->target, &reader->has_target, value, reader->error);
    if (strcmp(key, "size") == 0) {
        char *end;
        reader->size = strtoull(value, &end, 10);
        reader->has_size = true;
        *good = *value >= '0' && *value <= '9' && *end == '\0';
    }
    return CNN_OK;
}

/* Records "LENGTH KEY=VALUE\n", LENGTH being that of the whole record. */
static CnnStatus take_pax(Reader *reader, Bytes *pax, size_t size)
{
    char *at = (char *)pax->data, *end = at + size;
    bool good = true;
    while (good && at < end && *at) {
        char *key, *value;
        unsigned long length = strtoul(at, &key, 10);
        good = key > at && *key == ' ' && length <= (size_t)(end - at) && at + length > key + 1 &&
               at[length - 1] == '\n';
        if (!good)
            break;
        at += length;
        at[-1] = '\0';
        value = strchr(++key, '=');
        good = value && value + 1 + strlen(value + 1) == at - 1;
        if (!good)
            break;
        *value++ = '\0';
        TRY(take_record(reader, key, value, &good));
    }
    return good ? CNN_OK : tar_damaged(reader, "a pax header is not of its form");
}

/* ---- Members ---- */

static CnnStatus add_member(Reader *reader, const TarMember *member, const char *name)
{
    Tar *tar = reader->tar;
    if (tar->count == tar->room) {
        size_t room = 2 * tar->room + 256;
        TarMember *larger = realloc(tar->members, room * sizeof *larger);
        if (!larger)
            return cnn_fail(reader->error, CNN_NO_RESOURCE,
                            "not enough memory for the names of the files in '%s'", tar->path);
        tar->members = larger;
        tar->room = room;
    }
    TRY(listing_add(&tar->names, "", name, reader->error));
    tar->members[tar->count++] = *member;
    return CNN_OK;
}

static const char *without_dot(const char *name)
{
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    return strcmp(name, ".") == 0 ? "" : name;
}

static const char *type_trouble(unsigned char type, bool sparse)
{
    if (type == '2')
        return "a symbolic link, which is not followed in an archive";
    if (type == '3' || type == '4' || type == '6')
        return "a device or a pipe";
    if (type == 'S' || sparse)
        return "a sparse file, which is not read: pack it anew without --sparse";
    return type == '0' || type == '\0' || type == '7' || type == '1' ? NULL : "of a kind that is not read";
}

/* The name of the member whose header this is, if no header before has told it. */
static CnnStatus take_name(Reader *reader, const unsigned char *block)
{
    if (reader->has_name)
        return CNN_OK;
    if (memcmp(block + AT_MAGIC, "ustar", 6) != 0 || block[AT_PREFIX] == '\0')
        return take_field(block, NAME_SIZE, &reader->name, reader->error);
    size_t prefix = strnlen((const char *)block + AT_PREFIX, PREFIX_SIZE);
    size_t length = strnlen((const char *)block, NAME_SIZE);
    TRY(bytes_reserve(&reader->name, prefix + length + 2, reader->error));
    memcpy(reader->name.data, block + AT_PREFIX, prefix);
    reader->name.data[prefix] = '/';
    memcpy(reader->name.data + prefix + 1, block, length);
    reader->name.data[prefix + 1 + length] = '\0';
    return CNN_OK;
}

static CnnStatus take_member(Reader *reader, const unsigned char *block, uint64_t start, uint64_t size)
{
    TRY(take_name(reader, block));
    unsigned char type = block[AT_TYPE];
    const char *name = without_dot((const char *)reader->name.data);
    size_t length = strlen(name);
    TarMember member = {.start = start, .size = size, .trouble = type_trouble(type, reader->sparse)};
    if (length == 0 && type != '5')
        return tar_damaged(reader, "a file has no name");
    if (length > 0 && !path_is_inside(name))
        return member_failed(reader->tar, name, "a name that leads out of the archive, or is none",
                             reader->error);
    if (type == '5' || type == 'D' || length == 0 || name[length - 1] == '/') /* folders need no entry */
        return CNN_OK;
    if (type == '1') {
        if (!reader->has_target)
            TRY(take_field(block + AT_LINK, NAME_SIZE, &reader->target, reader->error));
        TRY(listing_add(&reader->links, "", without_dot((const char *)reader->target.data), reader->error));
        member.link = reader->links.count;
    }
    return add_member(reader, &member, name);
}

/* Whether the header is followed by `size` bytes of its own. */
static bool type_has_bytes(unsigned char type)
{
    return type < '1' || type > '6';
}

/* Headers before a member's own, or of none. */
static bool type_is_of_next(unsigned char type)
{
    return type != '\0' && strchr("xXLKgV", type);
}

/* Takes what a header tells: of the next member, or of its own. */
static CnnStatus take_header(Reader *reader, const unsigned char *block, uint64_t start, uint64_t size)
{
    unsigned char type = block[AT_TYPE];
    CnnStatus status = CNN_OK;
    Bytes pax = {0};
    if (type == 'x' || type == 'X') {
        status = load_long(reader, start, size, &pax);
        if (status == CNN_OK)
            status = take_pax(reader, &pax, (size_t)size);
        bytes_free(&pax);
    } else if (type == 'L' || type == 'K') {
        status = load_long(reader, start, size, type == 'L' ? &reader->name : &reader->target);
        *(type == 'L' ? &reader->has_name : &reader->has_target) = true;
    } else if (!type_is_of_next(type)) {
        status = take_member(reader, block, start, size);
        reader->has_name = reader->has_target = reader->has_size = reader->sparse = false;
    }
    return status;
}

/* Goes behind the blocks of a sparse file's map that follow its header. */
static CnnStatus skip_map(Reader *reader, const unsigned char *header, uint64_t *start)
{
    const Extent *file = &reader->tar->file;
    unsigned char block[TAR_BLOCK];
    for (bool more = header[AT_EXTENDED]; more; more = block[AT_MORE_EXTENDED]) {
        if (file->size - *start < TAR_BLOCK)
            return tar_damaged(reader, "cut short within the map of a sparse file");
        TRY(extent_read(file, block, sizeof block, *start, reader->error));
        *start += TAR_BLOCK;
    }
    return CNN_OK;
}

/* Reads the header at reader->at, and goes to the next. */
static CnnStatus read_header(Reader *reader, bool *end)
{
    static const unsigned char zeros[TAR_BLOCK];
    const Extent *file = &reader->tar->file;
    unsigned char block[TAR_BLOCK];
    uint64_t size = 0, start = reader->at + TAR_BLOCK;
    if (start > file->size)
        return tar_damaged(reader, "cut short: the mark of its end is missing");
    TRY(extent_read(file, block, sizeof block, reader->at, reader->error));
    *end = memcmp(block, zeros, sizeof block) == 0;
    if (*end)
        return CNN_OK;
    unsigned char type = block[AT_TYPE];
    if (!tar_begins(block) || !read_number(block + AT_SIZE, 12, &size))
        return tar_damaged(reader, "the sum of a header is wrong");
    if (type == 'S')
        TRY(skip_map(reader, block, &start));
    if (!type_has_bytes(type))
        size = 0;
    else if (reader->has_size && !type_is_of_next(type))
        size = reader->size;
    if (size > file->size - start)
        return tar_damaged(reader, "cut short: a file in it would end behind its end");
    TRY(take_header(reader, block, start, size));
    reader->at = start + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    return CNN_OK;
}

static int member_compare(const void *a, const void *b)
{
    return strcmp(((const TarMember *)a)->name, ((const TarMember *)b)->name);
}

/* Gives hard links the bytes of the member that they are another name of. */
static void follow_links(Tar *tar, const Listing *links)
{
    for (size_t i = 0; i < tar->count; i++) {
        TarMember *member = &tar->members[i];
        if (member->link == 0)
            continue;
        const TarMember *target = tar_find(tar, listing_name(links, member->link - 1));
        if (target && target->link == 0) {
            member->start = target->start;
            member->size = target->size;
            member->trouble = target->trouble;
        } else {
            member->trouble = "a hard link to no file of the archive";
        }
    }
}

static CnnStatus read_members(Tar *tar, Reader *reader)
{
    for (bool end = false; !end;)
        TRY(read_header(reader, &end));
    for (size_t i = 0; i < tar->count; i++)
        tar->members[i].name = listing_name(&tar->names, i);
    if (tar->count > 0)
        qsort(tar->members, tar->count, sizeof *tar->members, member_compare);
    for (size_t i = 1; i < tar->count; i++)
        if (member_compare(&tar->members[i - 1], &tar->members[i]) == 0)
            return member_failed(tar, tar->members[i].name, "the archive holds this name twice",
                                 reader->error);
    follow_links(tar, &reader->links);
    return CNN_OK;
}

CnnStatus tar_open(Extent *file, const char *path, Tar *tar, CnnError *error)
{
    *tar = (Tar){.path = path, .file = *file};
    *file = (Extent){0};
    Reader reader = {.tar = tar, .error = error};
    CnnStatus status = read_members(tar, &reader);
    listing_free(&reader.links);
    bytes_free(&reader.name);
    bytes_free(&reader.target);
    if (status != CNN_OK)
        tar_close(tar);
    return status;
}

void tar_close(Tar *tar)
{
    extent_close(&tar->file);
    listing_free(&tar->names);
    free(tar->members);
    *tar = (Tar){0};
}

const TarMember *tar_find(const Tar *tar, const char *name)
{
    TarMember wanted = {.name = name};
    return tar->count ? bsearch(&wanted, tar->members, tar->count, sizeof wanted, member_compare) : NULL;
}

CnnStatus tar_load(const Tar *tar, const TarMember *member, Bytes *out, CnnError *error)
{
    if (member->trouble)
        return member_failed(tar, member->name, member->trouble, error);
    if (member->size > MEMBER_MOST_BYTES)
        return member_failed(tar, member->name, "larger than the limit of 1 GiB", error);
    TRY(bytes_reserve(out, (size_t)member->size, error));
    return extent_read(&tar->file, out->data, out->size, member->start, error);
}

CnnStatus tar_open_member(const Tar *tar, const TarMember *member, Extent *out, CnnError *error)
{
    char *path;
    if (member->trouble)
        return member_failed(tar, member->name, member->trouble, error);
    if (asprintf(&path, "%s/%s", tar->path, member->name) < 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a path");
    CnnStatus status = extent_part(&tar->file, path, member->start, member->size, out, error);
    free(path);
    return status;
}
