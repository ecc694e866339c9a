#include "runtime/units.h"

#include <stdlib.h>

/* A whole step with less than this many operations and bytes is done before another worker has come: about 5
 * microseconds of one core's work. */
static const double SMALL_WORK = 65536;
enum { HALVINGS_MOST = 3 };

/* Memory that a unit touches. */
typedef struct {
    Segment segment;
    uint64_t begin, end;
    bool written;
} Touch;

/* What the units since the last barrier touch. */
typedef struct {
    Touch *items;
    int count, room;
} Touches;

static bool clashes(const Touch *a, const Touch *b)
{
    return (a->written || b->written) && a->segment == b->segment && a->begin < b->end && b->begin < a->end;
}

/* Does anything from `first` on clash with what stands before it? */
static bool any_clash(const Touches *touches, int first)
{
    for (int i = first; i < touches->count; i++)
        for (int k = 0; k < first; k++)
            if (clashes(&touches->items[i], &touches->items[k]))
                return true;
    return false;
}

static bool is_shared(Segment segment)
{
    return segment == SEGMENT_STATE || segment == SEGMENT_BATCH;
}

static bool add_touch(Touches *touches, const CnnBuffer *buffer, bool written)
{
    if (!is_shared(buffer->segment))
        return true;
    if (touches->count == touches->room) {
        int room = 2 * touches->room + 64;
        Touch *items = realloc(touches->items, (size_t)room * sizeof *items);
        if (!items)
            return false;
        touches->items = items;
        touches->room = room;
    }
    touches->items[touches->count++] =
        (Touch){buffer->segment, buffer->offset, buffer->offset + buffer->bytes, written};
    return true;
}

static bool is_written(const CnnStep *step, int buffer)
{
    for (int i = 0; i < step->write_count; i++)
        if (step->writes[i] == buffer)
            return true;
    return false;
}

static bool add_unit(Touches *touches, const CnnProgram *program, const bool *guarded, const CnnUnit *unit)
{
    for (int s = unit->first_step; s < unit->first_step + unit->step_count; s++) {
        const CnnStep *step = &program->steps[s];
        for (int b = 0; b < step->buffer_count; b++)
            if (!add_touch(touches, &program->buffers[step->buffers[b]], is_written(step, step->buffers[b])))
                return false;
        if (guarded[s] && !add_touch(touches, &program->buffers[program->loss], false))
            return false;
    }
    return true;
}

/* A barrier stands before each unit that clashes with one since the barrier before it. */
static bool place_barriers(const CnnProgram *program, const bool *guarded, CnnUnit *units, int count)
{
    Touches touches = {0};
    bool enough = true;
    for (int u = 0; u < count && enough; u++) {
        int first = touches.count;
        enough = add_unit(&touches, program, guarded, &units[u]);
        units[u].waits = enough && any_clash(&touches, first);
        if (!units[u].waits)
            continue;
        touches.count = 0;
        enough = add_unit(&touches, program, guarded, &units[u]);
    }
    free(touches.items);
    return enough;
}

static CnnUnit whole_step(const CnnStep *step, int phase, int s, int threads)
{
    CnnUnit unit = {.phase = phase, .first_step = s, .step_count = 1, .shares = threads};
    double work = step->flops + step->bytes;
    if (work < SMALL_WORK)
        unit.shares = 1;
    while (unit.shares > 1 && unit.halvings < HALVINGS_MOST &&
           work > 2 * SMALL_WORK * (double)((int64_t)unit.shares << unit.halvings))
        unit.halvings++;
    return unit;
}

int cnn_units(const CnnProgram *program, const bool *guarded, int threads, CnnUnit *units)
{
    int count = 0;
    for (int p = 0; p < program->phase_count; p++) {
        const CnnPhase *phase = &program->phases[p];
        if (phase->kind == PHASE_CHUNKED) {
            units[count++] = (CnnUnit){
                .phase = p, .first_step = phase->first_step, .step_count = phase->step_count, .shares = 1};
            continue;
        }
        int before = count;
        for (int s = phase->first_step; s < phase->first_step + phase->step_count; s++) {
            CnnUnit unit = whole_step(&program->steps[s], p, s, threads);
            if (count > before && unit.shares == 1 && units[count - 1].shares == 1)
                units[count - 1].step_count++; /* one after the other, by the same worker */
            else
                units[count++] = unit;
        }
    }
    return place_barriers(program, guarded, units, count) ? count : -1;
}

int64_t cnn_unit_pieces(const CnnUnit *unit)
{
    return (int64_t)unit->shares * (unit->halvings + 1);
}

CnnRange cnn_unit_piece(const CnnUnit *unit, int64_t piece, int64_t extent, int64_t grain)
{
    int64_t grains = (extent + grain - 1) / grain, all = (int64_t)unit->shares << unit->halvings;
    int64_t round = piece / unit->shares, left = INT64_C(1) << (unit->halvings - round);
    int64_t size = left > 1 ? left / 2 : 1; /* of each of the round's pieces; `all` is the sum of all sizes */
    int64_t at = all - unit->shares * left + piece % unit->shares * size;
    CnnRange range = {grains * at / all * grain, grains * (at + size) / all * grain};
    if (range.end > extent)
        range.end = extent;
    return range;
}
