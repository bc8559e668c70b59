"""What training minimises: one loss a file, distances and miners beside them, all by name in a recipe."""

from typing import Annotated, TypeAlias

from pydantic import Field

from passerby.losses.attributes import AttributesSpec
from passerby.losses.batch_all import BatchAllSpec
from passerby.losses.camera import CameraSpec
from passerby.losses.camera_classifier import CameraClassifierSpec
from passerby.losses.centre import CentreSpec
from passerby.losses.circle import CircleSpec
from passerby.losses.class_hard import ClassHardSpec
from passerby.losses.contrastive import ContrastiveSpec
from passerby.losses.cross_entropy import CrossEntropySpec
from passerby.losses.decorrelated_centralised import DecorrelatedCentralisedSpec
from passerby.losses.domain_guided import DomainGuidedSpec
from passerby.losses.feature_orthogonality import FeatureOrthogonalitySpec
from passerby.losses.focal import FocalSpec
from passerby.losses.lifted import LiftedSpec
from passerby.losses.margin_sample_mining import MarginSampleMiningSpec
from passerby.losses.oim import OnlineInstanceMatchingSpec
from passerby.losses.quadruplet import QuadrupletSpec
from passerby.losses.spec import LossSpec, Supervision, loss_names
from passerby.losses.supervised_contrastive import SupervisedContrastiveSpec
from passerby.losses.triplet import TripletSpec
from passerby.losses.uniformity import UniformitySpec
from passerby.losses.verification import VerificationSpec
from passerby.losses.weight_orthogonality import WeightOrthogonalitySpec
from passerby.losses.weighted_regularised import WeightedRegularisedTripletSpec

__all__ = ["AnyLoss", "LossSpec", "Supervision", "loss_names"]

AnyLoss: TypeAlias = Annotated[
    CrossEntropySpec
    | FocalSpec
    | TripletSpec
    | BatchAllSpec
    | QuadrupletSpec
    | MarginSampleMiningSpec
    | LiftedSpec
    | ClassHardSpec
    | WeightedRegularisedTripletSpec
    | ContrastiveSpec
    | VerificationSpec
    | CircleSpec
    | SupervisedContrastiveSpec
    | CentreSpec
    | OnlineInstanceMatchingSpec
    | DecorrelatedCentralisedSpec
    | FeatureOrthogonalitySpec
    | WeightOrthogonalitySpec
    | UniformitySpec
    | AttributesSpec
    | CameraSpec
    | CameraClassifierSpec
    | DomainGuidedSpec,
    Field(discriminator="kind"),
]
"""The description of any loss, told apart by its `kind`."""
