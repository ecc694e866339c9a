"""Networks in ONNX against what `cnnc import` makes of them. `onnx_import.py nodes CNNC FOLDER` goes through the backend tests of the package
onnx that have one operator each, `torch CNNC FOLDER` through networks of torchvision as PyTorch exports them, and `file CNNC FOLDER NET.onnx` through
one file, against ONNX Runtime."""

import collections
import pathlib
import re
import sys

import numpy as np

from imported import TOLERANCE, difference, imported_outputs

TOP = pathlib.Path(__file__).resolve().parents[2]


# ---- The backend tests ----

def operators():
    """Those that the importer has, and that work on values of a network."""
    table = (TOP / "compiler/exchange/onnx_operators.def").read_text()
    return set(re.findall(r"OPERATOR\((\w+),", table)) - {"Constant", "Shape", "Gather", "Cast", "Squeeze", "Unsqueeze"}


POINTWISE = {"Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "Mish", "LeakyRelu", "Elu", "Selu", "Gelu", "Clip", "Identity", "Dropout",
             "Add", "Sub", "Mul", "Div", "Sum", "PRelu"}


def prepared(test):
    """A test as a network with one picture as input and a vector as output: (model, x, expected), or why there is none."""
    from onnx import TensorProto, helper, numpy_helper

    model = test.model
    graph = model.graph
    if any(node.op_type not in operators() or node.domain for node in graph.node):
        return None
    inputs, (expected, *_) = test.data_sets[0]
    if not all(isinstance(value, np.ndarray) for value in (*inputs, expected)) or len(inputs) != len(graph.input):
        return "sequences, or no tensors"
    x = inputs[0]
    if x.dtype != np.float32 or expected.dtype != np.float32:
        return "other types than float32"
    if len(graph.output) > 1:
        return "several outputs"
    if graph.node[0].op_type in POINTWISE and x.ndim in (1, 3, 5):
        if any(other.size != 1 for other in inputs[1:]):
            return "pictures of 1, 3 or 5 dimensions"
        shape = (1, *x.shape, 1, 1)[:4] if x.ndim == 1 else (*x.shape, 1)[:4] if x.ndim == 3 else (x.shape[0], x.shape[1], -1, x.shape[4])
        x, expected = x.reshape(shape), expected.reshape(shape)
    if x.ndim not in (2, 4) or x.size == 0:
        return "pictures of 1, 3 or 5 dimensions"
    if expected.ndim < 2 or len(expected) != len(x):
        return "the samples are not kept apart"
    graph.initializer.extend(numpy_helper.from_array(value, port.name) for value, port in zip(inputs[1:], graph.input[1:]))
    name = graph.input[0].name
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(x.shape)))
    count = expected[0].size
    if count > 4096:
        return "outputs of more than 4096 numbers"
    last = graph.output[0].name
    graph.node.append(helper.make_node("Flatten", [last], ["flat"], axis=1))
    graph.node.append(helper.make_node("Gemm", ["flat", "unit"], ["result"]))
    graph.initializer.append(numpy_helper.from_array(np.eye(count, count + 1, dtype=np.float32), "unit"))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("result", TensorProto.FLOAT, [len(x), count + 1]))
    picture = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x.reshape(len(x), 1, 1, -1)
    return model, picture, expected.reshape(len(expected), -1)


def run_nodes(command, folder):
    import onnx
    from onnx.backend.test.case.node import collect_testcases
    passed, failed, left, wrong = [], [], collections.Counter(), 0
    for case in sorted(collect_testcases(None), key=lambda case: case.name):
        test = prepared(case)
        if test is None:
            continue
        if isinstance(test, str):
            left[test] += 1
            continue
        model, x, expected = test
        onnx.save(model, str(folder / "node.onnx"))
        have = imported_outputs(command, folder, "node.onnx", x, expected.shape[1] + 1)
        if isinstance(have, str):
            failed.append((case.name, have))
            wrong += "cnnc has" not in have and "(" not in have
        elif (far := difference(have[:, :-1], expected)) < TOLERANCE:
            passed.append(case.name)
        else:
            failed.append((case.name, f"differs by {far:.1e}"))
            wrong += 1
    for name, why in failed:
        print(f"{name}: {why}")
    print("not applicable:", "; ".join(f"{count} {why}" for why, count in left.most_common()))
    print(f"ONNX backend node tests: {len(passed)} passed of {len(passed) + len(failed)} applicable")
    return wrong


# ---- Whole networks ----

def compare_file(command, folder, name, x, want):
    have = imported_outputs(command, folder, f"{name}.onnx", x.transpose(0, 2, 3, 1), want.shape[1])
    far = np.inf if isinstance(have, str) else float(np.abs(have - want).max() / max(1, np.abs(want).max()))
    print(f"{name}: {have if isinstance(have, str) else f'logits differ by {far:.1e}'}")
    return not far < TOLERANCE


def run_torch(command, folder):
    import torch
    import torchvision
    torch.manual_seed(1)
    wrong = 0
    for name, size, modern in (("resnet18", 64, False), ("mobilenet_v2", 64, True), ("squeezenet1_1", 64, False), ("mobilenet_v3_small", 64, False),
                               ("shufflenet_v2_x0_5", 64, False), ("densenet121", 64, False), ("efficientnet_b0", 64, True),
                               ("resnet18", 64, True), ("regnet_y_400mf", 64, False), ("googlenet", 64, False),
                               ("mnasnet0_5", 64, True)):
        extra = {"init_weights": True, "aux_logits": False} if name == "googlenet" else {}
        network = getattr(torchvision.models, name)(num_classes=17, **extra).eval()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(module.running_var, 0.5, 2)
                torch.nn.init.normal_(module.running_mean, 0, 0.1)
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
        x = torch.rand(2, 3, size, size)
        options = {"dynamo": True, "external_data": False} if modern else {"dynamo": False}
        label = f"{name}_{'dynamo' if modern else 'script'}"
        torch.onnx.export(network, (x,), str(folder / f"{label}.onnx"), **options)
        with torch.no_grad():
            wrong += compare_file(command, folder, label, x.numpy(), network(x).numpy())
    return wrong


def run_file(command, folder, path):
    import onnxruntime
    session = onnxruntime.InferenceSession(path)
    (given,) = session.get_inputs()
    x = np.random.default_rng(1).random([2 if not isinstance(n, int) else n for n in given.shape], np.float32)
    (want,) = session.run(None, {given.name: x})
    (folder / "file.onnx").write_bytes(pathlib.Path(path).read_bytes())
    return compare_file(command, folder, "file", x, want)


def main():
    kind, command, folder, *rest = sys.argv[1:]
    runs = {"nodes": run_nodes, "torch": run_torch, "file": run_file}
    sys.exit(1 if runs[kind](command, pathlib.Path(folder), *rest) else 0)


main()
