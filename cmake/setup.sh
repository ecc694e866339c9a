# What ./run and ./test share: installing Debian packages, configuring, building. Sourced with bash from the top folder.
# Each step looks first whether its work is done.

# What a build of cnnc needs, and what each is for, is told in docs/dependencies.md.
build_packages=(gcc libc6-dev cmake ninja-build bison flex llvm-19-dev zlib1g-dev libpng-dev libjpeg-dev libtiff-dev libwebp-dev libgif-dev libsqlite3-dev liblapacke libcairo2-dev libarchive-dev libsndfile1-dev libogg-dev libsoxr-dev libmicrohttpd-dev libprotobuf-c-dev protobuf-c-compiler libhdf5-dev libcjson-dev pkg-config)

say() {
    printf '\n== %s\n' "$*"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        printf 'error: neither root nor sudo is here to run: %s\n' "$*" >&2
        exit 3
    fi
}

package_installed() {
    dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# install_missing PACKAGE…
install_missing() {
    local missing=() package
    if ! command -v apt-get >/dev/null; then
        say "No apt-get here: what Debian 12 calls $* must have been installed by other means"
        return
    fi
    for package in "$@"; do
        package_installed "$package" || missing+=("$package")
    done
    if [ ${#missing[@]} = 0 ]; then
        say "Packages: all $# are installed"
        return
    fi
    say "Installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# configure PRESET [-DNAME=VALUE…]: when there is no build folder yet, or it was configured otherwise.
configure() {
    local stamp=build/$1/configured
    if [ -f "build/$1/build.ninja" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$*" ]; then
        return
    fi
    say "Configuring build/$1"
    cmake --preset "$@"
    printf '%s\n' "$*" >"$stamp"
}

# build PRESET [TARGET…]
build() {
    local preset=$1
    shift
    say "Building build/$preset${*:+ ($*)}"
    cmake --build "build/$preset" ${*:+--target "$@"}
}
