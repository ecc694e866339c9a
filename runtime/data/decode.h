/* Pictures in files: JPEG by libjpeg-turbo and PNG by libpng, told apart by their first bytes and not by
 * their names. A picture is decoded whole or it is an error: what the libraries would only warn of, and fill
 * with grey, counts as damage. Alpha is dropped, 16 bits are reduced to 8, the EXIF orientation is applied.
 */
#ifndef CNN_DECODE_H
#define CNN_DECODE_H

#include "runtime/data/files.h"
#include "runtime/data/source.h"

/* More pixels than this are refused before memory is taken for them: 2^27, 134 million. */
#define DECODE_MOST_PIXELS ((uint64_t)1 << 27)

typedef struct {
    int channels; /* 1: grey (0.299 R + 0.587 G + 0.114 B), 3: RGB, 4: RGB and alpha (255 where the file has
                     none) */
    int64_t want_height,
        want_width; /* when both > 0: a JPEG may be decoded at 1/2, 1/4 or 1/8, not below this */
} DecodeOptions;

/** Decodes the file into out (DTYPE_U8). `path` is named in errors. */
CnnStatus decode_file(const char *path, const DecodeOptions *options, Picture *out, CnnError *error);

/** The same of a file that is found in a tree. */
CnnStatus decode_member(const Tree *tree, const char *path, const DecodeOptions *options, Picture *out,
                        CnnError *error);

/** The channels that a file has itself: 1, 3 or 4. `work` is used as scratch. */
CnnStatus decode_channels(const Tree *tree, const char *path, Picture *work, int *channels, CnnError *error);

/** Makes picture->decoder, where there is none yet. */
CnnStatus decoder_open(Picture *picture, CnnError *error);

/** Scratch of `size` bytes that stays with the picture, for a source that converts what it reads. */
CnnStatus decoder_bytes(Picture *picture, size_t size, unsigned char **out, CnnError *error);

/* ---- Private to decode*.c, picture.c and audio.c ---- */

typedef struct JpegDecoder JpegDecoder;

typedef struct PictureDecoder {
    Bytes file;                 /* the compressed picture or sound */
    Bytes turned;               /* the second buffer that applying an orientation needs */
    JpegDecoder *jpeg;          /* libjpeg's state, made at the first use */
    struct SoundDecoder *sound; /* sound.h's */
} PictureDecoder;

void decoder_free(PictureDecoder *decoder);

/* Both decode the bytes of decoder->file, and tell the EXIF orientation (1 to 8). Errors are without the
 * path. */
CnnStatus jpeg_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out, int *orientation,
                      CnnError *error);
CnnStatus jpeg_channels(PictureDecoder *decoder, int *channels, CnnError *error);
CnnStatus png_decode(PictureDecoder *decoder, const DecodeOptions *options, Picture *out, int *orientation,
                     CnnError *error);
CnnStatus png_channels(PictureDecoder *decoder, int *channels, CnnError *error);
void jpeg_decoder_free(JpegDecoder *jpeg);

/** Checks the size that a header claims. */
CnnStatus decode_size(uint64_t height, uint64_t width, CnnError *error);
/** Grey of n RGB pixels; `grey` may be `rgb`. */
void decode_grey(const unsigned char *rgb, unsigned char *grey, int64_t n);
/** The orientation tag of a TIFF block as EXIF has it; 1 when it is missing or the block is wrong. */
int exif_orientation(const unsigned char *tiff, size_t size);

#endif
