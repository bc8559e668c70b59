"""What is done to a picture before the network sees it; travels with the weights."""

from pydantic import BaseModel, ConfigDict, Field

_Triple = tuple[float, float, float]


class Preprocessing(BaseModel):
    """Size and normalisation. Pictures are scaled bilinearly with antialiasing, whatever their proportion.

    The defaults are the usual ones for re-ID, with ImageNet's statistics, which published weights expect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    height: int = Field(256, ge=16, le=1024, description="Pixels.")
    width: int = Field(128, ge=16, le=1024, description="Pixels.")
    mean: _Triple = Field((0.485, 0.456, 0.406), description="Per RGB channel, of values from 0 to 1.")
    std: _Triple = Field((0.229, 0.224, 0.225), description="Per RGB channel, of values from 0 to 1.")
    mirror: bool = Field(
        False,
        description="Embed each picture and its mirror image and take the mean: better, at twice the cost.",
    )
