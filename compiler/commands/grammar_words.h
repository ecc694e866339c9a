/* The words that belong to the grammar itself rather than to a schema, for `cnnc help`. */
#ifndef CNNC_GRAMMAR_WORDS_H
#define CNNC_GRAMMAR_WORDS_H

typedef struct {
    const char *word;
    const char *usage;
    const char *doc;
    const char *example;
    const char *prefix; /* of the catalog section whose words may follow, or NULL */
} GrammarWord;

/** In the order of a model file, ended by a NULL word. */
extern const GrammarWord grammar_words[];

#endif
