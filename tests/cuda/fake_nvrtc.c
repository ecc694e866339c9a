/* libnvrtc.so.13 of this folder: the C compiler, with emulator.h from beside this library. */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "fake_module.h"

/* Shared memory is thread-local: by a function at each use, or by a descriptor. */
#ifdef __x86_64__
#define THREAD_LOCAL "-mtls-dialect=gnu2"
#else
#define THREAD_LOCAL "-mtls-dialect=desc"
#endif

enum {
    NVRTC_SUCCESS = 0,
    NVRTC_OUT_OF_MEMORY = 1,
    NVRTC_INVALID_INPUT = 3,
    NVRTC_INVALID_PROGRAM = 4,
    NVRTC_INVALID_OPTION = 5,
    NVRTC_COMPILATION = 6,
    NVRTC_INTERNAL = 11,
    PATH_ROOM = 4096
};
extern char **environ;

typedef struct {
    char *source, *log;
    char *code; /* FakeModuleHeader and the object */
    size_t code_bytes;
} FakeProgram;

static char *read_file(const char *path, size_t before, size_t *bytes)
{
    FILE *file = fopen(path, "rbe");
    char *text = NULL;
    long length = 0;
    if (file && fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0)
        text = calloc(1, before + (size_t)length + 1);
    if (text && fread(text + before, 1, (size_t)length, file) != (size_t)length) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    *bytes = (size_t)length;
    return text;
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

static bool find_folder(char folder[PATH_ROOM])
{
    Dl_info self;
    if (!dladdr((void *)find_folder, &self) || !realpath(self.dli_fname, folder))
        return false;
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    return slash;
}

/* Runs the C compiler, whose words come into `log`. Bounds are checked by the program's own function
 * (emulator.h), so the library of the sanitizer is left out. */
static bool run_compiler(const char *source, const char *object, const char *log)
{
    char include[PATH_ROOM + 2] = "-I";
    if (!find_folder(include + 2))
        return false;
    const char *arguments[] = {"cc",
                               "-std=gnu11",
                               "-O2",
                               "-march=native",
                               "-fPIC",
                               "-shared",
                               "-Wall",
                               "-Wextra",
                               "-Werror",
                               "-Wno-unknown-pragmas",
                               "-ffp-contract=off",
                               "-fno-math-errno",
                               THREAD_LOCAL,
                               "-fstack-clash-protection",
                               "-fsanitize=bounds",
                               include,
                               "-o",
                               object,
                               source,
                               "-nodefaultlibs",
                               "-lm",
                               "-lc",
                               "-lgcc",
                               NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t process;
    int status = -1;
    if (posix_spawnp(&process, "cc", &actions, NULL, (char *const *)arguments, environ) != 0 ||
        waitpid(process, &status, 0) != process)
        status = -1;
    posix_spawn_file_actions_destroy(&actions);
    return status == 0;
}

/* SUCCESS of NVRTC with program->code, or the code of its error. */
static int compile(FakeProgram *program, const char *architecture)
{
    char folder[] = "/tmp/fake_nvrtc.XXXXXX";
    if (!mkdtemp(folder))
        return NVRTC_INTERNAL;
    char source[64], object[64], log[64];
    snprintf(source, sizeof source, "%s/program.c", folder);
    snprintf(object, sizeof object, "%s/program.so", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    bool compiled = write_file(source, program->source) && run_compiler(source, object, log);
    size_t bytes;
    free(program->log);
    program->log = read_file(log, 0, &bytes);
    free(program->code);
    program->code = compiled ? read_file(object, sizeof(FakeModuleHeader), &bytes) : NULL;
    if (program->code) {
        FakeModuleHeader header = {.magic = "", .architecture = "", .bytes = bytes};
        memcpy(header.magic, FAKE_MAGIC, sizeof header.magic);
        snprintf(header.architecture, sizeof header.architecture, "%s", architecture);
        memcpy(program->code, &header, sizeof header);
        program->code_bytes = sizeof header + bytes;
    }
    unlink(source);
    unlink(object);
    unlink(log);
    rmdir(folder);
    return program->code ? NVRTC_SUCCESS : NVRTC_COMPILATION;
}

PUBLIC int nvrtcVersion(int *major, int *minor)
{
    *major = 13;
    *minor = 900; /* what it makes is never taken for the real one's */
    return NVRTC_SUCCESS;
}

PUBLIC const char *nvrtcGetErrorString(int result)
{
    static const struct {
        int code;
        const char *text;
    } errors[] = {{NVRTC_SUCCESS, "NVRTC_SUCCESS"},
                  {NVRTC_OUT_OF_MEMORY, "NVRTC_ERROR_OUT_OF_MEMORY"},
                  {NVRTC_INVALID_INPUT, "NVRTC_ERROR_INVALID_INPUT"},
                  {NVRTC_INVALID_PROGRAM, "NVRTC_ERROR_INVALID_PROGRAM"},
                  {NVRTC_INVALID_OPTION, "NVRTC_ERROR_INVALID_OPTION"},
                  {NVRTC_COMPILATION, "NVRTC_ERROR_COMPILATION"},
                  {NVRTC_INTERNAL, "NVRTC_ERROR_INTERNAL_ERROR"}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == result)
            return errors[i].text;
    return "NVRTC_ERROR unknown";
}

PUBLIC int nvrtcGetNumSupportedArchs(int *count)
{
    *count = 6;
    return NVRTC_SUCCESS;
}

PUBLIC int nvrtcGetSupportedArchs(int *architectures)
{
    memcpy(architectures, (const int[]){75, 80, 89, 90, 100, 120}, 6 * sizeof *architectures);
    return NVRTC_SUCCESS;
}

PUBLIC int nvrtcCreateProgram(FakeProgram **out, const char *source, const char *name, int headers,
                              const char *const *texts, const char *const *names)
{
    (void)texts, (void)names;
    CALL("%s", name ? name : "");
    FakeProgram *program = headers == 0 && source ? calloc(1, sizeof *program) : NULL;
    if (program)
        program->source = strdup(source);
    if (!program || !program->source) {
        free(program);
        RETURN(headers ? NVRTC_INVALID_INPUT : NVRTC_OUT_OF_MEMORY);
    }
    *out = program;
    RETURN(NVRTC_SUCCESS);
}

PUBLIC int nvrtcDestroyProgram(FakeProgram **program)
{
    CALL("%s", "");
    free((*program)->source);
    free((*program)->log);
    free((*program)->code);
    free(*program);
    *program = NULL;
    RETURN(NVRTC_SUCCESS);
}

/* The option's value, if it has this name. */
static const char *value_of(const char *option, const char *name)
{
    size_t length = strlen(name);
    return strncmp(option, name, length) == 0 ? option + length : NULL;
}

/* Programs are compiled side by side: the call that is noted ends before. */
PUBLIC int nvrtcCompileProgram(FakeProgram *program, int count, const char *const *options)
{
    static const char *const known[] = {"--std=",     "-std=",           "--ptxas-options=", "-lineinfo",
                                        "--no-cache", "--use_fast_math", "--fmad="};
    const char *architecture = NULL;
    int status = fake_begin(__func__, "%s", count > 0 ? options[0] : "");
    for (int i = 0; i < count && !status; i++) {
        const char *value = value_of(options[i], "--gpu-architecture=");
        bool is_known = value;
        architecture = value ? value : architecture;
        for (size_t j = 0; j < sizeof known / sizeof *known && !is_known; j++)
            is_known = value_of(options[i], known[j]);
        if (!is_known)
            status = fake_say(NVRTC_INVALID_OPTION, "option %s", options[i]);
    }
    fake_end(status);
    return status ? status : compile(program, architecture ? architecture : "sm_75");
}

static int give(const char *text, size_t bytes, char *out)
{
    if (!text)
        return NVRTC_INVALID_PROGRAM;
    memcpy(out, text, bytes);
    return NVRTC_SUCCESS;
}

PUBLIC int nvrtcGetProgramLogSize(const FakeProgram *program, size_t *bytes)
{
    *bytes = program->log ? strlen(program->log) + 1 : 1;
    return NVRTC_SUCCESS;
}

PUBLIC int nvrtcGetProgramLog(const FakeProgram *program, char *log)
{
    const char *text = program->log ? program->log : "";
    return give(text, strlen(text) + 1, log);
}

PUBLIC int nvrtcGetCUBINSize(const FakeProgram *program, size_t *bytes)
{
    *bytes = program->code_bytes;
    return program->code ? NVRTC_SUCCESS : NVRTC_INVALID_PROGRAM;
}

PUBLIC int nvrtcGetCUBIN(const FakeProgram *program, char *code)
{
    return give(program->code, program->code_bytes, code);
}

PUBLIC int nvrtcGetPTXSize(const FakeProgram *program, size_t *bytes)
{
    return nvrtcGetCUBINSize(program, bytes);
}

PUBLIC int nvrtcGetPTX(const FakeProgram *program, char *code)
{
    return nvrtcGetCUBIN(program, code);
}
