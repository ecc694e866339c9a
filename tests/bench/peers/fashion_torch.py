"""The network of examples/fashion in PyTorch, in its fastest eager form on a CPU (channels last, data resident, fused Adam):
python fashion_torch.py EPOCHS THREADS. Prints what fashion_keras.py prints. Run it with MALLOC_MMAP_MAX_=0 and
MALLOC_TRIM_THRESHOLD_=100000000000, or glibc takes a large part of the time for itself."""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

import fashion_data


def tensors(part):
    x, y = part
    x = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    return x, torch.from_numpy(y).long()


def accuracy_of(net, part):
    x, y = part
    net.eval()
    with torch.inference_mode():
        right = sum((net(a).argmax(1) == b).sum().item()
                    for a, b in zip(x.split(fashion_data.BATCH), y.split(fashion_data.BATCH)))
    return right / len(y)


epochs, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(1)
train, validation, test = map(tensors, fashion_data.load())
net = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
                    nn.Flatten(), nn.Linear(12 * 12 * 64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
net = net.to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7, fused=True)
for epoch in range(1, epochs + 1):
    start, total = time.perf_counter(), 0.0
    net.train()
    for rows in torch.randperm(len(train[1])).split(fashion_data.BATCH):
        loss = F.cross_entropy(net(train[0][rows]), train[1][rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    accuracy = accuracy_of(net, validation)
    print(json.dumps(dict(epoch=epoch, seconds=time.perf_counter() - start, loss=total / len(train[1]), val_accuracy=accuracy)),
          flush=True)
print(json.dumps(dict(test_accuracy=accuracy_of(net, test), version=f"torch {torch.__version__}")))
