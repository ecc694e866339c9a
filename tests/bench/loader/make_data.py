"""The two folders of pictures that loaders.py and epochs.py read, by ../../data/make_glyphs.py, with its fonts (../../data/README.md).

    python make_data.py --out DIR [--count 10000] [--photos-count 1000] [--jobs 2]

DIR/glyphs64   100,000 JPEGs of 64x64 in 42 classes, 2.2 kB each
DIR/photos500  8,351 JPEGs of 500x500 in 133 classes on pieces of photographs, 84 kB each (Debian's plasma-workspace-wallpapers)
"""
import argparse
import os
import subprocess
import sys

MAKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "make_glyphs.py")


def make(options, name, *arguments):
    subprocess.run([sys.executable, MAKER, "--test", "0", "--format", "jpeg", "--jobs", str(options.jobs), "--out",
                    os.path.join(options.out, name)] + [str(a) for a in arguments], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, default=100000, help="pictures of 64x64")
    parser.add_argument("--photos-count", type=int, default=8351, help="pictures of 500x500")
    parser.add_argument("--photos", default="/usr/share/wallpapers", help="folder of JPEG photographs")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    make(options, "glyphs64", "--classes", 42, "--count", options.count, "--size", 64)
    make(options, "photos500", "--classes", 133, "--count", options.photos_count, "--size", 500, "--photos", options.photos)


if __name__ == "__main__":
    main()
