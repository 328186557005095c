"""The openai client with a semaphore, as a team would write it in an afternoon.

    python openai_client.py PORT CALLS CONCURRENCY TIMEOUT_SECONDS

Prints how many calls were answered. It keeps nothing on disk, so a killed run starts anew.
"""

import asyncio
import json
import sys

import openai

SYSTEM = "You are a careful assistant. Answer in one sentence."


async def ask_all(port: int, *, calls: int, concurrency: int, try_seconds: float) -> int:
    """How many of the calls came back with a text; what the client gives up on is lost."""
    room = asyncio.Semaphore(concurrency)
    client = openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="none", timeout=try_seconds
    )

    async def ask(number: int) -> bool:
        question = f"Is this all right? This is request {number}"
        async with room:
            try:
                reply = await client.chat.completions.create(
                    model="bench",
                    temperature=0,
                    messages=[
                        {"role": "system", "content": SYSTEM},
                        {"role": "user", "content": question},
                    ],
                )
            except openai.OpenAIError:
                return False
        return bool(reply.choices[0].message.content)

    async with client:
        return sum(await asyncio.gather(*(ask(number) for number in range(calls))))


if __name__ == "__main__":
    port, calls, concurrency = (int(text) for text in sys.argv[1:4])
    answered = asyncio.run(
        ask_all(port, calls=calls, concurrency=concurrency, try_seconds=float(sys.argv[4]))
    )
    print(json.dumps({"answered": answered}))
