/* What holds of all pictures with and without cairo. */
#include "compiler/commands/chart.h"

#include <math.h>
#include <string.h>

#include "compiler/commands/chart_cairo.h"
#include "compiler/commands/command.h"
#include "compiler/commands/sheet.h"
#include "runtime/output.h"

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

bool chart_is_svg(const char *path)
{
    return ends_with(path, ".svg");
}

CnnStatus chart_check(const char *flag, const char *path, const CnnRecipe *recipe)
{
    CnnError error = {0};
    bool svg = chart_is_svg(path);
    if (!svg && !ends_with(path, ".png"))
        return command_fail(CNN_BAD_USAGE, "%s: '%s' ends neither with .png nor with .svg", flag, path);
    if (cnn_output_check(recipe, path, svg ? OUTPUT_SVG : OUTPUT_PNG, &error) != CNN_OK)
        return command_fail(error.status, "%s: %s", flag, error.text);
    if (!chart_can_draw())
        return command_fail(CNN_NO_RESOURCE,
                            "%s: this cnnc cannot draw: it was built without cairo (Debian: libcairo2-dev)",
                            flag);
    return CNN_OK;
}

double chart_step(double length, int ticks)
{
    double rough = length / ticks, power = pow(10, floor(log10(rough)));
    double digits = rough / power;
    return power * (digits <= 1 ? 1 : digits <= 2 ? 2 : digits <= 5 ? 5 : 10);
}

bool chart_can_draw(void)
{
#ifdef CNNC_CAIRO
    return true;
#else
    return false;
#endif
}

CnnStatus chart_write(const Chart *chart, const char *path, CnnError *error)
{
#ifdef CNNC_CAIRO
    return chart_cairo_write(chart, path, chart_is_svg(path), error);
#else
    (void)chart;
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn without cairo", path);
#endif
}

CnnStatus roofline_write(const Roofline *roofline, const char *path, CnnError *error)
{
#ifdef CNNC_CAIRO
    return roofline_cairo_write(roofline, path, chart_is_svg(path), error);
#else
    (void)roofline;
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn without cairo", path);
#endif
}

CnnStatus sheet_write(const Sheet *sheet, const char *path, CnnError *error)
{
#ifdef CNNC_CAIRO
    return sheet_cairo_write(sheet, path, chart_is_svg(path), error);
#else
    (void)sheet;
    return cnn_fail(error, CNN_NO_RESOURCE, "'%s' cannot be drawn without cairo", path);
#endif
}
