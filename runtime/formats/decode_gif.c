/* The first frame of a GIF, by giflib, on the animation's canvas. What the frame leaves free, and what it
 * says is transparent, is transparent in four channels; in fewer it has the colour of the transparent index.
 */
#include "runtime/data/decode.h"

#include <string.h>

#include <gif_lib.h>

typedef struct {
    const Bytes *file;
    size_t at; /* bytes of the file that have been read */
} GifInput;

static int gif_on_read(GifFileType *gif, GifByteType *out, int size)
{
    GifInput *input = gif->UserData;
    size_t left = input->file->size - input->at, count = (size_t)size < left ? (size_t)size : left;
    memcpy(out, input->file->data + input->at, count);
    input->at += count;
    return (int)count;
}

static CnnStatus gif_fail(int code, CnnError *error)
{
    switch (code) {
    case D_GIF_ERR_NOT_ENOUGH_MEM:
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to decode it");
    case D_GIF_ERR_READ_FAILED:
    case D_GIF_ERR_EOF_TOO_SOON:
        return cnn_fail(error, CNN_BAD_INPUT, "truncated GIF");
    default: {
        const char *text = GifErrorString(code);
        return cnn_fail(error, CNN_BAD_INPUT, "damaged GIF (%s)", text ? text : "no reason is known");
    }
    }
}

/* What stands before the pixels of the first frame. */
typedef struct {
    GifByteType color[256][4]; /* RGBA */
    int transparent;           /* index, or -1 */
    int64_t height, width;     /* of the canvas */
} GifFrame;

/* Reads up to the first frame's pixels, and the transparent index on the way. */
static CnnStatus gif_find_frame(GifFileType *gif, GifFrame *frame, CnnError *error)
{
    GifRecordType record;
    frame->transparent = NO_TRANSPARENT_COLOR;
    for (;;) {
        if (DGifGetRecordType(gif, &record) == GIF_ERROR)
            return gif_fail(gif->Error, error);
        if (record == IMAGE_DESC_RECORD_TYPE)
            break;
        if (record == TERMINATE_RECORD_TYPE)
            return cnn_fail(error, CNN_BAD_INPUT, "a GIF without a picture");
        int code;
        GifByteType *block; /* its first byte is its length */
        int done = DGifGetExtension(gif, &code, &block);
        for (bool first = true; done != GIF_ERROR && block; first = false) {
            GraphicsControlBlock control;
            if (first && code == GRAPHICS_EXT_FUNC_CODE &&
                DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
                frame->transparent = control.TransparentColor;
            done = DGifGetExtensionNext(gif, &block);
        }
        if (done == GIF_ERROR)
            return gif_fail(gif->Error, error);
    }
    return DGifGetImageDesc(gif) == GIF_ERROR ? gif_fail(gif->Error, error) : CNN_OK;
}

/* The canvas, which a frame that is larger extends, and the colours. */
static CnnStatus gif_layout(const GifFileType *gif, GifFrame *frame, CnnError *error)
{
    const GifImageDesc *image = &gif->Image;
    const ColorMapObject *map = image->ColorMap ? image->ColorMap : gif->SColorMap;
    if (!map)
        return cnn_fail(error, CNN_BAD_INPUT, "a GIF without colours");
    if (image->Left < 0 || image->Top < 0 || image->Width < 1 || image->Height < 1)
        return cnn_fail(error, CNN_BAD_INPUT, "it has no pixels");
    int64_t right = (int64_t)image->Left + image->Width, bottom = (int64_t)image->Top + image->Height;
    frame->width = gif->SWidth > right ? gif->SWidth : right;
    frame->height = gif->SHeight > bottom ? gif->SHeight : bottom;
    for (int i = 0; i < 256; i++) {
        GifColorType color = i < map->ColorCount ? map->Colors[i] : (GifColorType){0, 0, 0};
        GifByteType *to = frame->color[i];
        to[0] = color.Red;
        to[1] = color.Green;
        to[2] = color.Blue;
        to[3] = i == frame->transparent ? 0 : 255;
    }
    return decode_size((uint64_t)frame->height, (uint64_t)frame->width, error);
}

/* The row that is stored as number `i`: an interlaced picture has every eighth first. */
static int64_t gif_row(const GifImageDesc *image, int64_t i)
{
    static const int start[] = {0, 4, 2, 1}, step[] = {8, 8, 4, 2};
    for (int pass = 0; image->Interlace && pass < 4; pass++) {
        int64_t rows = (image->Height - start[pass] + step[pass] - 1) / step[pass];
        if (i < rows)
            return start[pass] + i * step[pass];
        i -= rows;
    }
    return i;
}

/* Gives one colour to what lies around the frame. */
static void gif_fill_around(const GifImageDesc *image, const GifByteType *color, Picture *out)
{
    int64_t bottom = image->Top + image->Height, right = image->Left + image->Width;
    GifByteType *pixel = out->data;
    for (int64_t y = 0; y < out->height; y++)
        for (int64_t x = 0; x < out->width; x++, pixel += out->channels) {
            if (y >= image->Top && y < bottom && x == image->Left) {
                pixel += (image->Width - 1) * out->channels;
                x = right - 1;
                continue;
            }
            for (int64_t c = 0; c < out->channels; c++)
                pixel[c] = color[c];
        }
}

static CnnStatus gif_frame(GifFileType *gif, PictureDecoder *decoder, int channels, Picture *out,
                           CnnError *error)
{
    GifFrame frame;
    const GifImageDesc *image = &gif->Image;
    TRY(gif_find_frame(gif, &frame, error));
    TRY(gif_layout(gif, &frame, error));
    TRY(picture_reserve(out, frame.height, frame.width, channels, DTYPE_U8, error));
    TRY(bytes_reserve(&decoder->turned, (size_t)image->Width, error));
    GifByteType *line = decoder->turned.data, to[256][4];
    for (int i = 0; i < 256; i++)
        decode_from_rgba(frame.color[i], to[i], 1, channels);
    unsigned char *pixel = out->data;
    for (int64_t i = 0; i < image->Height; i++) {
        if (DGifGetLine(gif, line, image->Width) == GIF_ERROR)
            return gif_fail(gif->Error, error);
        int64_t at = (image->Top + gif_row(image, i)) * frame.width + image->Left;
        for (int x = 0; x < image->Width; x++)
            memcpy(pixel + (at + x) * channels, to[line[x]], (size_t)channels);
    }
    gif_fill_around(image, to[frame.transparent >= 0 && frame.transparent < 256 ? frame.transparent : 0],
                    out);
    return CNN_OK;
}

static CnnStatus gif_open(PictureDecoder *decoder, GifInput *input, GifFileType **gif, CnnError *error)
{
    int code = D_GIF_ERR_NOT_ENOUGH_MEM;
    *input = (GifInput){.file = &decoder->file};
    *gif = DGifOpen(input, gif_on_read, &code);
    return *gif ? CNN_OK : gif_fail(code, error);
}

static CnnStatus gif_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out,
                            int *orientation, CnnError *error)
{
    GifInput input;
    GifFileType *gif;
    *orientation = 1;
    TRY(gif_open(decoder, &input, &gif, error));
    CnnStatus status = gif_frame(gif, decoder, options->channels, out, error);
    DGifCloseFile(gif, NULL);
    return status;
}

static CnnStatus gif_channels(PictureDecoder *decoder, int *channels, CnnError *error)
{
    GifInput input;
    GifFileType *gif;
    GifFrame frame;
    TRY(gif_open(decoder, &input, &gif, error));
    CnnStatus status = gif_find_frame(gif, &frame, error);
    *channels = frame.transparent >= 0 ? 4 : 3;
    DGifCloseFile(gif, NULL);
    return status;
}

static void gif_version(char *out, size_t bytes)
{
    snprintf(out, bytes, "%d.%d.%d", GIFLIB_MAJOR, GIFLIB_MINOR, GIFLIB_RELEASE);
}

const PictureCodec gif_codec = {gif_decode, gif_channels, gif_version};
