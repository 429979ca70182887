"""For an integrator: published FHIR files that nobody here wrote, against facts computed without Baton."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.journey.command_line import Home

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
FACTS = SAMPLES / "fhir_facts.tsv"
DECISIONS = ("ExplanationOfBenefit", "ClaimResponse")

pytestmark = pytest.mark.skipif(not FACTS.exists(), reason="needs the sample folder beside the project")


def known() -> dict[str, dict[str, Any]]:
    """What each file holds: decisions, their items, and the exact sum of their submitted totals in cents."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in csv.DictReader(FACTS.open(), delimiter="\t"):
        rows[row["file"]].append(row)
    out = {}
    for file, many in rows.items():
        decisions = [row for row in many if row["resourceType"] in DECISIONS]
        totals = [json.loads(row["total_by_category"] or "{}").get("submitted", "0") for row in decisions]
        out[Path(file).name] = {
            "claims": len(decisions),
            "service_lines": sum(int(row["items"] or 0) for row in decisions),
            "charge": f"{round(sum(map(Decimal, totals)), 2):.2f}",
        }
    return out


def test_strict_inspection_also_says_where_a_file_does_not_conform(tmp_path: Path) -> None:
    name = "CMSgov__beneficiary-fhir-data__v2__eobReadHospice.json"
    home = Home(tmp_path)

    def codes(*options: str) -> set[tuple[str, str]]:
        ran = home.baton("inspect", "--json", *options, SAMPLES / "fhir" / name)
        assert ran.stderr == ""
        return {(f["code"], f["where"]) for f in json.loads(ran.stdout)["findings"]}

    added = codes("--strict") - codes()
    assert added and all(where.startswith("ExplanationOfBenefit") for _, where in added)


def test_inspect_reproduces_what_was_computed_without_baton(tmp_path: Path) -> None:
    expected = known()
    files = sorted(path for path in (SAMPLES / "fhir").iterdir() if path.suffix == ".json")
    ran = Home(tmp_path).baton("inspect", "--json", *files)
    assert (ran.returncode, ran.stderr) == (1, "")
    told = {Path(one["path"]).name: one for one in map(json.loads, ran.stdout.splitlines())}
    assert len(told) == len(files) > 100
    differing = []
    for name, one in told.items():
        found = {key: one["totals"][key] for key in ("claims", "service_lines", "charge")}
        if found != expected[name]:
            differing.append((name, expected[name], found))
        # One file is no JSON from its first sign on, so nothing names its format.
        assert one["format"] == ("unknown" if name.endswith("DME-Claims.json") else "fhir"), name
    assert differing == []


XML = sorted((SAMPLES / "fhir").glob("*.xml"))


@pytest.mark.skipif(not XML, reason="needs the XML files of the sample folder")
def test_fhir_in_xml_waits_and_is_told_to_come_as_json(tmp_path: Path) -> None:
    ran = Home(tmp_path).baton("ingest", "--json", *XML)
    told = json.loads(ran.stdout)
    assert ran.returncode == 1 and told["parked"] == len(XML) >= 6
    assert {part["code"] for part in told["parked_parts"]} == {"fhir-xml"}
    assert all("application/fhir+json" in part["reason"] for part in told["parked_parts"])
