"""Where tensors are computed, and with how many threads."""

import os

import torch


def use_device(n_threads: int) -> torch.device:
    """Pick the GPU when torch sees one, else the CPU with a fixed number of threads.

    The thread count is part of the result: sums that are split otherwise are rounded otherwise.
    So it comes from the rule, never from the machine, and the algorithms are the deterministic
    ones.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(n_threads)
    torch.use_deterministic_algorithms(True)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
