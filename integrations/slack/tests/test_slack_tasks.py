"""The other tasks: messages that change, reactions, conversations, people."""

from __future__ import annotations

from typing import Any

from perdure import IO
from perdure_slack import Conversation, ConversationPage, PostedMessage, Slack, User
from tests.support.fakes.faults import Fault
from tests.support.fakes.slack import CHANNEL, FakeSlack
from tests.support.job_runner import JobRunner


async def test_a_message_is_changed_and_deleted(runner: JobRunner, fake: FakeSlack, slack: Slack) -> None:
    texts: list[str] = []

    async def change_and_delete(io: IO) -> PostedMessage:
        tasks = slack.of(io)
        posted = await tasks.post_message("post", channel=CHANNEL, text="Hello")
        changed = await tasks.update_message("change", channel=CHANNEL, ts=posted.ts, text="Bye")
        texts.extend(message["text"] for message in fake.messages)
        await tasks.delete_message("delete", channel=CHANNEL, ts=posted.ts)
        return changed

    assert (await runner.execute(change_and_delete))["status"] == "SUCCESS"
    assert runner.results[0].message.text == "Bye"
    assert (texts, fake.messages) == (["Bye"], [])
    assert runner.run.task("delete")["name"] == "Delete message"


async def test_a_reaction_whose_answer_was_lost_is_one_reaction(
    runner: JobRunner, fake: FakeSlack, slack: Slack
) -> None:
    async def react(io: IO) -> None:
        tasks = slack.of(io)
        posted = await tasks.post_message("post", channel=CHANNEL, text="Hello")
        await tasks.add_reaction("react", channel=CHANNEL, ts=posted.ts, name="thumbsup")

    fake.faults.add(Fault(path="reactions.add", broken_after=True))
    assert (await runner.execute(react))["status"] == "RETRY_WITH_TASK"
    assert (await runner.execute())["status"] == "SUCCESS"
    assert fake.messages[0]["reactions"] == ["thumbsup"]
    properties = runner.run.task("react")["properties"]
    assert properties == [{"label": "Channel", "text": CHANNEL}, {"label": "Reaction", "text": "thumbsup"}]


async def test_a_reaction_that_is_not_there_is_taken_back(
    runner: JobRunner, fake: FakeSlack, slack: Slack
) -> None:
    async def take_back(io: IO) -> None:
        tasks = slack.of(io)
        posted = await tasks.post_message("post", channel=CHANNEL, text="Hello")
        await tasks.remove_reaction("take back", channel=CHANNEL, ts=posted.ts, name="eyes")

    assert (await runner.execute(take_back))["status"] == "SUCCESS"
    assert [call.path for call in fake.calls] == ["/api/chat.postMessage", "/api/reactions.remove"]


async def test_conversations_come_in_pages(runner: JobRunner, fake: FakeSlack, slack: Slack) -> None:
    fake.foreign_channels.add("C0FOREIGN")
    fake.archived_channels.add("C0ARCHIVED")

    async def list_all(io: IO) -> list[Conversation]:
        found: list[Conversation] = []
        cursor: str | None = None
        for page in range(10):
            more: ConversationPage = await slack.of(io).list_conversations(
                f"list {page}", limit=1, cursor=cursor
            )
            found += more.conversations
            cursor = more.next_cursor
            if cursor is None:
                break
        return found

    await runner.execute(list_all)
    assert [(one.id, one.is_member) for one in runner.results[0]] == [(CHANNEL, True), ("C0FOREIGN", False)]
    assert len(fake.calls) == 2


async def test_people_are_found_and_written_to(runner: JobRunner, fake: FakeSlack, slack: Slack) -> None:
    fake.users_by_email["ada@example.com"] = "U0ADA"

    async def write(io: IO) -> User | None:
        tasks = slack.of(io)
        user = await tasks.find_user("find", email="ada@example.com")
        assert user is not None
        channel = await tasks.open_conversation("open", users=[user.id])
        await tasks.post_message("write", channel=channel.id, text="Hello Ada")
        return await tasks.find_user("find nobody", email="nobody@example.com")

    await runner.execute(write)
    assert runner.results == [None]
    assert [message["channel"] for message in fake.messages] == ["D0U0ADA"]


async def test_options_may_be_changed_for_a_call(runner: JobRunner, fake: FakeSlack, slack: Slack) -> None:
    async def post(io: IO) -> Any:
        once = slack.of(io).with_options(name="Say hello", at_most_once=True)
        return await once.post_message("hello", channel=CHANNEL, text="Hello")

    fake.faults.add(Fault(broken_after=True))
    assert (await runner.execute(post))["status"] == "ERROR"
    assert runner.run.task("hello")["name"] == "Say hello"
    assert len(fake.messages) == 1
