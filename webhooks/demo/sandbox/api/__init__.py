"""The part of Zammad's REST API that Greffier uses, with its answers to whoever gets it wrong."""

from __future__ import annotations

import secrets
import time

from flask import Blueprint, Response, jsonify, request

from webhooks.demo.sandbox.api import articles, drafts, knowledge, people, search, setup, tags, tickets
from webhooks.demo.sandbox.api.access import Desk, authenticate, desk
from webhooks.demo.sandbox.api.parameters import ApiError, Unexpected
from webhooks.demo.sandbox.objects import Refused

__all__ = ["Desk", "create_api"]


def create_api() -> Blueprint:
    """The blueprint, to be mounted at `/api/v1` of an application whose extension `sandbox` is a `Desk`."""
    api = Blueprint("api", __name__)
    api.register_error_handler(ApiError, _answer_error)
    api.register_error_handler(Refused, _answer_refused)
    api.register_error_handler(Unexpected, _answer_unexpected)
    api.before_request(_admit)
    for part in (articles, drafts, knowledge, people, search, setup, tags, tickets):
        api.register_blueprint(part.routes)
    api.add_url_rule("/<path:path>", "unknown", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return api


def _admit() -> Response | None:
    faults = desk().faults
    time.sleep(faults.api_delay)
    if faults.take("api_failures"):
        return Response(
            "<html><body><h1>Service indisponible</h1></body></html>", status=faults.api_status, mimetype="text/html"
        )
    authenticate()
    return None


def _unknown(path: str) -> Response:
    raise ApiError(404, f"No route matches [{request.method}] /api/v1/{path}")


def _answer_error(error: ApiError) -> tuple[Response, int]:
    answer = jsonify({"error": error.text, "error_human": error.text})
    if error.status in (401, 403):
        answer.headers["X-Failure"] = error.text
    return answer, error.status


def _answer_refused(error: Refused) -> tuple[Response, int]:
    return jsonify({"error": str(error), "error_human": str(error)}), 422


def _answer_unexpected(error: Unexpected) -> tuple[Response, int]:
    if error.status == 400:
        return jsonify({"status": 400, "error": "Bad Request"}), 400
    text = f"Error ID {secrets.token_urlsafe(6)}: Please contact your administrator."
    return jsonify({"error": text}), error.status
