"""VGG-16 alone on a GPU, by batch and way of running it: a part of `gpu.py`."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from safetensors.torch import load_file

GFLOP_PER_TILE = 31.0  # multiplications and additions of VGG-16 to fc2 at 224 px
ON_GPU = torch.cuda.is_available()


def synchronise() -> None:
    """Wait for the GPU."""
    if ON_GPU:
        torch.cuda.synchronize()


def rate(function: Callable[[], object], amount: float, seconds: float) -> float:
    """Amount per second: median of five turns after a warm-up."""
    for _ in range(3):
        function()
    synchronise()
    rates = []
    for _ in range(5):
        n, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 5:
            function()
            n += 1
            synchronise()
        rates.append(n * amount / (time.perf_counter() - start))
    return statistics.median(rates)


class Fused(torch.nn.Module):
    """VGG-16 to fc2 with cuDNN's convolution, bias and ReLU in one call."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        for layer in self.model.features:
            if isinstance(layer, torch.nn.Conv2d):
                x = torch.cudnn_convolution_relu(
                    x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, 1
                )
            elif isinstance(layer, torch.nn.MaxPool2d):
                x = layer(x)
        return self.model.classifier(torch.flatten(x, 1))


def model_alone(weights: Path, device: torch.device, seconds: float) -> dict[str, float]:
    """Tiles per second of the network on tiles that lie on the device, by how it is run."""
    model = torchvision.models.vgg16(weights=None)
    model.load_state_dict(load_file(weights))
    model.classifier = model.classifier[:5]
    model = model.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    found = {}
    batches = (32, 64, 128, 256, 512) if ON_GPU else (2,)
    with torch.inference_mode():
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            model = model.to(dtype)
            for batch in batches if name == "bf16" else batches[-2:]:
                x = torch.randn(batch, 3, 224, 224, device=device, dtype=dtype)
                x = x.contiguous(memory_format=torch.channels_last)
                found[f"{name}, eager, batch {batch}"] = rate(
                    lambda model=model, x=x: model(x), batch, seconds
                )
        batch = batches[-2] if ON_GPU else 2
        x = x[:batch].contiguous(memory_format=torch.channels_last)
        if ON_GPU:
            plain = x.contiguous(memory_format=torch.contiguous_format)
            other = model.to(memory_format=torch.contiguous_format)
            found[f"bf16, eager, channels first, batch {batch}"] = rate(
                lambda: other(plain), batch, seconds
            )
            model = model.to(memory_format=torch.channels_last)
            ways = {"cudnn conv+relu": Fused(model)}
            for mode in ("default", "max-autotune-no-cudagraphs", "reduce-overhead"):
                ways[f"torch.compile {mode}"] = torch.compile(model, mode=mode)
            for name, way in ways.items():
                try:
                    value = rate(lambda way=way: way(x), batch, seconds)
                except Exception as error:  # noqa: BLE001 - what does not run is a finding, too
                    value = f"failed: {type(error).__name__}: {str(error)[:200]}"
                found[f"bf16, {name}, batch {batch}"] = value
            torch.backends.cudnn.benchmark = True
            found[f"bf16, cudnn.benchmark, batch {batch}"] = rate(lambda: model(x), batch, seconds)
            torch.backends.cudnn.benchmark = False
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                model(x)
            found[f"bf16, CUDA graph, batch {batch}"] = rate(graph.replay, batch, seconds)
    return found
