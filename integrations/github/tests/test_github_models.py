"""Our models against githubkit's: no field that GitHub does not have, none required that may be missing."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

import perdure_github
from perdure_github import models, payloads
from perdure_github.events import EVENTS
from tests.support.fakes.github import FakeGitHub, Repository

from . import githubkit_source

SAME = [
    (models.User, "SimpleUser"),
    (models.Label, "Label"),
    (models.Milestone, "Milestone"),
    (models.Repository, "RepositoryWebhooks"),
    (models.Issue, "Issue"),
    (models.Issue, "WebhookIssuesOpenedPropIssue"),
    (models.Comment, "IssueComment"),
    (models.PullRequest, "PullRequestWebhook"),
    (models.Branch, "PullRequestPropHead"),
    (models.Commit, "WebhookPushPropCommitsItems"),
    (models.Release, "Release"),
    (models.WorkflowRun, "WebhookWorkflowRunCompletedPropWorkflowRun"),
    (models.Check, "CheckRunWithSimpleCheckSuite"),
    (models.Discussion, "Discussion"),
]


def required(model: type[BaseModel]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.is_required()}


@pytest.mark.parametrize(("our", "their"), SAME)
def test_fields_are_githubs(our: type[BaseModel], their: str) -> None:
    generated = githubkit_source.model(their)
    assert set(our.model_fields) <= set(generated.required)
    assert required(our) <= {name for name, needed in generated.required.items() if needed}


@pytest.mark.parametrize("event", sorted(payloads.PAYLOADS))
def test_payload_parts_are_githubs(event: str) -> None:
    our, generated = payloads.PAYLOADS[event], githubkit_source.models_of(event)
    for their in generated:
        assert required(our) <= {name for name, needed in their.required.items() if needed}
    assert set(our.model_fields) <= {"action", *(name for their in generated for name in their.required)}


def test_every_payload_belongs_to_an_event() -> None:
    assert set(payloads.PAYLOADS) <= set(EVENTS)


def test_labels_may_be_bare_names(fake: FakeGitHub, site: Repository) -> None:
    shown = fake.payloads.issue(site, site.issues[1])
    issue = models.Issue.model_validate({**shown, "labels": ["bug", {"name": "site", "color": "fff"}]})
    assert [label.name for label in issue.labels] == ["bug", "site"]


def test_a_deleted_account_is_none(fake: FakeGitHub, site: Repository) -> None:
    shown: dict[str, Any] = fake.payloads.issue(site, site.issues[1])
    assert models.Issue.model_validate({**shown, "user": None}).user is None


def test_all_is_what_is_imported() -> None:
    public = {
        name
        for name, value in vars(perdure_github).items()
        if isinstance(value, type) and value.__module__.startswith("perdure_github.")
    }
    assert public == set(perdure_github.__all__)
    assert sorted(perdure_github.__all__) == perdure_github.__all__


def test_the_package_loads_neither_githubkit_nor_httpx() -> None:
    import subprocess
    import sys

    code = "import sys, perdure_github; print(sorted({'githubkit', 'httpx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
