/* Writing zip archives by hand, for tests. Included after data_test.h. */
#ifndef ZIP_TEST_H
#define ZIP_TEST_H

/* An archive while it is written. */
typedef struct {
    unsigned char file[65536], directory[8192];
    size_t used, directory_used;
    int entries;
    bool zip64;
} Writer;

typedef struct {
    bool deflated, encrypted, link;
    size_t claimed; /* size that is claimed; 0: the true one */
    int method;     /* that is claimed; 0: the true one */
} MemberOptions;

static inline void put(unsigned char **at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *(*at)++ = (unsigned char)(i < 8 ? value >> (8 * i) : 0);
}

static inline void add_member(Writer *writer, const char *name, const void *bytes, size_t size,
                              MemberOptions options)
{
    static unsigned char packed[65536];
    size_t packed_size = size, name_size = strlen(name);
    memcpy(packed, bytes, size);
    if (options.deflated) {
        z_stream stream = {.next_in = (unsigned char *)(uintptr_t)bytes,
                           .avail_in = (uInt)size,
                           .next_out = packed,
                           .avail_out = sizeof packed};
        assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        packed_size = stream.total_out;
        deflateEnd(&stream);
    }
    size_t offset = writer->used, claimed = options.claimed ? options.claimed : size;
    int method = options.method ? options.method : options.deflated ? 8 : 0;
    unsigned char *at = writer->file + offset;
    put(&at, 0x04034b50, 4);
    put(&at, 20, 2);
    put(&at, options.encrypted, 2);
    put(&at, (uint64_t)method, 2);
    put(&at, 0, 16); /* the time; sizes are taken from the directory */
    put(&at, name_size, 2);
    put(&at, 0, 2);
    memcpy(at, name, name_size);
    memcpy(at + name_size, packed, packed_size);
    writer->used = (size_t)(at - writer->file) + name_size + packed_size;
    at = writer->directory + writer->directory_used;
    put(&at, 0x02014b50, 4);
    put(&at, 0x0314, 2); /* made on Unix */
    put(&at, 20, 2);
    put(&at, options.encrypted, 2);
    put(&at, (uint64_t)method, 2);
    put(&at, 0, 4);
    put(&at, crc32_z(0, bytes, size), 4);
    put(&at, writer->zip64 ? UINT32_MAX : packed_size, 4);
    put(&at, writer->zip64 ? UINT32_MAX : claimed, 4);
    put(&at, name_size, 2);
    put(&at, writer->zip64 ? 28 : 0, 2);
    put(&at, 0, 6);
    put(&at, options.link ? (uint64_t)0120777 << 16 : (uint64_t)0100644 << 16, 4);
    put(&at, writer->zip64 ? UINT32_MAX : offset, 4);
    memcpy(at, name, name_size);
    at += name_size;
    if (writer->zip64) {
        put(&at, 1, 2);
        put(&at, 24, 2);
        put(&at, claimed, 8);
        put(&at, packed_size, 8);
        put(&at, offset, 8);
    }
    writer->directory_used = (size_t)(at - writer->directory);
    writer->entries++;
}

static inline void write_zip(Writer *writer, const char *path)
{
    size_t offset = writer->used;
    memcpy(writer->file + offset, writer->directory, writer->directory_used);
    unsigned char *at = writer->file + offset + writer->directory_used, *record = at;
    if (writer->zip64) {
        put(&at, 0x06064b50, 4);
        put(&at, 44, 8);
        put(&at, 0x002d002d, 4);
        put(&at, 0, 8);
        put(&at, (uint64_t)writer->entries, 8);
        put(&at, (uint64_t)writer->entries, 8);
        put(&at, writer->directory_used, 8);
        put(&at, offset, 8);
        put(&at, 0x07064b50, 4);
        put(&at, 0, 4);
        put(&at, (uint64_t)(record - writer->file), 8);
        put(&at, 1, 4);
    }
    put(&at, 0x06054b50, 4);
    put(&at, 0, 4);
    put(&at, writer->zip64 ? UINT16_MAX : (uint64_t)writer->entries, 2);
    put(&at, writer->zip64 ? UINT16_MAX : (uint64_t)writer->entries, 2);
    put(&at, writer->zip64 ? UINT32_MAX : writer->directory_used, 4);
    put(&at, writer->zip64 ? UINT32_MAX : offset, 4);
    put(&at, 5, 2);
    memcpy(at, "hello", 5); /* a comment */
    write_bytes(path, writer->file, (size_t)(at - writer->file) + 5);
}

#endif
