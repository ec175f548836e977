"""The functions' bundles for this kind of machine, made once from the packages that uv has at hand."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.bundle import RUNTIME, TWIN_PLATFORM, build
from infra.bundles.errors import PackagesUnavailable, ToolMissing
from infra.bundles.functions import FUNCTIONS
from infra.bundles.packages import install


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """By the function's name; `runtime` is awslambdaric, which Lambda brings along."""
    folder = tmp_path_factory.mktemp("bundles")
    try:
        install(RUNTIME, folder / "runtime", platform=TWIN_PLATFORM, offline=True)
        for name, function in FUNCTIONS.items():
            build(function, folder / name, platform=TWIN_PLATFORM, offline=True)
    except (ToolMissing, PackagesUnavailable) as error:
        pytest.skip(f"{error} (python -m infra.bundle fetches the packages)")
    return {name: folder / name for name in (*FUNCTIONS, "runtime")}
