/* WebP by libwebp. Of an animation nothing is decoded: its frames need a canvas of their own. */
#include "runtime/data/decode.h"

#include <string.h>

#include <webp/decode.h>

static CnnStatus webp_fail(VP8StatusCode code, CnnError *error)
{
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to decode it");
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return cnn_fail(error, CNN_BAD_INPUT, "truncated WebP");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return cnn_fail(error, CNN_BAD_INPUT, "a WebP of a kind that is not supported");
    default:
        return cnn_fail(error, CNN_BAD_INPUT, "damaged WebP");
    }
}

/* Goes through the chunks of the RIFF file to the one with EXIF data. Some programs begin it as in a JPEG. */
static int webp_orientation(const Bytes *file)
{
    static const unsigned char exif[6] = "Exif\0";
    enum { HEAD = 12, CHUNK_HEAD = 8 };
    for (size_t at = HEAD; file->size - at >= CHUNK_HEAD;) {
        const unsigned char *chunk = file->data + at;
        size_t bytes =
            (size_t)chunk[4] | (size_t)chunk[5] << 8 | (size_t)chunk[6] << 16 | (size_t)chunk[7] << 24;
        size_t left = file->size - at - CHUNK_HEAD;
        if (bytes > left)
            break;
        if (memcmp(chunk, "EXIF", 4) == 0) {
            bool prefixed = bytes > sizeof exif && memcmp(chunk + CHUNK_HEAD, exif, sizeof exif) == 0;
            size_t skip = prefixed ? sizeof exif : 0;
            return exif_orientation(chunk + CHUNK_HEAD + skip, bytes - skip);
        }
        at += CHUNK_HEAD + bytes + (bytes % 2 && bytes < left); /* chunks begin at even places */
    }
    return 1;
}

static CnnStatus webp_features(const PictureDecoder *decoder, WebPBitstreamFeatures *features,
                               CnnError *error)
{
    VP8StatusCode code = WebPGetFeatures(decoder->file.data, decoder->file.size, features);
    if (code != VP8_STATUS_OK)
        return webp_fail(code, error);
    if (features->has_animation)
        return cnn_fail(error, CNN_BAD_INPUT, "an animated WebP, which is not read");
    return decode_size((uint64_t)features->height, (uint64_t)features->width, error);
}

static CnnStatus webp_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out,
                             int *orientation, CnnError *error)
{
    WebPDecoderConfig config;
    int channels = options->channels == 4 ? 4 : 3;
    if (!WebPInitDecoderConfig(&config))
        return cnn_fail(error, CNN_NO_RESOURCE, "libwebp is of another version than cnnc was built with");
    TRY(webp_features(decoder, &config.input, error));
    int64_t height = config.input.height, width = config.input.width;
    TRY(picture_reserve(out, height, width, channels, DTYPE_U8, error));
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA = (WebPRGBABuffer){
        .rgba = out->data, .stride = (int)width * channels, .size = (size_t)(height * width * channels)};
    VP8StatusCode code = WebPDecode(decoder->file.data, decoder->file.size, &config);
    WebPFreeDecBuffer(&config.output);
    if (code != VP8_STATUS_OK)
        return webp_fail(code, error);
    if (options->channels == 1) {
        decode_grey(out->data, out->data, height * width);
        out->channels = 1;
    }
    *orientation = webp_orientation(&decoder->file);
    return CNN_OK;
}

static CnnStatus webp_channels(PictureDecoder *decoder, int *channels, CnnError *error)
{
    WebPBitstreamFeatures features;
    TRY(webp_features(decoder, &features, error));
    *channels = features.has_alpha ? 4 : 3;
    return CNN_OK;
}

static void webp_version(char *out, size_t bytes)
{
    int version = WebPGetDecoderVersion();
    snprintf(out, bytes, "%d.%d.%d", version >> 16, version >> 8 & 255, version & 255);
}

const PictureCodec webp_codec = {webp_decode, webp_channels, webp_version};
