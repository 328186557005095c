"""The Spark that scans the logs: Spark Connect, a standalone master, or one in this process."""

import logging
import os
import shutil
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from eval_pipeline.errors import (
    CorruptFileError,
    EvalPipelineError,
    LogSchemaError,
    LogsNotFoundError,
    QueryError,
    SettingsError,
)
from eval_pipeline.settings.logs import SparkSettings

ANSWER_SECONDS: Final = 10.0
"""How long a master or a Connect server may take to accept a connection."""

_MEANING: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    # Otherwise ${env:...} in a literal would be filled in.
    "spark.sql.variable.substitute": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
}
"""What a statement means depends on these, so no option and no cluster's default changes them."""

_OWN_CLUSTER: Final = {
    "spark.app.name": "eval-pipeline",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # What a shuffle or a spill leaves on a disk is unreadable.
    "spark.io.encryption.enabled": "true",
    "spark.sql.shuffle.partitions": "64",
}
_QUOTING_LOGGERS: Final = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_LOOPBACK: Final = {
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
}  # fmt: skip
_SPARKS_OWN: Final = ("pyspark", "py4j", "grpc")
_OF_PANDAS: Final = "PySpark does not yet fully support pandas"
_INSTALL: Final = 'Run: pip install "eval-pipeline[spark]".'
_UNREADABLE: Final = (
    "FAILED_READ_FILE", "CANNOT_READ_FILE", "CANNOT_READ_FOOTER", "UNABLE_TO_INFER_SCHEMA",
    "PARQUET", "MALFORMED_CSV",
)  # fmt: skip


@contextmanager
def spark_session(settings: SparkSettings) -> Iterator[Any]:
    """A session of its own, with its own views, over the Spark that this process already has.

    Raises `SettingsError` if pyspark, Java or the server is missing.
    """
    pyspark = _pyspark()
    # No frame of pandas passes here, so what it warns of does not concern us.
    warnings.filterwarnings("ignore", message=_OF_PANDAS, category=FutureWarning)
    for name in _QUOTING_LOGGERS:
        logging.getLogger(name).disabled = True
    if settings.url.startswith("sc://"):
        session = _connected(pyspark, settings)
        end = session.stop
    else:
        session = _started(pyspark, settings).newSession()
        end = _nothing
    try:
        wished = {
            key: value for key, value in settings.options.items() if _is_tunable(session, key)
        }
        for key, value in {**wished, **_MEANING}.items():
            if session.conf.get(key) != value:
                session.conf.set(key, value)
        yield session
    finally:
        end()


@contextmanager
def translated(location: str) -> Iterator[None]:
    """Turns Spark's failures into ours; Spark's own words are withheld, they may quote data."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _SPARKS_OWN:
            raise
        raise _translation(_condition(error), type(error).__name__, location=location) from None


def _condition(error: Any) -> str:
    """The name of the failure, such as PATH_NOT_FOUND: never a value."""
    candidates: tuple[Any, ...] = (error, getattr(error, "java_exception", None))
    for named in candidates:
        # What comes from Java has the method or not, and only calling it tells.
        with suppress(Exception):
            return str(named.getCondition() or "")
    return ""


def _translation(condition: str, kind: str, *, location: str) -> EvalPipelineError:
    if condition.startswith("PATH_NOT_FOUND"):
        return LogsNotFoundError(location)
    if condition.startswith("FAILED_READ_FILE.FILE_NOT_EXIST"):
        return LogsNotFoundError(location)
    if condition.startswith(_UNREADABLE):
        return CorruptFileError(
            location,
            f"a file is damaged or not of the type its name says ({condition})",
            "Write it again from its source and run the same command again.",
        )
    if kind in {"AnalysisException", "ParseException"}:
        return LogSchemaError(
            location,
            "a column or function that a statement names is missing or of another type "
            f"({condition or kind})",
        )
    if kind == "SparkConnectGrpcException" or "Connect" in kind:
        return QueryError(
            f"The Spark Connect server stopped answering over {location} ({condition or kind}). "
            "Nothing was written. Look at the server's own log and run the same command again."
        )
    return QueryError(
        f"Spark could not answer a query over {location} ({condition or kind}). "
        "Nothing was written. Its message is withheld, for it may quote logged text."
    )


def _pyspark() -> Any:
    try:
        import pyspark.sql  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise SettingsError(
            "`logs.engine: spark` needs the package 'pyspark', which is not installed. "
            f"Nothing was read. {_INSTALL}"
        ) from None
    return pyspark


def _connected(pyspark: Any, settings: SparkSettings) -> Any:
    _refuse_silent(settings.url, default_port=15002)
    with _startable(settings.url):
        builder = _configured(pyspark.sql.SparkSession.builder.remote(settings.url), settings)
        return builder.create()


def _started(pyspark: Any, settings: SparkSettings) -> Any:
    running = pyspark.sql.SparkSession.getActiveSession()
    if running is not None and pyspark.SparkContext._active_spark_context is not None:  # noqa: SLF001
        master = running.sparkContext.master
        if master != settings.url:
            raise SettingsError(
                f"`logs.spark.url` is {settings.url}, but this process already has a Spark at "
                f"{master}. Nothing was read. Use that one, or another process."
            )
        return running
    if shutil.which(_java()) is None:
        raise SettingsError(
            f"`logs.spark.url: {settings.url}` starts Spark's driver here, which needs Java 17 or "
            "later. Nothing was read. Install it (Debian: openjdk-17-jre-headless), set JAVA_HOME, "
            "or name a Spark Connect server (sc://), which needs no Java here."
        )
    if settings.url.startswith("spark://"):
        _refuse_silent(settings.url, default_port=7077)
    with _startable(settings.url):
        builder = _configured(pyspark.sql.SparkSession.builder.master(settings.url), settings)
        session = builder.getOrCreate()
        # A failed task's message may quote a value, and Spark would log it.
        session.sparkContext.setLogLevel("OFF")
        return session


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def _configured(builder: Any, settings: SparkSettings) -> Any:
    own: Mapping[str, str] = {} if settings.url.startswith("sc://") else _OWN_CLUSTER
    if settings.url.startswith("local"):
        own = {**own, **_LOOPBACK}
    for key, value in {**own, **settings.options}.items():
        builder = builder.config(key, value)
    return builder


def _refuse_silent(url: str, *, default_port: int) -> None:
    """Asks for a connection first: Spark itself would go on asking for minutes."""
    addresses = [urlsplit(f"//{part}") for part in urlsplit(url).netloc.split(",")]
    for address in addresses:
        try:
            place = (address.hostname or "", address.port or default_port)
            with socket.create_connection(place, timeout=ANSWER_SECONDS):
                return
        except (OSError, ValueError):
            continue
    raise SettingsError(
        f"`logs.spark.url` is {url}, and nothing answers there within {ANSWER_SECONDS:.0f} "
        "seconds. Nothing was read. Check the address and the network, or set `engine: duckdb`."
    )


@contextmanager
def _startable(url: str) -> Iterator[None]:
    try:
        yield
    except EvalPipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - gRPC, py4j and pyspark each have their own
        raise SettingsError(
            f"Spark at {url} cannot be used ({type(error).__name__}). Nothing was read. "
            "Check that its version is 4.0 or later and that `logs.spark.options` are known to it."
        ) from None


def _is_tunable(session: Any, key: str) -> bool:
    """Whether a running Spark still takes this option; the others only count at its start."""
    return bool(session.conf.isModifiable(key))


def _nothing() -> None:
    """A session in this process ends with the process, for the next reading uses its Spark."""
