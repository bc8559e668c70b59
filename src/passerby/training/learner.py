"""What learns in a training, and one step of it: pictures in, parameters changed, losses out."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from passerby.models.network import ReidNetwork
from passerby.training.averaging import WeightAverage
from passerby.training.freezing import Freezer
from passerby.training.initial import initial_network
from passerby.training.objective import Objective
from passerby.training.precision import Precision, autocast, choose_precision
from passerby.training.recipe import Recipe
from passerby.training.team import Team, synchronise
from passerby.types import IntArray


@dataclass(frozen=True)
class Learner:
    """A network, the losses that it is to minimise, and what changes its weights.

    Attributes:
        network: The network.
        objective: The recipe's losses, with the parameters that some of them learn.
        optimizer: Of the parameters of both.
        average: The running mean of the network's weights, or None.
        freezer: Which stages learn when.
        precision: Of the network's forward pass; losses are always float32.
        clip_norm: Largest norm of all gradients together, or None.
        accumulate: Batches whose mean gradient makes one step of the optimizer.
        team: The processes that learn together.
    """

    network: ReidNetwork
    objective: Objective
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    freezer: Freezer
    precision: Precision
    clip_norm: float | None
    accumulate: int
    team: Team

    @classmethod
    def build(cls, recipe: Recipe, pictures: IntArray, team: Team, initial: Path | None = None) -> "Learner":
        """Build everything from the recipe's seed.

        Args:
            recipe: What to build.
            pictures: (people,) how many each training person has.
            team: The processes that learn together, and where this one computes.
            initial: A bundle or a published checkpoint to start from.

        Raises:
            BundleError: `initial` does not fit.
            RecipeError: The recipe names stages or parameters that the network does not have.
        """
        torch.manual_seed(recipe.seed)
        network = initial_network(recipe.architecture, initial)
        if team.size > 1:
            synchronise(network)
        network.place(team.device)
        tail = recipe.long_tail
        weights = tail.weights(pictures)
        objective = Objective(recipe.losses, network, len(pictures), weights, tail.from_epoch).to(team.device)
        return cls(
            network=network,
            objective=objective,
            optimizer=recipe.optimizer.build([network, objective]),
            average=recipe.ema.build(network),
            freezer=Freezer(recipe.freeze, network.backbone),
            precision=choose_precision(recipe.precision, team.device),
            clip_norm=recipe.optimizer.clip_norm,
            accumulate=recipe.optimizer.accumulate,
            team=team,
        )

    @property
    def measured(self) -> ReidNetwork:
        """The network that is measured and saved: that of the mean weights, where weights are averaged."""
        return self.network if self.average is None else self.average.network

    def modules(self) -> dict[str, nn.Module]:
        """Everything with a state, apart from the optimizer, by name."""
        modules: dict[str, nn.Module] = {"network": self.network, "objective": self.objective}
        return modules if self.average is None else modules | {"average": self.average}

    def begin_epoch(self, epoch: int) -> None:
        """Make ready to train: batch norms learn their statistics, but for stages that are frozen in this epoch."""
        self.network.train()
        self.freezer.apply(epoch)

    def updates_after(self, step: int, steps: int) -> bool:
        """Whether a step of the epoch, from 0, ends a group of batches whose mean gradient changes the weights."""
        return (step + 1) % self.accumulate == 0 or step + 1 == steps

    def step(
        self, pictures: Tensor, labels: Tensor, epoch: int, step: int, steps: int, cameras: Tensor | None = None
    ) -> list[float]:
        """Compute the losses and their gradients, and after a group's last batch, change the weights.

        Args:
            pictures: B×3×H×W float32, normalised, on the network's device: this process's part of the batch.
            labels: (B,) int64, training people from 0, of the whole batch.
            epoch: Which losses count.
            step: Number of the batch in the epoch, from 0.
            steps: How many the epoch has.
            cameras: (B,) int64, which of the cameras that the network knows took each picture, -1 for others; None
                where nothing is known of any.

        Returns:
            The weighted sum, then each loss by itself, unweighted.
        """
        with autocast(self.precision, pictures.device):
            features = self.team.gather(self.network(pictures, cameras))
        loss, parts = self.objective(features, labels, epoch)
        first = step - step % self.accumulate
        if step == first:
            self.optimizer.zero_grad(set_to_none=True)
        (loss / (min(self.accumulate, steps - first) * self.team.size)).backward()
        if self.updates_after(step, steps):
            self._update()
        # One transfer from the device for all of them.
        values: list[float] = torch.cat([loss.detach().reshape(1), parts]).tolist()
        return values

    def _update(self) -> None:
        parameters = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        self.team.sum_gradients(parameters)
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.network)

    def is_finite(self) -> bool:
        """Whether all weights and statistics of the measured network are numbers."""
        return all(bool(tensor.isfinite().all()) for tensor in self.measured.state_dict().values())
