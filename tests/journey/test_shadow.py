"""For the operator: what a feed or policy in shadow mode does, and what it would have opened."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import pytest

from schemas.errors import ConfigRefused
from schemas.facts import AccountRef
from service import shadow
from service.app import BUNDLED_POLICY, App
from service.config import load
from service.timers import redecide_round, review_round
from tests.journey.batons import Open, at, moves, why
from tests.journey.stories import ago, native, ripe, sealed

A2 = AccountRef("GEN", "A2")


def feed_file(folder: Path, text: str, name: str = "era.toml") -> str:
    feeds = folder / "feeds"
    feeds.mkdir(exist_ok=True)
    (feeds / name).write_text(text)
    return str(feeds)


def again(app: App, hours: float) -> int:
    """What the clock decides again in the background."""
    done, more = redecide_round(app.intake(), lambda: at(hours), 1_000_000, Event())
    assert not more
    return done


def reported(app: App) -> dict[str, Any]:
    with app.store.read() as reader:
        return shadow.report(reader)


def test_one_shadow_feed_among_the_accounts_feeds_is_enough(batons: Open, tmp_path: Path) -> None:
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, "shadow = true"), BATON_SETTLING_SECONDS="0")
    app.intake().receive(sealed(*ripe("A1")[:4], feed="billing"), at(0))
    app.intake().receive(sealed(*ripe("A1")[4:], feed="era"), at(0))
    app.intake().receive(sealed(*ripe("A2"), feed="billing"), at(0))
    assert moves(app) == [] and moves(app, A2) == [("opened", "EVERY_GATE_ALLOWS")]
    told = why(app)
    assert told["decision"]["stored"] and told["decision"]["outcomes"]["open_case"] == "allow"
    assert [w["cause"] for w in told["withheld"]] == ["shadow feed era"]
    assert "shadow mode" in told["summary"]


@pytest.mark.parametrize("first", ["era", "billing"])
def test_a_feed_that_only_repeats_shadows_too_whichever_came_first(
    batons: Open, tmp_path: Path, first: str
) -> None:
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, "shadow = true"), BATON_SETTLING_SECONDS="3600")
    other = {"era": "billing", "billing": "era"}[first]
    app.intake().receive(sealed(*ripe(), feed=first), at(0))
    app.intake().receive(sealed(*ripe(), feed=other), at(0.5))
    review_round(app.intake(), at(2))
    assert moves(app) == []


def test_the_report_says_what_would_have_opened_when_and_how_much(batons: Open, tmp_path: Path) -> None:
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, "shadow = true"))
    app.intake().receive(sealed(*ripe("A1"), *ripe("A2"), feed="era"), at(0))
    assert reported(app)["items"] == []
    review_round(app.intake(), at(4))
    review_round(app.intake(), at(4.1))
    hold = native(
        "h", "account.flagged", {"flag": "dispute", "since": ago(0), "reference": "D"}, account="A2"
    )
    app.intake().receive(sealed(hold, feed="era"), at(20))
    told = reported(app)
    assert (told["cases"], told["still"], told["amount"]) == (2, 1, "284.34")
    assert [i["would_open_at"] for i in told["items"]] == ["2026-11-23T16:00:00Z"] * 2
    assert {i["account"]: i["ended_at"] for i in told["items"]} == {
        "GEN/A1": None,
        "GEN/A2": "2026-11-24T08:00:00Z",
    }
    assert told["by_feed"] == [{"name": "era", "cases": 2, "amount": "284.34"}]
    assert told["by_facility"] == [{"name": "GEN", "cases": 2, "amount": "284.34"}]
    assert [row["cases"] for row in told["by_policy"]] == [2]
    with app.store.read() as reader:
        assert shadow.report(reader, at(5).now)["items"] == []
        held = [row.routing_key for row in reader.outbox(1000)]
    assert "case.opened" not in held


def test_a_correction_inside_the_window_is_in_no_report(batons: Open, tmp_path: Path) -> None:
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, "shadow = true"))
    app.intake().receive(sealed(*ripe(), feed="era"), at(0))
    hold = native("h", "account.flagged", {"flag": "dispute", "since": ago(0), "reference": "D"})
    app.intake().receive(sealed(hold, feed="era"), at(1))
    review_round(app.intake(), at(9))
    assert reported(app)["items"] == []


def test_leaving_shadow_opens_what_still_would_and_entering_it_keeps_what_is_open(
    batons: Open, tmp_path: Path
) -> None:
    before = batons(BATON_FEEDS_DIR=feed_file(tmp_path, "shadow = true"), BATON_SETTLING_SECONDS="0")
    before.intake().receive(sealed(*ripe("A1"), *ripe("A2"), feed="era"), at(0))
    assert again(before, 1) == 0
    feed_file(tmp_path, "shadow = false")
    after = batons(before, BATON_FEEDS_DIR=str(tmp_path / "feeds"), BATON_SETTLING_SECONDS="0")
    assert again(after, 1) == 2 and again(after, 1) == 0
    assert moves(after) == moves(after, A2) == [("opened", "EVERY_GATE_ALLOWS")]
    assert reported(after)["still"] == 0
    feed_file(tmp_path, "shadow = true")
    back = batons(before, BATON_FEEDS_DIR=str(tmp_path / "feeds"), BATON_SETTLING_SECONDS="0")
    assert again(back, 2) == 0 and why(back)["case"]["status"] == "open"
    hold = native("h", "account.flagged", {"flag": "dispute", "since": ago(0), "reference": "D"})
    back.intake().receive(sealed(hold, feed="era"), at(3))
    assert why(back)["case"]["status"] == "recalled"


def policy_folder(folder: Path, head: str) -> str:
    made = folder / "policies"
    made.mkdir(exist_ok=True)
    for pack in BUNDLED_POLICY.glob("*.toml"):
        (made / pack.name).write_text(pack.read_text())
    (made / "local.toml").write_text(f'[policy]\nid = "local"\nversion = "1"\n{head}\n')
    return str(made)


def test_a_policy_in_shadow_opens_nothing_and_leaving_it_decides_everything_again(
    batons: Open, tmp_path: Path
) -> None:
    before = batons(BATON_POLICY_DIR=policy_folder(tmp_path, "shadow = true"), BATON_SETTLING_SECONDS="0")
    before.intake().receive(sealed(*ripe()), at(0))
    assert moves(before) == [] and [w["cause"] for w in why(before)["withheld"]] == ["shadow policy local@1"]
    after = batons(before, BATON_POLICY_DIR=policy_folder(tmp_path, ""), BATON_SETTLING_SECONDS="0")
    assert again(after, 1) == 1
    assert moves(after) == [("opened", "EVERY_GATE_ALLOWS")]


def test_a_shadow_pack_with_a_scope_shadows_its_own_accounts_alone(batons: Open, tmp_path: Path) -> None:
    scoped = 'shadow = true\n[scope]\nfacility = ["WEST"]'
    app = batons(BATON_POLICY_DIR=policy_folder(tmp_path, scoped), BATON_SETTLING_SECONDS="0")
    west = [m | {"account": {"facility": "WEST", "number": "A1"}, "id": m["id"] + "w"} for m in ripe()]
    app.intake().receive(sealed(*ripe(), *west), at(0))
    assert [move for move, _ in moves(app)] == ["opened"]
    assert moves(app, AccountRef("WEST", "A1")) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('facility = "GEN"\nshadov = true\n', "era.toml:2"),
        ('facility = "GEN"\n\nshadow = "yes"\n', "era.toml:3"),
        ("shadow = tru\n", "era.toml"),
        ('name = "two words"\n', "era.toml:1"),
    ],
)
def test_a_wrong_feed_file_is_refused_with_file_and_line(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        load({"BATON_FEEDS_DIR": feed_file(tmp_path, text), "BATON_HOME": str(tmp_path)})
    assert refused.value.where.endswith(place)


def test_a_feed_stated_in_two_places_is_refused(tmp_path: Path) -> None:
    feed_file(tmp_path, 'name = "era"\n', "one.toml")
    folder = feed_file(tmp_path, 'name = "era"\n', "two.toml")
    with pytest.raises(ConfigRefused, match="feed-twice"):
        load({"BATON_FEEDS_DIR": folder, "BATON_HOME": str(tmp_path)})
    (tmp_path / "feeds" / "two.toml").unlink()
    table = tmp_path / "baton.toml"
    table.write_text('[feeds.era]\nfacility = "WEST"\n')
    with pytest.raises(ConfigRefused, match="feed-twice"):
        load({"BATON_FEEDS_DIR": folder, "BATON_CONFIG": str(table)})


def test_a_feed_file_says_the_facility_and_defaults_to_the_hospitals(tmp_path: Path) -> None:
    feed_file(tmp_path, 'facility = "WEST"\ndoor = "rabbitmq"\nformat = "x12"\n', "west.toml")
    app = App(load({"BATON_FEEDS_DIR": feed_file(tmp_path, ""), "BATON_FACILITY": "MAIN"}))
    assert [app.mapping_of(feed).source.facility for feed in ("west", "era")] == ["WEST", "MAIN"]
    with pytest.raises(ConfigRefused, match="no-feeds"):
        load({"BATON_FEEDS_DIR": str(tmp_path / "nowhere")})
