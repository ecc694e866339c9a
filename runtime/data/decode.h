/* Pictures in files, in the formats of picture_formats.c, told apart by their first bytes and not by their
 * names. A picture is decoded whole or it is an error: what the libraries would only warn of, and fill with
 * grey, counts as damage. Alpha is dropped, 16 bits are reduced to 8, the EXIF orientation is applied. Of a
 * file that holds several pictures it is the first.
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

/** Whether a file is called as a picture is, of a format that can be decoded or not. */
bool decode_is_picture_name(const char *name);

/* A format: everything that is known of it beside its decoder. */
typedef struct {
    const char *name;       /* "JPEG" */
    const char *article;    /* "a" */
    const char *endings[5]; /* of file names, in small letters, ended by NULL */
    struct {
        int at, count;
        const char *bytes;
    } starts[4];         /* the file has one of them, `count` bytes from byte `at` on; count 0: no more */
    const char *library; /* that decodes it; NULL: cnnc's own code, or none */
    const char *package; /* of Debian, to build with; NULL: none is needed, or there is no decoder */
    const struct PictureCodec *codec; /* NULL: not in this program */
} PictureFormat;

/* All formats, ended by a NULL name. */
extern const PictureFormat picture_formats[];

/** The format of a file that begins with these bytes; NULL: no picture's. */
const PictureFormat *picture_format_of(const unsigned char *start, size_t size);

/** CNN_BAD_INPUT with the reason, where the file at `path` is of a format that has no codec. */
CnnStatus picture_format_check(const PictureFormat *format, const char *path, CnnError *error);

/** The version of a format's library, as "1.6.39"; empty for cnnc's own code. Of a format with a codec. */
void picture_library_version(const PictureFormat *format, char out[32]);

/* ---- Private to decode*.c, picture*.c and audio.c ---- */

typedef struct JpegDecoder JpegDecoder;

typedef struct PictureDecoder {
    Bytes file;        /* the compressed picture or sound */
    Bytes turned;      /* the second buffer that applying an orientation needs, a codec's before that */
    JpegDecoder *jpeg; /* libjpeg's state, made at the first use */
    struct SoundDecoder *sound; /* sound.h's */
} PictureDecoder;

void decoder_free(PictureDecoder *decoder);

/* How a format is decoded, from the bytes of decoder->file. Errors are without the path. */
typedef struct PictureCodec {
    /** Also tells the orientation (EXIF: 1 to 8), which the caller applies. */
    CnnStatus (*decode)(PictureDecoder *decoder, const DecodeOptions *options, Picture *out, int *orientation,
                        CnnError *error);
    /** The channels that the file has itself: 1, 3 or 4. */
    CnnStatus (*channels)(PictureDecoder *decoder, int *channels, CnnError *error);
    /** Writes the version of the library. NULL: there is none. */
    void (*version)(char *out, size_t bytes);
} PictureCodec;

#ifdef CNN_WITHOUT_PICTURES
__attribute__((weak)) /* NULL: then there are none to be freed */
#endif
void jpeg_decoder_free(JpegDecoder *jpeg);

/** Checks the size that a header claims. */
CnnStatus decode_size(uint64_t height, uint64_t width, CnnError *error);
/** Grey of n RGB pixels; `grey` may be `rgb`. */
void decode_grey(const unsigned char *rgb, unsigned char *grey, int64_t n);
/** Brings n RGBA pixels to `channels`: 1, 3 or 4; `out` may be `rgba`. */
void decode_from_rgba(const unsigned char *rgba, unsigned char *out, int64_t n, int channels);
/** The orientation tag of a TIFF block as EXIF has it; 1 when it is missing or the block is wrong. */
int exif_orientation(const unsigned char *tiff, size_t size);

#endif
