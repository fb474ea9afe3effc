"""Where tensors are computed, and with how many threads."""

import os
from pathlib import Path

import torch


def device_name(device: torch.device) -> str:
    """What the hardware calls itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"CPU, {names[0]}" if names else "CPU"


def has_bf16(device: torch.device) -> bool:
    """Whether the hardware computes in bf16, rather than imitating it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # AVX-512 without bf16 would imitate it, slower than single precision.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def use_device(n_threads: int) -> torch.device:
    """Pick the GPU when torch sees one, else the CPU with so many threads.

    Sums that are split among threads are rounded otherwise; what must not differ is computed in
    one thread each, several at a time (`histosurv.parallel`). On the GPU the deterministic
    algorithms are asked for; on the CPU every operation used here is deterministic as it is, and
    the request would cost each job a second of imports.
    """
    torch.set_num_threads(n_threads)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Or every tensor that is about to be overwritten would be filled first.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa are no single precision
    return torch.device("cuda")
