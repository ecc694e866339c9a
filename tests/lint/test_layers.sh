# Who may include whom (docs/internals.md): each folder only what stands below it; the runtime never the compiler.
set -eu

# The compiler's folders, from the top; those of one line may include each other.
order='main
commands
exchange
link driver
cuda
cpu
schedule
fuse
rewrite derive
check optim ops
ir
syntax
base'

# Upward edges: tables and their types, which the lower folder names and never calls; and the interpreter, which lies in ir/ as
# the meaning of kernels but walks a whole plan.
allowed='compiler/ir/graph.h compiler/ops/ops.def
compiler/check/program.h compiler/derive/loss.h
compiler/check/compile_schemas.c compiler/rewrite/rewrites.def
compiler/ir/interp.h compiler/fuse/plan.h'

git ls-files 'compiler/*.c' 'compiler/*.h' 'runtime/*.c' 'runtime/*.h' |
    xargs awk -v order="$order" -v allowed="$allowed" '
function folder(path, parts, count) {
    count = split(path, parts, "/")
    if (parts[1] == "runtime")
        return "runtime"
    if (count == 2) {
        sub(/\.[ch]$/, "", parts[2])
        return parts[2]
    }
    return parts[2]
}
BEGIN {
    lines = split(order, line, "\n")
    for (i = 1; i <= lines; i++) {
        words = split(line[i], word, " ")
        for (w = 1; w <= words; w++)
            level[word[w]] = lines - i + 1
    }
    edges = split(allowed, edge, "\n")
    for (i = 1; i <= edges; i++)
        known[edge[i]] = 1
}
/^[ \t]*#[ \t]*include[ \t]+"/ {
    split($0, quoted, "\"")
    includes++
    if (quoted[2] !~ /^(compiler|runtime)\//)
        next
    from = folder(FILENAME); to = folder(quoted[2])
    if (from == "runtime" && to == "runtime" || (FILENAME " " quoted[2]) in known)
        next
    if (from == "runtime")
        why = "the runtime knows nothing of the compiler"
    else if (to == "runtime")
        next
    else if (!(from in level) || !(to in level))
        why = "a folder that tests/lint/test_layers.sh does not know"
    else if (level[from] >= level[to])
        next
    else
        why = from " stands below " to
    printf "%s:%d: includes %s: %s\n", FILENAME, FNR, quoted[2], why
    wrong++
}
END {
    if (includes == 0)
        print "no include was found: the test looks at nothing"
    exit wrong > 0 || includes == 0
}'
