"""What learns in a training, and one step of it: pictures in, parameters changed, losses out."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from passerby.losses.cross_entropy import CrossEntropyLoss
from passerby.losses.spec import Supervision
from passerby.models.network import Features, ReidNetwork
from passerby.training.averaging import WeightAverage
from passerby.training.decorrelation import Decorrelation
from passerby.training.fitting import check_map_sizes
from passerby.training.freezing import Freezer
from passerby.training.initial import initial_network
from passerby.training.objective import Objective
from passerby.training.occlusion import Occlusion, occlude
from passerby.training.precision import Precision, autocast, choose_precision
from passerby.training.recipe import Recipe
from passerby.training.running import RunningEmbeddings
from passerby.training.targets import Targets
from passerby.training.team import Team, synchronise
from passerby.types import FloatArray, IntArray


@dataclass(frozen=True)
class Learner:
    """A network, the losses that it is to minimise, and what changes its weights.

    Attributes:
        network: The network.
        objective: The recipe's losses, with the parameters that some of them learn.
        optimizer: Of the parameters of both.
        average: The running mean of the network's weights, or None.
        running: Running embeddings of the people, where the sampler draws by them; else None.
        freezer: Which stages learn when.
        decorrelation: When the embedding layer is decorrelated and keeps still.
        occlusion: Which pictures lose what the network knows people by.
        precision: Of the network's forward pass; losses are always float32.
        clip_norm: Largest norm of all gradients together, or None.
        accumulate: Batches whose mean gradient makes one step of the optimizer.
        team: The processes that learn together.
    """

    network: ReidNetwork
    objective: Objective
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    running: RunningEmbeddings | None
    freezer: Freezer
    decorrelation: Decorrelation
    occlusion: Occlusion
    precision: Precision
    clip_norm: float | None
    accumulate: int
    team: Team

    @classmethod
    def build(
        cls,
        recipe: Recipe,
        pictures: IntArray,
        team: Team,
        initial: Path | None = None,
        supervision: Supervision | None = None,
    ) -> "Learner":
        """Build everything from the recipe's seed.

        Args:
            recipe: What to build.
            pictures: (people,) how many each training person has.
            team: The processes that learn together, and where this one computes.
            initial: A bundle or a published checkpoint to start from.
            supervision: What there is to tell apart; None: these people alone.

        Raises:
            BundleError: `initial` does not fit.
            RecipeError: The recipe names stages or parameters that the network does not have, or pictures are too
                small for its attention.
        """
        torch.manual_seed(recipe.seed)
        network = initial_network(recipe.architecture, initial)
        smallest = min(recipe.small_pictures.scale_in(epoch) for epoch in (0, recipe.epochs))
        size = recipe.preprocessing
        check_map_sizes(network, round(smallest * size.height), round(smallest * size.width))
        if team.size > 1:
            synchronise(network)
        network.place(team.device)
        tail = recipe.long_tail
        weights = tail.weights(pictures)
        objective = Objective(
            recipe.losses,
            network,
            supervision or Supervision(len(pictures)),
            weights,
            tail.from_epoch,
            recipe.epochs,
            recipe.weighting,
        )
        objective.to(team.device)
        draws_by_embeddings = recipe.batch.sampler == "hard_people"
        running = RunningEmbeddings(len(pictures), network.dimension) if draws_by_embeddings else None
        return cls(
            network=network,
            objective=objective,
            optimizer=recipe.optimizer.build([network, objective]),
            average=recipe.ema.build(network),
            running=None if running is None else running.to(team.device),
            freezer=Freezer(recipe.freeze, network.backbone),
            decorrelation=recipe.decorrelation,
            occlusion=recipe.occlusion,
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
        others = {"average": self.average, "running": self.running}
        return modules | {name: module for name, module in others.items() if module is not None}

    def begin_epoch(self, epoch: int, step: int = 0) -> None:
        """Make ready to train from a step of an epoch on.

        Batch norms learn their statistics, but for stages that are frozen in this epoch.
        """
        self.network.train()
        self.freezer.apply(epoch)
        turn = self.decorrelation.apply(self.network, epoch, starts=step == 0)
        if turn is not None:
            self.objective.turn(turn)
        if self.running is not None and step == 0:
            self.running.begin_epoch()

    def drawn_by(self) -> FloatArray | None:
        """(people, D) running embeddings by which this epoch's batches are drawn, or None."""
        return None if self.running is None else self.running.drawn_by()

    def updates_after(self, step: int, steps: int) -> bool:
        """Whether a step of the epoch, from 0, ends a group of batches whose mean gradient changes the weights."""
        return (step + 1) % self.accumulate == 0 or step + 1 == steps

    def step(
        self, pictures: Tensor, targets: Targets, epoch: int, step: int, steps: int, cameras: Tensor | None = None
    ) -> list[float]:
        """Compute the losses and their gradients, and after a group's last batch, change the weights.

        Args:
            pictures: B×3×H×W float32, normalised, on the network's device: this process's part of the batch.
            targets: What is known of the whole batch.
            epoch: Which losses count.
            step: Number of the batch in the epoch, from 0.
            steps: How many the epoch has.
            cameras: (B,) int64, which of the cameras that the network knows took each picture, -1 for others; None
                where nothing is known of any.

        Returns:
            The weighted sum, then each loss by itself, unweighted.
        """
        with autocast(self.precision, pictures.device):
            if self.occlusion.share and epoch >= self.occlusion.from_epoch:
                own = targets.people[self.team.part(len(targets.people))]
                pictures = occlude(self.network, self._identity_loss(), pictures, own, self.occlusion)
            features = self.network(pictures, cameras)
        features = self.team.gather(self._looked_at(features))
        loss, parts = self.objective(features, targets, epoch)
        if self.running is not None:
            self.running.follow(features.neck, targets.people)
        first = step - step % self.accumulate
        if step == first:
            self.optimizer.zero_grad(set_to_none=True)
        (loss / (min(self.accumulate, steps - first) * self.team.size)).backward()
        if self.updates_after(step, steps):
            self._update()
        # One transfer from the device for all of them.
        values: list[float] = torch.cat([loss.detach().reshape(1), parts]).tolist()
        return values

    def _looked_at(self, features: Features) -> Features:
        """Without maps and masks that no loss looks at, so that they need not travel between processes."""
        sees = self.objective.sees
        maps, masks = features.maps if "maps" in sees else (), features.masks if "masks" in sees else ()
        return features._replace(maps=maps, masks=masks)

    def _identity_loss(self) -> CrossEntropyLoss:
        return next(loss for loss in self.objective.losses if isinstance(loss, CrossEntropyLoss))

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
