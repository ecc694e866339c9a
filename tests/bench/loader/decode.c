/* The limit of a loader that decodes with libjpeg-turbo: files are read and decoded by some threads, and
 * nothing else is done.
 *
 *     gcc -O2 decode.c -o decode -lturbojpeg -lpthread
 *     ./decode LIST THREADS SECONDS REDUCTION      LIST: a path on each line; REDUCTION: 1, or 2, 4, 8 for
 * smaller pictures
 *
 * A window of SECONDS is measured for each line of the standard input; asked by loaders.py. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <turbojpeg.h>
#include <unistd.h>

enum { MOST_THREADS = 256, MOST_PATH = 4096 };

static char **paths;
static long path_count;
static int reduction;
static atomic_long next;
static atomic_int stop;

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "decode: %s: %s\n", what, why);
    exit(1);
}

/* At least `size` bytes at *buffer. */
static void reserve(unsigned char **buffer, size_t *room, size_t size)
{
    if (size <= *room)
        return;
    *buffer = realloc(*buffer, *room = size);
    if (!*buffer)
        fail("memory", "there is not enough");
}

static size_t load(const char *path, unsigned char **file, size_t *room)
{
    struct stat info;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &info) != 0)
        fail(path, "it cannot be opened");
    size_t size = (size_t)info.st_size, have = 0;
    reserve(file, room, size);
    while (have < size) {
        ssize_t got = read(descriptor, *file + have, size - have);
        if (got <= 0)
            fail(path, "it cannot be read");
        have += (size_t)got;
    }
    close(descriptor);
    return size;
}

static void *decode(void *argument)
{
    tjhandle decoder = tjInitDecompress();
    tjscalingfactor factor = {1, reduction};
    unsigned char *file = NULL, *picture = NULL;
    size_t file_room = 0, picture_room = 0;
    long *count = argument;
    for (*count = 0; !atomic_load(&stop); (*count)++) {
        const char *path = paths[atomic_fetch_add(&next, 1) % path_count];
        int width, height, sampling, colours;
        size_t size = load(path, &file, &file_room);
        if (tjDecompressHeader3(decoder, file, size, &width, &height, &sampling, &colours) != 0)
            fail(path, tjGetErrorStr2(decoder));
        width = TJSCALED(width, factor);
        height = TJSCALED(height, factor);
        reserve(&picture, &picture_room, (size_t)width * (size_t)height * 3);
        if (tjDecompress2(decoder, file, size, picture, width, 0, height, TJPF_RGB, 0) != 0)
            fail(path, tjGetErrorStr2(decoder));
    }
    tjDestroy(decoder);
    free(file);
    free(picture);
    return NULL;
}

static void measure(int threads, double seconds)
{
    pthread_t thread[MOST_THREADS];
    long count[MOST_THREADS], images = 0;
    atomic_store(&stop, 0);
    double start = seconds_of(CLOCK_MONOTONIC), cores = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, decode, &count[i]) != 0)
            fail("threads", "there are too many");
    struct timespec wait = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&wait, NULL);
    atomic_store(&stop, 1);
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        images += count[i];
    }
    double elapsed = seconds_of(CLOCK_MONOTONIC) - start;
    cores = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cores;
    printf("{\"rate\": %.1f, \"core_seconds\": %.9f}\n", (double)images / elapsed, cores / (double)images);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[MOST_PATH];
    int threads = argc == 5 ? atoi(argv[2]) : 0;
    reduction = argc == 5 ? atoi(argv[4]) : 0;
    if (threads < 1 || threads > MOST_THREADS || reduction < 1)
        fail("usage", "decode LIST THREADS SECONDS REDUCTION");
    FILE *list = fopen(argv[1], "re");
    if (!list)
        fail(argv[1], "it cannot be opened");
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        paths = realloc(paths, sizeof *paths * (size_t)(path_count + 1));
        if (!paths || !(paths[path_count++] = strdup(line)))
            fail("memory", "there is not enough");
    }
    fclose(list);
    if (path_count == 0)
        fail(argv[1], "it names no pictures");
    printf("{\"version\": \"libjpeg-turbo\"}\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin))
        measure(threads, atof(argv[3]));
    return 0;
}
