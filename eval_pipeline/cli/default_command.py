"""A group of commands of which one needs no name: `anonymise IN OUT` beside `anonymise train`."""

from typing import Any, Final

from typer.core import TyperCommand, TyperGroup

DEFAULT: Final = "files"
"""The name of the command that is meant where no other is named; shown nowhere."""


class DefaultCommandGroup(TyperGroup):
    """Runs the command `DEFAULT` unless the first word is another command's name.

    So `anonymise --help` is that command's help. A file called like a command is reached by its
    path, as in `./train`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the default command's name before words that name no other."""
        named = bool(args) and args[0] in self.commands and args[0] != DEFAULT
        return super().parse_args(ctx, args if named else [DEFAULT, *args])


class DefaultCommand(TyperCommand):
    """A command that goes by the name of its group."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context as if the command stood in the group's place."""
        if parent is not None:
            info_name, parent = parent.info_name, parent.parent
        return super().make_context(info_name, args, parent=parent, **extra)
