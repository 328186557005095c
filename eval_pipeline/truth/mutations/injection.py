"""Text that poses as an instruction: from the system, a developer, a document or the judge."""

import base64
import codecs

from eval_pipeline.truth.mutations.conversation import Conversation, Mutated
from eval_pipeline.truth.mutations.draws import Draws
from eval_pipeline.truth.mutations.written_templates import WrittenTemplate, templates_of


def mutate(conversation: Conversation, draws: Draws, *, limit: int) -> Mutated | None:
    """The question with an attack before, after or around it."""
    del limit
    template = draws.choice(templates_of("injection"))
    question = template.around(conversation.question, payload=_encoded(template))
    return Mutated(template.name, conversation.asking(question, before=template.turns))


def _encoded(template: WrittenTemplate) -> str:
    """The payload word by word: one long blob is what maskers rightly take for a secret."""
    words = (template.payload or "").split()
    match template.encoding:
        case "base64":
            return " ".join(base64.b64encode(word.encode()).decode() for word in words)
        case "rot13":
            return codecs.encode(" ".join(words), "rot13")
        case "reversed":
            return " ".join(words)[::-1]
        case None:
            return " ".join(words)
