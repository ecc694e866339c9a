# C files are as clang-format 14 writes them, models as `cnnc fmt` does.
set -eu
"$CNNC" fmt --check $(git ls-files 'examples/*.cnn' 'stdlib/*.cnn')
command -v clang-format-14 >/dev/null || { echo "skipped: clang-format-14 is not installed"; exit 77; }
git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 --dry-run -Werror
