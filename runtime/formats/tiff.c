/* Opening TIFF files: what libtiff reads with, and whom it complains to. */
#include "runtime/formats/tiff.h"

#include <string.h>

/* A strip or a tile of the largest picture that is decoded. */
#define MOST_ALLOCATION ((tmsize_t)1 << 30)

static tmsize_t tiff_on_read(thandle_t handle, void *out, tmsize_t size)
{
    TiffFile *file = handle;
    uint64_t left = file->at < file->size ? file->size - file->at : 0;
    uint64_t count = (uint64_t)size < left ? (uint64_t)size : left;
    file->cut = file->cut || count < (uint64_t)size;
    CnnError none = {0};
    if (file->memory) {
        memcpy(out, file->memory->data + file->at, count);
    } else if (extent_read(file->extent, out, count, file->at, &none) != CNN_OK) {
        file->cut = true;
        count = 0;
    }
    file->at += count;
    return (tmsize_t)count;
}

static tmsize_t tiff_on_write(thandle_t handle, void *from, tmsize_t size)
{
    (void)handle, (void)from, (void)size;
    return -1;
}

static toff_t tiff_on_seek(thandle_t handle, toff_t offset, int whence)
{
    TiffFile *file = handle;
    uint64_t base = whence == SEEK_CUR ? file->at : whence == SEEK_END ? file->size : 0;
    file->at = base + offset;
    return file->at;
}

static int tiff_on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t tiff_on_size(thandle_t handle)
{
    return ((TiffFile *)handle)->size;
}

static void tiff_note(TiffFile *file, const char *format, va_list values)
{
    char text[256];
    if (file->first.status != CNN_OK)
        return;
    vsnprintf(text, sizeof text, format, values);
    cnn_fail(&file->first, CNN_BAD_INPUT,
             file->cut ? "truncated TIFF (%s)" : "damaged or unsupported TIFF (%s)", text);
}

static int tiff_on_error(TIFF *tiff, void *handle, const char *module, const char *format, va_list values)
{
    (void)tiff, (void)module;
    tiff_note(handle, format, values);
    return 1; /* nobody else is told */
}

/* Warnings before the pixels are about tags that nobody needs. */
static int tiff_on_warning(TIFF *tiff, void *handle, const char *module, const char *format, va_list values)
{
    (void)tiff, (void)module;
    if (((TiffFile *)handle)->decoding)
        tiff_note(handle, format, values);
    return 1;
}

CnnStatus tiff_check(const TiffFile *file, bool done, CnnError *error)
{
    if (file->first.status != CNN_OK)
        return cnn_fail(error, file->first.status, "%s", file->first.text);
    return done ? CNN_OK : cnn_fail(error, CNN_BAD_INPUT, "damaged or unsupported TIFF");
}

CnnStatus tiff_open(TiffFile *file, CnnError *error)
{
    file->tiff = NULL;
    file->at = 0;
    file->cut = file->decoding = false;
    file->first = (CnnError){0};
    file->size = file->memory ? file->memory->size : file->extent->size;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a TIFF decoder");
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MOST_ALLOCATION);
    TIFFOpenOptionsSetErrorHandlerExtR(options, tiff_on_error, file);
    TIFFOpenOptionsSetWarningHandlerExtR(options, tiff_on_warning, file);
    file->tiff = TIFFClientOpenExt("", "rm", file, tiff_on_read, tiff_on_write, tiff_on_seek, tiff_on_close,
                                   tiff_on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    CnnStatus status = tiff_check(file, file->tiff != NULL, error);
    if (status != CNN_OK)
        tiff_close(file);
    return status;
}

void tiff_close(TiffFile *file)
{
    if (file->tiff)
        TIFFClose(file->tiff);
    file->tiff = NULL;
}

void tiff_version(char *out, size_t bytes)
{
    static const char before[] = "LIBTIFF, Version ";
    const char *text = TIFFGetVersion();
    text += strncmp(text, before, sizeof before - 1) == 0 ? sizeof before - 1 : 0;
    snprintf(out, bytes, "%.*s", (int)strcspn(text, "\n"), text);
}
