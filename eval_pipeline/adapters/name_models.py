"""The models of names that a configuration asks for: those shipped, or files of the operator's."""

from collections.abc import Callable
from pathlib import Path

from eval_pipeline.anonymisation.names.model import NameModel, read_model, shipped_model
from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import AnonymisationSettings


def name_models(
    settings: AnonymisationSettings, *, locate: Callable[[str], str]
) -> tuple[NameModel, ...]:
    """One model for each configured language; `locate` turns a path of the configuration into one.

    Raises `SettingsError` for a file that cannot be read and `ModelFileError` for one that is no
    model.
    """
    models = []
    for language in settings.languages:
        named = settings.name_models.get(language)
        if named is None:
            models.append(shipped_model(language))
            continue
        path = locate(named)
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise SettingsError(
                f"The model of names '{path}' cannot be read ({error.strerror}). Nothing was "
                f"masked. Correct `anonymisation.name_models.{language}` in the configuration, or "
                "remove it for the model that is shipped."
            ) from None
        models.append(read_model(data, language=language))
    return tuple(models)
