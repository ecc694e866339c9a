/* What the runtime uses of zlib, for a machine that zlib is not there for: sums, and the answer that nothing
 * can be unpacked. */
#include <stdint.h>
#include <zlib.h>

static const char COMPLAINT[] = "this program was built without zlib";

uLong crc32_z(uLong crc, const Bytef *bytes, z_size_t count)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    if (!bytes)
        return 0;
    uint32_t sum = ~(uint32_t)crc;
    for (z_size_t i = 0; i < count; i++) {
        sum = sum >> 4 ^ nibble[(sum ^ bytes[i]) & 15];
        sum = sum >> 4 ^ nibble[(sum ^ bytes[i] >> 4) & 15];
    }
    return ~sum;
}

const char *zError(int code)
{
    (void)code;
    return COMPLAINT;
}

const char *zlibVersion(void)
{
    return "none";
}

int inflateInit2_(z_streamp stream, int bits, const char *version, int size)
{
    (void)stream, (void)bits, (void)version, (void)size;
    return Z_VERSION_ERROR;
}

int inflate(z_streamp stream, int flush)
{
    (void)stream, (void)flush;
    return Z_STREAM_ERROR;
}

int inflateReset(z_streamp stream)
{
    (void)stream;
    return Z_STREAM_ERROR;
}

int inflateEnd(z_streamp stream)
{
    (void)stream;
    return Z_STREAM_ERROR;
}

gzFile gzdopen(int descriptor, const char *mode)
{
    (void)descriptor, (void)mode;
    return NULL;
}

int gzbuffer(gzFile file, unsigned size)
{
    (void)file, (void)size;
    return -1;
}

int gzread(gzFile file, voidp bytes, unsigned count)
{
    (void)file, (void)bytes, (void)count;
    return -1;
}

const char *gzerror(gzFile file, int *code)
{
    (void)file;
    *code = Z_STREAM_ERROR;
    return COMPLAINT;
}

int gzclose(gzFile file)
{
    (void)file;
    return Z_STREAM_ERROR;
}
