"""What every command line has in common: help, errors in one line, exit codes, pipes and colours."""

import os
import subprocess
import sys

import pytest
from command_line import BATON, ROOT, Home, refused

from service.cli.table import COMMANDS

NESTED = ["parked list", "parked show", "parked retry", "db upgrade", "broker setup"]
OURS = [name for name in COMMANDS if name != "bench"]

EVERY_HELP = """
import sys
from click.testing import CliRunner
from service.cli.table import baton
for words in sys.argv[1:]:
    result = CliRunner().invoke(baton, [*words.split(), "--help"])
    assert result.exit_code == 0, words
    lines = result.output.splitlines()
    print(words, "|", lines[0], "|", lines[2].strip())
"""


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_the_version_is_one_line(home):
    ran = home.baton("--version")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("baton ") and len(ran.stdout.splitlines()) == 1
    assert home.baton("version").stdout == ran.stdout


def test_the_version_needs_none_of_the_service(home):
    code = "import sys; sys.argv = ['baton', '--version']\nfrom service.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print(sorted(m for m in sys.modules if m in ('sqlalchemy','flask','pika','service.app')))"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=home.environ, capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_command_with_what_it_does(home):
    ran = home.baton("--help")
    assert ran.returncode == 0
    for name, entry in COMMANDS.items():
        assert any(line.split()[:1] == [name] and entry.says in line for line in ran.stdout.splitlines()), (
            name
        )


def test_every_command_explains_itself(home):
    names = [*OURS, *NESTED]
    ran = subprocess.run(
        [sys.executable, "-c", EVERY_HELP, *names],
        env=home.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = [line.split(" | ") for line in ran.stdout.splitlines()]
    assert [words for words, _, _ in told] == names
    assert all(usage.startswith("Usage: ") and len(text) > 10 for _, usage, text in told)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["whyy"], "no such command"),
        (["why"], "missing argument"),
        (["why", "A1", "--as-of", "14.03.2026"], "write it as 2026-03-14"),
        (["why", "A1", "--known-at", "2026-03-14T08:00:00"], "offset"),
        (["cases", "--status", "lost"], "is not one of"),
        (["inspect"], "missing argument"),
        (["parked", "retry"], "name ids, or --all, or a filter"),
        (["clock", "--as-of", "2026-03-14"], "--once"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(home, words, says):
    line = refused(home.baton(*words), 2)
    assert says in line.lower()
    assert line.endswith("[usage]") and "--help" in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("facility = 'GEN'\nbatch_sise = 5\n", "no such setting: batch_sise"),
        ("facility = \n", "cannot be read as TOML"),
        ("batch_size = 0\n", "write a whole number from 1 to 10000"),
        ("timezone = 'Mars/Olympus'\n", "no such time zone"),
    ],
)
def test_a_bad_configuration_file_is_named_and_exit_2(home, text, says):
    (home.folder / "baton.toml").write_text(text)
    line = refused(home.baton("doctor"), 2)
    assert says in line and "baton.toml" in line


def test_a_configuration_file_that_is_not_there_is_named(home):
    assert "nowhere.toml" in refused(home.baton("cases", BATON_CONFIG="nowhere.toml"), 2)


@pytest.mark.parametrize("words", [["cases"], ["why", "A1"], ["parked", "list"], ["ingest", "x"]])
def test_a_database_that_does_not_answer_is_one_line_without_its_password(home, words):
    url = "postgresql://baton:s3cret-word@127.0.0.1:1/baton"
    ran = home.baton(*words, BATON_DATABASE_URL=url)
    line = refused(ran, 1)
    assert "s3cret" not in ran.stdout + ran.stderr and "127.0.0.1" in line


@pytest.mark.parametrize("words", [["broker", "setup"], ["run", "--no-web"]])
def test_a_broker_that_does_not_answer_is_one_line_without_its_password(home, words):
    ran = home.baton(*words, BATON_AMQP_URL="amqp://baton:s3cret-word@127.0.0.1:1/")
    assert "127.0.0.1:1" in refused(ran, 1)
    assert "s3cret" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("words", [["cases"], ["why", "A1"], ["parked", "list"]])
def test_asking_before_there_is_a_database_says_how_to_make_one(home, words):
    assert "baton db upgrade" in refused(home.baton(*words), 2)


BUG = """
import sys, types
from service.cli import entry, table
import click
@click.command()
def boom():
    raise KeyError("DOE^JANE")
module = types.ModuleType("boom_module"); module.boom = boom
sys.modules["boom_module"] = module
table.COMMANDS["boom"] = table.Entry("boom_module:boom", "Fails.", table.LOOK)
entry.run(sys.argv[1:])
"""


def test_a_bug_is_one_line_that_shows_no_value(home):
    ran = subprocess.run(
        [sys.executable, "-c", BUG, "boom"], env=home.environ, capture_output=True, text=True, check=False
    )
    line = refused(ran, 1)
    assert "this is a bug" in line and "KeyError" in line and "--debug" in line and "DOE" not in line


@pytest.mark.parametrize("words", [["boom", "--debug"], ["--debug", "boom"]])
def test_debug_shows_the_trace_wherever_it_stands(home, words):
    ran = subprocess.run(
        [sys.executable, "-c", BUG, *words], env=home.environ, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1 and "Traceback" in ran.stderr and "KeyError" in ran.stderr


def test_a_reader_that_leaves_early_is_no_error(home):
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [*BATON, "asyncapi"], env=home.environ, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")
