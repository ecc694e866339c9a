/* Recordings in a folder for each class, as samples of one row: a piece of each, at one rate. */
#include <math.h>
#include <stdlib.h>

#include "runtime/data/class_folders.h"
#include "runtime/data/decode.h"
#include "runtime/data/loose.h"
#include "runtime/data/sound.h"
#include "runtime/rng.h"

typedef struct {
    Source source;
    Members recordings;
    ClassFolders folders;
    const SoundLibrary *library;
    SoundPiece piece; /* the middle */
} AudioSource;

typedef struct {
    const char *folder;
    double seconds;
    int64_t rate, channels;
    int crop;
} AudioArgs;

/* The order of the words of `crop`. */
enum { CROP_RANDOM, CROP_MIDDLE };

static const Field audio_fields[] = {
    FIELD(AudioArgs, folder, FIELD_TEXT, .path = true,
          .doc = "folder that holds a folder of recordings for each class"),
    FIELD(AudioArgs, seconds, FIELD_REAL, .least = 0.001, .most = 3600, .named_only = true,
          .doc = "length of a sample; a shorter recording is followed by silence"),
    FIELD(AudioArgs, rate, FIELD_INTEGER, .preset = "16000", .least = SOUND_RATE_LEAST,
          .most = SOUND_RATE_MOST, .named_only = true,
          .doc = "values a second, in Hz, to which recordings of other rates are converted"),
    FIELD(AudioArgs, channels, FIELD_INTEGER, .preset = "1", .least = 1, .most = SOUND_CHANNELS_MOST,
          .named_only = true,
          .doc = "1: the mean of all channels; more: those of the recordings, which must have as many"),
    FIELD(AudioArgs, crop, FIELD_WORD, .preset = "random", .words = "random middle", .named_only = true,
          .doc = "the piece of a longer recording that trains: another one in each epoch, or the middle, as "
                 "in validation and test"),
    FIELDS_END,
};
const Schema audio_schema = {
    .word = "audio",
    .doc =
        "WAV, FLAC and OGG recordings, in a folder for each class, as 'folder' has pictures. A sample is a "
        "row of values from -1 to 1, 1 x (seconds times rate) x channels; 'mel' makes a picture of it. "
        "Needs a cnnc that was built with libsndfile.",
    .places = IN_DATA | IN_SOURCE,
    .fields = audio_fields,
    .args_bytes = sizeof(AudioArgs),
    .example = "audio \"data/words\", seconds=1, rate=16000",
};

/* By the end of its name. Kinds that cannot be decoded count too: they are then reported as unreadable, and
 * not silently left out. */
static bool audio_is_recording(const char *name)
{
    static const char *const endings[] = {"wav", "wave", "flac", "ogg",  "oga", "opus", "mp3", "m4a",
                                          "aac", "wma",  "aif",  "aiff", "au",  "caf",  "w64", NULL};
    return name_ends_as(name, endings);
}

static const MemberKind audio_kind = {audio_is_recording, "WAV, FLAC or OGG recording", "recordings"};

static CnnStatus audio_read_at(const AudioSource *audio, int64_t index, double place, Picture *out,
                               CnnError *error)
{
    char path[PATH_MAX], name[NAME_BYTES];
    CnnError reason = {0};
    SoundPiece piece = audio->piece;
    piece.place = place;
    TRY(members_path(&audio->recordings, index, path, error));
    TRY(picture_reserve(out, 1, piece.samples, piece.channels, DTYPE_F32, error));
    TRY(decoder_open(out, error));
    PictureDecoder *decoder = out->decoder;
    TRY(audio->recordings.tree->load(audio->recordings.tree, path, &decoder->file, error));
    CnnStatus status = audio->library->read(&decoder->sound, &decoder->file, &piece, out->data, &reason);
    if (status == CNN_OK)
        return CNN_OK;
    return cnn_fail(error, status, "%s: %s", name_printable(path, name), reason.text);
}

static CnnStatus audio_sample(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                              Picture *out, CnnError *error)
{
    (void)want_height;
    (void)want_width;
    const AudioSource *audio = (const AudioSource *)source;
    return audio_read_at(audio, index, audio->piece.place, out, error);
}

static CnnStatus audio_random(Source *source, int64_t index, uint64_t key, Picture *out, CnnError *error)
{
    Random4 random = cnn_random4(key, 0, 0, 0, PURPOSE_PIECE);
    double place = cnn_uniform(random.word[0]) + cnn_uniform(random.word[1]) / 16777216;
    return audio_read_at((const AudioSource *)source, index, place, out, error);
}

static double audio_label(Source *source, int64_t index)
{
    return ((const AudioSource *)source)->folders.label[index];
}

static CnnStatus audio_group(Source *source, const char *by, int64_t *group, int64_t *groups, CnnError *error)
{
    return class_folders_group(&((const AudioSource *)source)->folders, by, source->info.count, group, groups,
                               error);
}

static void audio_name(Source *source, int64_t index, char *out, size_t bytes)
{
    members_name(&((const AudioSource *)source)->recordings, index, out, bytes);
}

static void audio_stamp(Source *source, Stamp *stamp)
{
    members_stamp(&((const AudioSource *)source)->recordings, stamp);
}

static void audio_close(Source *source)
{
    AudioSource *audio = (AudioSource *)source;
    class_folders_free(&audio->folders);
    members_free(&audio->recordings);
    free(audio);
}

static CnnStatus audio_set_piece(AudioSource *audio, const AudioArgs *args, CnnError *error)
{
    double samples = round(args->seconds * (double)args->rate);
    if (samples * (double)args->channels > SOUND_SAMPLES_MOST)
        return cnn_fail(error, CNN_BAD_INPUT,
                        "%g seconds at %lld Hz in %lld channels are %.0f values, more than the %d that a "
                        "sample can have",
                        args->seconds, (long long)args->rate, (long long)args->channels,
                        samples * (double)args->channels, SOUND_SAMPLES_MOST);
    audio->piece = (SoundPiece){args->rate, (int64_t)samples, args->channels, 0.5};
    audio->source.info = (SourceInfo){.height = 1,
                                      .width = audio->piece.samples,
                                      .channels = args->channels,
                                      .rate = (double)args->rate,
                                      .ranged = true,
                                      .low = -1,
                                      .high = 1};
    return CNN_OK;
}

static CnnStatus audio_open(const void *args, const Tree *tree, const char *base, Source **out,
                            CnnError *error)
{
    const AudioArgs *audio_args = args;
    const SoundLibrary *library;
    TRY(sound_library(&library, error));
    AudioSource *audio = calloc(1, sizeof *audio);
    if (!audio)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open '%s'", audio_args->folder);
    audio->source = (Source){.read = audio_sample,
                             .read_random = audio_args->crop == CROP_RANDOM ? audio_random : NULL,
                             .label = audio_label,
                             .group = audio_group,
                             .name = audio_name,
                             .stamp = audio_stamp,
                             .close = audio_close};
    audio->library = library;
    audio->recordings.tree = tree;
    audio->folders = (ClassFolders){.kind = &audio_kind, .members = &audio->recordings};
    CnnStatus status = audio_set_piece(audio, audio_args, error);
    if (status == CNN_OK)
        status = class_folders_open(&audio->folders, base, audio_args->folder, &audio->source.info, error);
    if (status == CNN_OK)
        *out = &audio->source;
    else
        audio_close(&audio->source);
    return status;
}

static void audio_close_loose(Source *source)
{
    free(source); /* the paths are the files' */
}

static CnnStatus audio_open_loose(const void *args, const LooseFiles *files, Source **out, CnnError *error)
{
    const SoundLibrary *library;
    TRY(sound_library(&library, error));
    AudioSource *audio = calloc(1, sizeof *audio);
    if (!audio)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open recordings");
    audio->source =
        (Source){.read = audio_sample, .label = loose_label, .name = audio_name, .close = audio_close_loose};
    audio->library = library;
    audio->recordings = loose_members(files);
    CnnStatus status = audio_set_piece(audio, args, error);
    if (status == CNN_OK)
        *out = &audio->source;
    else
        audio_close_loose(&audio->source);
    return status;
}

static const LooseKind *audio_loose(const SampleForm *form)
{
    static const LooseKind kind = {audio_is_recording, "recordings", audio_open_loose};
    (void)form;
    return &kind;
}

const SourceKind source_audio = {
    .schema = &audio_schema, .libraries = LIBRARY_SOUND, .open_in = audio_open, .loose = audio_loose};
