/* Scenes in TIFF files: strips or tiles, bands together in each pixel or in planes of their own. Values that
 * are not compressed are read from their places in the file, by all threads at once, whatever the size of a
 * strip. Compressed blocks are decoded by libtiff, one thread at a time, and the last ones used are kept. */
#include "runtime/data/scene.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/formats/tiff.h"
#include "runtime/memory.h"

/* Of a decoded block. */
#define MOST_BLOCK_BYTES ((uint64_t)1 << 30)

typedef struct {
    unsigned char *data; /* taken at the first use */
    int64_t block;       /* -1: none */
    uint64_t used;       /* a time that only counts uses */
} KeptBlock;

typedef struct {
    Scene scene;
    Extent extent;
    TiffFile file;
    bool tiled, separate, packed, swapped;
    int64_t block_height, block_width, across, planes, blocks;
    uint64_t block_bytes;
    const uint64_t *offsets, *counts; /* of each block in the file; libtiff's */
    pthread_mutex_t lock;             /* for all below, and for libtiff */
    KeptBlock *kept;
    int kept_count;
    int32_t *kept_at; /* by block: its index in `kept`, or -1 */
    uint64_t time;
} SceneTiff;

static CnnStatus scene_tiff_fail(const SceneTiff *tiff, CnnError *error, const char *reason)
{
    char name[NAME_BYTES];
    return cnn_fail(error, CNN_BAD_INPUT, "%s: %s", name_printable(tiff->scene.path, name), reason);
}

/* The same of what libtiff says. */
static CnnStatus scene_tiff_check(const SceneTiff *tiff, bool done, CnnError *error)
{
    char name[NAME_BYTES];
    CnnError reason = {0};
    CnnStatus status = tiff_check(&tiff->file, done, &reason);
    if (status == CNN_OK)
        return CNN_OK;
    return cnn_fail(error, status, "%s: %s", name_printable(tiff->scene.path, name), reason.text);
}

/* ---- Reading ---- */

static KeptBlock *longest_unused(SceneTiff *tiff)
{
    KeptBlock *oldest = &tiff->kept[0];
    for (int i = 1; i < tiff->kept_count && oldest->block >= 0; i++)
        if (tiff->kept[i].block < 0 || tiff->kept[i].used < oldest->used)
            oldest = &tiff->kept[i];
    return oldest;
}

/* The bytes that a block has: the last strip may be shorter. */
static uint64_t block_bytes(const SceneTiff *tiff, int64_t block)
{
    int64_t row = block % (tiff->blocks / tiff->planes) / tiff->across * tiff->block_height;
    int64_t left = tiff->scene.height - row;
    bool whole = tiff->tiled || left >= tiff->block_height;
    return whole ? tiff->block_bytes : tiff->block_bytes / (uint64_t)tiff->block_height * (uint64_t)left;
}

/* Decodes a block, or finds it decoded. Under the lock. */
static CnnStatus fetch_block(SceneTiff *tiff, int64_t block, const unsigned char **data, CnnError *error)
{
    KeptBlock *kept;
    if (tiff->kept_at[block] >= 0) {
        kept = &tiff->kept[tiff->kept_at[block]];
    } else {
        kept = longest_unused(tiff);
        if (kept->block >= 0)
            tiff->kept_at[kept->block] = -1;
        kept->block = -1;
        if (!kept->data && !(kept->data = malloc(tiff->block_bytes)))
            return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a block of %llu bytes",
                            (unsigned long long)tiff->block_bytes);
        uint64_t bytes = block_bytes(tiff, block);
        tmsize_t got = (tmsize_t)bytes;
        tiff->file.first = (CnnError){0};
        tiff->file.cut = false;
        if (tiff->counts[block] == 0)
            memset(kept->data, 0, bytes); /* what a sparse file leaves out */
        else if (tiff->tiled)
            got = TIFFReadEncodedTile(tiff->file.tiff, (uint32_t)block, kept->data, (tmsize_t)bytes);
        else
            got = TIFFReadEncodedStrip(tiff->file.tiff, (uint32_t)block, kept->data, (tmsize_t)bytes);
        TRY(scene_tiff_check(tiff, got == (tmsize_t)bytes, error));
        kept->block = block;
        tiff->kept_at[block] = (int32_t)(kept - tiff->kept);
    }
    kept->used = ++tiff->time;
    *data = kept->data;
    return CNN_OK;
}

/* Values of one row in one block, from byte `at` of it. */
static CnnStatus read_run(SceneTiff *tiff, int64_t block, uint64_t at, size_t bytes, unsigned char *out,
                          CnnError *error)
{
    size_t value = tiff->scene.value_bytes;
    if (tiff->packed) {
        const unsigned char *data = NULL;
        TRY(fetch_block(tiff, block, &data, error));
        memcpy(out, data + at, bytes);
    } else if (tiff->counts[block] == 0) {
        memset(out, 0, bytes);
    } else {
        TRY(extent_read(&tiff->extent, out, bytes, tiff->offsets[block] + at, error));
        if (tiff->swapped)
            npy_swap(out, bytes / value, value);
    }
    return CNN_OK;
}

/* The part of a window that lies in one block: [top, bottom) x [left, right). */
static CnnStatus read_block(SceneTiff *tiff, int64_t block, const SceneWindow *window, int64_t plane,
                            unsigned char *out, unsigned char *row, CnnError *error)
{
    int64_t in_plane = block - plane * (tiff->blocks / tiff->planes);
    int64_t block_top = in_plane / tiff->across * tiff->block_height,
            block_left = in_plane % tiff->across * tiff->block_width;
    int64_t top = window->top > block_top ? window->top : block_top,
            left = window->left > block_left ? window->left : block_left,
            bottom = window->top + window->height, right = window->left + window->width;
    bottom = bottom < block_top + tiff->block_height ? bottom : block_top + tiff->block_height;
    right = right < block_left + tiff->block_width ? right : block_left + tiff->block_width;
    size_t value = tiff->scene.value_bytes, pixel = (size_t)tiff->scene.bands * value,
           stored = tiff->separate ? value : pixel; /* bytes of a pixel in the block */
    for (int64_t y = top; y < bottom; y++) {
        uint64_t at = (uint64_t)((y - block_top) * tiff->block_width + left - block_left) * stored;
        unsigned char *to = out + (size_t)((y - window->top) * window->width + left - window->left) * pixel;
        TRY(read_run(tiff, block, at, (size_t)(right - left) * stored, tiff->separate ? row : to, error));
        if (tiff->separate)
            scene_spread(row, right - left, value, to + (size_t)plane * value, pixel);
    }
    return CNN_OK;
}

static CnnStatus read_blocks(SceneTiff *tiff, const SceneWindow *window, void *out, void *row,
                             CnnError *error)
{
    int64_t per_plane = tiff->blocks / tiff->planes;
    int64_t first_down = window->top / tiff->block_height,
            last_down = (window->top + window->height - 1) / tiff->block_height,
            first_across = window->left / tiff->block_width,
            last_across = (window->left + window->width - 1) / tiff->block_width;
    for (int64_t plane = 0; plane < tiff->planes; plane++)
        for (int64_t down = first_down; down <= last_down; down++)
            for (int64_t across = first_across; across <= last_across; across++)
                TRY(read_block(tiff, plane * per_plane + down * tiff->across + across, window, plane, out,
                               row, error));
    return CNN_OK;
}

static CnnStatus scene_tiff_read(Scene *scene, const SceneWindow *window, void *out, void *row,
                                 CnnError *error)
{
    SceneTiff *tiff = (SceneTiff *)scene;
    if (tiff->packed)
        pthread_mutex_lock(&tiff->lock);
    CnnStatus status = read_blocks(tiff, window, out, row, error);
    if (tiff->packed)
        pthread_mutex_unlock(&tiff->lock);
    return status;
}

/* ---- Opening ---- */

static bool scene_tiff_type(int bits, int format, NpyType *type)
{
    static const struct {
        int bits, format;
        NpyType type;
    } types[] = {{8, SAMPLEFORMAT_UINT, NPY_U1},    {8, SAMPLEFORMAT_INT, NPY_I1},
                 {16, SAMPLEFORMAT_UINT, NPY_U2},   {16, SAMPLEFORMAT_INT, NPY_I2},
                 {32, SAMPLEFORMAT_UINT, NPY_U4},   {32, SAMPLEFORMAT_INT, NPY_I4},
                 {64, SAMPLEFORMAT_UINT, NPY_U8},   {64, SAMPLEFORMAT_INT, NPY_I8},
                 {16, SAMPLEFORMAT_IEEEFP, NPY_F2}, {32, SAMPLEFORMAT_IEEEFP, NPY_F4},
                 {64, SAMPLEFORMAT_IEEEFP, NPY_F8}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].bits == bits &&
            types[i].format == (format == SAMPLEFORMAT_VOID ? SAMPLEFORMAT_UINT : format)) {
            *type = types[i].type;
            return true;
        }
    return false;
}

/* Size and type of the values, and how they are packed. */
static CnnStatus scene_tiff_values(SceneTiff *tiff, CnnError *error)
{
    TIFF *file = tiff->file.tiff;
    Scene *scene = &tiff->scene;
    char reason[160];
    uint32_t height = 0, width = 0;
    uint16_t bits = 1, format = SAMPLEFORMAT_UINT, bands = 1, plan = PLANARCONFIG_CONTIG, photometric = 0,
             compression = COMPRESSION_NONE, order = FILLORDER_MSB2LSB;
    TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &bands);
    TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &plan);
    TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &compression);
    TIFFGetFieldDefaulted(file, TIFFTAG_FILLORDER, &order);
    TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &photometric);
    if (height == 0 || width == 0 || bands == 0)
        return scene_tiff_fail(tiff, error, "it has no pixels");
    if (!scene_tiff_type(bits, format, &scene->type)) {
        snprintf(reason, sizeof reason,
                 "values of %d bits, of a kind that is not read; whole numbers of 8 to 64 bits and real "
                 "numbers are",
                 bits);
        return scene_tiff_fail(tiff, error, reason);
    }
    if (photometric == PHOTOMETRIC_YCBCR)
        return scene_tiff_fail(tiff, error, "its values are brightness and colour (YCbCr), not bands");
    scene->height = height;
    scene->width = width;
    scene->bands = bands;
    scene->value_bytes = bits / 8;
    tiff->separate = plan == PLANARCONFIG_SEPARATE && bands > 1;
    tiff->packed = compression != COMPRESSION_NONE || order != FILLORDER_MSB2LSB;
    tiff->swapped = TIFFIsByteSwapped(file);
    return CNN_OK;
}

static CnnStatus scene_tiff_blocks(SceneTiff *tiff, CnnError *error)
{
    TIFF *file = tiff->file.tiff;
    const Scene *scene = &tiff->scene;
    uint32_t height = 0, width = (uint32_t)scene->width;
    tiff->tiled = TIFFIsTiled(file);
    if (tiff->tiled) {
        TIFFGetField(file, TIFFTAG_TILELENGTH, &height);
        TIFFGetField(file, TIFFTAG_TILEWIDTH, &width);
    } else {
        TIFFGetFieldDefaulted(file, TIFFTAG_ROWSPERSTRIP, &height);
        height = height < (uint64_t)scene->height ? height : (uint32_t)scene->height;
    }
    if (height == 0 || width == 0)
        return scene_tiff_fail(tiff, error, "damaged TIFF (blocks without pixels)");
    tiff->block_height = height;
    tiff->block_width = width;
    tiff->across = (scene->width + width - 1) / width;
    tiff->planes = tiff->separate ? scene->bands : 1;
    tiff->blocks = tiff->planes * tiff->across * ((scene->height + height - 1) / height);
    uint64_t stored = (uint64_t)(tiff->separate ? 1 : scene->bands) * scene->value_bytes;
    uint64_t count = tiff->tiled ? TIFFNumberOfTiles(file) : TIFFNumberOfStrips(file);
    if (!cnn_multiply((uint64_t)height * width, stored, &tiff->block_bytes) ||
        count != (uint64_t)tiff->blocks ||
        (tiff->tiled ? TIFFTileSize64(file) : TIFFStripSize64(file)) != tiff->block_bytes)
        return scene_tiff_fail(tiff, error, "a TIFF of a kind that is not supported");
    uint64_t *offsets = NULL, *counts = NULL;
    TIFFGetField(file, tiff->tiled ? TIFFTAG_TILEOFFSETS : TIFFTAG_STRIPOFFSETS, &offsets);
    TIFFGetField(file, tiff->tiled ? TIFFTAG_TILEBYTECOUNTS : TIFFTAG_STRIPBYTECOUNTS, &counts);
    if (!offsets || !counts)
        return scene_tiff_fail(tiff, error, "damaged TIFF (it does not tell where its values are)");
    tiff->offsets = offsets;
    tiff->counts = counts;
    return CNN_OK;
}

/* A second page of the same size would be more bands, and must not be left out silently; smaller ones are
 * overviews. */
static CnnStatus scene_tiff_pages(SceneTiff *tiff, CnnError *error)
{
    TIFF *file = tiff->file.tiff;
    uint32_t height = 0, width = 0, kind = 0;
    if (TIFFLastDirectory(file))
        return CNN_OK;
    if (TIFFReadDirectory(file)) {
        TIFFGetField(file, TIFFTAG_IMAGELENGTH, &height);
        TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &width);
        TIFFGetFieldDefaulted(file, TIFFTAG_SUBFILETYPE, &kind);
    }
    if (height == tiff->scene.height && width == tiff->scene.width &&
        !(kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)))
        return scene_tiff_fail(
            tiff, error,
            "its bands are pages of their own; planes or values of a pixel are read (tifffile: "
            "photometric=\"minisblack\", planarconfig=\"separate\")");
    return scene_tiff_check(tiff, TIFFSetDirectory(file, 0), error);
}

/* Memory for what is known of compressed blocks; the blocks' own is taken when they are decoded. */
static CnnStatus scene_tiff_keep(SceneTiff *tiff, CnnError *error)
{
    if (!tiff->packed)
        return CNN_OK;
    if (tiff->block_bytes > MOST_BLOCK_BYTES)
        return scene_tiff_fail(
            tiff, error, "its compressed strips are larger than 1 GiB: save it in tiles, or uncompressed");
    uint64_t count = SCENE_KEPT_BYTES / tiff->block_bytes;
    count = count < 1 ? 1 : count > (uint64_t)tiff->blocks ? (uint64_t)tiff->blocks : count;
    tiff->kept_count = count < INT32_MAX ? (int)count : INT32_MAX;
    tiff->kept = calloc((size_t)tiff->kept_count, sizeof *tiff->kept);
    tiff->kept_at = malloc((size_t)tiff->blocks * sizeof *tiff->kept_at);
    if (!tiff->kept || !tiff->kept_at)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for the blocks of %s", tiff->scene.path);
    for (int i = 0; i < tiff->kept_count; i++)
        tiff->kept[i].block = -1;
    memset(tiff->kept_at, -1, (size_t)tiff->blocks * sizeof *tiff->kept_at);
    return CNN_OK;
}

static void scene_tiff_close(Scene *scene)
{
    SceneTiff *tiff = (SceneTiff *)scene;
    tiff_close(&tiff->file);
    extent_close(&tiff->extent);
    for (int i = 0; i < tiff->kept_count; i++)
        free(tiff->kept[i].data);
    free(tiff->kept);
    free(tiff->kept_at);
    pthread_mutex_destroy(&tiff->lock);
    free(scene->path);
    free(tiff);
}

CnnStatus scene_tiff_open(Extent *file, Scene **out, CnnError *error)
{
    char name[NAME_BYTES];
    CnnError reason = {0};
    SceneTiff *tiff = calloc(1, sizeof *tiff);
    char *path = strdup(file->path);
    if (!tiff || !path) {
        free(tiff);
        free(path);
        extent_close(file);
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open a scene");
    }
    tiff->scene.read = scene_tiff_read;
    tiff->scene.close = scene_tiff_close;
    tiff->scene.path = path;
    tiff->extent = *file;
    tiff->file.extent = &tiff->extent;
    pthread_mutex_init(&tiff->lock, NULL);
    *out = &tiff->scene;
    if (tiff_open(&tiff->file, &reason) != CNN_OK)
        return cnn_fail(error, reason.status, "%s: %s", name_printable(path, name), reason.text);
    TRY(scene_tiff_values(tiff, error));
    TRY(scene_tiff_pages(tiff, error));
    TRY(scene_tiff_blocks(tiff, error));
    tiff->file.decoding = true;
    return scene_tiff_keep(tiff, error);
}
