from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from connector.errors import CredentialsRefused, RemoteError
from connector.rest import Rest
from tests.conftest import FIXTURES
from tests.connector.replay import Neighbour, Reply

KEY = "jeton-tres-secret"


def rest(url: str, *, timeout: float = 5.0, ca_bundle: Path | None = None) -> Rest:
    session = requests.Session()
    session.headers["Authorization"] = f"Token token={KEY}"
    return Rest(session, url, name="helpdesks.mairie", timeout=timeout, ca_bundle=ca_bundle)


def failure(server: Neighbour, *replies: Reply) -> RemoteError:
    server.on("POST", "/x", *replies)
    with pytest.raises(RemoteError) as caught:
        rest(server.url).post("x", {"body": "le texte de la citoyenne"})
    assert KEY not in str(caught.value)
    assert "citoyenne" not in str(caught.value)
    assert caught.value.status == replies[-1].status
    return caught.value


def test_a_success_is_its_json(server: Neighbour) -> None:
    server.on("GET", "/tickets/5", Reply({"id": 5}))
    assert rest(server.url).get("tickets/5", expand="true").json == {"id": 5}
    assert server.calls[0].path == "/tickets/5?expand=true"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_outage_is_not_permanent(server: Neighbour, status: int) -> None:
    assert not failure(server, Reply({"error": "non"}, status)).permanent


@pytest.mark.parametrize("status", [400, 404, 410, 413, 415, 422])
def test_a_refusal_is_permanent_and_carries_the_explanation(server: Neighbour, status: int) -> None:
    error = failure(server, Reply({"error": "No lookup value found", "error_human": "Valeur\ninconnue"}, status))
    assert error.permanent
    assert str(error) == f"helpdesks.mairie: POST x answered {status}: Valeur inconnue"


def test_a_refused_key_has_its_own_error(server: Neighbour) -> None:
    error = failure(server, Reply({"error": "Can't find User for Token"}, 401))
    assert isinstance(error, CredentialsRefused)
    assert "Can't find User for Token" in str(error)


@pytest.mark.parametrize(
    ("case", "advice"),
    [
        ("token access disabled in settings", "switch it on in Zammad"),
        ("no credentials", "pass the header Authorization on"),
    ],
)
def test_a_key_that_is_let_in_nowhere_is_a_refused_key_and_no_missing_right(
    server: Neighbour, case: str, advice: str
) -> None:
    errors = json.loads((FIXTURES / "zammad-from-source" / "api_errors.json").read_text("utf-8"))
    (answer,) = (error for error in errors if error["case"] == case)
    error = failure(server, Reply(answer["body"], answer["status"]))
    assert isinstance(error, CredentialsRefused)
    assert answer["body"]["error"] in str(error)
    assert advice in str(error)


def test_a_refusal_in_maintenance_passes(server: Neighbour) -> None:
    error = failure(server, Reply({"error": "Maintenance mode enabled!"}, 403))
    assert not error.permanent
    assert "in maintenance" in str(error)


def test_a_missing_right_does_not_pass_by_waiting(server: Neighbour) -> None:
    error = failure(server, Reply({"error": "Not authorized"}, 403))
    assert error.permanent
    assert "lacks a right" in str(error)


@pytest.mark.parametrize("text", ["<html>Maintenance</html>", "", "[" * 100_000])
@pytest.mark.parametrize("status", [200, 201, 404])
def test_an_answer_that_is_not_json_is_an_outage(server: Neighbour, text: str, status: int) -> None:
    error = failure(server, Reply(status=status, text=text))
    assert not error.permanent
    assert "<html>" not in str(error)


def test_a_redirection_is_not_followed_and_says_where_it_leads(server: Neighbour) -> None:
    error = failure(server, Reply({}, 301, {"Location": "https://neuf.example/x?token=1"}))
    assert not error.permanent
    assert "https://neuf.example: set" in str(error)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("120", 120.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("bientôt", None), ("-5", None)]
)
def test_a_pause_that_is_asked_for_is_read(server: Neighbour, header: str, seconds: float | None) -> None:
    reply = Reply({}, 429, {"Retry-After": header.encode().decode("latin-1")})
    assert failure(server, reply).retry_after == seconds


def test_a_hiccup_while_reading_is_retried(server: Neighbour) -> None:
    server.on("GET", "/x", Reply({}, 502), Reply({"id": 1}))
    assert rest(server.url).get("x").json == {"id": 1}


def test_reading_is_not_retried_for_ever(server: Neighbour) -> None:
    server.on("GET", "/x", Reply({"error": "en travaux"}, 503, {"Retry-After": "3600"}))
    with pytest.raises(RemoteError, match="en travaux") as caught:
        rest(server.url).get("x")
    assert caught.value.retry_after == 3600
    assert len(server.calls) == 3


def test_writing_is_never_repeated(server: Neighbour) -> None:
    failure(server, Reply({}, 503))
    assert len(server.calls) == 1


def test_a_dropped_connection_is_an_outage_without_status(server: Neighbour) -> None:
    server.on("POST", "/x", Reply(drop=True))
    with pytest.raises(RemoteError, match="no connection") as caught:
        rest(server.url).post("x", {})
    assert (caught.value.permanent, caught.value.status) == (False, None)


def test_a_silent_neighbour_times_out(server: Neighbour) -> None:
    server.on("POST", "/x", Reply({}, hang=1.0))
    with pytest.raises(RemoteError, match="no answer in time") as caught:
        rest(server.url, timeout=0.1).post("x", {})
    assert (caught.value.permanent, caught.value.status) == (False, None)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://inconnu.invalid", "http://" + "a" * 80 + ".example"])
def test_an_address_where_nobody_answers_is_an_outage(url: str) -> None:
    with pytest.raises(RemoteError, match=r"helpdesks\.mairie: GET x: no connection") as caught:
        rest(url).get("x")
    assert not caught.value.permanent


def test_a_missing_ca_bundle_is_said(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match=r"nulle-part\.pem"):
        rest("https://127.0.0.1:1", ca_bundle=tmp_path / "nulle-part.pem").get("x")


def test_a_netrc_of_the_machine_does_not_replace_our_key(
    server: Neighbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password else\n", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.on("GET", "/x", Reply({}))
    rest(server.url).get("x")
    assert server.calls[0].headers["Authorization"] == f"Token token={KEY}"
