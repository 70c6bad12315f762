"""An agent: a model and its tools in a loop, each call a task, so that none is paid for twice."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from examples.agent_loop.model import TOOLS, Message, complete
from perdure import IO, STANDARD_BACKOFF, NonRetryableError, Perdure, TaskOptions, event_trigger

MAX_TURNS = 10

app = Perdure("agent-loop")


class Question(BaseModel):
    """What somebody wants to know."""

    text: str


@app.job(id="answer-question", version="1.0.0", on=event_trigger("question.asked"))
async def answer(payload: Question, io: IO) -> str:
    """Let the model call tools until it has an answer."""
    conversation = [Message(role="user", text=payload.text)]
    options = TaskOptions(retry=STANDARD_BACKOFF)
    for turn in range(MAX_TURNS):
        reply = await io.run_task(["model", turn], complete, conversation, options=options)
        if not reply.tool_calls:
            return reply.text
        io.logger.info("tools", names=[call.name for call in reply.tool_calls])
        results = await asyncio.gather(
            *(
                io.run_task(["tool", turn, number], TOOLS[call.name], **call.arguments)
                for number, call in enumerate(reply.tool_calls)
            )
        )
        conversation += [reply, *(Message(role="tool", text=str(result)) for result in results)]
    raise NonRetryableError(f"no answer within {MAX_TURNS} turns")


asgi = app.asgi()
