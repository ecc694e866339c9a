#include "compiler/commands/grammar_words.h"

#include <stddef.h>

const GrammarWord grammar_words[] = {
    {"import", "import \"NAME\" | import \"./FILE.cnn\"",
     "Brings the blocks and constants of a file: of the standard library by its name, or of one's own by its "
     "path from the folder of the file that imports it.",
     "import \"./blocks.cnn\"", NULL},
    {"let", "let NAME = EXPRESSION", "A constant. `-D NAME=VALUE` on the command line replaces it.",
     "let width = 32", NULL},
    {"block", "block NAME(PARAMETER, PARAMETER=DEFAULT) { … }",
     "A part of a network that is called as a layer is. In its body `in` is the value that enters.",
     "block unit(channels, stride=1) { conv channels, 3x3, stride=stride -> batchnorm -> relu }", NULL},
    {"model", "model NAME { … } | model NAME(PARAMETER=DEFAULT) { … }",
     "The network: a pipeline that begins with `input`. Each layer takes the value that the one before left; "
     "`name = …` names a value, and `from name` goes on from it.",
     "model Digits { input 28x28x1 -> flatten -> dense 10 -> softmax }", NULL},
    {"data", "data { … }",
     "Where samples come from, and what is done with each: a source, then stages in the order in which they "
     "are "
     "done. In the model, `data.shape` and `data.classes` are what was found.",
     "data { folder \"photos\" -> split validation=20%, seed=1 -> resize 64x64 -> scale 0..1 }", NULL},
    {"train", "train { … }", "How the network learns: loss, optimizer, schedule, batch, and for how long.",
     "train { loss cross_entropy -> optimizer adam, rate=0.001 -> batch 32 -> epochs 5 }", NULL},
    {"loss", "loss NAME, …",
     "Inside `train`: what is made small, and its parameters. Without it: cross_entropy.",
     "loss cross_entropy, smoothing=10%", "loss "},
    {"optimizer", "optimizer NAME, …",
     "Inside `train`: how the weights change, and its parameters. Without it: adam.",
     "optimizer sgd, rate=0.1, momentum=0.9", "optimizer "},
    {"compile", "compile { … }", "What the compiler may do. The command line has the last word.",
     "compile { fuse none }", NULL},
    {"if", "if CONDITION { … } else { … }",
     "Chooses when the file is checked, in any body. What is defined inside holds behind it.",
     "if strided { conv 16, 3x3, stride=2 } else { conv 16, 3x3 -> maxpool 2 }", NULL},
    {"repeat", "repeat COUNT { … } | repeat COUNT as NAME { … }",
     "Writes its body out several times, in any body; the name counts 0, 1, …",
     "repeat 3 as stage { conv 16 * 2^stage, 3x3 -> relu -> maxpool 2 }", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
