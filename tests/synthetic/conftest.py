from pathlib import Path

import pytest

from passerby.synthetic import render_people

SMALL = {"people": 5, "cameras": 2, "pictures": 2, "height": 64, "width": 32}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_people(tmp_path_factory.mktemp("synthetic") / "people", **SMALL)
