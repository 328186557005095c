"""A demo's own folder: configuration, environment file, lake, store, Dagster's home, logs apart."""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from eval_pipeline.adapters.private_files import write_private
from eval_pipeline.cli.session import Session, prepare_dagster_home
from eval_pipeline.errors import SettingsError
from eval_pipeline.settings_file import CONFIG_VARIABLE, DEFAULT_CONFIG

MARKER = ".eval-pipeline-demo"
KEY_VARIABLE = "EVAL_PIPELINE_KEY"
LOCAL_URL = re.compile(r"http://127\.0\.0\.1:(\d+)/v1")


@dataclass(frozen=True)
class RunFolder:
    """A folder that a demo may empty, because a demo made it."""

    path: Path

    @classmethod
    def fresh(cls, path: Path) -> Self:
        """An empty folder; refuses to empty one that no demo made."""
        path = path.absolute()
        if path.exists() and any(path.iterdir()):
            if not (path / MARKER).exists():
                raise SettingsError(
                    f"{path} is not empty and was not made by a demo, so it was left as it is. "
                    "Name another folder with --directory."
                )
            shutil.rmtree(path)
        path.mkdir(parents=True, exist_ok=True)
        (path / MARKER).touch()
        return cls(path)

    @classmethod
    def existing(cls, path: Path) -> Self:
        """The folder of a demo that ran."""
        if not (path / MARKER).exists():
            raise SettingsError(f"There is no demo run in {path}. Run `eval-pipeline demo` first.")
        return cls(path.absolute())

    @property
    def config(self) -> Path:
        """The run's configuration."""
        return self.path / DEFAULT_CONFIG

    @property
    def source_logs(self) -> Path:
        """The demo's source: everything raw is here and nowhere else."""
        return self.path / "demo-logs"

    def configure(self, text: str, *, provider_url: str) -> None:
        """Writes the configuration with the provider's address in it."""
        self.config.write_text(LOCAL_URL.sub(provider_url, text), encoding="utf-8")

    def provider_port(self) -> int:
        """The port that the configuration expects the provider on."""
        found = LOCAL_URL.search(self.config.read_text(encoding="utf-8"))
        if found is None:
            raise SettingsError(f"{self.config} names no provider on 127.0.0.1.")
        return int(found.group(1))

    def session(self) -> Session:
        """A session on the run, its environment set and written down for later commands."""
        key = hashlib.sha256(b"eval-pipeline demo: this key protects nothing").hexdigest()
        self.source_logs.mkdir(parents=True, exist_ok=True)
        write_private(self.source_logs / "pseudonym.key", key)
        os.environ.pop("DAGSTER_HOME", None)
        home = prepare_dagster_home(self.path)
        os.environ[KEY_VARIABLE] = key
        os.environ[CONFIG_VARIABLE] = str(self.config)
        environment = {
            KEY_VARIABLE: key,
            CONFIG_VARIABLE: str(self.config),
            "DAGSTER_HOME": str(home),
        }
        lines = [f"export {name}='{value}'" for name, value in environment.items()]
        write_private(self.path / "demo.env", "\n".join(lines) + "\n")
        return Session(self.config)
