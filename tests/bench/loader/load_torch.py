"""Pictures of a folder by torch's DataLoader and torchvision: python load_torch.py FOLDER SIZE SECONDS WORKERS [--augmented]; asked by loaders.py."""
import sys

import torch
import torchvision
from torchvision import datasets, transforms as T

import served

BATCH = 32

folder, size, seconds, workers = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
stages = [T.Resize((size, size))]
if sys.argv[5:] == ["--augmented"]:
    stages += [T.RandomAffine(20, (.2, .2), (.8, 1.2), 20, interpolation=T.InterpolationMode.BILINEAR), T.RandomHorizontalFlip()]
pictures = datasets.ImageFolder(folder, T.Compose(stages + [T.ToTensor()]))
loader = torch.utils.data.DataLoader(pictures, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def epochs():
    while True:
        yield from loader


served.serve(epochs(), seconds, f"torch {torch.__version__}, torchvision {torchvision.__version__}")
