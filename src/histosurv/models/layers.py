"""Parts that the networks share."""

import torch
from torch import nn


class Dropout(nn.Module):
    """Dropout whose random numbers are the network's own.

    PyTorch's draws from one generator for all; networks that are trained side by side in threads
    would take numbers from one another.

    Parameters
    ----------
    share : float
        Of the values that are set to zero in training; the others grow by 1 / (1 - share).
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """The values, some of them zero in training."""
        if not self.training or not self.share:
            return values
        kept = torch.ones_like(values) if values.requires_grad else values.clone()
        kept.view(-1)[self._dropped(values.numel(), values.device)] = 0
        kept.mul_(1 / (1 - self.share))
        return values * kept if values.requires_grad else kept

    def _dropped(self, n: int, device: torch.device) -> torch.Tensor:
        """Places that are dropped, each with the same chance and independently.

        Drawn by the gaps between them, which takes a twentieth of the random numbers at 5 %.
        """
        expected = n * self.share
        n_gaps = int(expected + 8 * expected**0.5 + 16)  # short by chance once in 10^14 times
        gaps = torch.empty(n_gaps, dtype=torch.int64, device=device)
        places = gaps.geometric_(self.share, generator=self.generator).cumsum(0) - 1
        return places[places < n]


class Attention(nn.Module):
    """Shares of the tiles of a sequence, which sum to one.

    Parameters
    ----------
    width : int
        Of a tile's vector h.
    gated : bool
        Additive attention w tanh(V h + c) (Bahdanau 2015), or gated by s(U h + d) (Ilse 2018).
    hidden : int
        Rows of V and U.
    """

    def __init__(self, width: int, *, gated: bool, hidden: int = 128) -> None:
        super().__init__()
        self.projection = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden) if gated else None
        self.score = nn.Linear(hidden, 1, bias=False)

    def weights(self, tiles: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Shares, (n_sequences, n_tiles), zero where there is no tile."""
        inner = self.projection(tiles).tanh()
        if self.gate is not None:
            inner = inner * self.gate(tiles).sigmoid()
        scores = self.score(inner).squeeze(2)
        return scores.masked_fill(~valid, -torch.inf).softmax(dim=1)


def of_valid(lengths: torch.Tensor, padded: torch.Tensor) -> torch.Tensor:
    """Where tiles are in padded sequences, (n_sequences, n_tiles) bool."""
    return torch.arange(padded.shape[1], device=padded.device) < lengths.to(padded.device)[:, None]
