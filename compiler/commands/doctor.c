/* `cnnc doctor`: what this machine and this build of cnnc have, and what they lack. */
#include "compiler/commands/doctor.h"

#include <string.h>

#include "compiler/commands/command.h"
#include "compiler/commands/report.h"
#include "runtime/output.h"

int doctor_count(const Doctor *doctor, FactState state)
{
    int count = 0;
    for (size_t i = 0; i < doctor->facts.count; i++)
        count += doctor->facts.items[i].state == state;
    return count;
}

/* Whether a section begins with this fact. */
static bool begins(const Doctor *doctor, size_t i)
{
    return i == 0 || strcmp(doctor->facts.items[i].section, doctor->facts.items[i - 1].section) != 0;
}

static const char *title_of(const char *section, Arena *arena)
{
    return strcmp(section, "gpu") == 0 ? "GPU"
                                       : arena_printf(arena, "%c%s", *section - 'a' + 'A', section + 1);
}

const char *doctor_text(const Doctor *doctor)
{
    static const char *const states[] = {
        [FACT_HERE] = "", [FACT_ABSENT] = "absent: ", [FACT_BROKEN] = "BROKEN: "};
    Text out = {.arena = doctor->arena};
    for (size_t i = 0; i < doctor->facts.count; i++) {
        const Fact *fact = &doctor->facts.items[i];
        if (begins(doctor, i))
            text_printf(&out, "%s%s\n", i ? "\n" : "", title_of(fact->section, doctor->arena));
        text_printf(&out, "  %-16s %s%s\n", fact->name, states[fact->state], fact->value);
        if (fact->advice)
            text_printf(&out, "  %-16s %s\n", "", fact->advice);
    }
    int absent = doctor_count(doctor, FACT_ABSENT), broken = doctor_count(doctor, FACT_BROKEN);
    text_printf(&out, "\n");
    if (broken)
        text_printf(&out, "%d thing%s that every training needs %s broken.\n", broken, broken > 1 ? "s" : "",
                    broken > 1 ? "are" : "is");
    else if (absent)
        text_printf(&out, "All that is needed is here; %d optional part%s absent.\n", absent,
                    absent > 1 ? "s are" : " is");
    else
        text_printf(&out, "All is here.\n");
    return text_string(&out);
}

static void json_fact(const Fact *fact, bool first, Text *out)
{
    text_printf(out, first ? "" : ", ");
    json_text(out, fact->key ? fact->key : fact->name);
    text_printf(out, ": ");
    if (fact->state != FACT_HERE)
        text_printf(out, "null");
    else if (fact->key)
        json_number(out, fact->number);
    else
        json_text(out, fact->value);
}

const char *doctor_json(const Doctor *doctor)
{
    Text out = {.arena = doctor->arena};
    text_printf(&out, OUTPUT_REPORT_MARK "\"doctor\"");
    for (size_t i = 0; i < doctor->facts.count; i++) {
        if (begins(doctor, i)) {
            text_printf(&out, i ? "},\n " : ",\n ");
            json_text(&out, doctor->facts.items[i].section);
            text_printf(&out, ": {");
        }
        json_fact(&doctor->facts.items[i], begins(doctor, i), &out);
    }
    text_printf(&out, "},\n \"lacks\": [");
    bool first = true;
    for (size_t i = 0; i < doctor->facts.count; i++) {
        const Fact *fact = &doctor->facts.items[i];
        if (fact->state == FACT_HERE)
            continue;
        text_printf(&out, "%s{\"section\": ", first ? "\n  " : ",\n  ");
        json_text(&out, fact->section);
        json_text_field(&out, "name", fact->name);
        text_printf(&out, ", \"needed\": %s", fact->state == FACT_BROKEN ? "true" : "false");
        json_text_field(&out, "why", fact->value);
        json_text_field(&out, "advice", fact->advice ? fact->advice : "");
        text_printf(&out, "}");
        first = false;
    }
    text_printf(&out, "]}\n");
    return text_string(&out);
}

CnnStatus command_doctor(const Options *options)
{
    Doctor doctor = {.arena = options->arena};
    CnnError error = {0};
    TRY(report_check(options->json, NULL, &(CnnRecipe){.model_path = ""}));
    doctor_look(&doctor);
    fputs(doctor_text(&doctor), stdout);
    if (options->json && report_write(options->json, doctor_json(&doctor), &error) != CNN_OK)
        return command_fail(error.status, "%s", error.text);
    return doctor_count(&doctor, FACT_BROKEN) ? CNN_NO_RESOURCE : CNN_OK;
}
