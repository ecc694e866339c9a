/* BMP: Microsoft's headers of 12 to 124 bytes and OS/2's, 1 to 32 bits a pixel, runs (RLE8, RLE4) and bit
 * masks. Rows are stored from the bottom up unless the height is negative; numbers begin with their lowest
 * byte. All sizes and places are checked against the file before they are used. */
#include "runtime/data/decode.h"

#include <string.h>

enum {
    FILE_HEAD = 14,
    CORE_HEAD = 12, /* of OS/2 1.x: sizes of 16 bits, colours of three bytes */
    INFO_HEAD = 40, /* with bit masks behind it, where the compression says so */
    MASK_HEAD = 52, /* with three bit masks in it */
    ALPHA_HEAD = 56,
    OS2_HEAD = 64, /* whose compression 3 is another one */
    LAST_HEAD = 124
};
enum { PLAIN, RUNS_8, RUNS_4, MASKS, ALPHA_MASKS = 6 };

typedef struct {
    int64_t height, width;
    bool top_down;
    unsigned bits, compression;
    uint32_t mask[4];            /* of red, green, blue, alpha in a pixel of 16 or 32 bits */
    unsigned char color[256][4]; /* RGBA, of pixels of up to 8 bits */
    bool grey;                   /* all colours are */
    size_t pixels;               /* where they begin */
} Bmp;

static uint32_t bmp_number(const Bytes *file, size_t at, int count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 8 | file->data[at + (size_t)count];
    return value;
}

static CnnStatus bmp_truncated(CnnError *error)
{
    return cnn_fail(error, CNN_BAD_INPUT, "truncated BMP");
}

/* The masks, which the file has or its bits imply. `at`: behind the header. Returns bytes that they take
 * there. */
static size_t bmp_masks(const Bytes *file, size_t head, size_t at, Bmp *bmp)
{
    static const uint32_t usual[2][4] = {{0x7c00, 0x3e0, 0x1f, 0}, {0xff0000, 0xff00, 0xff, 0}};
    int count = bmp->compression == ALPHA_MASKS || head >= ALPHA_HEAD ? 4 : 3;
    if (bmp->compression != MASKS && bmp->compression != ALPHA_MASKS) {
        memcpy(bmp->mask, usual[bmp->bits == 32], sizeof bmp->mask);
        return 0;
    }
    size_t from = head >= MASK_HEAD ? FILE_HEAD + INFO_HEAD : at, bytes = (size_t)count * 4;
    if (from + bytes <= file->size)
        for (int i = 0; i < count; i++)
            bmp->mask[i] = bmp_number(file, from + 4 * (size_t)i, 4);
    return head >= MASK_HEAD ? 0 : bytes;
}

static CnnStatus bmp_colors(const Bytes *file, size_t at, int entry, uint32_t used, Bmp *bmp, CnnError *error)
{
    size_t count = (size_t)1 << bmp->bits;
    count = used > 0 && used < count ? used : count;
    if (at > bmp->pixels || count > (bmp->pixels - at) / (size_t)entry)
        return cnn_fail(error, CNN_BAD_INPUT, "damaged BMP (its colours do not lie before its pixels)");
    bmp->grey = true;
    for (size_t i = 0; i < count; i++, at += (size_t)entry) {
        const unsigned char *color = file->data + at;
        memcpy(bmp->color[i], (unsigned char[]){color[2], color[1], color[0], 255}, 4);
        bmp->grey = bmp->grey && color[0] == color[1] && color[0] == color[2];
    }
    for (size_t i = count; i < 256; i++)
        bmp->color[i][3] = 255;
    return CNN_OK;
}

/* Whether the bits of a pixel and the compression go together. */
static bool bmp_possible(const Bmp *bmp, size_t head)
{
    switch (bmp->compression) {
    case PLAIN:
        return bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8 || bmp->bits == 16 || bmp->bits == 24 ||
               bmp->bits == 32;
    case RUNS_8:
        return bmp->bits == 8 && !bmp->top_down;
    case RUNS_4:
        return bmp->bits == 4 && !bmp->top_down;
    case MASKS:
    case ALPHA_MASKS:
        return head != OS2_HEAD && (bmp->bits == 16 || bmp->bits == 32);
    default:
        return false;
    }
}

static CnnStatus bmp_header(const Bytes *file, Bmp *bmp, CnnError *error)
{
    *bmp = (Bmp){0};
    if (file->size < FILE_HEAD + 4)
        return bmp_truncated(error);
    size_t head = bmp_number(file, FILE_HEAD, 4), at = FILE_HEAD + head;
    uint32_t used = 0;
    bool core = head == CORE_HEAD;
    if (!core && (head < INFO_HEAD || head > LAST_HEAD))
        return cnn_fail(error, CNN_BAD_INPUT, "damaged BMP (a header of %zu bytes is not known)", head);
    if (at > file->size)
        return bmp_truncated(error);
    bmp->pixels = bmp_number(file, 10, 4);
    bmp->width = core ? (int64_t)bmp_number(file, 18, 2) : (int32_t)bmp_number(file, 18, 4);
    bmp->height = core ? (int64_t)bmp_number(file, 20, 2) : (int32_t)bmp_number(file, 22, 4);
    bmp->bits = bmp_number(file, core ? 24 : 28, 2);
    if (!core) {
        bmp->compression = bmp_number(file, 30, 4);
        used = bmp_number(file, 46, 4);
    }
    bmp->top_down = bmp->height < 0;
    bmp->height = bmp->top_down ? -bmp->height : bmp->height;
    TRY(decode_size((uint64_t)bmp->height, bmp->width < 0 ? 0 : (uint64_t)bmp->width, error));
    if (!bmp_possible(bmp, head))
        return cnn_fail(error, CNN_BAD_INPUT,
                        "a BMP of a kind that is not supported (%u bits, compression %u)", bmp->bits,
                        bmp->compression);
    if (bmp->pixels < at || bmp->pixels > file->size)
        return cnn_fail(error, CNN_BAD_INPUT, "damaged BMP (its pixels would begin at byte %zu of %zu)",
                        bmp->pixels, file->size);
    if (bmp->bits > 8) {
        bmp_masks(file, head, at, bmp);
        return CNN_OK;
    }
    return bmp_colors(file, at, core ? 3 : 4, used, bmp, error);
}

/* What a mask takes out of a pixel, as 0 … 255; `missing` where the mask is empty. */
static unsigned char bmp_masked(uint32_t pixel, uint32_t mask, unsigned char missing)
{
    if (mask == 0)
        return missing;
    int shift = __builtin_ctz(mask);
    return (unsigned char)((uint64_t)((pixel & mask) >> shift) * 255 / (mask >> shift));
}

/* One row of a file without runs, from `in`. */
static void bmp_row(const Bmp *bmp, const unsigned char *in, unsigned char *out, int channels)
{
    unsigned bits = bmp->bits;
    for (int64_t x = 0; x < bmp->width; x++, out += channels) {
        unsigned char rgba[4] = {0, 0, 0, 255};
        if (bits <= 8) {
            unsigned shift = 8 - bits - (unsigned)(x * bits % 8), most = (1u << bits) - 1;
            memcpy(rgba, bmp->color[in[x * bits / 8] >> shift & most], 4);
        } else if (bits == 24) {
            for (int c = 0; c < 3; c++)
                rgba[c] = in[3 * x + 2 - c];
        } else {
            uint32_t pixel = 0;
            for (unsigned byte = bits / 8; byte-- > 0;)
                pixel = pixel << 8 | in[x * (bits / 8) + byte];
            for (int c = 0; c < 4; c++)
                rgba[c] = bmp_masked(pixel, bmp->mask[c], c == 3 ? 255 : 0);
        }
        decode_from_rgba(rgba, out, 1, channels);
    }
}

/* Where runs are written: colour numbers of the whole picture, the lowest row first. */
typedef struct {
    unsigned char *index;
    int64_t height, width, x, y;
} BmpRuns;

/* Pixels beyond the end of a row are dropped, as everywhere else. */
static void bmp_put(BmpRuns *runs, unsigned char value)
{
    if (runs->x < runs->width && runs->y < runs->height)
        runs->index[runs->y * runs->width + runs->x] = value;
    runs->x++;
}

/* Unpacks runs: (count, colour), or 0 and: 0, the row ends; 1, all ends; 2, columns and rows to skip; n,
 * n colours one by one, filled to an even number of bytes. */
static CnnStatus bmp_unpack(const Bytes *file, const Bmp *bmp, BmpRuns *runs, CnnError *error)
{
    const unsigned char *in = file->data;
    size_t at = bmp->pixels;
    bool half = bmp->bits == 4; /* two colours in a byte */
    while (runs->y < runs->height) {
        if (file->size - at < 2)
            return bmp_truncated(error);
        unsigned count = in[at], value = in[at + 1];
        at += 2;
        if (count > 0) {
            for (unsigned i = 0; i < count; i++)
                bmp_put(runs, (unsigned char)(!half ? value : i % 2 ? value & 15 : value >> 4));
        } else if (value == 0) {
            runs->x = 0;
            runs->y++;
        } else if (value == 1) {
            break;
        } else if (value == 2) {
            if (file->size - at < 2)
                return bmp_truncated(error);
            runs->x += in[at];
            runs->y += in[at + 1];
            at += 2;
        } else {
            size_t bytes = half ? (value + 1) / 2 : value;
            if (file->size - at < bytes)
                return bmp_truncated(error);
            for (unsigned i = 0; i < value; i++)
                bmp_put(runs, !half   ? in[at + i]
                              : i % 2 ? in[at + i / 2] & 15
                                      : (unsigned char)(in[at + i / 2] >> 4));
            at += bytes + bytes % 2;
            if (at > file->size)
                return bmp_truncated(error);
        }
    }
    return CNN_OK;
}

static CnnStatus bmp_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out,
                            int *orientation, CnnError *error)
{
    Bmp bmp;
    int channels = options->channels;
    const Bytes *file = &decoder->file;
    *orientation = 1;
    TRY(bmp_header(file, &bmp, error));
    bool packed = bmp.compression == RUNS_8 || bmp.compression == RUNS_4;
    size_t row_bytes = ((size_t)bmp.width * bmp.bits + 31) / 32 * 4;
    const unsigned char *in = file->data + bmp.pixels;
    if (!packed && row_bytes * (size_t)bmp.height > file->size - bmp.pixels)
        return bmp_truncated(error);
    TRY(picture_reserve(out, bmp.height, bmp.width, channels, DTYPE_U8, error));
    if (packed) {
        /* Without skipping, two bytes give 255 pixels at most. */
        if ((uint64_t)(bmp.height * bmp.width) > (uint64_t)(file->size - bmp.pixels) * 128)
            return cnn_fail(error, CNN_BAD_INPUT, "damaged BMP (fewer runs than its size asks for)");
        TRY(bytes_reserve(&decoder->turned, (size_t)(bmp.height * bmp.width), error));
        memset(decoder->turned.data, 0, decoder->turned.size);
        BmpRuns runs = {.index = decoder->turned.data, .height = bmp.height, .width = bmp.width};
        TRY(bmp_unpack(file, &bmp, &runs, error));
        in = decoder->turned.data;
        row_bytes = (size_t)bmp.width;
        bmp.bits = 8;
    }
    for (int64_t y = 0; y < bmp.height; y++, in += row_bytes)
        bmp_row(&bmp, in,
                (unsigned char *)out->data + (bmp.top_down ? y : bmp.height - 1 - y) * bmp.width * channels,
                channels);
    return CNN_OK;
}

static CnnStatus bmp_channels(PictureDecoder *decoder, int *channels, CnnError *error)
{
    Bmp bmp;
    TRY(bmp_header(&decoder->file, &bmp, error));
    *channels = bmp.mask[3] ? 4 : bmp.grey ? 1 : 3;
    return CNN_OK;
}

const PictureCodec bmp_codec = {bmp_decode, bmp_channels, NULL};
