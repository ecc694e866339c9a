"""The networks of stdlib/ beside torchvision's, or beside their papers where torchvision has none: both get the same random weights and
pictures, and must give the same outputs. Weights are matched by kind, order and shape.

    python3 networks.py CNNC FOLDER [network …]
"""

import os
import re
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torchvision import models

import safetensors

TOLERANCE = 1e-4
CLASSES = 5


# ---- Networks that torchvision does not have ----

def conv_norm(inputs, outputs, window=3, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, window, stride, window // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]


def conv_norm_relu(*arguments, **options):
    return [*conv_norm(*arguments, **options), nn.ReLU()]


class Sum(nn.Module):
    """The body plus the shortcut."""

    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = nn.Sequential(*body), shortcut or nn.Identity()

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class EverySecond(nn.Module):
    """He et al., section 3.3, option A: every second pixel, and as many channels of zeros again."""

    def forward(self, x):
        return torch.cat([x[:, :, ::2, ::2], torch.zeros_like(x[:, :, ::2, ::2])], 1)


class Eighth(nn.Module):
    def forward(self, x):
        return x / 8


def lenet5(pad):
    model = nn.Sequential(nn.Conv2d(3, 6, 5, padding=pad), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(),
                          nn.AvgPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(),
                          nn.Linear(84, CLASSES))
    model.pixels = (16, 5, 5)
    return model


def resnet_cifar(count):
    layers, inputs = conv_norm_relu(3, 16), 16
    for outputs in [16] * count + [32] * count + [64] * count:
        stride = outputs // inputs
        body = [*conv_norm_relu(inputs, outputs, stride=stride), *conv_norm(outputs, outputs)]
        layers += [Sum(body, EverySecond() if stride > 1 else None), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def resnet9():
    layers = conv_norm_relu(3, 64)
    for inputs, residual in (64, True), (128, False), (256, True):
        outputs = 2 * inputs
        layers += [*conv_norm_relu(inputs, outputs), nn.MaxPool2d(2)]
        if residual:
            layers.append(Sum([*conv_norm_relu(outputs, outputs), *conv_norm_relu(outputs, outputs)]))
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), Eighth(), nn.Linear(512, CLASSES))


def mobilenet_v1(width):
    layers, inputs = conv_norm_relu(3, int(32 * width), stride=2), int(32 * width)
    for outputs, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        outputs = int(outputs * width)
        layers += conv_norm_relu(inputs, inputs, stride=stride, groups=inputs) + conv_norm_relu(inputs, outputs, 1)
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


def vgg(make, side):
    """Without the pool that makes 7x7 pixels of pictures of any size, which cnnc leaves out."""
    model = make(num_classes=CLASSES)
    model.avgpool = nn.Identity()
    model.pixels = (512, side // 32, side // 32)
    model.classifier[0] = nn.Linear(int(np.prod(model.pixels)), 4096)
    return model


# What stands in the model file, and what it is compared with. Sides are such that some layers see odd ones.
CASES = {
    "lenet5": ("lenet", "lenet5 -> dense 5", 28, lambda: lenet5(2)),
    "lenet5_paper": ("lenet", "lenet5 pad=0 -> dense 5", 32, lambda: lenet5(0)),
    "vgg11": ("vgg", "vgg11 -> dense 5", 64, lambda: vgg(models.vgg11, 64)),
    "vgg13": ("vgg", "vgg13 -> dense 5", 32, lambda: vgg(models.vgg13, 32)),
    "vgg16": ("vgg", "vgg16 normalize=true -> dense 5", 64, lambda: vgg(models.vgg16_bn, 64)),
    "vgg19": ("vgg", "vgg19 -> dense 5", 32, lambda: vgg(models.vgg19, 32)),
    "resnet18": ("resnet", "resnet18 -> dense 5", 70, lambda: models.resnet18(num_classes=CLASSES)),
    "resnet34": ("resnet", "resnet34 -> dense 5", 64, lambda: models.resnet34(num_classes=CLASSES)),
    "resnet50": ("resnet", "resnet50 -> dense 5", 64, lambda: models.resnet50(num_classes=CLASSES)),
    "resnet20": ("resnet", "resnet20 -> dense 5", 32, lambda: resnet_cifar(3)),
    "resnet56": ("resnet", "resnet56 -> dense 5", 32, lambda: resnet_cifar(9)),
    "resnet9": ("resnet9", "resnet9 -> dense 5", 32, resnet9),
    "mobilenet_v1": ("mobilenet", "mobilenet_v1 width=0.5 -> dense 5", 70, lambda: mobilenet_v1(0.5)),
    "mobilenet_v2": ("mobilenet", "mobilenet_v2 -> dense 5", 70, lambda: models.mobilenet_v2(num_classes=CLASSES)),
    "mobilenet_v2_035": ("mobilenet", "mobilenet_v2 width=0.35 -> dense 5", 64,
                         lambda: models.mobilenet_v2(num_classes=CLASSES, width_mult=0.35)),
    "mobilenet_v3_small": ("mobilenet", "mobilenet_v3_small -> dense 5", 70,
                           lambda: models.mobilenet_v3_small(num_classes=CLASSES)),
    "mobilenet_v3_large": ("mobilenet", "mobilenet_v3_large width=0.75 -> dense 5", 64,
                           lambda: models.mobilenet_v3_large(num_classes=CLASSES, width_mult=0.75)),
    "shufflenet_v2": ("shufflenet", "shufflenet_v2 -> dense 5", 70,
                      lambda: models.shufflenet_v2_x1_0(num_classes=CLASSES)),
    "shufflenet_v2_half": ("shufflenet", "shufflenet_v2 48 -> dense 5", 64,
                           lambda: models.shufflenet_v2_x0_5(num_classes=CLASSES)),
    "efficientnet_b0": ("efficientnet", "efficientnet_b0 -> dense 5", 70,
                        lambda: models.efficientnet_b0(num_classes=CLASSES)),
    "efficientnet_b5": ("efficientnet", "efficientnet_b5 -> dense 5", 64,
                        lambda: models.efficientnet_b5(num_classes=CLASSES)),
    "squeezenet": ("squeezenet", "squeezenet 5", 74, lambda: models.squeezenet1_1(num_classes=CLASSES)),
    "densenet121": ("densenet", "densenet121 -> dense 5", 70, lambda: models.densenet121(num_classes=CLASSES)),
    "convnext_tiny": ("convnext", "convnext_tiny -> dense 5", 70, lambda: models.convnext_tiny(num_classes=CLASSES)),
}


# ---- Weights ----

def randomize(model):
    """What is 0 or 1 at first would hide mistakes."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.1)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.running_mean, std=0.1)
        if hasattr(module, "layer_scale"):
            nn.init.uniform_(module.layer_scale, 0.1, 0.5)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.normal_(module.bias, std=0.1)


def tensors(module):
    """(cnnc's kind of tensor, values), in the order of the layers."""
    for child in module.children():
        yield from tensors(child)
    norm = isinstance(module, (nn.BatchNorm2d, nn.LayerNorm))
    if norm or isinstance(module, (nn.Conv2d, nn.Linear)):
        yield "gamma" if norm else "kernel", module.weight
        if module.bias is not None:
            yield "beta" if norm else "bias", module.bias
    if isinstance(module, nn.BatchNorm2d):
        yield "mean", module.running_mean
        yield "variance", module.running_var
    if hasattr(module, "layer_scale"):
        yield "gamma", module.layer_scale


def arranged(kind, values, shape, pixels):
    """The values as cnnc stores them. pixels: channels, height and width of what the network flattens, or None."""
    values = values.detach().numpy()
    if values.ndim == 2 and pixels and values.shape[1] == np.prod(pixels):
        values = values.reshape(values.shape[0], *pixels)
    if values.ndim == 4:
        values = values.transpose(2, 3, 1, 0)
    elif values.ndim == 2:
        values = values.T
    if values.size != np.prod(shape):
        raise ValueError(f"a {kind} of {values.shape}, expected {shape}")
    return values.reshape(shape)


def expected_tensors(cnnc, path):
    """Names and shapes, in the order of the layers."""
    printed = subprocess.run([cnnc, "emit", "--stage", "graph", "--eval", path], check=True, capture_output=True, text=True).stdout
    for line in printed.splitlines():
        found = re.match(r"%\d+ (?:parameter|state) (\S+) : \w+\[([\d,]+)\]", line)
        if found:
            yield found[1], tuple(map(int, found[2].split(",")))


def matched(cnnc, path, model):
    by_kind = {}
    for kind, values in tensors(model):
        by_kind.setdefault(kind, []).append(values)
    pixels = getattr(model, "pixels", None)
    weights = {}
    for name, shape in expected_tensors(cnnc, path):
        kind = name.rsplit(".", 1)[1]
        if not by_kind.get(kind):
            raise ValueError(f"{name} has no counterpart")
        weights[name] = arranged(kind, by_kind[kind].pop(0), shape, pixels)
    left = {kind: len(values) for kind, values in by_kind.items() if values}
    if left:
        raise ValueError(f"tensors without counterpart: {left}")
    return weights


# ---- The comparison ----

MODEL = """import "{file}"
model M {{
    input {side}x{side}x3
    {statement}
}}

data {{
    arrays x="x.npy", y="y.npy"
}}

train {{
    loss mse
    batch 5
}}
"""


def compare(cnnc, folder, name):
    file, statement, side, make = CASES[name]
    torch.manual_seed(3)
    path, weights, outputs = (f"{folder}/{end}" for end in ("model.cnn", "weights.safetensors", "outputs.npy"))
    pictures = np.random.default_rng(4).standard_normal((CLASSES, side, side, 3)).astype(np.float32)
    np.save(f"{folder}/x.npy", pictures)
    np.save(f"{folder}/y.npy", np.arange(CLASSES, dtype=np.int32))
    with open(path, "w") as text:
        text.write(MODEL.format(file=file, side=side, statement=statement))
    model = make().eval()
    randomize(model)
    safetensors.save(weights, matched(cnnc, path, model))
    with torch.no_grad():
        expected = model(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())).numpy()
    result = subprocess.run([cnnc, "eval", path, "--weights", weights, "--outputs", outputs, "--all"], capture_output=True, text=True)
    if result.returncode != 0:
        raise ValueError(f"cnnc eval exits with {result.returncode}: {result.stderr.strip()[-500:]}")
    return np.abs(np.load(outputs) - expected).max() / np.abs(expected).max()


def main(cnnc, folder, *names):
    cnnc, failed = os.path.abspath(cnnc), False
    for name in names or CASES:
        try:
            error = compare(cnnc, folder, name)
            good, said = error <= TOLERANCE, f"differs by {error:.1e}"
        except ValueError as error:
            good, said = False, error
        failed |= not good
        print(f"{'ok  ' if good else 'FAIL'} {name:20} {said}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
