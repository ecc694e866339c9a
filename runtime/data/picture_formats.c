/* The table of picture formats. A new one is a row here and a decode_NAME.c. Where its library may be
 * missing, that file stands in runtime/formats, a library which is linked into programs that read pictures,
 * and CMakeLists.txt looks for what it needs. */
#include <string.h>

#include "runtime/data/class_folders.h"
#include "runtime/data/decode.h"

extern const PictureCodec bmp_codec;
/* Their addresses are NULL in a program without them. */
extern const PictureCodec tiff_codec __attribute__((weak)), webp_codec __attribute__((weak)),
    gif_codec __attribute__((weak));
/* Left out by --target only (cmake/cross.cmake). */
#ifdef CNN_WITHOUT_PICTURES
extern const PictureCodec jpeg_codec __attribute__((weak)), png_codec __attribute__((weak));
#else
extern const PictureCodec jpeg_codec, png_codec;
#endif

const PictureFormat picture_formats[] = {
    {"JPEG",
     "a",
     {"jpg", "jpeg", "jpe", "jfif"},
     {{0, 3, "\xff\xd8\xff"}},
     "libjpeg",
     "libjpeg-dev",
     &jpeg_codec},
    {"PNG", "a", {"png"}, {{0, 8, "\x89PNG\r\n\x1a\n"}}, "libpng", "libpng-dev", &png_codec},
    {"TIFF",
     "a",
     {"tif", "tiff"},
     {{0, 4, "II*\0"}, {0, 4, "MM\0*"}, {0, 4, "II+\0"}, {0, 4, "MM\0+"}},
     "libtiff",
     "libtiff-dev",
     &tiff_codec},
    {"WebP", "a", {"webp"}, {{8, 4, "WEBP"}}, "libwebp", "libwebp-dev", &webp_codec},
    {"GIF", "a", {"gif"}, {{0, 6, "GIF87a"}, {0, 6, "GIF89a"}}, "giflib", "libgif-dev", &gif_codec},
    {"BMP", "a", {"bmp", "dib"}, {{0, 2, "BM"}}, NULL, NULL, &bmp_codec},
    {"HEIC or AVIF", "a", {"heic", "heif", "avif"}, {{4, 4, "ftyp"}}, NULL, NULL, NULL},
    {0},
};

bool decode_is_picture_name(const char *name)
{
    for (const PictureFormat *format = picture_formats; format->name; format++)
        if (name_ends_as(name, format->endings))
            return true;
    return false;
}

const PictureFormat *picture_format_of(const unsigned char *start, size_t size)
{
    for (const PictureFormat *format = picture_formats; format->name; format++)
        for (size_t i = 0; i < sizeof format->starts / sizeof *format->starts && format->starts[i].count;
             i++) {
            size_t at = (size_t)format->starts[i].at, count = (size_t)format->starts[i].count;
            if (size >= at + count && memcmp(start + at, format->starts[i].bytes, count) == 0)
                return format;
        }
    return NULL;
}

CnnStatus picture_format_check(const PictureFormat *format, const char *path, CnnError *error)
{
    char name[NAME_BYTES];
    if (format->codec)
        return CNN_OK;
    name_printable(path, name);
    if (format->package)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%s: %s %s picture, but this program was built without %s (Debian: %s)", name,
                        format->article, format->name, format->library, format->package);
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s %s picture, which is not read: convert it to PNG or JPEG",
                    name, format->article, format->name);
}

void picture_library_version(const PictureFormat *format, char out[32])
{
    *out = '\0';
    if (format->codec->version)
        format->codec->version(out, 32);
}
