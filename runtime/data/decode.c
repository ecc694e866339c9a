/* A file becomes a picture: recognised, decoded, turned the right way up. */
#include "runtime/data/decode.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/data/sound.h"

void decoder_free(PictureDecoder *decoder)
{
    if (!decoder)
        return;
    bytes_free(&decoder->file);
    bytes_free(&decoder->turned);
    if (decoder->jpeg)
        jpeg_decoder_free(decoder->jpeg);
    sound_decoder_free(decoder->sound);
    free(decoder);
}

CnnStatus decode_size(uint64_t height, uint64_t width, CnnError *error)
{
    if (height == 0 || width == 0)
        return cnn_fail(error, CNN_BAD_INPUT, "it has no pixels");
    if (height > DECODE_MOST_PIXELS || width > DECODE_MOST_PIXELS / height)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "larger than the limit: %llu x %llu pixels (height x width), at most %llu "
                        "in all",
                        (unsigned long long)height, (unsigned long long)width,
                        (unsigned long long)DECODE_MOST_PIXELS);
    return CNN_OK;
}

void decode_grey(const unsigned char *rgb, unsigned char *grey, int64_t n)
{
    for (int64_t i = 0; i < n; i++, rgb += 3) /* 2^16 times 0.299, 0.587, 0.114 */
        grey[i] = (unsigned char)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

void decode_from_rgba(const unsigned char *rgba, unsigned char *out, int64_t n, int channels)
{
    if (channels == 4) {
        memmove(out, rgba, (size_t)n * 4);
        return;
    }
    for (int64_t i = 0; i < n; i++, rgba += 4, out += channels) {
        unsigned char pixel[3] = {rgba[0], rgba[1], rgba[2]};
        if (channels == 1)
            decode_grey(pixel, out, 1);
        else
            memcpy(out, pixel, 3);
    }
}

/* Turns a picture stored in orientation 2 … 8 (EXIF, figure of section 4.6.4 A) as it is to be seen:
 * orientations from 5 on exchange rows and columns; then rows, columns or both run backwards. */
static CnnStatus picture_turn(Picture *picture, Bytes *turned, int orientation, CnnError *error)
{
    bool exchanged = orientation >= 5;
    bool rows_back = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool columns_back = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int64_t height = picture->height, width = picture->width, channels = picture->channels;
    int64_t out_height = exchanged ? width : height, out_width = exchanged ? height : width;
    TRY(bytes_reserve(turned, (size_t)(height * width * channels), error));
    const unsigned char *in = picture->data;
    unsigned char *out = turned->data;
    for (int64_t y = 0; y < out_height; y++)
        for (int64_t x = 0; x < out_width; x++, out += channels) {
            int64_t row = exchanged ? x : y, column = exchanged ? y : x;
            row = rows_back ? height - 1 - row : row;
            column = columns_back ? width - 1 - column : column;
            memcpy(out, in + (row * width + column) * channels, (size_t)channels);
        }
    void *data = picture->data;
    size_t capacity = picture->capacity;
    picture->data = turned->data;
    picture->capacity = turned->capacity;
    turned->data = data;
    turned->capacity = capacity;
    picture->height = out_height;
    picture->width = out_width;
    return CNN_OK;
}

/* What a file is that is no picture of a known format. */
static const char *file_kind(const Bytes *file)
{
    static const struct {
        const char *bytes, *name;
    } kinds[] = {{"<", "a web page or SVG"}, {"%PDF", "a PDF document"}, {"PK", "a zip archive"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t length = strlen(kinds[i].bytes);
        if (file->size >= length && memcmp(file->data, kinds[i].bytes, length) == 0)
            return kinds[i].name;
    }
    return file->size == 0 ? "an empty file" : "of an unknown kind";
}

CnnStatus decoder_open(Picture *picture, CnnError *error)
{
    if (!picture->decoder && !(picture->decoder = calloc(1, sizeof *picture->decoder)))
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a decoder");
    return CNN_OK;
}

CnnStatus decoder_bytes(Picture *picture, size_t size, unsigned char **out, CnnError *error)
{
    TRY(decoder_open(picture, error));
    TRY(bytes_reserve(&picture->decoder->file, size, error));
    *out = picture->decoder->file.data;
    return CNN_OK;
}

/* Loads the file into picture->decoder and finds who decodes it. */
static CnnStatus decode_load(const Tree *tree, const char *path, Picture *picture, const PictureCodec **codec,
                             CnnError *error)
{
    char name[NAME_BYTES];
    TRY(decoder_open(picture, error));
    TRY(tree->load(tree, path, &picture->decoder->file, error));
    const PictureFormat *format = picture_format_of(picture->decoder->file.data, picture->decoder->file.size);
    if (!format)
        return cnn_fail(error, CNN_BAD_INPUT, "%s: not a picture, but %s", name_printable(path, name),
                        file_kind(&picture->decoder->file));
    *codec = format->codec;
    return picture_format_check(format, path, error);
}

/* Passes on what a decoder said, with the path before it. */
static CnnStatus decode_failed(const char *path, const CnnError *reason, CnnError *error)
{
    char name[NAME_BYTES];
    return cnn_fail(error, reason->status, "%s: %s", name_printable(path, name), reason->text);
}

CnnStatus decode_member(const Tree *tree, const char *path, const DecodeOptions *options, Picture *out,
                        CnnError *error)
{
    const PictureCodec *codec;
    int orientation = 1;
    CnnError reason = {0};
    TRY(decode_load(tree, path, out, &codec, error));
    CnnStatus status = codec->decode(out->decoder, options, out, &orientation, &reason);
    if (status == CNN_OK && orientation > 1)
        status = picture_turn(out, &out->decoder->turned, orientation, &reason);
    return status == CNN_OK ? CNN_OK : decode_failed(path, &reason, error);
}

CnnStatus decode_file(const char *path, const DecodeOptions *options, Picture *out, CnnError *error)
{
    return decode_member(&file_tree, path, options, out, error);
}

CnnStatus decode_channels(const Tree *tree, const char *path, Picture *work, int *channels, CnnError *error)
{
    const PictureCodec *codec;
    CnnError reason = {0};
    TRY(decode_load(tree, path, work, &codec, error));
    CnnStatus status = codec->channels(work->decoder, channels, &reason);
    return status == CNN_OK ? CNN_OK : decode_failed(path, &reason, error);
}
