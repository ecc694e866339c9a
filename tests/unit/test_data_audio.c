/* The source `audio` and the stage `mel`: what they give, and what each wrong thing is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <sndfile.h>

#include "tests/unit/data_test.h"
#include "tests/unit/mel_expected.h"

enum { COUNT = 2000, RATE = 8000 };

typedef struct {
    int format; /* SF_FORMAT_…; 0: WAV of 16 bits */
    int rate;   /* 0: RATE */
    int channels;
} WriteOptions;

static void write_sound(const char *path, const float *values, int frames, WriteOptions options)
{
    SF_INFO info = {.samplerate = options.rate ? options.rate : RATE,
                    .channels = options.channels ? options.channels : 1,
                    .format = options.format ? options.format : SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    make_folders(path);
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    assert_int_equal(sf_writef_float(file, values, frames), frames);
    sf_close(file);
}

/* As `sound` in tests/reference/mel_librosa.py: a sweep, then the same very quiet, then silence; the second
 * channel is the first one backwards, at a quarter. */
static void make_sound(int channels, float *out)
{
    int first[COUNT];
    for (int i = 0; i < COUNT; i++) {
        first[i] = (int)((7 * (int64_t)i * i + 13 * i) % 20001 - 10000);
        if (i >= COUNT / 2)
            first[i] = (int)floor(first[i] / 512.0);
        if (i >= COUNT * 3 / 4)
            first[i] = 0;
    }
    for (int i = 0; i < COUNT; i++)
        for (int c = 0; c < channels; c++)
            out[i * channels + c] = (float)(c == 0 ? first[i] : floor(first[COUNT - 1 - i] / 4.0)) / 32768;
}

/* A ramp of `frames` values, value i being i / 32768. */
static void make_ramp(int frames, float *out)
{
    for (int i = 0; i < frames; i++)
        out[i] = (float)i / 32768;
}

/* Two classes, a and b, with a recording each, of which that of class a comes first. */
static void write_classes(const float *values, int frames, WriteOptions options)
{
    write_sound("s/a/1.wav", values, frames, options);
    write_sound("s/b/1.wav", values, frames, options);
}

static void assert_shape(const CnnData *data, int64_t height, int64_t width, int64_t channels)
{
    Dims shape = cnn_data_shape(data);
    assert_int_equal(shape.count, 3);
    assert_int_equal(shape.value[0], height);
    assert_int_equal(shape.value[1], width);
    assert_int_equal(shape.value[2], channels);
}

/* ---- mel ---- */

static void a_spectrogram_is_that_of_librosa(void **state)
{
    (void)state;
    float values[COUNT];
    make_sound(1, values);
    write_classes(values, COUNT, (WriteOptions){0});
    Opened opened = open_good("audio \"s\", seconds=0.25, rate=8000\n"
                              "mel bands=12, window=256, hop=100, range=50..4000");
    assert_shape(opened.data, 12, 21, 1);
    assert_sample(opened.data, 0, 12 * 21, mel_mono, 1e-3f);
    close_data(opened);
}

static void channels_have_spectrograms_of_their_own(void **state)
{
    (void)state;
    float values[2 * COUNT];
    make_sound(2, values);
    write_classes(values, COUNT, (WriteOptions){.channels = 2});
    Opened opened = open_good("audio \"s\", seconds=0.25, rate=8000, channels=2\n"
                              "mel 8, window=300, hop=128, range=0..3000");
    assert_shape(opened.data, 8, 16, 2);
    assert_sample(opened.data, 0, 8 * 16 * 2, mel_stereo, 1e-3f);
    close_data(opened);
}

static void silence_is_100_decibels_below_one(void **state)
{
    (void)state;
    static const float silent[500];
    float expected[4 * 3];
    for (int i = 0; i < 4 * 3; i++)
        expected[i] = -100;
    write_classes(silent, 500, (WriteOptions){0});
    Opened opened =
        open_good("audio \"s\", seconds=0.03, rate=8000\nmel 4, window=128, hop=100, range=0..4000");
    assert_sample(opened.data, 0, 4 * 3, expected, 0);
    close_data(opened);
}

/* The order of the parts, a cache, and two threads change nothing. */
static void a_spectrogram_passes_through_the_loader(void **state)
{
    (void)state;
    float values[COUNT];
    char path[32];
    make_sound(1, values);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "s/%c/%d.wav", "ab"[i % 2], i);
        write_sound(path, values, COUNT, (WriteOptions){0});
    }
    Opened opened = open_good("audio \"s\", seconds=0.25, rate=8000, crop=middle\n"
                              "mel bands=12, window=256, hop=100, range=50..4000\ncache memory");
    LoaderOptions options = {.batch = 5, .threads = 2, .ahead = 2};
    CnnLoader *loader;
    CacheUse use;
    CnnError error = {0};
    assert_int_equal(cnn_data_cache(opened.data, CACHE_FILL, &use, &error), CNN_OK);
    assert_true(use.state == CACHE_FILLING && use.bytes == 20 * sizeof mel_mono);
    assert_int_equal(cnn_loader_open(opened.data, PART_TRAIN, &options, &loader, &error), CNN_OK);
    for (int epoch = 0; epoch < 2; epoch++) {
        assert_int_equal(cnn_loader_start(loader, epoch, 0, &error), CNN_OK);
        for (int batch = 0; batch < 4; batch++) {
            Batch got;
            assert_int_equal(cnn_loader_next(loader, &got, &error), CNN_OK);
            assert_int_equal(got.samples, 5);
            for (int i = 0; i < 5 * 252; i++)
                assert_true(fabsf(((const float *)got.input)[i] - mel_mono[i % 252]) < 1e-3f);
        }
    }
    cnn_loader_close(loader);
    close_data(opened);
}

static void a_spectrogram_may_be_moved_blurred_and_cut_out(void **state)
{
    (void)state;
    float values[COUNT], got[252];
    CnnError error = {0};
    make_sound(1, values);
    write_classes(values, COUNT, (WriteOptions){0});
    Opened opened = open_good("audio \"s\", seconds=0.25, rate=8000\n"
                              "mel bands=12, window=256, hop=100, range=50..4000\n"
                              "augment { shift 20%, 0px -> blur 0..1px -> cutout 3px }");
    assert_shape(opened.data, 12, 21, 1);
    for (int epoch = 0; epoch < 20; epoch++) {
        assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, epoch, got, &error), CNN_OK);
        for (int i = 0; i < 252; i++)
            assert_true(got[i] > -84 && got[i] < 0.1f);
    }
    close_data(opened);
}

/* ---- The piece ---- */

static void short_recordings_are_followed_by_silence(void **state)
{
    (void)state;
    float values[100], expected[160] = {0};
    make_ramp(100, values);
    memcpy(expected, values, sizeof values);
    write_classes(values, 100, (WriteOptions){0});
    Opened opened = open_good("audio \"s\", seconds=0.02, rate=8000");
    assert_shape(opened.data, 1, 160, 1);
    assert_int_equal(cnn_data_classes(opened.data), 2);
    assert_string_equal(cnn_data_class_name(opened.data, 1), "b");
    assert_sample(opened.data, 0, 160, expected, 0);
    close_data(opened);
}

/* The value with which the piece of training sample 0 begins, times 32768; the piece must be one. */
static int piece_start(CnnData *data, Part part, int64_t epoch)
{
    float piece[160];
    CnnError error = {0};
    if (get_sample(data, part, 0, epoch, piece, &error) != CNN_OK)
        fail_msg("%s", error.text);
    for (int i = 1; i < 160; i++)
        assert_true(piece[i] == piece[0] + (float)i / 32768);
    return (int)(piece[0] * 32768);
}

static void long_recordings_are_cropped_at_random_in_training_only(void **state)
{
    (void)state;
    static float values[1000];
    int least = 1000, most = 0;
    make_ramp(1000, values);
    for (int i = 0; i < 2; i++) {
        write_sound(i ? "s/train/b/1.wav" : "s/train/a/1.wav", values, 1000, (WriteOptions){0});
        write_sound(i ? "s/test/b/1.wav" : "s/test/a/1.wav", values, 1000, (WriteOptions){0});
    }
    Opened opened = open_good("audio \"s\", seconds=0.02, rate=8000");
    for (int epoch = 0; epoch < 200; epoch++) {
        int start = piece_start(opened.data, PART_TRAIN, epoch);
        assert_int_equal(start, piece_start(opened.data, PART_TRAIN, epoch));
        assert_int_equal(piece_start(opened.data, PART_TEST, epoch), 420); /* (1000 - 160) / 2 */
        least = start < least ? start : least;
        most = start > most ? start : most;
    }
    assert_true(least < 30 && most > 810 && most <= 840);
    close_data(opened);
    opened = open_good("audio \"s\", seconds=0.02, rate=8000, crop=middle");
    assert_int_equal(piece_start(opened.data, PART_TRAIN, 3), 420);
    close_data(opened);
    assert_cached("audio \"s\", seconds=0.02, rate=8000, crop=middle", "s/test/a/1.wav");
}

static void channels_are_mixed_or_kept(void **state)
{
    (void)state;
    float values[3 * 80], mean[80];
    for (int i = 0; i < 80; i++) {
        for (int c = 0; c < 3; c++)
            values[3 * i + c] = (float)(64 * (i - 40) * (c + 1)) / 32768;
        mean[i] = (float)(128 * (i - 40)) / 32768;
    }
    write_classes(values, 80, (WriteOptions){.channels = 3});
    Opened opened = open_good("audio \"s\", seconds=0.01, rate=8000");
    assert_sample(opened.data, 0, 80, mean, 1e-7f);
    close_data(opened);
    opened = open_good("audio \"s\", seconds=0.01, rate=8000, channels=3");
    assert_shape(opened.data, 1, 80, 3);
    assert_sample(opened.data, 0, 240, values, 0);
    close_data(opened);
}

/* A tone of 440 Hz at half the loudness. */
static void make_tone(int frames, int rate, float *out)
{
    for (int i = 0; i < frames; i++)
        out[i] = (float)(0.5 * sin(6.283185307179586 * 440 * i / rate));
}

static void other_rates_are_converted(void **state)
{
    (void)state;
    static const int rates[] = {4000, 11025, 44100};
    static float values[44100], expected[8000], got[8000];
    CnnError error = {0};
    make_tone(8000, 8000, expected);
    for (int r = 0; r < 3; r++) {
        make_tone(rates[r], rates[r], values);
        write_classes(values, rates[r],
                      (WriteOptions){.rate = rates[r], .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT});
        Opened opened = open_good("audio \"s\", seconds=1, rate=8000");
        assert_shape(opened.data, 1, 8000, 1);
        assert_int_equal(get_sample(opened.data, PART_TRAIN, 0, 0, got, &error), CNN_OK);
        for (int i = 200; i < 7800; i++)
            assert_true(fabsf(got[i] - expected[i]) < 1e-5f);
        close_data(opened);
    }
}

/* ---- Files ---- */

static void flac_and_ogg_are_read_by_content(void **state)
{
    (void)state;
    static float values[4000], got[4000];
    CnnError error = {0};
    make_tone(4000, 8000, values);
    for (int i = 0; i < 4000; i++)
        values[i] = roundf(values[i] * 32768) / 32768;
    write_sound("s/a/1.wav", values, 4000, (WriteOptions){.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16});
    write_sound("s/b/1.ogg", values, 4000, (WriteOptions){.format = SF_FORMAT_OGG | SF_FORMAT_VORBIS});
    Opened opened = open_good("audio \"s\", seconds=0.5, rate=8000");
    assert_sample(opened.data, 0, 4000, values, 0);
    assert_int_equal(get_sample(opened.data, PART_TRAIN, 1, 0, got, &error), CNN_OK);
    for (int i = 0; i < 4000; i++)
        assert_true(fabsf(got[i] - values[i]) < 0.05f);
    close_data(opened);
}

static const char *const formats[] = {"wav", "flac", "ogg"};

/* Class a has a good recording, class b one that `spoil` is to make bad. */
static void write_pair(int format, int frames)
{
    static float values[16000];
    char path[32];
    static const int sound_formats[] = {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                        SF_FORMAT_OGG | SF_FORMAT_VORBIS};
    for (int i = 0; i < 16000; i++)
        values[i] = (float)((i * 7919) % 2001 - 1000) / 2000;
    snprintf(path, sizeof path, "s/b/1.%s", formats[format]);
    write_sound("s/a/1.wav", values, frames, (WriteOptions){0});
    write_sound(path, values, frames, (WriteOptions){.format = sound_formats[format]});
}

#define AUDIO "audio \"s\", seconds=0.1, rate=8000"

static void assert_bad(const char *part)
{
    Opened opened = open_good(AUDIO);
    assert_unreadable(opened.data, 1, part);
    close_data(opened);
}

/* Whatever piece is asked for. */
static void truncated_recordings_are_refused(void **state)
{
    (void)state;
    char path[32];
    for (int f = 0; f < 3; f++) {
        snprintf(path, sizeof path, "s/b/1.%s", formats[f]);
        for (int share = 1; share < 10; share += 2) {
            write_pair(f, 16000);
            cut_file(path, file_size(path) * share / 10);
            Opened opened = open_good(AUDIO);
            for (int epoch = 0; epoch < 5; epoch++) {
                float values[800];
                CnnError error = {0};
                assert_int_equal(get_sample(opened.data, PART_TRAIN, 1, epoch, values, &error),
                                 CNN_BAD_INPUT);
                assert_contains(error.text, path);
                assert_contains(error.text, "truncated or damaged: the file ends before its sound does");
            }
            close_data(opened);
        }
        remove(path);
    }
}

static void empty_recordings_are_refused(void **state)
{
    (void)state;
    static const float none[1];
    write_pair(0, 800);
    write_bytes("s/b/1.wav", "", 0);
    assert_bad("s/b/1.wav: neither a WAV, a FLAC nor an OGG recording, but an empty file");
    write_sound("s/b/1.wav", none, 0, (WriteOptions){0});
    assert_bad("s/b/1.wav: it holds no sound");
}

static void other_files_are_refused_by_their_kind(void **state)
{
    (void)state;
    write_pair(0, 800);
    write_bytes("s/b/1.wav", "ID3\4and so on", 13);
    assert_bad("but an MP3 file");
    write_bytes("s/b/1.wav", "<!DOCTYPE html>", 15);
    assert_bad("but a web page");
    write_bytes("s/b/1.wav", "no sound at all", 15);
    assert_bad("but of an unknown kind");
    write_bytes("s/b/1.wav", "RIFF\20\0\0\0WAVEfmt \0", 17);
    assert_bad("s/b/1.wav: truncated or damaged");
    write_bytes("s/b/1.wav",
                "RIFF\46\0\0\0WAVEfmt \20\0\0\0\x34\x12\1\0\0\1\0\0\0\1\0\0\1\0\10\0data\2\0\0\0\1\2", 46);
    assert_bad("s/b/1.wav: its header is damaged, or it is coded in a way that libsndfile does not read");
}

static void odd_rates_and_channels_are_refused(void **state)
{
    (void)state;
    static float values[1000 * 100];
    write_pair(0, 800);
    write_sound("s/b/1.wav", values, 800, (WriteOptions){.rate = 100});
    assert_bad("s/b/1.wav: a rate of 100 Hz: only rates of 2000 to 512000 Hz can be converted");
    write_sound("s/b/1.wav", values, 100, (WriteOptions){.channels = 1000});
    assert_bad("s/b/1.wav: 1000 channels, more than the 64 that are read");
    Opened opened = open_good(AUDIO ", channels=2");
    assert_unreadable(opened.data, 0,
                      "s/a/1.wav: 1 channel, and 'channels=2' asks for as many (channels=1 takes any, and "
                      "mixes them)");
    close_data(opened);
}

static void a_flac_file_without_its_length_is_refused(void **state)
{
    (void)state;
    static unsigned char bytes[1 << 16];
    write_pair(1, 2000);
    size_t size = read_bytes("s/b/1.flac", bytes, sizeof bytes);
    bytes[21] &= 0xf0; /* the number of samples, 36 bits in STREAMINFO */
    memset(bytes + 22, 0, 4);
    write_bytes("s/b/1.flac", bytes, size);
    assert_bad("s/b/1.flac: its header does not tell how long it is: write it to a file, not to a pipe");
}

static void values_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    float values[800] = {0};
    write_pair(0, 800);
    values[700] = NAN;
    write_sound("s/b/1.wav", values, 800, (WriteOptions){.format = SF_FORMAT_WAV | SF_FORMAT_FLOAT});
    assert_bad("s/b/1.wav: it holds a value that is not finite (NaN or infinity)");
}

static void damaged_bytes_give_finite_values_or_an_error(void **state)
{
    (void)state;
    static unsigned char bytes[1 << 16], damaged[1 << 16];
    char path[32];
    for (int f = 0; f < 3; f++) {
        write_pair(f, 2000);
        snprintf(path, sizeof path, "s/b/1.%s", formats[f]);
        size_t size = read_bytes(path, bytes, sizeof bytes);
        Opened opened = open_good(AUDIO);
        for (uint32_t seed = 0; seed < 150; seed++) {
            float values[800];
            CnnError error = {0};
            memcpy(damaged, bytes, size);
            mutate(damaged, seed % 2 ? size : 200, seed); /* the header, every other time */
            write_bytes(path, damaged, size);
            CnnStatus status = get_sample(opened.data, PART_TRAIN, 1, seed, values, &error);
            assert_true(status == CNN_OK || status == CNN_BAD_INPUT);
            assert_true((status == CNN_OK) == (*error.text == '\0'));
            for (int i = 0; i < 800 && status == CNN_OK; i++)
                assert_true(isfinite(values[i]));
        }
        close_data(opened);
        remove(path);
    }
}

/* ---- Statements that do not fit ---- */

static void statements_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    write_pair(0, 800);
    write_plain_png("p/a/1.png", 4, 4, 1, 2, 3);
    write_plain_png("p/b/1.png", 4, 4, 1, 2, 3);
    assert_refused("folder \"p\"\nmel",
                   "'mel' needs a sound: it stands behind the source 'audio', before stages");
    assert_refused(AUDIO "\nresize 1x400\nmel range=20..4000", "'mel' needs a sound");
    assert_refused(AUDIO "\nmel",
                   "the range goes to 8000 Hz, but a sound of 8000 values a second has no frequencies "
                   "above 4000 Hz: range=20..4000");
    assert_refused(AUDIO "\nmel range=20..20", "'mel' needs a range that is not empty");
    assert_refused(AUDIO "\nmel 128, window=128, range=20..4000",
                   "lies between two frequencies of a window of 128 values, which are 62.5 Hz apart: fewer "
                   "bands, or a longer window");
    assert_refused(AUDIO "\nmel 8, range=20..4000\nscale 0..1", "which is not known of spectrograms");
    assert_refused(AUDIO "\nmel 8, range=20..4000\naugment { brightness 10% }",
                   "which is not known of spectrograms");
    assert_refused(AUDIO "\ncache memory",
                   "test.cnn:3:1: 'cache' keeps what is read in the first epoch, and the "
                   "source reads another piece in each: say crop=middle there");
    assert_refused(AUDIO "\ncache disk", "test.cnn:3:1: 'cache' keeps what is read in the first epoch, ");
    assert_refused("audio \"s\", seconds=3600, rate=512000",
                   "more than the 134217728 that a sample can have");
    assert_refused("audio \"p\", seconds=1",
                   "the class folder 'p/a' holds no WAV, FLAC or OGG recording (and 1 other files)");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_spectrogram_is_that_of_librosa),
        TEST(channels_have_spectrograms_of_their_own),
        TEST(silence_is_100_decibels_below_one),
        TEST(a_spectrogram_passes_through_the_loader),
        TEST(a_spectrogram_may_be_moved_blurred_and_cut_out),
        TEST(short_recordings_are_followed_by_silence),
        TEST(long_recordings_are_cropped_at_random_in_training_only),
        TEST(channels_are_mixed_or_kept),
        TEST(other_rates_are_converted),
        TEST(flac_and_ogg_are_read_by_content),
        TEST(truncated_recordings_are_refused),
        TEST(empty_recordings_are_refused),
        TEST(other_files_are_refused_by_their_kind),
        TEST(odd_rates_and_channels_are_refused),
        TEST(a_flac_file_without_its_length_is_refused),
        TEST(values_that_are_not_finite_are_refused),
        TEST(damaged_bytes_give_finite_values_or_an_error),
        TEST(statements_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
