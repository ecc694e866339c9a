/* The first picture of a TIFF, by libtiff's own conversion to RGBA, which knows palettes, CMYK, YCbCr, Lab,
 * strips, tiles and planes. Where it would multiply alpha into the colours, or round 16 bits, it is told to
 * do as the other formats here do. Many bands, and values that are not bytes: the source multiband. */
#include "runtime/data/decode.h"

#include "runtime/formats/tiff.h"

enum { COMPLAINT_BYTES = 1024 }; /* what libtiff asks for */

/* Samples of a pixel beside the colours; *alpha: one of them is alpha. */
static int tiff_extra(TIFF *tiff, bool *alpha)
{
    uint16_t count = 0, *kinds = NULL;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
    *alpha = false;
    for (int i = 0; i < count; i++)
        *alpha = *alpha || kinds[i] == EXTRASAMPLE_ASSOCALPHA || kinds[i] == EXTRASAMPLE_UNASSALPHA;
    return count;
}

static CnnStatus tiff_size(TIFF *tiff, int64_t *height, int64_t *width, CnnError *error)
{
    uint32_t rows = 0, columns = 0;
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &rows);
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &columns);
    *height = rows;
    *width = columns;
    return decode_size(rows, columns, error);
}

/* libtiff packs a pixel in a number, red in the lowest byte: this gives four bytes in order. */
static void tiff_unpack(uint32_t *raster, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t pixel = raster[i];
        unsigned char *bytes = (unsigned char *)&raster[i];
        bytes[0] = (unsigned char)TIFFGetR(pixel);
        bytes[1] = (unsigned char)TIFFGetG(pixel);
        bytes[2] = (unsigned char)TIFFGetB(pixel);
        bytes[3] = (unsigned char)TIFFGetA(pixel);
    }
}

static CnnStatus tiff_pixels(TiffFile *file, PictureDecoder *decoder, int channels, Picture *out,
                             int *orientation, CnnError *error)
{
    TIFF *tiff = file->tiff;
    TIFFRGBAImage image;
    int64_t height, width;
    char complaint[COMPLAINT_BYTES] = "";
    bool alpha;
    TRY(tiff_size(tiff, &height, &width, error));
    /* Alpha that is already multiplied in is passed on as it stands, so the other kind is called that. */
    if (tiff_extra(tiff, &alpha) == 1 && alpha)
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, (uint16_t[]){EXTRASAMPLE_ASSOCALPHA});
    file->decoding = true;
    if (!TIFFRGBAImageOK(tiff, complaint) || !TIFFRGBAImageBegin(&image, tiff, 1, complaint)) {
        TRY(tiff_check(file, *complaint != '\0', error));
        return cnn_fail(error, CNN_BAD_INPUT, "a TIFF of a kind that is not supported (%s)", complaint);
    }
    for (int value = 0; image.Bitdepth16To8 && value < 65536; value++)
        image.Bitdepth16To8[value] = (uint8_t)(value >> 8);
    *orientation = image.orientation;
    image.req_orientation = image.orientation; /* as it is stored: the caller turns it */
    CnnStatus status = bytes_reserve(&decoder->turned, (size_t)(height * width) * sizeof(uint32_t), error);
    if (status == CNN_OK) {
        uint32_t *raster = (uint32_t *)(void *)decoder->turned.data;
        status =
            tiff_check(file, TIFFRGBAImageGet(&image, raster, (uint32_t)width, (uint32_t)height) != 0, error);
    }
    TIFFRGBAImageEnd(&image);
    TRY(status);
    TRY(picture_reserve(out, height, width, channels, DTYPE_U8, error));
    tiff_unpack((uint32_t *)(void *)decoder->turned.data, height * width);
    decode_from_rgba(decoder->turned.data, out->data, height * width, channels);
    return CNN_OK;
}

static CnnStatus tiff_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out,
                             int *orientation, CnnError *error)
{
    TiffFile file = {.memory = &decoder->file};
    TRY(tiff_open(&file, error));
    CnnStatus status = tiff_pixels(&file, decoder, options->channels, out, orientation, error);
    tiff_close(&file);
    return status;
}

static CnnStatus tiff_channels(PictureDecoder *decoder, int *channels, CnnError *error)
{
    TiffFile file = {.memory = &decoder->file};
    uint16_t photometric = PHOTOMETRIC_RGB;
    bool alpha;
    TRY(tiff_open(&file, error));
    TIFFGetField(file.tiff, TIFFTAG_PHOTOMETRIC, &photometric);
    tiff_extra(file.tiff, &alpha);
    bool grey = photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
    *channels = alpha ? 4 : grey ? 1 : 3;
    tiff_close(&file);
    return CNN_OK;
}

const PictureCodec tiff_codec = {tiff_decode, tiff_channels, tiff_version};
