"""Forward pass only, random weights: python bench_infer.py --model s1a --variant onnxruntime --batch 1

Variants: torch | torch-compile | onnxruntime | openvino. Every one runs the PyTorch model of bench_torch.py in eval
mode; onnxruntime reads its ONNX export, openvino converts it directly. Times one batch per call, output included.
"""
import os
import tempfile

import harness
import models

args = harness.arguments(["torch", "torch-compile", "onnxruntime", "openvino"],
                         extra=[("--batch", dict(type=int, default=32))])
clock = harness.Clock(args.serve)


def torch_model():
    import torch
    import bench_torch
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    return torch, bench_torch.build(args.model.layers, args.model.shape).eval()


def torch_runner(x):
    torch, net = torch_model()
    net, x = net.to(memory_format=torch.channels_last), torch.from_numpy(x).to(memory_format=torch.channels_last)
    if args.variant == "torch-compile":
        import torch._inductor.config as inductor
        inductor.freezing = True  # constant weights, prepacked: the documented way for CPU inference
        net = torch.compile(net)
    no_grad = torch.inference_mode if args.variant == "torch" else torch.no_grad

    def call():
        with no_grad():
            return net(x)
    return call


def onnxruntime_runner(x):
    import onnxruntime as ort
    path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    torch, net = torch_model()
    torch.onnx.export(net, (torch.from_numpy(x),), path, input_names=["x"], output_names=["y"], verbose=False)
    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def openvino_runner(x):
    import openvino as ov
    torch, net = torch_model()
    with torch.no_grad():
        converted = ov.convert_model(net, example_input=torch.from_numpy(x), input=[x.shape])
    compiled = ov.compile_model(converted, "CPU", {"INFERENCE_NUM_THREADS": args.threads, "INFERENCE_PRECISION_HINT": "f32",
                                                   "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda: request.infer([x])


def main():
    import numpy as np
    h, w, c = args.model.shape
    x = np.random.default_rng(0).standard_normal((args.batch, c, h, w), dtype=np.float32)
    make = {"torch": torch_runner, "torch-compile": torch_runner, "onnxruntime": onnxruntime_runner, "openvino": openvino_runner}
    call = make[args.variant](x)
    call()
    clock.first()

    def run(n):
        for _ in range(n):
            call()

    run(20)
    clock.measure(run, args.batch, args.windows, args.seconds)
    clock.report(args, "inference", batch=args.batch, latency_ms_best=round(1e3 * args.batch / max(clock.rates), 3))


main()
