/* What a stage costs: microseconds of one core for a sample of a `data` section, with one statement and with
 * none. Pictures come from an array of bytes, so that decoding is no part of it; --folder DIR measures the
 * loader on pictures of a folder too, as a training uses it. --json FILE writes the figures to a file; other
 * arguments select statements by a part of their text. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/check/program.h"
#include "runtime/clock.h"
#include "runtime/data/loader.h"

#define PLACES "rotate 20deg -> shift 10%, 10% -> shear 10deg -> zoom 80%..120% -> flip horizontal"

static const char *const statements[] = {
    "",
    "augment { " PLACES " }",
    "augment { " PLACES " -> fill reflect }",
    "augment { " PLACES " -> fill wrap }",
    "augment { " PLACES " -> fill constant }",
    "augment { flip horizontal -> crop pad=4px }",
    "augment { crop random=SIZE, scale=8%..100% }",
    "augment { brightness 20% }",
    "augment { contrast 20% }",
    "augment { saturation 20% }",
    "augment { grey 100% }",
    "augment { hue 5% }",
    "augment { blur 0.5..0.5px }",
    "augment { blur 2..2px }",
    "augment { noise 2% }",
    "augment { cutout 8px }",
    "resize HALF",
    "resize DOUBLE",
};

typedef struct {
    int side, channels;
} Shape;

static const Shape shapes[] = {{64, 3}, {224, 3}, {64, 1}, {64, 4}};
enum { SAMPLES = 64, LOADER_BATCH = 64 };

static void stop(const char *text)
{
    fprintf(stderr, "%s\n", text);
    exit(1);
}

/* An array of random bytes, of the given shape; labels 0 and 1. */
static void write_array(const char *path, const char *shape, size_t count, int modulus)
{
    char header[128];
    uint32_t random = 1;
    memset(header, ' ', sizeof header);
    memcpy(header, "\x93NUMPY\1\0\166", 10);
    int length = snprintf(header + 10, sizeof header - 10,
                          "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", shape);
    header[10 + length] = ' ';
    header[sizeof header - 1] = '\n';
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(header, 1, sizeof header, file) != sizeof header)
        stop("cannot write the samples");
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        fputc((int)(modulus ? i % (size_t)modulus : random >> 24), file);
    }
    fclose(file);
}

static void write_samples(Shape shape)
{
    char text[64];
    snprintf(text, sizeof text, "%d, %d, %d, %d", SAMPLES, shape.side, shape.side, shape.channels);
    write_array("x.npy", text, (size_t)SAMPLES * (size_t)(shape.side * shape.side * shape.channels), 0);
    snprintf(text, sizeof text, "%d,", SAMPLES);
    write_array("y.npy", text, SAMPLES, 2);
}

/* A statement with the words for sizes replaced. */
static void statement_text(const char *statement, int side, char *out, size_t bytes)
{
    static const char *const words[] = {"SIZE", "HALF", "DOUBLE"};
    const int values[] = {side, side / 2, 2 * side};
    snprintf(out, bytes, "%s", statement);
    for (int i = 0; i < 3; i++) {
        const char *at = strstr(statement, words[i]);
        if (at)
            snprintf(out, bytes, "%.*s%dx%d%s", (int)(at - statement), statement, values[i], values[i],
                     at + strlen(words[i]));
    }
}

typedef struct {
    Arena *arena;
    CnnData *data; /* NULL: the statement does not fit these samples */
} Opened;

static Opened open_data(const char *source, const char *statement)
{
    Opened opened = {.arena = arena_new()};
    CnnError error = {0};
    Diag *diag = diag_new(opened.arena);
    const char *model = arena_printf(opened.arena,
                                     "data {\n%s\nscale 0..1\n%s\n}\n"
                                     "model T { input 2x2x1 -> flatten -> dense 2 -> softmax }\n"
                                     "train { loss cross_entropy -> optimizer sgd, rate=0.1 }\n",
                                     source, statement);
    CheckOptions options = {.without_data = true};
    Program *program = program_check_text(opened.arena, diag, "bench.cnn", model, &options);
    if (diag_errors(diag)) {
        diag_print(diag, stderr);
        exit(1);
    }
    if (cnn_data_open(&program->recipe, &opened.data, &error) != CNN_OK)
        opened.data = NULL;
    return opened;
}

static void close_data(Opened opened)
{
    cnn_data_close(opened.data);
    arena_free(opened.arena);
}

static size_t sample_values(const CnnData *data)
{
    Dims shape = cnn_data_shape(data);
    return (size_t)(shape.value[0] * shape.value[1] * shape.value[2]);
}

/* Seconds of one sample: the least of the means of many rounds. */
static double measure(CnnData *data)
{
    CnnError error = {0};
    DataScratch *scratch = NULL;
    float *out = malloc(sample_values(data) * sizeof *out);
    double least = INFINITY, start = cnn_thread_clock();
    for (int round = 0; round < 200 && (round < 3 || cnn_thread_clock() - start < 0.3); round++) {
        double before = cnn_thread_clock();
        for (int i = 0; i < SAMPLES; i++) {
            MixedLabel label;
            if (cnn_data_sample(data, PART_TRAIN, i, round, &scratch, out, &label, &error) != CNN_OK)
                stop(error.text);
        }
        least = fmin(least, (cnn_thread_clock() - before) / SAMPLES);
    }
    free(out);
    cnn_data_scratch_free(scratch);
    return least;
}

/* Processor seconds of the whole program: what others do meanwhile does not count. */
static double processor_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Samples a second that the loader gives where it has all of `threads` cores, in the better of two epochs, of
 * at most ten seconds each. */
static double measure_loader(CnnData *data, int threads)
{
    CnnError error = {0};
    CnnLoader *loader = NULL;
    LoaderOptions options = {
        .batch = LOADER_BATCH, .shuffle = true, .threads = threads, .ahead = LOADER_AHEAD};
    double best = 0;
    if (cnn_loader_open(data, PART_TRAIN, &options, &loader, &error) != CNN_OK)
        stop(error.text);
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        Batch batch = {0};
        int64_t samples = 0;
        double start = cnn_clock(), worked = processor_seconds();
        if (cnn_loader_start(loader, epoch, 0, &error) != CNN_OK)
            stop(error.text);
        while (!batch.last && cnn_clock() - start < 10) {
            if (cnn_loader_next(loader, &batch, &error) != CNN_OK)
                stop(error.text);
            samples += batch.samples;
        }
        best = fmax(best, (double)samples * threads / (processor_seconds() - worked));
        cnn_loader_stop(loader);
    }
    cnn_loader_close(loader);
    return best;
}

typedef struct {
    const char *filter, *folder;
    FILE *json;
    int rows;
} Bench;

static void report(Bench *bench, const char *shape, const char *statement, const char *unit, double value,
                   double more)
{
    printf("%-10s %-92s %10.2f %s", shape, *statement ? statement : "nothing", value, unit);
    printf(isnan(more) ? "\n" : "  (+%.2f)\n", more);
    if (bench->json)
        fprintf(bench->json, "%s\n  {\"samples\": \"%s\", \"statement\": \"%s\", \"%s\": %.3f}",
                bench->rows ? "," : "", shape, statement, unit, value);
    bench->rows++;
}

static void run_shape(Bench *bench, Shape shape)
{
    double nothing = 0;
    write_samples(shape);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        char text[256], name[32];
        statement_text(statements[i], shape.side, text, sizeof text);
        if (bench->filter && i > 0 && !strstr(text, bench->filter))
            continue;
        Opened opened = open_data("arrays x=\"x.npy\", y=\"y.npy\"", text);
        if (opened.data) {
            double seconds = measure(opened.data);
            nothing = i == 0 ? seconds : nothing;
            snprintf(name, sizeof name, "%dx%dx%d", shape.side, shape.side, shape.channels);
            report(bench, name, text, "us", seconds * 1e6, (seconds - nothing) * 1e6);
        }
        close_data(opened);
    }
}

static void run_folder(Bench *bench)
{
    char source[1024];
    snprintf(source, sizeof source, "folder \"%s\"", bench->folder);
    int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 0; i < 2; i++) {
        Opened opened = open_data(source, statements[i]);
        if (!opened.data)
            stop("the pictures cannot be read, or have several sizes");
        if (cnn_data_count(opened.data, PART_TRAIN) < SAMPLES)
            stop("the folder holds too few pictures");
        report(bench, "folder", statements[i], "us", measure(opened.data) * 1e6, NAN);
        report(bench, "folder", statements[i], "images/s", measure_loader(opened.data, threads), NAN);
        close_data(opened);
    }
}

int main(int argc, char **argv)
{
    Bench bench = {0};
    char folder[] = "/tmp/cnn_bench_XXXXXX", real[4096];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            bench.json = fopen(argv[++i], "w");
        else if (strcmp(argv[i], "--folder") == 0 && i + 1 < argc)
            bench.folder = realpath(argv[++i], real);
        else
            bench.filter = argv[i];
    }
    if (!mkdtemp(folder) || chdir(folder) != 0)
        stop("cannot make a folder for the samples");
    if (bench.json)
        fprintf(bench.json, "[");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        run_shape(&bench, shapes[i]);
    if (bench.folder)
        run_folder(&bench);
    if (bench.json) {
        fprintf(bench.json, "\n]\n");
        fclose(bench.json);
    }
    remove("x.npy");
    remove("y.npy");
    return chdir("/") != 0 || rmdir(folder) != 0;
}
