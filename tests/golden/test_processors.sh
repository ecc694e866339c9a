# The table of processors against clang of the same LLVM: every name is one of its, and has the features that clang gives it, of
# those that generated code is checked for. And what --cpu answers to names.
set -eu
. tests/expect.sh
folder=$(mktemp -d)
if ! command -v clang-19 >/dev/null; then
    echo 'skipped: no clang-19 (Debian: apt-get install clang-19)'
    exit 77
fi
# The features of the runtime's table, with the macros by which clang tells them.
sed -n 's/^    {"\([^"]*\)", CPU_.*},$/\1/p' runtime/cpu_features.c >"$folder/features"
macro_of() {
    case $1 in
    neon) echo __ARM_NEON ;;
    fullfp16) echo __ARM_FEATURE_FP16_VECTOR_ARITHMETIC ;;
    rdm) echo __ARM_FEATURE_QRDMX ;;
    lse) echo __ARM_FEATURE_ATOMICS ;;
    i8mm) echo __ARM_FEATURE_MATMUL_INT8 ;;
    fp16fml) echo __ARM_FEATURE_FP16_FML ;;
    dotprod | bf16 | sve | sve2) echo "__ARM_FEATURE_${1^^}" ;;
    *) tr 'a-z.-' 'A-Z__' <<<"__${1}__" ;;
    esac
}
while read -r feature; do
    echo "$feature $(macro_of "$feature")"
done <"$folder/features" >"$folder/macros"
[ "$(wc -l <"$folder/macros")" -ge 40 ] || wrong 'the features of runtime/cpu_features.c are not found'

# The rows, with the features' names written out by the preprocessor: "name" ARCHITECTURE "+feature" ",+feature" …
sed -e 's|/\*.*||' -e '/^ \*/d' -e '/^#undef/d' -e 's/^PROCESSOR(\("[^"]*"\), \([A-Z0-9]*\), \(.*\), [0-9]*, [0-9]*)$/ROW \1 \2 \3/' \
    compiler/cpu/processors.def | clang-19 -E -P - | sed -n 's/^ROW //p' | tr -d '", ' | sed 's/\(X86\|ARM\)\(+\|$\)/ \1 \2/' >"$folder/rows"
count=0
while read -r name architecture has; do
    count=$((count + 1))
    case $architecture in
    X86) flags=(--target=x86_64-linux-gnu -march="$name") ;;
    *) flags=(--target=aarch64-linux-gnu -mcpu="${name/#aarch64/generic}") ;;
    esac
    if ! clang-19 "${flags[@]}" -dM -E -x c /dev/null >"$folder/defined" 2>&1; then
        wrong "clang does not know $name: $(head -n 1 "$folder/defined")"
        continue
    fi
    tr '+' '\n' <<<"$has" | sed '/^$/d' | sort >"$folder/has"
    awk 'NR == FNR { defined[$2] = 1; next } $2 in defined { print $1 }' "$folder/defined" "$folder/macros" | sort >"$folder/wanted"
    cmp -s "$folder/has" "$folder/wanted" || wrong "$name: $(diff "$folder/has" "$folder/wanted" | grep '^[<>]' | tr '\n' ' ')"
done <"$folder/rows"
[ $count = "$(grep -c '^PROCESSOR(' compiler/cpu/processors.def)" ] && [ $count -gt 100 ] || wrong "$count rows are read"

cat >"$folder/m.cnn" <<'END'
model M {
    input 8x8x1
    conv 4, 3x3 -> relu
    flatten
    dense 3 -> softmax
}
train {
    optimizer sgd, rate=0.1
    batch 4
}
END
m=$folder/m.cnn
emits() {
    expect 0 "$1" "$CNNC" emit --stage asm "${@:2}"
}
emits vfmadd "$m" --cpu x86-64-v3
emits zmm "$m" --cpu sapphirerapids
emits mulps "$m" --cpu x86-64
emits fmla "$m" --cpu aarch64
# The model may name it; the command line has the last word.
sed 's/^train {/compile { cpu "aarch64" }\n&/' "$m" >"$folder/arm.cnn"
emits fmla "$folder/arm.cnn"
emits vfmadd "$folder/arm.cnn" --cpu haswell
sed 's/^train {/compile { cpu "aarch65" }\n&/' "$m" >"$folder/bad.cnn"
expect 1 "bad.cnn:7:11: there is no CPU 'aarch65'; did you mean 'aarch64'?" "$CNNC" check "$folder/bad.cnn"
for command in check show "eval --weights w" bench compare explain tune run "build -o t"; do
    expect 2 "cnnc: error: --cpu: there is no CPU 'skylak'; did you mean 'skylake'?" "$CNNC" $command "$m" --cpu skylak
done
expect 2 'there are native, x86-64, x86-64-v2,' "$CNNC" check "$m" --cpu z80
# What runs nothing does not mind another machine's code.
other=aarch64
[ "$(uname -m)" = aarch64 ] && other=x86-64
for command in check show explain; do
    expect 0 '' "$CNNC" $command "$m" --cpu $other
done
refused="cannot be linked or run on this machine, which is $(uname -m)"
for command in bench tune "explain --measure"; do
    expect 3 "$refused" "$CNNC" $command "$m" --cpu $other
done
expect 3 'cannot be linked for ' "$CNNC" build -o "$folder/trainer" "$m" --cpu $other
exit $failed
