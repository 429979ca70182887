"""For the operator: control totals that add up, and say so when they do not."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import Home

from service.demo import account_file, first_remittance
from tests.journey.stories import TODAY


def test_totals_add_up_in_messages_and_cents_and_a_false_payment_is_exit_1(tmp_path: Path) -> None:
    home = Home(tmp_path)
    sound = first_remittance("A1001", TODAY)
    (tmp_path / "1.json").write_bytes(account_file("A1001", (90, 60), TODAY))
    (tmp_path / "2.835").write_bytes(sound)
    for name in ("1.json", "2.835", "2.835"):
        home.baton("ingest", "--feed", "era", name)
    ran = home.baton("totals", "--json")
    told = json.loads(ran.stdout)
    (item,) = told["items"]
    assert (ran.returncode, told["adds_up"]) == (0, True)
    assert item["received"] == item["accepted"] + item["duplicate"] + item["parked"] >= 3
    assert item["accepted_amount"] == item["duplicate_amount"] != "0.00"
    assert float(item["received_amount"]) == 2 * float(item["accepted_amount"])

    paid = f"*{item['accepted_amount']}*".encode()
    at = sound.index(b"BPR*")
    false = sound[:at] + sound[at:].replace(paid, b"*999.00*", 1)
    assert false != sound
    (tmp_path / "3.835").write_bytes(false)
    home.baton("ingest", "--feed", "other", "3.835")
    ran = home.baton("totals", "--feed", "other", "--json")
    (item,) = json.loads(ran.stdout)["items"]
    assert ran.returncode == 1 and not item["adds_up"] and item["unexplained_amount"] != "0.00"
    assert home.baton("totals", "--feed", "era").returncode == 0
    assert home.baton("totals").returncode == 1
    assert "Nothing was counted" in home.baton("totals", "--feed", "nobody").stdout
