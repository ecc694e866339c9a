/* Compiles every kernel of models for GPUs by the NVRTC of this machine, and looks at what the code uses:
 * nothing may spill, and a block must find room on a multiprocessor. Where NVRTC is that of tests/cuda, it
 * says that the kernels are C.
 *
 *     cuda_matrix [--for ARCHITECTURE,…] [--samples] [MODEL.cnn …]
 *
 * --samples: all samples of all layers, and small networks of stdlib. Exit code 77: there is no NVRTC here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/cuda/cuda.h"
#include "compiler/cuda/nvrtc.h"
#include "compiler/cuda/prelude_text.h"
#include "compiler/driver.h"
#include "compiler/link/link.h"
#include "compiler/ops/layer.h"
#include "tests/cuda/cubin.h"
#include "tests/ops/networks.h"

/* What every GPU of today has: registers of a multiprocessor, which a warp takes 256 at a time, and static
 * shared memory of a block, of which the newer ones keep 1 KiB for themselves. */
enum {
    REGISTERS = 65536,
    WARP_REGISTERS = 256,
    WARP = 32,
    SHARED = 48 << 10,
    RESERVED = 1 << 10,
    SKIPPED = 77
};

/* The kernels of an architecture, each text once. */
typedef struct {
    Arena *arena;
    const char *architecture;
    NvrtcProgram *programs;
    int *threads;
    int count, room, models;
} Matrix;

static void add(Matrix *matrix, const char *name, const Kernel *kernel)
{
    const char *text = cuda_text(kernel->computation, &kernel->cuda, "kernel", matrix->arena);
    text = arena_printf(matrix->arena, "%s\n%s", cuda_prelude, text);
    for (int i = 0; i < matrix->count; i++)
        if (strcmp(matrix->programs[i].source, text) == 0)
            return;
    if (matrix->count == matrix->room) {
        matrix->room = matrix->room ? 2 * matrix->room : 256;
        matrix->programs = realloc(matrix->programs, (size_t)matrix->room * sizeof *matrix->programs);
        matrix->threads = realloc(matrix->threads, (size_t)matrix->room * sizeof *matrix->threads);
        if (!matrix->programs || !matrix->threads)
            abort();
    }
    matrix->threads[matrix->count] = kernel->cuda.threads;
    matrix->programs[matrix->count++] = (NvrtcProgram){
        .name = arena_printf(matrix->arena, "%s, %s", name, kernel->name), .source = text, .code = NULL};
}

/* The kernels of a training step and of an evaluation. Without a text: of a file. False after a message. */
static bool add_model(Matrix *matrix, const char *name, const char *text)
{
    Session *session = session_open();
    const char *complaint;
    session->check.without_data = true;
    session->check.batch = text ? 4 : 0;
    session->gpu = cuda_target(matrix->arena, matrix->architecture, &complaint);
    if (!session->gpu) {
        fprintf(stderr, "%s\n", complaint);
        return false;
    }
    const Program *program = text ? driver_check_text(session, name, text) : driver_check(session, name);
    for (int training = 0; training < 2 && program; training++) {
        const Graph *graph = driver_graph(session, program, training);
        if (!graph)
            break;
        int count;
        Kernel **kernels = link_kernels(session->arena, driver_plan(session, graph), &count);
        for (int i = 0; i < count; i++)
            add(matrix, name, kernels[i]);
    }
    bool good = diag_errors(session->diag) == 0;
    if (!good)
        diag_print(session->diag, stderr);
    session_close(session);
    matrix->models++;
    return good;
}

static bool add_samples(Matrix *matrix)
{
    bool good = true;
    for (const Layer *const *layer = layer_table; *layer; layer++)
        for (int i = 0; (*layer)->samples[i] && good; i++)
            good =
                add_model(matrix, arena_printf(matrix->arena, "%s sample %d", (*layer)->schema.word, i + 1),
                          arena_printf(matrix->arena, "model Sample {\n%s\nflatten\n}\ntrain { loss mse }\n",
                                       (*layer)->samples[i]));
    for (size_t i = 0; i < sizeof networks / sizeof *networks && good; i++)
        good = add_model(matrix, arena_printf(matrix->arena, "%s network %zu", networks[i][0], i + 1),
                         arena_printf(matrix->arena,
                                      "import \"%s\"\nmodel Network {\n%s\n}\ntrain { loss mse }\n",
                                      networks[i][0], networks[i][1]));
    return good;
}

/* Whether a kernel's use is within what there is; else says so. */
static bool fits(const NvrtcProgram *program, const char *architecture, const CubinUse *use, int threads)
{
    int warps = (threads + WARP - 1) / WARP;
    int registers = (use->registers * WARP + WARP_REGISTERS - 1) / WARP_REGISTERS * WARP_REGISTERS * warps;
    bool room = registers <= REGISTERS && use->shared <= SHARED + RESERVED;
    if (use->frame > 0 || !room)
        printf("%s, %s: %d registers of %d threads, %d bytes of local memory, %d of shared memory\n",
               program->name, architecture, use->registers, threads, use->frame, use->shared);
    return use->frame == 0 && room;
}

/* Compiles all, and reads the code. False: something is wrong. */
static bool compile(Matrix *matrix)
{
    CnnError error = {0};
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (nvrtc_compile(matrix->programs, matrix->count, matrix->architecture, NULL, cores, &error) != CNN_OK) {
        printf("%s: %s\n", matrix->architecture, error.text);
        return false;
    }
    bool good = true;
    CubinUse most = {0};
    int read = 0;
    for (int i = 0; i < matrix->count; i++) {
        CubinUse use;
        if (cubin_read(matrix->programs[i].code, matrix->programs[i].bytes, &use)) {
            good = fits(&matrix->programs[i], matrix->architecture, &use, matrix->threads[i]) && good;
            most.registers = use.registers > most.registers ? use.registers : most.registers;
            most.shared = use.shared > most.shared ? use.shared : most.shared;
            read++;
        }
        free(matrix->programs[i].code);
    }
    printf("%s: %d kernels of %d models", matrix->architecture, matrix->count, matrix->models);
    if (read > 0)
        printf(", at most %d registers and %d bytes of shared memory", most.registers, most.shared);
    printf("\n");
    return good && (read == 0 || read == matrix->count);
}

int main(int argc, char **argv)
{
    int major, minor;
    CnnError error = {0};
    if (nvrtc_version(&major, &minor, &error) != CNN_OK) {
        printf("skipped: %s\n", error.text);
        return SKIPPED;
    }
    char all[] = "sm_80,sm_90,sm_100,sm_120", *list = all;
    bool samples = false, good = true;
    int first = 1;
    for (; first < argc && argv[first][0] == '-'; first++)
        if (strcmp(argv[first], "--samples") == 0)
            samples = true;
        else if (strcmp(argv[first], "--for") == 0 && first + 1 < argc)
            list = argv[++first];
    for (char *next, *architecture = strtok_r(list, ",", &next); architecture;
         architecture = strtok_r(NULL, ",", &next)) {
        Matrix matrix = {.arena = arena_new(), .architecture = architecture};
        bool made = !samples || add_samples(&matrix);
        for (int i = first; i < argc && made; i++)
            made = add_model(&matrix, argv[i], NULL);
        good = made && compile(&matrix) && good;
        free(matrix.programs);
        free(matrix.threads);
        arena_free(matrix.arena);
    }
    return good ? 0 : 1;
}
