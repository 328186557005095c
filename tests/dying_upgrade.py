"""Opens a store and dies at a statement: `python dying_upgrade.py URL STATEMENT [STATEMENT ...]`.

Each death is a process of its own, forked from this one, which has only imported what it needs.
URL may hold `{}`, which stands for the statement's number. Prints one line for each: `killed`, or
how many statements there were.
"""

import os
import signal
import sys

import sqlalchemy as sa
from alembic import command  # noqa: F401 - imported once, for every child
from sqlalchemy.engine import Engine

from eval_pipeline.adapters.store import Store


def die_at(statement: int, url: str) -> None:
    """In a child: kills itself before the statement; 0 never does."""
    passed = 0

    @sa.event.listens_for(Engine, "before_cursor_execute")
    def _count(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    @sa.event.listens_for(Engine, "commit")
    def _commit(_: object) -> None:
        _count()

    Store.open(url).close()
    sys.stdout.write(f"{passed}\n")
    sys.stdout.flush()


def main(url: str, *statements: str) -> None:
    """Forks one child after the other."""
    for statement in statements:
        child = os.fork()
        if child == 0:
            die_at(int(statement), url.format(statement))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            sys.stdout.write("killed\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
