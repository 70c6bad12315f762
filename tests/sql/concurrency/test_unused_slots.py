"""A run that a limit let go and that does not use its place: the next one gets it."""

from tests.support.builders import SDK, Builders, job, manifest


def test_a_run_cancelled_before_it_was_claimed_leaves_its_place_to_the_next(builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1))
    first, second, third = builders.runs(3, endpoint)
    (claim,) = builders.claims()
    assert claim.run_id == first.id
    claim.reply("SUCCESS")
    builders.db.call("cancel_run", endpoint.environment.id, second.id)
    assert builders.claims() == []  # what was in the queue is the cancelled run
    assert [claim.run_id for claim in builders.claims()] == [third.id]


def test_a_job_that_leaves_a_group_leaves_its_place_to_the_others(builders: Builders) -> None:
    group = {"id": "shared", "limit": 1}
    other = job("other", event="other", concurrencyLimit=group)
    endpoint = builders.endpoint(job(concurrencyLimit=group), other)
    first, second = builders.runs(2, endpoint)
    third = builders.run(endpoint, event="other")
    (claim,) = builders.claims()
    assert claim.run_id == first.id
    claim.reply("SUCCESS")  # the second is let go
    builders.db.call("index_endpoint", endpoint.id, manifest(job(), other), SDK)
    assert {claim.run_id for claim in builders.claims()} == {second.id, third.id}


def test_one_claim_takes_runs_with_and_without_a_limit(builders: Builders) -> None:
    endpoint = builders.endpoint(job(concurrencyLimit=1), job("free", event="free"))
    first, second = builders.runs(2, endpoint)
    free = builders.run(endpoint, event="free")
    claims = builders.claims()
    assert {claim.run_id for claim in claims} == {first.id, free.id}
    for claim in claims:
        claim.reply("SUCCESS")
    assert [claim.run_id for claim in builders.claims()] == [second.id]
