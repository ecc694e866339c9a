/* A piece of a recording: decoded by libsndfile, brought to one rate by libsoxr. */
#include "runtime/sound/sound_parts.h"

#include <math.h>
#include <sndfile.h>
#include <soxr.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_FRAMES = 4096 };

struct SoundDecoder {
    Bytes block; /* frames as the file has them, all channels */
    Bytes piece; /* the piece at the recording's own rate */
    ogg_sync_state pages;
};

void recording_decoder_free(SoundDecoder *decoder)
{
    bytes_free(&decoder->block);
    bytes_free(&decoder->piece);
    ogg_sync_clear(&decoder->pages);
    free(decoder);
}

/* ---- A file in memory, as libsndfile reads one ---- */

typedef struct {
    const Bytes *file;
    sf_count_t at;
} Reader;

static sf_count_t reader_size(void *user)
{
    return (sf_count_t)((const Reader *)user)->file->size;
}

static sf_count_t reader_seek(sf_count_t offset, int whence, void *user)
{
    Reader *reader = user;
    sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? reader->at : reader_size(user);
    if (offset < -from || offset > reader_size(user) - from)
        return -1;
    return reader->at = from + offset;
}

static sf_count_t reader_read(void *out, sf_count_t count, void *user)
{
    Reader *reader = user;
    sf_count_t left = reader_size(user) - reader->at;
    count = count < 0 ? 0 : count < left ? count : left;
    memcpy(out, reader->file->data + reader->at, (size_t)count);
    reader->at += count;
    return count;
}

static sf_count_t reader_write(const void *bytes, sf_count_t count, void *user)
{
    (void)bytes;
    (void)count;
    (void)user;
    return 0;
}

static sf_count_t reader_tell(void *user)
{
    return ((const Reader *)user)->at;
}

/* ---- Checks ---- */

static CnnStatus check_header(const SF_INFO *info, const SoundPiece *piece, CnnError *error)
{
    if (info->channels < 1 || info->channels > SOUND_CHANNELS_MOST)
        return cnn_fail(error, CNN_BAD_INPUT, "%d channels, more than the %d that are read", info->channels,
                        SOUND_CHANNELS_MOST);
    if (piece->channels > 1 && info->channels != piece->channels)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%d channel%s, and 'channels=%lld' asks for as many (channels=1 takes any, and mixes "
                        "them)",
                        info->channels, info->channels == 1 ? "" : "s", (long long)piece->channels);
    if (info->samplerate < SOUND_RATE_LEAST || info->samplerate > SOUND_RATE_MOST)
        return cnn_fail(error, CNN_BAD_INPUT, "a rate of %d Hz: only rates of %d to %d Hz can be converted",
                        info->samplerate, SOUND_RATE_LEAST, SOUND_RATE_MOST);
    if (info->frames < 1)
        return cnn_fail(error, CNN_BAD_INPUT, "it holds no sound");
    if (info->frames >= SF_COUNT_MAX)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "its header does not tell how long it is: write it to a file, not to a pipe");
    return CNN_OK;
}

/* A FLAC file tells its length at its beginning, so its last frame must be there. */
static CnnStatus check_last_frame(SNDFILE *sound, const SF_INFO *info, CnnError *error)
{
    float last[SOUND_CHANNELS_MOST];
    if (sf_seek(sound, info->frames - 1, SEEK_SET) < 0 || sf_readf_float(sound, last, 1) != 1)
        return sound_damaged(error);
    return CNN_OK;
}

/* ---- Reading ---- */

/* Frames of the file as they come out: all channels, or their mean. */
static void frames_mix(const float *frames, int64_t count, int channels, int64_t wanted, float *out)
{
    if (wanted == channels) {
        memcpy(out, frames, (size_t)(count * channels) * sizeof *out);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        float sum = 0;
        for (int c = 0; c < channels; c++)
            sum += frames[i * channels + c];
        out[i] = sum / (float)channels;
    }
}

static CnnStatus read_frames(SNDFILE *sound, int channels, Bytes *block, int64_t count, int64_t wanted,
                             float *out, CnnError *error)
{
    TRY(bytes_reserve(block, (size_t)(BLOCK_FRAMES * channels) * sizeof(float), error));
    float *frames = (float *)block->data;
    for (int64_t done = 0; done < count;) {
        int64_t now = count - done < BLOCK_FRAMES ? count - done : BLOCK_FRAMES;
        if (sf_readf_float(sound, frames, now) != now || sf_error(sound) != SF_ERR_NO_ERROR)
            return sound_damaged(error);
        for (int64_t i = 0; i < now * channels; i++)
            if (!isfinite(frames[i]))
                return cnn_fail(error, CNN_BAD_INPUT,
                                "it holds a value that is not finite (NaN or infinity)");
        frames_mix(frames, now, channels, wanted, out + done * wanted);
        done += now;
    }
    return CNN_OK;
}

/* Converts `count` frames, as librosa.load does by default; `done`: how many come out, at most those that are
 * wanted. */
static CnnStatus convert(const float *frames, int64_t count, int rate, const SoundPiece *piece, float *out,
                         int64_t *done, CnnError *error)
{
    size_t made;
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_error_t failure =
        soxr_oneshot(rate, (double)piece->rate, (unsigned)piece->channels, frames, (size_t)count, NULL, out,
                     (size_t)piece->samples, &made, NULL, &quality, NULL);
    if (failure)
        return cnn_fail(error, CNN_NO_RESOURCE, "its rate cannot be converted: %s", soxr_strerror(failure));
    *done = (int64_t)made;
    return CNN_OK;
}

static CnnStatus read_piece(SNDFILE *sound, const SF_INFO *info, SoundDecoder *decoder,
                            const SoundPiece *piece, float *out, CnnError *error)
{
    bool same = info->samplerate == piece->rate;
    int64_t count = (piece->samples * info->samplerate + piece->rate - 1) / piece->rate, done;
    double start = 0;
    if (count < info->frames)
        start = floor(piece->place * (double)(info->frames - count + 1));
    else
        count = info->frames;
    if (count > SOUND_SAMPLES_MOST / piece->channels)
        return cnn_fail(error, CNN_BAD_INPUT, "too large: the piece has %lld samples at %d Hz",
                        (long long)count, info->samplerate);
    if (!same)
        TRY(bytes_reserve(&decoder->piece, (size_t)(count * piece->channels) * sizeof(float), error));
    if (sf_seek(sound, (sf_count_t)start, SEEK_SET) < 0)
        return sound_damaged(error);
    TRY(read_frames(sound, info->channels, &decoder->block, count, piece->channels,
                    same ? out : (float *)decoder->piece.data, error));
    done = count;
    if (!same)
        TRY(convert((const float *)decoder->piece.data, count, info->samplerate, piece, out, &done, error));
    memset(out + done * piece->channels, 0,
           (size_t)((piece->samples - done) * piece->channels) * sizeof *out);
    return CNN_OK;
}

CnnStatus recording_read(SoundDecoder **decoder, const Bytes *file, const SoundPiece *piece, float *out,
                         CnnError *error)
{
    static SF_VIRTUAL_IO io = {reader_size, reader_seek, reader_read, reader_write, reader_tell};
    Container container;
    Reader reader = {.file = file};
    SF_INFO info = {0};
    if (!*decoder && !(*decoder = calloc(1, sizeof **decoder)))
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory for a decoder");
    TRY(container_of(file, &container, error));
    TRY(container_check(file, container, &(*decoder)->pages, error));
    SNDFILE *sound = sf_open_virtual(&io, SFM_READ, &info, &reader);
    if (!sound)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "its header is damaged, or it is coded in a way that libsndfile does not read");
    CnnStatus status = check_header(&info, piece, error);
    if (status == CNN_OK && container == CONTAINER_FLAC)
        status = check_last_frame(sound, &info, error);
    if (status == CNN_OK)
        status = read_piece(sound, &info, *decoder, piece, out, error);
    sf_close(sound);
    return status;
}
