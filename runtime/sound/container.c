/* What must be known of a file beside what libsndfile tells: its kind, and whether a piece of it is missing.
 * libsndfile takes a WAV or OGG file that was cut for a shorter one, and leaves out pages of an OGG file that
 * are damaged. */
#include "runtime/sound/sound_parts.h"

#include <string.h>

static bool file_has(const Bytes *file, size_t at, const char *bytes)
{
    size_t length = strlen(bytes);
    return file->size >= at + length && memcmp(file->data + at, bytes, length) == 0;
}

CnnStatus container_of(const Bytes *file, Container *container, CnnError *error)
{
    static const struct {
        size_t at;
        const char *bytes, *name;
    } others[] = {{0, "ID3", "an MP3 file"},
                  {0, "\xff\xfb", "an MP3 file"},
                  {4, "ftyp", "an MP4 file"},
                  {0, "FORM", "an AIFF file"},
                  {0, "MThd", "a MIDI file"},
                  {0, ".snd", "an AU file"},
                  {0, "\x1a\x45\xdf\xa3", "a Matroska or WebM file"},
                  {0, "<", "a web page"},
                  {0, "\xff\xd8\xff", "a picture"},
                  {1, "PNG", "a picture"},
                  {0, "PK", "a zip archive"}};
    bool riff = file_has(file, 0, "RIFF") || file_has(file, 0, "RIFX") || file_has(file, 0, "RF64");
    const char *other = file->size == 0 ? "an empty file" : "of an unknown kind";
    *container = riff ? CONTAINER_WAV : file_has(file, 0, "fLaC") ? CONTAINER_FLAC : CONTAINER_OGG;
    if ((riff && file_has(file, 8, "WAVE")) || file_has(file, 0, "fLaC") || file_has(file, 0, "OggS"))
        return CNN_OK;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (file_has(file, others[i].at, others[i].bytes)) {
            other = others[i].name;
            break;
        }
    return cnn_fail(error, CNN_BAD_INPUT, "neither a WAV, a FLAC nor an OGG recording, but %s", other);
}

static uint32_t number_at(const unsigned char *at, bool big)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++)
        number |= (uint32_t)at[i] << 8 * (big ? 3 - i : i);
    return number;
}

/* Goes through the chunks to "data" ("Multimedia Programming Interface and Data Specifications 1.0", 1991).
 * A size of 2^32 - 1 stands for one that was not known when the header was written. */
static bool wav_is_whole(const Bytes *file)
{
    bool big = file_has(file, 0, "RIFX");
    for (size_t at = 12; at + 8 <= file->size;) {
        uint32_t size = number_at(file->data + at + 4, big);
        if (file_has(file, at, "data"))
            return size == UINT32_MAX || size <= file->size - (at + 8);
        at += 8 + (size_t)size + size % 2;
    }
    return false;
}

/* All pages must be complete, one behind the other, with the right sums, and the last must be marked as such
 * (RFC 3533, section 6). */
static CnnStatus ogg_is_whole(const Bytes *file, ogg_sync_state *pages, bool *whole, CnnError *error)
{
    ogg_page page;
    long bytes;
    *whole = false;
    ogg_sync_reset(pages);
    char *buffer = ogg_sync_buffer(pages, (long)file->size);
    if (!buffer)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for %zu bytes", file->size);
    memcpy(buffer, file->data, file->size);
    ogg_sync_wrote(pages, (long)file->size);
    while ((bytes = ogg_sync_pageseek(pages, &page)) > 0)
        *whole = ogg_page_eos(&page);
    *whole = *whole && bytes == 0 && pages->returned == pages->fill;
    return CNN_OK;
}

CnnStatus container_check(const Bytes *file, Container container, ogg_sync_state *pages, CnnError *error)
{
    bool whole = true;
    if (container == CONTAINER_WAV)
        whole = wav_is_whole(file);
    else if (container == CONTAINER_OGG)
        TRY(ogg_is_whole(file, pages, &whole, error));
    return whole ? CNN_OK : sound_damaged(error);
}

CnnStatus sound_damaged(CnnError *error)
{
    return cnn_fail(error, CNN_BAD_INPUT, "truncated or damaged: the file ends before its sound does");
}
