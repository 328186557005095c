"""Two instructions that cannot both be met, in one message or between two turns."""

from eval_pipeline.truth.mutations.conversation import Conversation, Mutated
from eval_pipeline.truth.mutations.draws import Draws
from eval_pipeline.truth.mutations.written_templates import templates_of


def mutate(conversation: Conversation, draws: Draws, *, limit: int) -> Mutated | None:
    """The question under demands that contradict each other."""
    del limit
    template = draws.choice(templates_of("conflicting_instructions"))
    question = template.around(conversation.question)
    return Mutated(template.name, conversation.asking(question, before=template.turns))
