/* Reading zip archives. Section numbers are those of APPNOTE.TXT. All sizes and offsets of the file are
 * checked against its length before they are used. */
#include "runtime/data/zip.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
    END_BYTES = 22,     /* end of central directory record, 4.3.16 */
    END64_BYTES = 56,   /* the same of Zip64, 4.3.14 */
    LOCATOR_BYTES = 20, /* 4.3.15 */
    ENTRY_BYTES = 46,   /* central directory header, 4.3.12 */
    LOCAL_BYTES = 30,   /* local file header, 4.3.7 */
    COMMENT_MOST = 65535,
    UNIX_HOST = 3,
    DEFLATE_MOST_RATIO = 1032 /* 258 bytes by two bits */
};

static uint64_t little(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static CnnStatus zip_damaged(const Zip *zip, const char *what, CnnError *error)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: damaged zip archive: %s", name_printable(zip->file.path, name),
                    what);
}

static CnnStatus member_failed(const Zip *zip, const ZipMember *member, const char *what, CnnError *error)
{
    char archive[NAME_BYTES], name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s/%s: %s", name_printable(zip->file.path, archive),
                    name_printable(member->name, name), what);
}

/* Where the directory lies. */
typedef struct {
    uint64_t offset, size, entries;
} Directory;

/* Takes the directory's place from Zip64's record, which a locator before the end record points to. */
static CnnStatus find_directory64(const Zip *zip, uint64_t end, Directory *directory, CnnError *error)
{
    unsigned char locator[LOCATOR_BYTES], record[END64_BYTES];
    if (end < LOCATOR_BYTES)
        return zip_damaged(zip, "the Zip64 locator is missing", error);
    TRY(extent_read(&zip->file, locator, sizeof locator, end - LOCATOR_BYTES, error));
    uint64_t at = little(locator + 8, 8);
    if (memcmp(locator, "PK\6\7", 4) != 0 || end < END64_BYTES || at > end - END64_BYTES)
        return zip_damaged(zip, "the Zip64 locator is missing or wrong", error);
    TRY(extent_read(&zip->file, record, sizeof record, at, error));
    if (memcmp(record, "PK\6\6", 4) != 0)
        return zip_damaged(zip, "the Zip64 end record is missing", error);
    *directory = (Directory){little(record + 48, 8), little(record + 40, 8), little(record + 32, 8)};
    return CNN_OK;
}

static CnnStatus find_directory(const Zip *zip, Directory *directory, CnnError *error)
{
    char name[NAME_BYTES];
    size_t size =
        zip->file.size < END_BYTES + COMMENT_MOST ? (size_t)zip->file.size : END_BYTES + COMMENT_MOST;
    Bytes tail = {0};
    TRY(bytes_reserve(&tail, size, error));
    CnnStatus status = extent_read(&zip->file, tail.data, size, zip->file.size - size, error);
    const unsigned char *found = NULL;
    for (size_t at = size; status == CNN_OK && !found && at >= END_BYTES; at--) {
        const unsigned char *record = tail.data + at - END_BYTES;
        if (memcmp(record, "PK\5\6", 4) == 0 && at + little(record + 20, 2) == size)
            found = record;
    }
    if (status == CNN_OK && !found)
        status = cnn_fail(error, CNN_BAD_INPUT,
                          "%s: not a zip archive, or one that is cut short: no directory is at its end",
                          name_printable(zip->file.path, name));
    if (status == CNN_OK) {
        uint64_t end = zip->file.size - size + (uint64_t)(found - tail.data);
        *directory = (Directory){little(found + 16, 4), little(found + 12, 4), little(found + 10, 2)};
        if (little(found + 4, 2) != little(found + 6, 2))
            status = zip_damaged(zip, "it is one part of several", error);
        else if (directory->offset == UINT32_MAX || directory->size == UINT32_MAX ||
                 directory->entries == UINT16_MAX)
            status = find_directory64(zip, end, directory, error);
        if (status == CNN_OK && (directory->offset > end || directory->size > end - directory->offset ||
                                 directory->entries > directory->size / ENTRY_BYTES))
            status = zip_damaged(zip, "the directory does not fit into it", error);
    }
    bytes_free(&tail);
    return status;
}

/* Replaces the values that stand in Zip64's extra field (4.5.3) in place of those that are all ones. */
static bool member_extend(ZipMember *member, const unsigned char *extra, size_t size)
{
    uint64_t *const values[] = {&member->size, &member->packed, &member->header};
    while (size >= 4) {
        uint64_t id = little(extra, 2), length = little(extra + 2, 2);
        if (length > size - 4)
            return false;
        if (id == 1) {
            const unsigned char *at = extra + 4, *end = at + length;
            for (int i = 0; i < 3; i++) {
                if (*values[i] != UINT32_MAX)
                    continue;
                if (end - at < 8)
                    return false;
                *values[i] = little(at, 8);
                at += 8;
            }
            return true;
        }
        extra += 4 + length;
        size -= 4 + (size_t)length;
    }
    return member->size != UINT32_MAX && member->packed != UINT32_MAX && member->header != UINT32_MAX;
}

/* Reads the entry at `entry`, of at most `room` bytes, and moves its name to the front of the entry, which
 * makes room for the NUL behind it. *bytes: how long the entry is. */
static CnnStatus read_entry(const Zip *zip, unsigned char *entry, size_t room, ZipMember *member,
                            size_t *bytes, CnnError *error)
{
    if (room < ENTRY_BYTES || memcmp(entry, "PK\1\2", 4) != 0)
        return zip_damaged(zip, "an entry of the directory is missing", error);
    size_t name_bytes = (size_t)little(entry + 28, 2), extra_bytes = (size_t)little(entry + 30, 2);
    *bytes = ENTRY_BYTES + name_bytes + extra_bytes + (size_t)little(entry + 32, 2);
    if (*bytes > room)
        return zip_damaged(zip, "an entry of the directory is cut short", error);
    char *name = (char *)entry;
    *member = (ZipMember){.header = little(entry + 42, 4),
                          .packed = little(entry + 20, 4),
                          .size = little(entry + 24, 4),
                          .crc = (uint32_t)little(entry + 16, 4),
                          .method = (uint16_t)little(entry + 10, 2),
                          .encrypted = little(entry + 8, 2) & 1,
                          .link = entry[5] == UNIX_HOST && S_ISLNK(little(entry + 40, 2))};
    bool whole = member_extend(member, entry + ENTRY_BYTES + name_bytes, extra_bytes);
    memmove(name, entry + ENTRY_BYTES, name_bytes);
    name[name_bytes] = '\0';
    bool no_nul = strlen(name) == name_bytes;
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    member->name = name;
    if (!no_nul || (*name && !path_is_inside(name)))
        return member_failed(zip, member, "a name that leads out of the archive, or is none", error);
    return whole ? CNN_OK : member_failed(zip, member, "damaged: its Zip64 sizes are missing", error);
}

static int member_compare(const void *a, const void *b)
{
    return strcmp(((const ZipMember *)a)->name, ((const ZipMember *)b)->name);
}

static CnnStatus read_members(Zip *zip, const Directory *directory, CnnError *error)
{
    zip->directory = malloc((size_t)directory->size + 1);
    zip->members = calloc((size_t)directory->entries + 1, sizeof *zip->members);
    if (!zip->directory || !zip->members)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the directory of %llu files",
                        (unsigned long long)directory->entries);
    TRY(extent_read(&zip->file, zip->directory, (size_t)directory->size, directory->offset, error));
    size_t at = 0, bytes = 0;
    for (uint64_t i = 0; i < directory->entries; i++, at += bytes) {
        ZipMember *member = &zip->members[zip->count];
        TRY(read_entry(zip, zip->directory + at, (size_t)directory->size - at, member, &bytes, error));
        size_t length = strlen(member->name);
        zip->count += length > 0 && member->name[length - 1] != '/'; /* folders need no entry of their own */
    }
    qsort(zip->members, zip->count, sizeof *zip->members, member_compare);
    for (size_t i = 1; i < zip->count; i++)
        if (member_compare(&zip->members[i - 1], &zip->members[i]) == 0)
            return member_failed(zip, &zip->members[i], "the archive holds this name twice", error);
    return CNN_OK;
}

CnnStatus zip_open(const char *path, Zip *zip, CnnError *error)
{
    Extent file;
    TRY(extent_open(path, &file, error));
    return zip_open_extent(&file, zip, error);
}

CnnStatus zip_open_extent(Extent *file, Zip *zip, CnnError *error)
{
    Directory directory;
    *zip = (Zip){.file = *file};
    *file = (Extent){0};
    CnnStatus status = find_directory(zip, &directory, error);
    if (status == CNN_OK)
        status = read_members(zip, &directory, error);
    if (status != CNN_OK)
        zip_close(zip);
    return status;
}

void zip_close(Zip *zip)
{
    extent_close(&zip->file);
    free(zip->directory);
    free(zip->members);
    *zip = (Zip){0};
}

const ZipMember *zip_find(const Zip *zip, const char *name)
{
    ZipMember wanted = {.name = name};
    return zip->count ? bsearch(&wanted, zip->members, zip->count, sizeof wanted, member_compare) : NULL;
}

/* Unpacks member->packed bytes at `at` into out, which has its size. */
static CnnStatus member_inflate(const Zip *zip, const ZipMember *member, uint64_t at, Bytes *out,
                                CnnError *error)
{
    enum { CHUNK = 16384 };
    unsigned char chunk[CHUNK], beyond;
    uint64_t left = member->packed;
    z_stream stream = {.next_out = out->data, .avail_out = (uInt)out->size};
    int code = inflateInit2(&stream, -MAX_WBITS);
    if (code != Z_OK)
        return cnn_fail(error, CNN_NO_RESOURCE, "it cannot be unpacked: %s", zError(code));
    CnnStatus status = CNN_OK;
    int state = Z_OK;
    while (status == CNN_OK && state == Z_OK && stream.total_out <= out->size) {
        if (stream.avail_in == 0 && left > 0) {
            size_t count = left < CHUNK ? (size_t)left : CHUNK;
            status = extent_read(&zip->file, chunk, count, at, error);
            stream.next_in = chunk;
            stream.avail_in = (uInt)count;
            at += count;
            left -= count;
        }
        if (status == CNN_OK && stream.avail_out == 0) { /* one byte more tells the end from too much */
            stream.next_out = &beyond;
            stream.avail_out = 1;
        }
        if (status == CNN_OK)
            state = inflate(&stream, Z_NO_FLUSH); /* Z_BUF_ERROR when the bytes have run out */
    }
    uLong total = stream.total_out;
    inflateEnd(&stream);
    if (status == CNN_OK && (state != Z_STREAM_END || total != out->size))
        status = member_failed(zip, member,
                               total > out->size ? "damaged: it unpacks to more bytes than it says"
                                                 : "damaged: it cannot be unpacked",
                               error);
    return status;
}

/* Checks what the directory and the member's own header say of it, and finds its packed bytes. */
static CnnStatus member_place(const Zip *zip, const ZipMember *member, uint64_t *at, CnnError *error)
{
    unsigned char local[LOCAL_BYTES];
    if (member->encrypted)
        return member_failed(zip, member, "encrypted, which is not read", error);
    if (member->link)
        return member_failed(zip, member, "a symbolic link, which is not followed in an archive", error);
    if (member->method != 0 && member->method != Z_DEFLATED)
        return member_failed(zip, member, "packed by a method other than deflate: pack it anew with `zip`",
                             error);
    if (member->method == 0 ? member->size != member->packed
                            : member->size / DEFLATE_MOST_RATIO > member->packed)
        return member_failed(zip, member, "damaged: its size does not agree with its packed size", error);
    if (zip->file.size < LOCAL_BYTES || member->header > zip->file.size - LOCAL_BYTES)
        return member_failed(zip, member, "damaged: it would begin behind the end of the archive", error);
    TRY(extent_read(&zip->file, local, sizeof local, member->header, error));
    *at = member->header + LOCAL_BYTES + little(local + 26, 2) + little(local + 28, 2);
    if (memcmp(local, "PK\3\4", 4) != 0)
        return member_failed(zip, member, "damaged: its header is missing", error);
    if (*at > zip->file.size || member->packed > zip->file.size - *at)
        return member_failed(zip, member, "damaged: it would end behind the end of the archive", error);
    return CNN_OK;
}

CnnStatus zip_load(const Zip *zip, const ZipMember *member, Bytes *out, CnnError *error)
{
    uint64_t at;
    if (member->size > MEMBER_MOST_BYTES)
        return member_failed(zip, member, "larger than the limit of 1 GiB", error);
    TRY(member_place(zip, member, &at, error));
    TRY(bytes_reserve(out, (size_t)member->size, error));
    if (member->method == 0)
        TRY(extent_read(&zip->file, out->data, out->size, at, error));
    else
        TRY(member_inflate(zip, member, at, out, error));
    if (crc32_z(crc32_z(0, NULL, 0), out->data, out->size) != member->crc)
        return member_failed(zip, member, "damaged: its check sum is wrong", error);
    return CNN_OK;
}

CnnStatus zip_open_member(const Zip *zip, const ZipMember *member, Extent *out, CnnError *error)
{
    uint64_t at;
    char *path;
    if (member->method != 0 && member->size > MEMBER_MOST_BYTES)
        return member_failed(zip, member,
                             "compressed, and larger than the 1 GiB that are unpacked into memory: store it "
                             "uncompressed (numpy.savez, zip -0)",
                             error);
    TRY(member_place(zip, member, &at, error));
    if (asprintf(&path, "%s/%s", zip->file.path, member->name) < 0)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a path");
    Bytes bytes = {0};
    CnnStatus status;
    if (member->method == 0) {
        status = extent_part(&zip->file, path, at, member->size, out, error);
    } else {
        status = zip_load(zip, member, &bytes, error);
        if (status == CNN_OK)
            status = extent_hold(path, &bytes, out, error);
        bytes_free(&bytes);
    }
    free(path);
    return status;
}
