"""Ten embeddings of four people, one of whom has a single picture."""

import numpy as np
import pytest
import torch
from torch import Tensor


@pytest.fixture(params=range(4))
def case(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor]:
    random = np.random.default_rng(request.param)
    labels = random.permutation([0, 0, 0, 1, 1, 1, 1, 2, 2, 3])
    return torch.tensor(random.normal(size=(10, 6))), torch.tensor(labels)
