# C files are as clang-format 14 writes them.
set -eu
command -v clang-format-14 >/dev/null || { echo "skipped: clang-format-14 is not installed"; exit 77; }
git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 --dry-run -Werror
