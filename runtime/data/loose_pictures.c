/* Loose files that are pictures. */
#include <stdlib.h>

#include "runtime/data/loose.h"
#include "runtime/data/pictures.h"

typedef struct {
    Source source;
    Pictures pictures; /* the paths are the files' */
} LoosePictures;

static CnnStatus loose_picture(Source *source, int64_t index, int64_t want_height, int64_t want_width,
                               Picture *out, CnnError *error)
{
    return pictures_read(&((const LoosePictures *)source)->pictures, index, want_height, want_width, out,
                         error);
}

static void loose_picture_name(Source *source, int64_t index, char *out, size_t bytes)
{
    members_name(&((const LoosePictures *)source)->pictures.members, index, out, bytes);
}

static void loose_pictures_close(Source *source)
{
    free(source);
}

static CnnStatus loose_pictures_open(const void *args, const LooseFiles *files, Source **out, CnnError *error)
{
    (void)args;
    LoosePictures *loose = calloc(1, sizeof *loose);
    if (!loose)
        return cnn_fail(error, CNN_NO_RESOURCE, "not enough memory to open pictures");
    loose->source = (Source){.read = loose_picture,
                             .label = loose_label,
                             .name = loose_picture_name,
                             .close = loose_pictures_close};
    loose->pictures = (Pictures){loose_members(files), (int)files->form.channels};
    loose->source.info =
        (SourceInfo){.channels = files->form.channels, .ranged = true, .low = 0, .high = 255};
    *out = &loose->source;
    return CNN_OK;
}

const LooseKind *loose_as_pictures(const SampleForm *form)
{
    static const LooseKind kind = {decode_is_picture_name, "pictures", loose_pictures_open};
    bool channels = form->channels == 1 || form->channels == 3 || form->channels == 4;
    return channels && form->ranged && form->low == 0 && form->high == 255 ? &kind : NULL;
}
