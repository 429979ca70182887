"""The newcomer's story: every step is a real event, and a story that does not come true fails."""

import pytest
from command_line import Home

STORY = [
    "account.held  GEN/A1001",
    "case.opened  GEN/A1002",
    "parked: ",
    "case.recalled  GEN/A1002",
    "As for GEN/A1002",
]


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def assert_told(ran):
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    places = [ran.stdout.find(step) for step in STORY[:-1]]
    assert -1 not in places and places == sorted(places), ran.stdout
    assert "GEN/A1002 as of" in ran.stdout
    assert all(len(line) <= 100 for line in ran.stdout.splitlines() if "BATON_HOME=" not in line)
    assert "Traceback" not in ran.stdout


def test_the_demo_tells_the_whole_story_without_a_broker(home):
    ran = home.baton("demo", "--transport", "embedded")
    assert_told(ran)
    assert list(home.folder.iterdir()) == []


@pytest.mark.broker
def test_the_demo_tells_the_whole_story_over_rabbitmq(home, amqp_url):
    ran = home.baton("demo", "--keep", BATON_AMQP_URL=amqp_url)
    assert_told(ran)
    assert "RabbitMQ" in ran.stdout and amqp_url not in ran.stdout
    (kept,) = home.folder.iterdir()
    assert "GEN/A1002" in home.baton("cases", BATON_HOME=str(kept)).stdout
