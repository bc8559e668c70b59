"""The spread of a Gram matrix's eigenvalues, by power iteration."""

import torch
from torch import Tensor


def spectral_spread(matrices: Tensor, iterations: int) -> Tensor:
    """Largest less smallest eigenvalue of `M Mᵀ`: (…, R, C) float to (…).

    By power iteration, the smallest by that of `M Mᵀ - λ₁ I` (Chen et al., "ABD-Net", ICCV 2019, section 3.3.2).
    Where R > C, `Mᵀ M` stands in, which has the same eigenvalues but for the zeros: with them the smallest would be 0
    whatever is learnt. The eigenvectors count as constants for the gradient, which is exact where they are.
    """
    matrices = matrices.to(torch.promote_types(matrices.dtype, torch.float32))
    if matrices.shape[-2] > matrices.shape[-1]:
        matrices = matrices.transpose(-1, -2)
    gram = matrices @ matrices.transpose(-1, -2)
    largest = _dominant(gram, iterations)
    shift = largest.detach()[..., None, None] * torch.eye(gram.shape[-1], device=gram.device, dtype=gram.dtype)
    return largest - (_dominant(gram - shift, iterations) + largest.detach())


def _dominant(matrices: Tensor, iterations: int) -> Tensor:
    """The eigenvalue of largest absolute value of symmetric matrices, as a Rayleigh quotient."""
    with torch.no_grad():
        # The same start every time, not orthogonal to anything in particular.
        vector = torch.linspace(1.0, 2.0, matrices.shape[-1], device=matrices.device, dtype=matrices.dtype)
        vector = vector.expand(matrices.shape[:-1])[..., None]
        for _ in range(iterations):
            vector = torch.nn.functional.normalize(matrices @ vector, dim=-2)
    square = (vector * vector).sum((-1, -2)).clamp(min=1e-12)
    return (vector * (matrices @ vector)).sum((-1, -2)) / square
