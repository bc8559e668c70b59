"""`passerby gallery policy`, `lock` and `rekey`: what an administrator changes about a gallery in use."""

from pathlib import Path
from typing import Annotated

import typer

from passerby.cli.console import note, output, progress_bar
from passerby.cli.gallery_options import Case, KeyFile, Purpose, Url, opened
from passerby.errors import KeyringError


def policy(
    url: Url,
    file: Annotated[
        Path | None,
        typer.Option("--set", help="Take the policy in this file from now on.", exists=True, dir_okay=False),
    ] = None,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Print the policy, or set another."""
    from passerby.gallery.securing import policy_of, set_policy

    with opened(url, purpose, case, key) as gallery:
        if file is not None:
            set_policy(gallery, file.read_text(encoding="utf-8", errors="replace"))
            note(f"policy of {url}: {file}")
        else:
            output().print_json(policy_of(gallery).to_json())


def lock(
    url: Url,
    new_key: Annotated[
        Path | None,
        typer.Option("--new-key", help="Key file that opens it from now on; made where there is none."),
    ] = None,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Have another key, or the passphrase in PASSERBY_NEW_PASSPHRASE, open an encrypted gallery."""
    from passerby.gallery.securing import change_lock
    from passerby.privacy.secret import new_secret_from, secret_from

    old = secret_from(key)
    with opened(url, purpose, case, key) as gallery:
        new = new_secret_from(new_key)
        if old is None or new is None:
            raise KeyringError("expected a new key file or passphrase; give --new-key or PASSERBY_NEW_PASSPHRASE")
        change_lock(gallery, old, new)
    note("backups that were taken before still open with the old one")


def rekey(
    url: Url,
    turn: Annotated[
        bool, typer.Option("--turn", help="Turn embeddings by a new secret, so that stolen ones match no more.")
    ] = False,
    purpose: Purpose = None,
    case: Case = None,
    key: KeyFile = None,
) -> None:
    """Encrypt everything under new keys, while the gallery is used. Interrupted, the same command goes on."""
    from passerby.gallery.securing import renew_data_key, renew_transform
    from passerby.privacy.secret import secret_from

    secret = secret_from(key)
    with opened(url, purpose, case, key) as gallery, progress_bar("encrypting") as progress:
        count = renew_data_key(gallery, secret, progress)
        turned = renew_transform(gallery, secret) if turn else 0
    output().print(f"{count:,} crops and embeddings encrypted anew, {turned:,} turned", highlight=False)


COMMANDS = (policy, lock, rekey)
