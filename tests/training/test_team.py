"""Two processes that train together, as torchrun starts them, and one that trains alone."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from passerby.data import read_dataset
from passerby.errors import RecipeError
from passerby.models.bundle import load_bundle
from passerby.training.recipe import load_recipe
from passerby.training.team import Team, join_team
from passerby.training.trainer import train

SETTINGS = [
    "epochs=2",
    # Adam would turn the smallest differences of vanishing gradients into whole steps, and at large rates hard mining
    # chooses other triplets after a few steps of differing last bits.
    "optimizer={kind: sgd, learning_rate: 0.0005, accumulate: 2, clip_norm: 5}",
    "ema.decay=0.9",
    "augmentation={flip: 0.5, pad: 3, erase: 0.3, colour: 0.2, noise: 0.02}",
    # Maps and masks are gathered too.
    "architecture.attention=[{kind: channel, after: layer2}, {kind: position, after: layer3}]",
    "losses=[{kind: cross_entropy}, {kind: triplet}, {kind: uniformity}, {kind: feature_orthogonality}]",
]

SCRIPT = """
import json, os, signal, sys
from pathlib import Path

import torch
from torch import nn

from passerby.data import read_dataset
from passerby.training import trainer
from passerby.training.learner import Learner
from passerby.training.recipe import load_recipe
from passerby.training.team import join_team, synchronise

recipe, data, output = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
rank = int(os.environ["RANK"])

# Batch norm of the whole batch, against the same in one process, in float64.
team = join_team("cpu")
for whole in (torch.randn(6, 4, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
              torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))):
    kind = nn.BatchNorm2d if whole.ndim == 4 else nn.BatchNorm1d
    alone, together = (nn.Sequential(kind(4).double()) for _ in range(2))
    synchronise(together)
    assert list(together.state_dict()) == list(alone.state_dict())
    target = torch.randn(whole.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    every = whole.clone().requires_grad_()
    (alone(every) * target).sum().backward()
    part = team.part(6)
    mine = whole[part].clone().requires_grad_()
    # Any loss that is a sum over the parts; its gradients reach the other part through the statistics.
    (together(mine) * target[part]).sum().backward()
    team.sum_gradients(together.parameters())
    torch.testing.assert_close(mine.grad, every.grad[part], rtol=1e-10, atol=1e-12)
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(together.state_dict()[name], tensor, rtol=1e-10, atol=1e-12)
    for one, other in zip(alone.parameters(), together.parameters()):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-10, atol=1e-12)
assert team.any(rank == 1) and not team.any(False)
assert team.from_leader([rank + 0.5]) == [0.5]

if rank == 1:
    def forbidden(*_):
        raise AssertionError("only the first process writes")
    trainer.save_checkpoint = trainer.write_text = trainer.Outputs.write_log = forbidden

# Ctrl-C reaches one process only; both stop at the same step, and it is saved once.
step, calls = Learner.step, []
def interrupting(self, *arguments):
    values = step(self, *arguments)
    calls.append(1)
    if rank == 1 and len(calls) == 1:
        os.kill(os.getpid(), signal.SIGINT)
    return values
Learner.step = interrupting
settings = json.loads(sys.argv[4])
try:
    trainer.train(load_recipe(recipe, settings), read_dataset(data), output, device="cpu")
    raise AssertionError("not interrupted")
except KeyboardInterrupt:
    pass
Learner.step = step
result = trainer.train(load_recipe(recipe, settings), read_dataset(data), output, device="cpu", resume=True)
assert len(result.rows) == 2
(output / f"done-{rank}").touch()
"""


def test_two_processes_come_to_the_result_of_one(recipe_file: Path, market: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script]
    arguments = [recipe_file, market, tmp_path / "two", json.dumps(SETTINGS)]
    finished = subprocess.run(
        [str(part) for part in (*launch, *arguments)], capture_output=True, text=True, env=os.environ, timeout=240
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert all((tmp_path / "two" / f"done-{rank}").exists() for rank in (0, 1))
    train(load_recipe(recipe_file, SETTINGS), read_dataset(market), tmp_path / "one", device="cpu")
    for name in ("best", "last"):
        one, two = (load_bundle(tmp_path / run / name).load_network().state_dict() for run in ("one", "two"))
        for key, tensor in one.items():
            torch.testing.assert_close(two[key], tensor, rtol=1e-4, atol=1e-4, msg=lambda text, k=key: f"{k}: {text}")
    rows = []
    for run in ("one", "two"):
        with (tmp_path / run / "log.csv").open(newline="") as file:
            rows.append(
                [{k: float(v) for k, v in row.items() if v and "seconds" not in k} for row in csv.DictReader(file)]
            )
    assert rows[0] == [pytest.approx(row, rel=1e-3, abs=1e-4) for row in rows[1]]


def test_batches_that_cannot_be_shared_evenly_are_refused() -> None:
    assert Team(1, 3, torch.device("cpu")).part(12) == slice(4, 8)
    with pytest.raises(RecipeError, match="that 5 processes can share evenly, got 12 pictures; change"):
        Team(0, 5, torch.device("cpu")).part(12)


def test_without_torchrun_a_process_is_alone() -> None:
    team = join_team("cpu")
    assert (team.rank, team.size, team.leads, team.part(7)) == (0, 1, True, slice(0, 7))
    assert team.any(True)
    assert team.from_leader([2.5]) == [2.5]
