"""For hospital IT: samples of an unknown EHR tell what to write; ten lines later its messages flow."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from schemas.facts import Message
from service.app import App
from service.config import load
from service.feeds import load_feed
from service.mappings import FeedMapping
from service.onboarding import Report, examine_samples, page_of
from tests.journey.command_line import Home
from tests.journey.stories import NOW
from tests.journey.test_feed_files import EXAMPLES

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
UNKNOWN_EHR = (
    r"""MSH|^~\&|NEWEHR|MAIN|||20260302080000||ADT^A04|1|P|2.5.1
EVN|A04|20260302080000
PID|1||M1^^^H^MR||DOE^PAT
PV1|1|O|||||||||||||||||V1^^^H^VN|COMM
GT1|1||DOE^PAT
IN1|1|P1|60054|EXAMPLE HEALTH|||||||||||HMO|||||||1
""",
    r"""MSH|^~\&|NEWEHR|MAIN|||20260402083100||DFT^P03|2|P|2.5.1
EVN|P03|20260402083100
PID|1||M1^^^H^MR||DOE^PAT
PV1|1|O|||||||||||||||||V1^^^H^VN
FT1|1|T1||20260302|20260402|CG|OFFICE|||1|250.00
FT1|2|T2||20260401|20260402|PY|PP<b>|||1|100.00
""",
    r"""MSH|^~\&|NEWEHR|MAIN|||20260402083200||ORU^R01|3|P|2.5.1
PID|1||M1^^^H^MR||DOE^PAT
PV1|1|O|||||||||||||||||V1^^^H^VN
""",
)
TEN_LINES = """
[account]
field = "PV1-19"

[hl7v2]
timezone = "America/New_York"
ignore = ["ORU^R01"]
plan_kind = { HMO = "commercial" }
ft1_code = { "PP<b>" = "payment.patient" }
financial_class = { COMM = "commercial" }
"""


def sample(body: str | bytes, feed: str = "new") -> Message:
    raw = body.encode() if isinstance(body, str) else body
    return Message.of(raw, feed=feed, format="unknown", door="file", received_at=NOW)


def checked(home: Path, *bodies: str | bytes, toml: str = "") -> Report:
    feeds = home / "feeds"
    feeds.mkdir(exist_ok=True)
    (feeds / "new.toml").write_text(toml)
    app = App(load({"BATON_FEEDS_DIR": str(feeds), "BATON_HOME": str(home / "var")}))
    return examine_samples(app, "new", [sample(body) for body in bodies])


def uncommented(lines: list[str]) -> str:
    """The suggested lines with every choice taken as it is proposed first."""
    return "\n".join(re.sub(r"^# (?=(\"|[a-z_0-9]+ = ))", "", line) for line in lines)


def test_an_unknown_ehr_is_told_what_to_write_and_then_its_messages_flow(tmp_path: Path) -> None:
    before = checked(tmp_path, *UNKNOWN_EHR)
    assert not before.ready and before.first_day.dispositions == {"parked": 3}
    needs = {one.need.name: one.state for one in before.needs}
    assert needs["account number"] == "missing" and needs["payer order"] == "partly"
    assert needs["statements"] == "missing"
    written = "\n".join(before.suggested)
    for said in ('field = "PV1-19"', '"PP<b>"', '"HMO"', '"COMM"', "timezone", "ORU^R01"):
        assert said in written
    after = checked(tmp_path, *UNKNOWN_EHR, toml=TEN_LINES)
    assert after.ready and after.first_day.dispositions == {"accepted": 3}
    assert after.facts["payment.posted"] == 1 and after.facts["charge.posted"] == 1
    assert after.suggested == [] and after.mapping != before.mapping


def test_nothing_that_says_whether_money_was_paid_is_suggested_without_a_persons_choice(
    tmp_path: Path,
) -> None:
    pasted = tomllib.loads("\n".join(checked(tmp_path, *UNKNOWN_EHR).suggested))
    assert pasted == {"account": {}, "hl7v2": {"ft1_code": {}, "plan_kind": {}, "financial_class": {}}}


def test_what_is_proposed_first_for_money_is_what_its_type_says(tmp_path: Path) -> None:
    body = UNKNOWN_EHR[1].replace("PP<b>", "CASH")
    for type, first in (
        ("PY", "payment.patient"),
        ("CD", "charge.reversal"),
        ("AJ", "adjustment.contractual"),
    ):
        told = "\n".join(checked(tmp_path, body.replace("|PY|", f"|{type}|")).suggested)
        assert f'# "CASH" = "{first}"' in told, told


def test_what_is_missing_and_what_it_holds_up_is_said(tmp_path: Path) -> None:
    report = checked(tmp_path, UNKNOWN_EHR[0].replace("IN1|1|P1", "IN1||P1").replace("HMO|||||||1", "HMO"))
    lacks = {one.need.name: one.plain()["lack"] for one in report.needs}
    assert "every account will hold at G03" in lacks["payer order"]
    assert "G10" not in lacks["guarantor"]


def test_the_samples_are_tried_out_and_nothing_is_kept(tmp_path: Path) -> None:
    report = checked(tmp_path, (EXAMPLES / "account.json").read_bytes())
    assert report.first_day.accounts >= 1 and sum(report.first_day.outcomes.values()) >= 1
    assert not (tmp_path / "var").exists()


def test_payers_of_one_name_are_proposed_as_one(tmp_path: Path) -> None:
    era = (EXAMPLES / "remittance.835").read_bytes()
    other = era.replace(b"1512345678", b"1512345679")
    report = checked(tmp_path, era, other)
    assert [line for line in report.suggested if "1512345679" in line] == [
        '# "1512345679" = "1512345678"  # both have one name'
    ]


def test_the_page_stands_by_itself_and_quotes_what_a_sender_wrote(tmp_path: Path) -> None:
    page = page_of(checked(tmp_path, *UNKNOWN_EHR).plain())
    assert "PP&lt;b&gt;" in page and "PP<b>" not in page
    assert "<script" not in page and "src=" not in page and "http" not in page


def test_no_patient_is_in_the_report(tmp_path: Path) -> None:
    told = json.dumps(checked(tmp_path, *UNKNOWN_EHR).plain())
    assert not any(value in told for value in ("DOE", "M1", "V1^", '"V1"'))


def test_the_command_answers_no_until_the_file_is_right(tmp_path: Path) -> None:
    home = Home(tmp_path)
    samples = tmp_path / "samples"
    samples.mkdir()
    for n, body in enumerate(UNKNOWN_EHR):
        (samples / f"{n}.hl7").write_text(body)
    first = home.baton("feed", "check", "-", "samples", "--html", "report.html")
    assert first.returncode == 1 and "PV1-19" in first.stdout
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "new.toml").write_text(TEN_LINES)
    then = home.baton("feed", "check", "new", "samples", "--json")
    assert then.returncode == 0 and json.loads(then.stdout)["ready"]
    assert "new" in home.baton("feed", "list").stdout
    (tmp_path / "feeds" / "new.toml").write_text(TEN_LINES.replace("plan_kind", "plan_kinds"))
    wrong = home.baton("feed", "check", "feeds/new.toml")
    assert wrong.returncode == 2 and "feeds/new.toml:8" in wrong.stderr


@pytest.mark.parametrize("kind", ["hl7v2", "fhir", "835"])
def test_what_real_samples_suggest_is_a_feeds_file(tmp_path: Path, kind: str) -> None:
    folder = SAMPLES / kind
    if not folder.is_dir():
        pytest.skip("the collected samples are not beside this project")
    files = sorted(path for path in folder.iterdir() if path.is_file())[:12]
    report = checked(tmp_path, *(path.read_bytes() for path in files))
    assert report.files == len(files) and sum(report.first_day.dispositions.values()) == len(files)
    for text in ("\n".join(report.suggested), uncommented(report.suggested)):
        path = tmp_path / "pasted.toml"
        path.write_text(_once(text))
        FeedMapping.of(load_feed(path, "GEN"))


def _once(text: str) -> str:
    """Of several lines for one key, the first: the person takes one."""
    kept: list[str] = []
    for line in text.splitlines():
        key = line.partition(" = ")[0]
        if line.startswith("#") or not any(one.partition(" = ")[0] == key for one in kept):
            kept.append(line)
    return "\n".join(kept)
