/* JPEG by libjpeg-turbo. Its state is kept from one picture to the next. Its warnings about damaged data are
 * errors here: the library would go on and fill the rest with grey. Control leaves the library by longjmp
 * only into jpeg_guarded, whose frame holds nothing that changes. */
#include "runtime/data/decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum {
    MOST_SCANS =
        500, /* a progressive file of a few kB can ask for thousands of passes over a large picture */
    EXIF_MARKER_BYTES = 65533 /* a marker's most */
};

struct JpegDecoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    CnnError *error; /* of the call at work */
    PictureDecoder *decoder;
    const DecodeOptions *options;
    Picture *out;
    int *result;
};

_Noreturn static void jpeg_fail(JpegDecoder *jpeg, const char *text)
{
    cnn_fail(jpeg->error, CNN_BAD_INPUT, "%s", text);
    longjmp(jpeg->failed, 1);
}

_Noreturn static void jpeg_on_error(j_common_ptr info)
{
    char text[JMSG_LENGTH_MAX], message[JMSG_LENGTH_MAX + 32];
    JpegDecoder *jpeg = info->client_data;
    info->err->format_message(info, text);
    switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JERR_INPUT_EOF:
        snprintf(message, sizeof message, "truncated JPEG (%s)", text);
        break;
    case JERR_OUT_OF_MEMORY:
        cnn_fail(jpeg->error, CNN_NO_RESOURCE, "not enough memory to decode it");
        longjmp(jpeg->failed, 1);
    default:
        snprintf(message, sizeof message, "damaged or unsupported JPEG (%s)", text);
    }
    jpeg_fail(jpeg, message);
}

/* Warnings have level -1. Those about stray bytes and odd headers leave every pixel right. */
static void jpeg_on_message(j_common_ptr info, int level)
{
    if (level >= 0)
        return;
    switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
    case JWRN_TOO_MUCH_DATA:
        return;
    default:
        jpeg_on_error(info);
    }
}

static void jpeg_on_progress(j_common_ptr info)
{
    if (((j_decompress_ptr)info)->input_scan_number > MOST_SCANS)
        jpeg_fail(info->client_data, "damaged or hostile JPEG (more than 500 scans)");
}

/* Runs `work`, which may call the library. */
static CnnStatus jpeg_guarded(JpegDecoder *jpeg, CnnStatus (*work)(JpegDecoder *jpeg))
{
    if (setjmp(jpeg->failed)) {
        jpeg_abort_decompress(&jpeg->info);
        return jpeg->error->status;
    }
    return work(jpeg);
}

static CnnStatus jpeg_create(JpegDecoder *jpeg)
{
    jpeg_create_decompress(&jpeg->info); /* keeps err and client_data */
    jpeg->info.progress = &jpeg->progress;
    jpeg_save_markers(&jpeg->info, JPEG_APP0 + 1, EXIF_MARKER_BYTES);
    return CNN_OK;
}

/* Makes the state at the first use. */
static CnnStatus jpeg_open(PictureDecoder *decoder, CnnError *error)
{
    JpegDecoder *jpeg = decoder->jpeg;
    if (jpeg) {
        jpeg->error = error;
        return CNN_OK;
    }
    decoder->jpeg = jpeg = calloc(1, sizeof *jpeg);
    if (!jpeg)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a JPEG decoder");
    jpeg->decoder = decoder;
    jpeg->error = error;
    jpeg->info.client_data = jpeg;
    jpeg->info.err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = jpeg_on_error;
    jpeg->errors.emit_message = jpeg_on_message;
    jpeg->progress.progress_monitor = jpeg_on_progress;
    return jpeg_guarded(jpeg, jpeg_create);
}

void jpeg_decoder_free(JpegDecoder *jpeg)
{
    if (!jpeg)
        return;
    jpeg_destroy_decompress(&jpeg->info);
    free(jpeg);
}

static void jpeg_header(JpegDecoder *jpeg)
{
    jpeg_mem_src(&jpeg->info, jpeg->decoder->file.data, (unsigned long)jpeg->decoder->file.size);
    jpeg_read_header(&jpeg->info, TRUE);
}

static int jpeg_orientation(const JpegDecoder *jpeg)
{
    static const unsigned char exif[6] = "Exif\0";
    for (jpeg_saved_marker_ptr marker = jpeg->info.marker_list; marker; marker = marker->next)
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length > sizeof exif &&
            memcmp(marker->data, exif, sizeof exif) == 0)
            return exif_orientation(marker->data + sizeof exif, marker->data_length - sizeof exif);
    return 1;
}

/* The largest reduction by 1/2, 1/4, 1/8 (the sizes that libjpeg-turbo has vector code for) which still gives
 * the wanted size. */
static unsigned jpeg_reduction(const JpegDecoder *jpeg, int orientation)
{
    int64_t height = jpeg->options->want_height, width = jpeg->options->want_width;
    if (height <= 0 || width <= 0)
        return 1;
    if (orientation >= 5) {
        int64_t exchanged = height;
        height = width;
        width = exchanged;
    }
    unsigned by = 8;
    while (by > 1 && ((jpeg->info.image_height + by - 1) / by < height ||
                      (jpeg->info.image_width + by - 1) / by < width))
        by /= 2;
    return by;
}

/* C M Y K, as Adobe's programs store it inverted, to R G B, in place. */
static void jpeg_from_cmyk(unsigned char *row, int64_t n, bool inverted)
{
    unsigned char *out = row;
    for (int64_t i = 0; i < n; i++, row += 4, out += 3) {
        unsigned flip = inverted ? 0 : 255, k = row[3] ^ flip;
        for (int c = 0; c < 3; c++)
            out[c] = (unsigned char)(((row[c] ^ flip) * k + 127) / 255);
    }
}

/* Reads a CMYK row from `line` into the picture's channels. */
static void jpeg_store_cmyk(unsigned char *line, unsigned char *out, int64_t width, int channels,
                            bool inverted)
{
    jpeg_from_cmyk(line, width, inverted);
    if (channels == 1)
        decode_grey(line, out, width);
    else
        for (int64_t x = 0; x < width; x++, out += channels) {
            memcpy(out, line + 3 * x, 3);
            if (channels == 4)
                out[3] = 255;
        }
}

static CnnStatus jpeg_work(JpegDecoder *jpeg)
{
    j_decompress_ptr info = &jpeg->info;
    int channels = jpeg->options->channels;
    jpeg_header(jpeg);
    *jpeg->result = jpeg_orientation(jpeg);
    CnnStatus status = decode_size(info->image_height, info->image_width, jpeg->error);
    bool cmyk = info->num_components == 4;
    info->scale_num = 1;
    info->scale_denom = jpeg_reduction(jpeg, *jpeg->result);
    info->out_color_space = cmyk            ? JCS_CMYK
                            : channels == 1 ? JCS_GRAYSCALE
                            : channels == 3 ? JCS_RGB
                                            : JCS_EXT_RGBA;
    if (status == CNN_OK) {
        jpeg_start_decompress(info);
        status = picture_reserve(jpeg->out, info->output_height, info->output_width, channels, DTYPE_U8,
                                 jpeg->error);
    }
    if (status == CNN_OK && cmyk)
        status = bytes_reserve(&jpeg->decoder->turned, (size_t)info->output_width * 4, jpeg->error);
    if (status != CNN_OK) {
        jpeg_abort_decompress(info);
        return status;
    }
    size_t row_bytes = (size_t)info->output_width * (size_t)channels;
    while (info->output_scanline < info->output_height) {
        unsigned char *rows[8], *start = (unsigned char *)jpeg->out->data + info->output_scanline * row_bytes;
        JDIMENSION left = info->output_height - info->output_scanline, count = left < 8 ? left : 8;
        if (cmyk) {
            rows[0] = jpeg->decoder->turned.data;
            jpeg_read_scanlines(info, rows, 1);
            jpeg_store_cmyk(rows[0], start, info->output_width, channels, info->saw_Adobe_marker);
            continue;
        }
        for (JDIMENSION i = 0; i < count; i++)
            rows[i] = start + i * row_bytes;
        jpeg_read_scanlines(info, rows, count);
    }
    jpeg_finish_decompress(info);
    return CNN_OK;
}

static CnnStatus jpeg_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out,
                             int *orientation, CnnError *error)
{
    TRY(jpeg_open(decoder, error));
    decoder->jpeg->options = options;
    decoder->jpeg->out = out;
    decoder->jpeg->result = orientation;
    return jpeg_guarded(decoder->jpeg, jpeg_work);
}

static CnnStatus jpeg_channels_work(JpegDecoder *jpeg)
{
    jpeg_header(jpeg);
    *jpeg->result = jpeg->info.num_components == 1 ? 1 : 3;
    jpeg_abort_decompress(&jpeg->info);
    return CNN_OK;
}

static CnnStatus jpeg_channels(PictureDecoder *decoder, int *channels, CnnError *error)
{
    TRY(jpeg_open(decoder, error));
    decoder->jpeg->result = channels;
    return jpeg_guarded(decoder->jpeg, jpeg_channels_work);
}

/* The library does not tell its version when it runs: these are those of its header. */
#define TEXT_OF_(value) #value
#define TEXT_OF(value)  TEXT_OF_(value)

static void jpeg_version(char *out, size_t bytes)
{
#ifdef LIBJPEG_TURBO_VERSION
    snprintf(out, bytes, "turbo " TEXT_OF(LIBJPEG_TURBO_VERSION));
#else
    snprintf(out, bytes, TEXT_OF(JPEG_LIB_VERSION));
#endif
}

const PictureCodec jpeg_codec = {jpeg_decode, jpeg_channels, jpeg_version};
