/* What kernels call. The maps of lanes to elements are those of the PTX manual. */
#include <stdint.h>
#include <stdlib.h>

#define EMULATOR_ITSELF
#include "emulator.h"
#include "emulator_lane.h"
#include "emulator_run.h"
#include "runtime/half.h"

void emulator_barrier(int line)
{
    emulator_yield(LANE_BARRIER, line);
}

void emulator_aligned(const void *address, int line)
{
    if ((uintptr_t)address % 16 != 0)
        emulator_fault("line %d: an address that is not a multiple of 16", line);
}

void emulator_outside(int line, unsigned long index)
{
    emulator_fault("line %d: index %ld is outside the array", line, (long)index);
}

/* Meets the warp: what the lane shows stands in the slot that is returned, that of any lane after this. */
static int meet(const unsigned *words, int count, const void *address, int line)
{
    if (!emulator_whole_warp())
        emulator_fault("line %d: a warp operation, and the warp has not all its threads", line);
    EmulatorLane *lane = emulator_lane();
    int turn = lane->turn;
    lane->turn = !turn;
    if (count > 0)
        memcpy(lane->shown[turn].words, words, (size_t)count * sizeof *words);
    lane->shown[turn].address = address;
    emulator_yield(LANE_WARP, line);
    return turn;
}

static int lane_number(void)
{
    return (int)(emulator_lane() - emulator_warp());
}

float emulator_shuffle_xor(float value, int mask, int line)
{
    if (mask < 0 || mask >= EMULATOR_WARP)
        emulator_fault("line %d: a shuffle by %d", line, mask);
    unsigned bits = cnnc_bits(value);
    int turn = meet(&bits, 1, NULL, line);
    return cnnc_float(emulator_warp()[lane_number() ^ mask].shown[turn].words[0]);
}

/* Element (row, column) of the operand a; of b, (column, row). `first`: the word of the lane where a's or b's
 * begin. */
static float a_element(const EmulatorLane *warp, int turn, int row, int k, int type)
{
    int pack = type == EMULATOR_TF32 ? 1 : 2, half = 4 * pack;
    const EmulatorLane *lane = &warp[row % 8 * 4 + k % half / pack];
    unsigned word = lane->shown[turn].words[row / 8 + 2 * (k / half)];
    if (type == EMULATOR_TF32)
        return cnnc_float(word & 0xFFFFE000u);
    uint16_t bits = (uint16_t)(word >> 16 * (k % 2));
    return type == EMULATOR_BF16 ? cnn_bf16_value(bits) : cnn_f16_value(bits);
}

static float b_element(const EmulatorLane *warp, int turn, int k, int column, int type)
{
    int pack = type == EMULATOR_TF32 ? 1 : 2, half = 4 * pack;
    const EmulatorLane *lane = &warp[column * 4 + k % half / pack];
    unsigned word = lane->shown[turn].words[4 + k / half];
    if (type == EMULATOR_TF32)
        return cnnc_float(word & 0xFFFFE000u);
    uint16_t bits = (uint16_t)(word >> 16 * (k % 2));
    return type == EMULATOR_BF16 ? cnn_bf16_value(bits) : cnn_f16_value(bits);
}

void emulator_mma(float d[4], const unsigned *a, const unsigned *b, int type, int line)
{
    unsigned words[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    int turn = meet(words, 6, NULL, line), lane = lane_number();
    const EmulatorLane *warp = emulator_warp();
    for (int i = 0; i < 4; i++) {
        int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        double sum = d[i]; /* the hardware's order of the additions is its own */
        for (int k = 0; k < (type == EMULATOR_TF32 ? 8 : 16); k++)
            sum += (double)a_element(warp, turn, row, k, type) * b_element(warp, turn, k, column, type);
        d[i] = (float)sum;
    }
}

void emulator_ldmatrix_x4(unsigned r[4], const void *shared_row, int turned, int line)
{
    emulator_aligned(shared_row, line);
    if (!emulator_is_shared(shared_row, 16))
        emulator_fault("line %d: a row of a matrix that is not in shared memory", line);
    int turn = meet(NULL, 0, shared_row, line), g = lane_number() / 4, t = lane_number() % 4;
    const EmulatorLane *warp = emulator_warp();
    for (int i = 0; i < 4; i++) {
        unsigned half[2];
        for (int j = 0; j < 2; j++) {
            int row = turned ? 2 * t + j : g, column = turned ? g : 2 * t + j;
            half[j] = ((const uint16_t *)warp[8 * i + row].shown[turn].address)[column];
        }
        r[i] = half[0] | half[1] << 16;
    }
}

/* Begun only: the bytes are NaN until the thread waits for them, so that neither a missing wait nor one who
 * still reads what was there goes unseen. */
void emulator_copy16(void *shared, const void *global, int bytes, int line)
{
    emulator_aligned(shared, line);
    if (bytes != 0)
        emulator_aligned(global, line);
    if (bytes != 0 && bytes != 16)
        emulator_fault("line %d: a copy of %d bytes", line, bytes);
    if (!emulator_is_shared(shared, 16))
        emulator_fault("line %d: a copy to a place that is not in shared memory", line);
    EmulatorLane *lane = emulator_lane();
    if (lane->copies == lane->room) {
        int room = lane->room ? 2 * lane->room : 16;
        LaneCopy *copy = realloc(lane->copy, (size_t)room * sizeof *copy);
        if (!copy)
            emulator_fault("line %d: no memory for the copy", line);
        lane->copy = copy;
        lane->room = room;
    }
    lane->copy[lane->copies++] =
        (LaneCopy){.shared = shared, .global = global, .bytes = bytes, .group = lane->group};
    memset(shared, 0xFF, 16);
}

void emulator_copy_commit(void)
{
    emulator_lane()->group++;
}

void emulator_copy_wait(int groups, int line)
{
    if (groups < 0)
        emulator_fault("line %d: a wait for %d groups", line, groups);
    EmulatorLane *lane = emulator_lane();
    int left = 0;
    for (int i = 0; i < lane->copies; i++) {
        const LaneCopy *copy = &lane->copy[i];
        if (copy->group >=
            lane->group - groups) /* the open group, which nothing waits for, is one of these */
            lane->copy[left++] = *copy;
        else if (copy->bytes == 0)
            memset(copy->shared, 0, 16);
        else
            memcpy(copy->shared, copy->global, 16);
    }
    lane->copies = left;
}

unsigned short emulator_f16_of(float value)
{
    return cnn_f16_of(value);
}

float emulator_f16_value(unsigned short half)
{
    return cnn_f16_value(half);
}
