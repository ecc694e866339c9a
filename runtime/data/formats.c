/* The table of sources. */
#include "runtime/data/source.h"

#define SOURCE(name) extern const SourceKind source_##name;
#include "runtime/data/formats.def"
#undef SOURCE

#define SOURCE(name) &source_##name,
const SourceKind *const source_kinds[] = {
#include "runtime/data/formats.def"
    NULL,
};

const SourceKind *source_kind_of(const Schema *schema)
{
    for (const SourceKind *const *kind = source_kinds; *kind; kind++)
        if ((*kind)->schema == schema)
            return *kind;
    return NULL;
}

CnnStatus source_open(const CnnStatement *statement, const char *base, Source **out, CnnError *error)
{
    const SourceKind *kind = source_kind_of(statement->schema);
    return kind->open_around ? kind->open_around(statement, base, out, error)
                             : kind->open_in(statement->args, &file_tree, base, out, error);
}

unsigned source_libraries(CnnStatements data)
{
    unsigned libraries = 0;
    for (int i = 0; i < data.count; i++) {
        const SourceKind *kind = source_kind_of(data.items[i].schema);
        libraries |= (kind ? kind->libraries : 0) | source_libraries(data.items[i].body);
    }
    return libraries;
}
