"""Build hook: put the repository's ``sql/`` into the distribution."""

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SqlFolder(BuildHookInterface[BuilderConfig]):
    """Carries ``sql/`` into a wheel (as ``perdure_engine/sql``) and a source distribution (as ``sql``).

    A plain ``force-include`` cannot: the folder lies two levels up in a checkout, beside this file in an
    unpacked source distribution, and an editable install must not copy it, for the copy would go stale.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder to what is built; ``version`` is ``editable`` for an editable install."""
        if version == "editable":
            return
        root = Path(self.root)
        candidates = [root / "sql", root.parents[1] / "sql"]
        for folder in candidates:
            if (folder / "schema").is_dir():
                target = "sql" if self.target_name == "sdist" else "perdure_engine/sql"
                build_data["force_include"][str(folder)] = target
                return
        looked = " or ".join(str(folder) for folder in candidates)
        raise FileNotFoundError(
            f"the wheel needs the folder sql/, which is not at {looked}: build in a full checkout"
        )
