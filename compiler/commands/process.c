#include "compiler/commands/process.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

double process_seconds(void)
{
    FILE *file = fopen("/proc/self/stat", "re");
    unsigned long long ticks = 0;
    struct timespec now;
    if (!file)
        return 0;
    /* Field 22; the second is the program's name, in parentheses. */
    int read = fscanf(file,
                      "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                      "%*d %*d %llu",
                      &ticks);
    fclose(file);
    clock_gettime(CLOCK_BOOTTIME, &now);
    if (read != 1)
        return 0;
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

double process_cores(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static double thread_delayed(const char *thread)
{
    char path[300];
    unsigned long long nanoseconds;
    snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", thread);
    FILE *file = fopen(path, "re");
    int read = file ? fscanf(file, "%*u %llu", &nanoseconds) : 0;
    if (file)
        fclose(file);
    return read == 1 ? 1e-9 * (double)nanoseconds : 0;
}

double process_delayed(void)
{
    DIR *threads = opendir("/proc/self/task");
    double seconds = 0;
    for (const struct dirent *entry; threads && (entry = readdir(threads));)
        if (entry->d_name[0] != '.')
            seconds += thread_delayed(entry->d_name);
    if (threads)
        closedir(threads);
    return seconds;
}
