"""The only errors a user ever sees.

Each message is one line that says what was expected, what came, and what to do. The command line prints
it and exits with the error's `exit_code`: 2 for the user's mistake, 1 when Passerby or the machine failed.
"""


class PasserbyError(Exception):
    """Something that the user can put right: wrong input, a missing file, an unknown option."""

    exit_code = 2


class DataError(PasserbyError):
    """A data set, a picture or a file of embeddings cannot be used as it is."""


class ImageError(DataError):
    """One picture cannot be used: unreadable, truncated, or of a size that no person crop has."""


class RecipeError(PasserbyError):
    """A recipe or a `--set` option has an unknown key or a value that does not fit."""


class BundleError(PasserbyError):
    """A model bundle or a published checkpoint is damaged, incomplete or of another architecture."""


class CalibrationError(PasserbyError):
    """A decision was asked for, but no calibration says which distance means the same person."""


class PolicyError(PasserbyError):
    """A gallery's policy has an unknown key or a value that does not fit."""


class AccessError(PasserbyError):
    """The role, the cameras, the purpose or the policy of a gallery do not allow it."""


class KeyringError(PasserbyError):
    """A key or passphrase is missing or does not fit, or what lies under it is damaged."""


class AuditError(PasserbyError):
    """An audit log or an erasure receipt is not what was once written."""


class GalleryError(PasserbyError):
    """A gallery is missing, damaged, newer than this Passerby or of another model, or does not hold what is asked."""


class SourceError(PasserbyError):
    """A video, a folder of frames or a camera is missing, damaged, out of reach, or asks for a password."""


class MissingExtraError(PasserbyError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part; install it with: pip install 'passerby[{extra}]'")


class MachineError(PasserbyError):
    """The machine failed, not the user: a full disk, no permission, no memory."""

    exit_code = 1
