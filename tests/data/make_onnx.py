"""Small networks in ONNX, encoded without the package onnx: `make_onnx.py FOLDER` writes FOLDER/NAME.onnx for each network below."""

import struct
import sys


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number, value):
    """Of an integer, a float, a text or the bytes of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(number, values):
    return b"".join(field(number, value) for value in values)


def attribute(name, value):
    kind, number = (2, 3) if isinstance(value, int) else (1, 2) if isinstance(value, float) else (3, 4) if isinstance(value, str) else (7, 8)
    return field(1, name) + (fields(8, value) if number == 8 else field(number, value)) + field(20, kind)


def node(op, inputs, outputs, name="", **attributes):
    return fields(1, inputs) + fields(2, outputs) + field(3, name) + field(4, op) + fields(5, [attribute(*pair) for pair in attributes.items()])


def tensor(name, dims, values=None):
    """Reals, all 1/8 unless they are given; whole numbers where they are whole."""
    count = 1
    for extent in dims:
        count *= extent
    values = [0.125] * count if values is None else values
    whole = values and isinstance(values[0], int)
    return fields(1, dims) + field(2, 7 if whole else 1) + field(8, name) + field(9, struct.pack(f"<{len(values)}{'q' if whole else 'f'}", *values))


def port(name, dims):
    shape = b"".join(field(1, field(2, extent) if isinstance(extent, str) else field(1, extent)) for extent in dims)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def model(nodes, tensors=(), inputs=(("x", ("n", 3, 8, 8)),), outputs=(("y", ("n", 4)),)):
    graph = fields(1, nodes) + field(2, "net") + fields(5, tensors) + fields(11, [port(*one) for one in inputs]) + \
        fields(12, [port(*one) for one in outputs])
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


NETWORKS = {
    # A shortcut, a batch normalization, channels that are shuffled, a shape that is computed, kernels with and without a bias.
    "net": model([
        node("Conv", ["x", "stem.weight", "stem.bias"], ["a"], "/stem/Conv", pads=[0, 0, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["a", "norm.weight", "norm.bias", "mean", "variance"], ["b"], "/norm/BatchNormalization", epsilon=1e-5),
        node("Relu", ["b"], ["c"]),
        node("Conv", ["c", "inner.weight"], ["d"], "/inner/Conv", pads=[1, 1, 1, 1], group=4),
        node("HardSwish", ["d"], ["e"]),
        node("Add", ["c", "e"], ["f"]),
        node("Reshape", ["f", "apart"], ["f1"]),
        node("Transpose", ["f1"], ["f2"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["f2", "together"], ["f3"]),
        node("Shape", ["f3"], ["g"]),
        node("Gather", ["g", "zero"], ["h"], axis=0),
        node("Concat", ["h", "rest"], ["i"], axis=0),
        node("Reshape", ["f3", "i"], ["j"]),
        node("MatMul", ["j", "matrix"], ["k"]),
        node("Add", ["k", "head.bias"], ["l"]),
        node("Softmax", ["l"], ["y"], axis=-1),
    ], [
        tensor("stem.weight", [4, 3, 3, 3]), tensor("stem.bias", [4]), tensor("norm.weight", [4]), tensor("norm.bias", [4]),
        tensor("mean", [4]), tensor("variance", [4]), tensor("inner.weight", [4, 1, 3, 3]), tensor("zero", [1], [0]),
        tensor("apart", [5], [0, 2, -1, 4, 4]), tensor("together", [4], [0, -1, 4, 4]),
        tensor("rest", [1], [-1]), tensor("matrix", [64, 4]), tensor("head.bias", [4]),
    ]),
    # A kernel whose dimensions are put in order by the network itself.
    "kernel_turned": model([
        node("Transpose", ["w"], ["k"], perm=[3, 2, 0, 1]),
        node("Conv", ["x", "k"], ["c"]),
        node("GlobalAveragePool", ["c"], ["p"]),
        node("Flatten", ["p"], ["y"]),
    ], [tensor("w", [3, 3, 3, 3], [float(i) for i in range(81)])], outputs=(("y", ("n", 3)),)),
    # 1 / 2 of two numbers that were whole is no 0.
    "halved": model([
        node("Cast", ["one"], ["a"], to=1),
        node("Cast", ["two"], ["b"], to=1),
        node("Div", ["a", "b"], ["half"]),
        node("Mul", ["x", "half"], ["y"]),
    ], [tensor("one", [1], [1]), tensor("two", [1], [2])]),
    # (x - 1) * 0.25 / 0.5 + 0.5 is 0.5 * x, and x * 1 is x.
    "scales": model([
        node("Sub", ["x", "one"], ["a"]),
        node("Mul", ["a", "quarter"], ["b"]),
        node("Div", ["b", "half"], ["c"]),
        node("Add", ["c", "half"], ["d"]),
        node("Relu", ["d"], ["e"]),
        node("Mul", ["e", "one"], ["f"]),
        node("GlobalAveragePool", ["f"], ["g"]),
        node("Flatten", ["g"], ["y"]),
    ], [tensor("one", [1], [1.0]), tensor("quarter", [1], [0.25]), tensor("half", [1], [0.5])], outputs=(("y", ("n", 3)),)),
    "order": model([node("Transpose", ["w"], ["k"], "t", perm=[1, 1]), node("MatMul", ["x", "k"], ["y"])], [tensor("w", [2, 2])]),
    "lstm": model([node("LSTM", ["x"], ["y"], "/body/LSTM")]),
    "two": model([node("Add", ["x", "z"], ["y"])], inputs=(("x", (1, 3, 8, 8)), ("z", (1, 3, 8, 8)))),
    "open": model([node("Relu", ["x"], ["y"])], inputs=(("x", ("n", 3, "h", "w")),)),
    "flat": model([node("Relu", ["x"], ["y"])], inputs=(("x", (5,)),)),
    "outputs": model([node("Relu", ["x"], ["y"])], outputs=(("y", (1, 4)), ("x", (1, 4)))),
    "picture": model([node("Relu", ["x"], ["y"])]),
    "nothing": model([node("Relu", ["w"], ["y"])]),
    "kernel": model([node("Conv", ["x", "x"], ["y"], "c")]),
    "shape": model([node("Conv", ["x", "w"], ["y"], "c")], [tensor("w", [4, 5, 3, 3])]),
    "bytes": model([node("Conv", ["x", "w"], ["y"], "c")], [tensor("w", [4, 3, 3, 3], [0.5])]),
    "turn": model([node("Transpose", ["x"], ["y"], "t", perm=[0, 2, 1, 3])]),
    "softmax": model([node("Softmax", ["x"], ["y"], "s", axis=2)]),
    "clip": model([node("Clip", ["x", "w"], ["y"], "c")], [tensor("w", [1], [-1.0])]),
    "samples": model([node("Reshape", ["x", "w"], ["y"], "r")], [tensor("w", [2], [3, -1])]),
}


def main():
    for name, content in NETWORKS.items():
        with open(f"{sys.argv[1]}/{name}.onnx", "wb") as file:
            file.write(content)


main()
