"""A lake's folder that counts what is read of it."""

from collections import Counter
from pathlib import Path

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.local_folder import LocalFolder


class CountedFolder(LocalFolder):
    """`reads`: files, bytes, and files by the folder they lie in; what is only listed is not read.

    A file that is not there counts as nothing.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: Counter[str] = Counter()

    def read(self, path: str) -> bytes:
        data = super().read(path)
        self.reads.update(files=1, bytes=len(data))
        self.reads[f"of {path.partition('/')[0]}"] += 1
        return data


def counted(lake: Lake) -> CountedFolder:
    """Lets the lake, which is a folder, count from now on."""
    folder = CountedFolder(Path(lake.url))
    lake._storage = folder  # noqa: SLF001 - counted where files are read
    return folder
