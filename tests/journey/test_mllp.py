"""For hospital IT: HL7 v2 over MLLP on real sockets; only what is stored is answered, come what may."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hl7.client
import pytest
from hl7apy.core import Message as HL7Message
from hl7apy.mllp import AbstractHandler, MLLPServer
from hl7apy.parser import parse_message

from adapters.mllp import Limits, Sender, client_context, frame, server_context
from schemas.errors import ConfigRefused, Unavailable
from schemas.facts import AccountRef
from tests.journey.certificates import make_certificates
from tests.journey.mllp_rig import SWIFT, Rig, adt, answer_on, code, listening, make_app, told, until


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    on = request.param == "postgresql"
    app = make_app(
        tmp_path, **({"BATON_DATABASE_URL": request.getfixturevalue("postgres_url")} if on else {})
    )
    with listening(app) as made:
        yield made
    app.close()


def test_a_message_is_answered_after_it_is_stored_and_its_account_knows_it(rig: Rig) -> None:
    with rig.connect() as peer:
        peer.sendall(frame(adt("A1", "C-77")))
        answer = answer_on(peer)
    assert answer.split(b"\r")[1].startswith(b"MSA|AA|C-77")
    assert rig.body_of(hashlib.sha256(adt("A1", "C-77")).hexdigest()) == adt("A1", "C-77")
    with rig.app.store.read() as reader:
        row = reader.account(AccountRef("GEN", "A1"))
    assert row is not None and row.facts == 1


def test_one_connection_carries_many_messages(rig: Rig) -> None:
    with rig.connect() as peer:
        assert [told(peer, adt(f"A{n}", str(n))) for n in range(20)] == ["AA"] * 20
    assert rig.messages() == 20


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_bytes_may_come_in_any_pieces(rig: Rig, size: int) -> None:
    sent = b"\r\n" + frame(adt("A1")) + b"\r\n" + frame(adt("A2", "2"))
    with rig.connect() as peer:
        for at in range(0, len(sent), size):
            peer.sendall(sent[at : at + size])
        got = b""
        while got.count(b"\x1c\r") < 2:
            got += peer.recv(4096)
    assert [code(one) for one in got.split(b"\x1c\r")[:2]] == ["AA", "AA"]
    assert rig.messages() == 2


def test_the_same_message_again_gets_the_same_bytes_back_and_changes_nothing(rig: Rig) -> None:
    answers = []
    for _ in range(3):
        with rig.connect() as peer:
            peer.sendall(frame(adt("A1")))
            answers.append(answer_on(peer))
        time.sleep(1.1)
    assert answers[0] == answers[1] == answers[2] and code(answers[0]) == "AA"
    assert rig.messages() == 1
    assert [r.disposition for r in rig.receipts] == ["accepted", "duplicate", "duplicate"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (adt("A1", event="ADT^Z99"), "AR"),
        (adt(""), "AE"),
        (b"MSH||||", "AR"),
        (b"not HL7 at all", "AR"),
        (b"\r\r", "AR"),
        (adt("A1") + b"torn line\r", "AE"),
    ],
    ids=["unknown event", "no account", "no separators", "no HL7", "nothing", "torn"],
)
def test_what_cannot_be_read_is_stored_and_its_answer_says_so_every_time(
    rig: Rig, body: bytes, said: str
) -> None:
    with rig.connect() as peer:
        peer.sendall(frame(body))
        first = answer_on(peer)
        peer.sendall(frame(body))
        assert answer_on(peer) == first
    assert code(first) == said
    assert rig.body_of(hashlib.sha256(body).hexdigest()) == body
    with rig.app.store.read() as reader:
        assert len(reader.parked()) == 1


def test_a_reused_control_id_with_other_content_is_an_error_and_holds_the_account(rig: Rig) -> None:
    with rig.connect() as peer:
        assert told(peer, adt("A1", "7")) == "AA"
        assert told(peer, adt("A1", "7").replace(b"DOE", b"ROE")) == "AE"
    with rig.app.store.read() as reader:
        assert [p.code for p in reader.parked()] == ["id-reused"]


@pytest.mark.parametrize(
    ("msh15", "msh16", "account", "said"),
    [
        ("", "", "A1", "AA"),
        ("AL", "NE", "A1", "CA"),
        ("AL", "AL", "", "CA"),
        ("NE", "AL", "A1", "AA"),
        ("NE", "AL", "", "AE"),
        ("NE", "ER", "", "AE"),
        ("NE", "ER", "A1", None),
        ("ER", "NE", "A1", None),
        ("NE", "NE", "A1", None),
    ],
)
def test_the_answer_is_the_one_that_the_header_asks_for(
    rig: Rig, msh15: str, msh16: str, account: str, said: str | None
) -> None:
    with rig.connect() as peer:
        peer.sendall(frame(adt(account, msh15=msh15, msh16=msh16)))
        if said is None:
            peer.sendall(frame(adt("A2", "after")))
            answer = answer_on(peer)
            assert b"|after" in answer.split(b"\r")[1]
        else:
            assert code(answer_on(peer)) == said
    until(lambda: rig.messages() == (2 if said is None else 1))


def test_nothing_is_acknowledged_while_the_store_is_away_and_everything_once_it_is_back(rig: Rig) -> None:
    rig.store_answers.clear()
    peers = [rig.connect(0.5) for _ in range(3)]
    for n, peer in enumerate(peers):
        peer.sendall(frame(adt(f"A{n}", str(n))))
    for peer in peers:
        with pytest.raises(TimeoutError):
            peer.recv(1)
        peer.settimeout(10)
    assert rig.messages() == 0
    rig.store_answers.set()
    assert [code(answer_on(peer)) for peer in peers] == ["AA"] * 3
    for peer in peers:
        peer.close()
    assert rig.messages() == 3


def test_a_store_that_stays_away_ends_the_connection_without_an_answer(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with listening(app, patience_seconds=0.3) as rig:
        rig.store_answers.clear()
        with rig.connect() as peer:
            peer.sendall(frame(adt("A1")))
            assert answer_on(peer) == b""
        rig.store_answers.set()
        with rig.connect() as peer:
            assert told(peer, adt("A1")) == "AA"
    app.close()


def test_stored_but_not_answered_is_a_duplicate_with_the_same_answer_when_sent_again(rig: Rig) -> None:
    """What a crash between storing and answering leaves: the peer is gone before its answer is written."""
    with rig.connect() as peer:
        peer.sendall(frame(adt("A1")))
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until(lambda: rig.messages() == 1)
    with rig.connect() as peer:
        assert told(peer, adt("A1")) == "AA"
    assert rig.messages() == 1
    with rig.app.store.read() as reader:
        assert reader.counts().facts == 1


def test_messages_of_many_peers_share_transactions(rig: Rig) -> None:
    peers = [rig.connect() for _ in range(40)]
    rig.store_answers.clear()
    for n, peer in enumerate(peers):
        peer.sendall(frame(adt(f"A{n}", str(n))))
    time.sleep(0.3)
    rig.store_answers.set()
    assert {code(answer_on(peer)) for peer in peers} == {"AA"}
    for peer in peers:
        peer.close()
    assert rig.messages() == 40 and len(rig.transactions) <= 4


def closed_within(peer: socket.socket, seconds: float) -> bool:
    peer.settimeout(seconds)
    try:
        return answer_on(peer) == b""
    except TimeoutError:
        return False


@pytest.mark.parametrize(
    ("first", "drip"),
    [(b"\x0bMSH", b""), (b"\x0bMSH|", b"x"), (frame(adt("A1"))[:-2], b""), (frame(adt("A1"))[:40], b"x")],
    ids=["stops in the header", "drips a header", "stops before its end", "drips a message"],
)
def test_a_slow_peer_is_given_up_and_the_others_do_not_notice(rig: Rig, first: bytes, drip: bytes) -> None:
    slow, other = rig.connect(), rig.connect()
    slow.sendall(first)
    began, ended = time.monotonic(), False
    while not ended and time.monotonic() - began < 2 * SWIFT.message_seconds:
        assert told(other, adt("A9", str(time.monotonic()))) == "AA"
        ended = closed_within(slow, 0.1)
        if not ended and drip:
            slow.sendall(drip)
    slow.close()
    other.close()
    assert ended, "it is given up"
    assert "too-slow" in rig.log.getvalue()


def test_an_idle_connection_stays_open(rig: Rig) -> None:
    with rig.connect() as peer:
        time.sleep(2 * SWIFT.message_seconds)
        assert told(peer, adt("A1")) == "AA"


def test_a_frame_over_the_limit_is_refused_unstored_and_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with listening(app, Limits(frame_bytes=20_000)) as rig:
        with rig.connect() as peer:
            peer.sendall(frame(adt("A1") + b"NTE|1||" + b"x" * 30_000 + b"\r"))
            answer = answer_on(peer)
            assert code(answer) == "AR" and b"message-too-large" in answer
            assert closed_within(peer, 2)
        with rig.connect() as peer:
            peer.sendall(b"\x0bMSH|^~\\&|" + b"x" * 40_000)
            assert code(answer_on(peer)) == "AR"
        assert rig.messages() == 0
    app.close()


def test_noise_outside_frames_is_passed_over_up_to_a_limit(rig: Rig) -> None:
    with rig.connect() as peer:
        peer.sendall(b"hello\r\n")
        assert told(peer, adt("A1")) == "AA"
        peer.sendall(b"GET / HTTP/1.1\r\n" * 1000)
        assert closed_within(peer, 2)
    assert "no-frame" in rig.log.getvalue()


def test_a_frame_that_begins_anew_replaces_the_one_that_never_ended(rig: Rig) -> None:
    with rig.connect() as peer:
        peer.sendall(frame(adt("A1"))[:60])
        assert told(peer, adt("A2", "2")) == "AA"
    assert rig.messages() == 1


def test_an_end_inside_a_message_does_not_cut_it(rig: Rig) -> None:
    whole = adt("A1") + b"NTE|1||before\x1c\rafter\r"
    with rig.connect() as peer:
        assert told(peer, whole) == "AE"
    assert rig.body_of(hashlib.sha256(whole).hexdigest()) == whole


def test_an_end_byte_without_its_carriage_return_still_ends_a_message(rig: Rig) -> None:
    with rig.connect() as peer:
        peer.sendall(frame(adt("A1"))[:-1])
        assert code(answer_on(peer)) == "AA"


def test_a_peer_that_half_closes_still_gets_its_answer(rig: Rig) -> None:
    with rig.connect() as peer:
        peer.sendall(frame(adt("A1")))
        peer.shutdown(socket.SHUT_WR)
        assert code(answer_on(peer)) == "AA"
        assert peer.recv(1) == b""
    with rig.connect() as peer:
        peer.sendall(frame(adt("A2", "2"))[:-10])
        peer.shutdown(socket.SHUT_WR)
        assert answer_on(peer) == b""
    assert rig.messages() == 1


def test_a_flood_of_connections_is_bounded_and_room_comes_back(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with listening(app, Limits(connections_a_peer=8)) as rig:
        kept = [rig.connect() for _ in range(8)]
        assert told(kept[0], adt("A1")) == "AA"
        for _ in range(50):
            with rig.connect() as more:
                assert answer_on(more) == b""
        assert told(kept[7], adt("A2", "2")) == "AA"
        for peer in kept:
            peer.close()

        def again() -> bool:
            with rig.connect() as peer:
                peer.sendall(frame(adt("A3", "3")))
                return code(answer_on(peer)) == "AA"

        until(again)
    app.close()


def test_stopping_finishes_what_is_in_flight(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    answered: list[str] = []
    with listening(app) as rig:
        rig.store_answers.clear()
        peer, idle = rig.connect(), rig.connect()
        peer.sendall(frame(adt("A1")))
        hearing = threading.Thread(target=lambda: answered.append(code(answer_on(peer))))
        hearing.start()
        until(lambda: "store unavailable" in rig.log.getvalue())
        threading.Timer(0.5, rig.store_answers.set).start()
    hearing.join(10)
    assert answered == ["AA"]
    assert answer_on(idle) == b""
    peer.close()
    idle.close()
    app.close()


def test_a_client_that_is_not_ours_and_a_parser_that_is_not_ours_understand_the_answers(rig: Rig) -> None:
    with hl7.client.MLLPClient(*rig.address) as client:
        for n, version in enumerate(("2.3", "2.4", "2.5", "2.5.1", "2.6", "2.8.2")):
            for account in (f"A{n}", ""):
                answer = client.send_message(adt(account, f"c{n}", version=version)).strip(b"\x0b\x1c\r")
                mine = hl7.parse(answer.decode())
                assert str(mine.segment("MSA")[2]) == f"c{n}"
                theirs = parse_message((answer + b"\r").decode())
                assert theirs.msa.acknowledgment_code.value == ("AA" if account else "AE")
                assert theirs.msh.version_id.value == version


def test_what_another_library_frames_is_taken_and_its_answer_is_understood(rig: Rig) -> None:
    """hl7apy builds and frames the message; it has no client of its own, only a server."""
    made = parse_message(adt("A1", "c1", version="2.5").decode(), force_validation=False)
    with rig.connect() as peer:
        peer.sendall(made.to_mllp().encode())
        theirs = parse_message((answer_on(peer) + b"\r").decode())
    assert (theirs.msa.acknowledgment_code.value, theirs.msa.message_control_id.value) == ("AA", "c1")
    assert rig.messages() == 1


def test_our_client_is_understood_by_a_listener_that_is_not_ours() -> None:
    """hl7apy's listener answers one message and closes: the next one goes over a new connection."""
    heard: list[str] = []

    class Answer(AbstractHandler):  # type: ignore[misc]
        def reply(self) -> str:
            message = parse_message(self.incoming_message)
            heard.append(message.msh.message_control_id.value)
            made = HL7Message("ACK", version="2.5.1")
            made.msa.msa_1, made.msa.msa_2 = "AA", message.msh.message_control_id.value
            return str(made.to_mllp())

    with MLLPServer("127.0.0.1", 0, {"ADT^A04^ADT_A01": (Answer,), "ADT^A04": (Answer,)}) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            for n in ("c1", "c2"):
                with Sender("127.0.0.1", server.server_address[1]) as sender:
                    answer = sender.send(adt("A1", n))
                assert str(hl7.parse(answer.decode()).segment("MSA")[2]) == n
        finally:
            server.shutdown()
            serving.join(10)
    assert heard == ["c1", "c2"]


def test_no_word_of_a_message_stands_in_the_log(rig: Rig) -> None:
    with rig.connect() as peer:
        for body in (adt("ZQACCOUNT"), b"ZQCANARY", adt("").replace(b"DOE", b"ZQCANARY")):
            told(peer, body)
        peer.sendall(b"ZQCANARY" * 1000)
    until(lambda: "no-frame" in rig.log.getvalue())
    assert "ZQ" not in rig.log.getvalue()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA of this test's own, and certificates of it for 127.0.0.1 and for a client."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    return folder


def test_over_tls_a_message_is_taken_and_a_plain_peer_is_not_heard(
    tmp_path: Path, certificates: Path
) -> None:
    app = make_app(tmp_path)
    context = server_context(certificates / "server.pem", certificates / "server.key", None)
    with listening(app, context=context) as rig:
        with Sender(*rig.address, client_context(certificates / "ca.pem", None, None)) as sender:
            assert code(sender.send(adt("A1"))) == "AA"
        with pytest.raises(Unavailable):
            Sender(*rig.address, client_context(certificates / "stranger.pem", None, None))
        with rig.connect() as plain:
            plain.sendall(frame(adt("A2")))
            assert answer_on(plain)[:1] != b"M"
        assert rig.messages() == 1
    app.close()


def test_with_mutual_tls_only_peers_of_the_ca_are_heard(tmp_path: Path, certificates: Path) -> None:
    app = make_app(tmp_path)
    ca = certificates / "ca.pem"
    context = server_context(certificates / "server.pem", certificates / "server.key", ca)
    with listening(app, context=context) as rig:
        known = client_context(ca, certificates / "client.pem", certificates / "client.key")
        with Sender(*rig.address, known) as sender:
            assert code(sender.send(adt("A1"))) == "AA"
        strangers = [
            client_context(ca, None, None),
            client_context(ca, certificates / "stranger.pem", certificates / "stranger.key"),
        ]
        for stranger in strangers:
            with pytest.raises(Unavailable), Sender(*rig.address, stranger) as sender:
                sender.send(adt("A2", "2"))
        old = client_context(ca, certificates / "client.pem", certificates / "client.key")
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(Unavailable):
            Sender(*rig.address, old)
        assert rig.messages() == 1
    app.close()


def test_certificates_that_cannot_be_used_are_refused_before_anything_is_served(certificates: Path) -> None:
    for cert, key in (("server.pem", "client.key"), ("none.pem", "none.key"), ("server.key", "server.key")):
        with pytest.raises(ConfigRefused, match="bad-certificate"):
            server_context(certificates / cert, certificates / key, None)
