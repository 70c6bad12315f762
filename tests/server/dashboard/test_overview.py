"""The overview of an environment, as people see it."""

from __future__ import annotations

from datetime import timedelta

from tests.server.dashboard.browser import words
from tests.server.dashboard.conftest import Office
from tests.support.builders import Builders

HERE = "/dashboard/orgs/acme/projects/shop/dev"


async def test_an_environment_without_an_app_says_how_to_begin(office: Office, builders: Builders):
    builders.environment("dev", project="shop")
    page = await (await office.visitor("viewer")).open(HERE)
    assert "No app is here yet" in words(page.text)
    assert "export PERDURE_API_URL=http://perdure.test" in page.text
    assert f'href="{HERE}/settings/keys"' in page.text


async def test_what_happens_now_and_what_happened(office: Office, builders: Builders):
    app = builders.endpoint(environment=builders.environment("dev", project="shop"))
    runs = builders.runs(6, app)
    claims = builders.claims(5)
    for claim in claims[:2]:
        claim.reply("SUCCESS")
    claims[2].reply("ERROR", error={"message": "no"})
    claims[3].reply("RESUME_WITH_TASK", task={
        "idempotencyKey": "0" * 64, "name": "nap", "noop": True, "delayUntil": "2099-01-01T00:00:00.000Z"
    })  # fmt: skip
    builders.runs(3, builders.endpoint(environment=builders.environment("stg", project="shop")))
    page = words((await (await office.visitor("viewer")).open(HERE)).text)
    assert len(runs) == 6
    assert "Executing 1 Ready to execute 1 the first since" in page
    assert "Sleeping 1 Held back by limits 0 Failed in the last hour 1" in page
    assert "Runs begun 6 in the last hour" in page
    assert "Needs attention" not in page


async def test_many_runs_are_estimated(office: Office, builders: Builders):
    app = builders.endpoint(environment=builders.environment("dev", project="shop"))
    builders.runs(1, app)
    office.db.execute(
        """
        insert into perdure.runs (
            id, environment_id, job_id, job_version_id, endpoint_id, event_id, created_at, is_test, status,
            started_at, completed_at, updated_at
        )
        select
            perdure._id_at((date_part('epoch', x.at) * 4096000)::bigint), r.environment_id, r.job_id,
            r.job_version_id, r.endpoint_id, r.event_id, x.at, false,
            case when x.n % 10 = 0 then 'FAILURE' else 'SUCCESS' end, x.at + interval '100 ms',
            x.at + interval '1100 ms', x.at
        from perdure.runs as r, generate_series(1, 28800) as n
        cross join lateral (select n, perdure.clock() - n * interval '3 seconds' as at) as x
        """
    )
    rates = office.db.call("list_run_rates", app.environment.id, timedelta(days=1), timedelta(hours=4))
    assert len(rates) == 6
    begun = office.db.value("select count(*) from perdure.runs where created_at >= %s", rates[0].began_at)
    assert abs(sum(rate.runs for rate in rates) / begun - 1) < 0.05
    assert abs(sum(rate.failed for rate in rates) / begun - 0.1) < 0.02
    assert rates[-2].sampled
    assert abs(rates[-2].wait_p50_ms - 100) < 1
    assert abs(rates[-2].duration_p95_ms - 1000) < 1
    page = words((await (await office.visitor("viewer")).open(f"{HERE}?time=day")).text)
    assert "Runs begun about " in page
    assert "now p50 100 ms" in page


async def test_what_needs_attention_says_what_and_where(office: Office, builders: Builders):
    environment = builders.environment("dev", project="shop")
    app = builders.endpoint(environment=environment)
    office.db.call("record_index_failure", app.id, "<i>refused</i>")
    run = builders.run(app)
    builders.claim(run).apply("UNREACHABLE", message="nobody")
    office.db.call("pause_environment", environment.id)
    page = (await (await office.visitor("viewer")).open(HERE)).text
    assert "The jobs of app could not be read" in words(page)
    assert "&lt;i&gt;refused&lt;/i&gt;" in page
    assert f'<a href="{HERE}/dead-letters">1 run could not be executed</a>' in page
    assert "This environment is paused" in page
    builders.endpoint(environment=builders.environment("stg", project="shop"))
    quiet = (await (await office.visitor("viewer")).open(HERE.replace("dev", "stg"))).text
    assert "Needs attention" not in quiet
