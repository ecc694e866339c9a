/* PNG by libpng. Warnings concern ancillary chunks and are ignored; errors leave the library by longjmp into
 * png_guarded, whose frame holds nothing that changes. The library's state cannot be used twice, so it is
 * made for each picture. */
#include "runtime/data/decode.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { MOST_SIDE = 1 << 24, MOST_CHUNK = 8 << 20, MOST_CHUNKS = 1000 };

typedef struct {
    png_structp png;
    png_infop info;
    const Bytes *file;
    size_t at;    /* bytes of the file that have been read */
    bool starved; /* the library was refused memory: no fault of the picture's */
    const DecodeOptions *options;
    Picture *out;
    int *result;
    CnnError *error;
} PngDecoder;

_Noreturn static void png_on_error(png_structp png, png_const_charp message)
{
    PngDecoder *decoder = png_get_error_ptr(png);
    if (decoder->starved)
        cnn_fail(decoder->error, CNN_NO_RESOURCE, "not enough memory to decode a PNG");
    else if (decoder->at > decoder->file->size)
        cnn_fail(decoder->error, CNN_BAD_INPUT, "truncated PNG");
    else
        cnn_fail(decoder->error, CNN_BAD_INPUT, "damaged PNG (%s)", message);
    png_longjmp(png, 1);
}

static void png_on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static png_voidp png_on_malloc(png_structp png, png_alloc_size_t size)
{
    PngDecoder *decoder = png_get_mem_ptr(png);
    void *memory = malloc(size);
    decoder->starved = decoder->starved || !memory;
    return memory;
}

static void png_on_free(png_structp png, png_voidp memory)
{
    (void)png;
    free(memory);
}

static void png_on_read(png_structp png, png_bytep out, size_t size)
{
    PngDecoder *decoder = png_get_io_ptr(png);
    size_t from = decoder->at;
    decoder->at += size;
    if (decoder->at > decoder->file->size)
        png_error(png, "the file ends");
    memcpy(out, decoder->file->data + from, size);
}

static int png_orientation(const PngDecoder *decoder)
{
#ifdef PNG_eXIf_SUPPORTED
    png_bytep exif;
    png_uint_32 size;
    if (png_get_eXIf_1(decoder->png, decoder->info, &size, &exif) & PNG_INFO_eXIf)
        return exif_orientation(exif, size);
#endif
    return 1;
}

/* Asks for 8 bits and for the wanted channels, but for the step from colour to grey: libpng's has other
 * weights. Returns the channels that rows will have. */
static int png_expand(const PngDecoder *decoder)
{
    png_structp png = decoder->png;
    int type = png_get_color_type(png, decoder->info), channels = decoder->options->channels;
    bool grey = !(type & PNG_COLOR_MASK_COLOR);
    png_set_strip_16(png);
    png_set_packing(png);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    else if (grey)
        png_set_expand_gray_1_2_4_to_8(png);
    if (channels == 4) {
        if (png_get_valid(png, decoder->info, PNG_INFO_tRNS))
            png_set_tRNS_to_alpha(png);
        else if (!(type & PNG_COLOR_MASK_ALPHA))
            png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    } else {
        png_set_strip_alpha(png);
    }
    if (grey && channels > 1)
        png_set_gray_to_rgb(png);
    return grey || channels > 1 ? channels : 3;
}

static CnnStatus png_work(PngDecoder *decoder)
{
    png_structp png = decoder->png;
    Picture *out = decoder->out;
    png_read_info(png, decoder->info);
    int64_t height = png_get_image_height(png, decoder->info),
            width = png_get_image_width(png, decoder->info);
    TRY(decode_size((uint64_t)height, (uint64_t)width, decoder->error));
    int channels = png_expand(decoder), passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    TRY(picture_reserve(out, height, width, channels, DTYPE_U8, decoder->error));
    size_t row_bytes = (size_t)(width * channels);
    if (png_get_rowbytes(png, decoder->info) != row_bytes)
        return cnn_fail(decoder->error, CNN_BAD_INPUT, "a PNG of a kind that is not supported");
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < height; y++)
            png_read_row(png, (png_bytep)out->data + (size_t)y * row_bytes, NULL);
    png_read_end(png, decoder->info);
    *decoder->result = png_orientation(decoder);
    if (channels != decoder->options->channels) {
        decode_grey(out->data, out->data, height * width);
        out->channels = 1;
    }
    return CNN_OK;
}

static CnnStatus png_channels_work(PngDecoder *decoder)
{
    png_read_info(decoder->png, decoder->info);
    int type = png_get_color_type(decoder->png, decoder->info);
    bool alpha = (type & PNG_COLOR_MASK_ALPHA) || png_get_valid(decoder->png, decoder->info, PNG_INFO_tRNS);
    *decoder->result = alpha ? 4 : type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    return CNN_OK;
}

static CnnStatus png_guarded(PngDecoder *decoder, CnnStatus (*work)(PngDecoder *decoder))
{
    if (setjmp(png_jmpbuf(decoder->png)))
        return decoder->error->status;
    return work(decoder);
}

static CnnStatus png_run(PngDecoder *decoder, CnnStatus (*work)(PngDecoder *decoder))
{
    decoder->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, png_on_error, png_on_warning,
                                            decoder, png_on_malloc, png_on_free);
    decoder->info = decoder->png ? png_create_info_struct(decoder->png) : NULL;
    CnnStatus status;
    if (!decoder->info) {
        status = cnn_fail(decoder->error, CNN_NO_RESOURCE, "not enough memory for a PNG decoder");
    } else {
        png_set_read_fn(decoder->png, decoder, png_on_read);
        png_set_user_limits(decoder->png, MOST_SIDE, MOST_SIDE);
        png_set_chunk_malloc_max(decoder->png, MOST_CHUNK);
        png_set_chunk_cache_max(decoder->png, MOST_CHUNKS);
        status = png_guarded(decoder, work);
    }
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    return status;
}

static CnnStatus png_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out,
                            int *orientation, CnnError *error)
{
    PngDecoder png = {
        .file = &decoder->file, .options = options, .out = out, .result = orientation, .error = error};
    return png_run(&png, png_work);
}

static CnnStatus png_channels(PictureDecoder *decoder, int *channels, CnnError *error)
{
    PngDecoder png = {.file = &decoder->file, .result = channels, .error = error};
    return png_run(&png, png_channels_work);
}

static void png_version(char *out, size_t bytes)
{
    snprintf(out, bytes, "%s", png_get_libpng_ver(NULL));
}

const PictureCodec png_codec = {png_decode, png_channels, png_version};
