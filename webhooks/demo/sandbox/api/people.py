"""People, groups, roles, and the tokens that people make for themselves."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify

from webhooks.demo.sandbox import shapes
from webhooks.demo.sandbox.api.access import caller, flag, require, the_store
from webhooks.demo.sandbox.api.parameters import ApiError, parameters, truth
from webhooks.demo.sandbox.objects import Refused
from webhooks.demo.sandbox.people import PERMISSIONS
from webhooks.demo.sandbox.records import Group, Role, User

routes = Blueprint("people", __name__)


@routes.get("/users/me")
def me() -> Response:
    return jsonify(shapes.user(the_store(), caller(), expand=flag("expand")))


@routes.get("/users")
def users() -> Response:
    require("admin.user", "ticket.agent")
    return jsonify([shapes.user(the_store(), user, expand=flag("expand")) for user in list(the_store().users.values())])


@routes.get("/users/<int:id>")
def user(id: int) -> Response:
    if id != caller().id:
        require("admin.user", "ticket.agent")
    return jsonify(shapes.user(the_store(), _find(the_store().users, "User", id), expand=flag("expand")))


@routes.post("/users")
def create_user() -> tuple[Response, int]:
    require("admin.user")
    values, store = parameters(), the_store()
    login = str(values.get("login") or values.get("email") or "").lower()
    if not login:
        raise Refused("Invalid data: at least one identifier (firstname, lastname, phone or email) must be defined.")
    if store.user(login) is not None:
        raise Refused(f"Email address '{login}' is already used for another user.")
    user = store.add_user(login, ())
    return jsonify(shapes.user(store, _written(user, values))), 201


@routes.put("/users/<int:id>")
def update_user(id: int) -> Response:
    require("admin.user")
    return jsonify(shapes.user(the_store(), _written(_find(the_store().users, "User", id), parameters())))


@routes.delete("/users/<int:id>")
def delete_user(id: int) -> Response:
    """Whoever is named by a ticket stays."""
    require("admin.user")
    store = the_store()
    user = _find(store.users, "User", id)
    if any(user.id in (t.customer_id, t.owner_id, t.created_by_id, t.updated_by_id) for t in store.tickets.values()):
        raise Refused("Can't delete, object has references.")
    del store.users[id]
    return jsonify({})


@routes.get("/groups")
def groups() -> Response:
    require("admin.group")
    return jsonify([shapes.group(the_store(), group) for group in list(the_store().groups.values())])


@routes.get("/groups/<int:id>")
def group(id: int) -> Response:
    require("admin.group")
    return jsonify(shapes.group(the_store(), _find(the_store().groups, "Group", id)))


@routes.post("/groups")
def create_group() -> tuple[Response, int]:
    require("admin.group")
    values, store = parameters(), the_store()
    _check_name(values, store.group(str(values.get("name"))))
    return jsonify(shapes.group(store, _put_group(store.add_group(str(values["name"])), values))), 201


@routes.put("/groups/<int:id>")
def update_group(id: int) -> Response:
    require("admin.group")
    return jsonify(shapes.group(the_store(), _put_group(_find(the_store().groups, "Group", id), parameters())))


@routes.delete("/groups/<int:id>")
def delete_group(id: int) -> Response:
    require("admin.group")
    store = the_store()
    _find(store.groups, "Group", id)
    if any(ticket.group_id == id for ticket in store.tickets.values()):
        raise Refused("Can't delete, object has references.")
    del store.groups[id]
    return jsonify({})


@routes.get("/roles")
def roles() -> Response:
    require("admin.role")
    return jsonify([shapes.role(the_store(), role, expand=flag("expand")) for role in list(the_store().roles.values())])


@routes.get("/roles/<int:id>")
def role(id: int) -> Response:
    require("admin.role")
    return jsonify(shapes.role(the_store(), _find(the_store().roles, "Role", id), expand=flag("expand")))


@routes.post("/roles")
def create_role() -> tuple[Response, int]:
    require("admin.role")
    values, store = parameters(), the_store()
    _check_name(values, store.role(str(values.get("name"))))
    return jsonify(shapes.role(store, _put_role(store.add_role(str(values["name"]), ()), values))), 201


@routes.put("/roles/<int:id>")
def update_role(id: int) -> Response:
    require("admin.role")
    return jsonify(shapes.role(the_store(), _put_role(_find(the_store().roles, "Role", id), parameters())))


@routes.get("/user_access_token")
def tokens() -> Response:
    require("user_preferences.access_token")
    store = the_store()
    mine = [token for token in list(store.tokens.values()) if token.user_id == caller().id]
    return jsonify({"tokens": [shapes.token(store, token) for token in mine], "permissions": shapes.permissions()})


@routes.post("/user_access_token")
def create_token() -> Response:
    """A token for the caller, or for whom an admin calls with `From`; it is shown this once."""
    require("user_preferences.access_token")
    values, store = parameters(), the_store()
    asked, answered = store.zammad.token_words
    if not values.get(asked):
        raise ApiError(422, f"Missing required parameter: {asked}" if asked == "name" else "Need label!")
    token = secrets.token_urlsafe(48)
    store.add_token(token, caller(), str(values[asked]), tuple(values.get("permission") or ()))
    return jsonify({answered: token})


@routes.delete("/user_access_token/<int:id>")
def delete_token(id: int) -> Response:
    require("user_preferences.access_token")
    store = the_store()
    for text, token in list(store.tokens.items()):
        if token.id == id and token.user_id == caller().id:
            del store.tokens[text]
            return jsonify({})
    raise ApiError(422, "Couldn't find the token")


def _find(records: Mapping[int, Any], name: str, id: int) -> Any:
    record = records.get(id)
    if record is None:
        raise ApiError(404, f"Couldn't find {name} with 'id'={id}")
    return record


def _check_name(values: Mapping[str, Any], same: object | None) -> None:
    if not values.get("name"):
        raise Refused("Attribute 'name' required!")
    if same is not None:
        raise Refused(the_store().zammad.duplicate)


def _written(user: User, values: Mapping[str, Any]) -> User:
    """The person with those columns, roles and rights."""
    store = the_store()
    columns: dict[str, Any] = {
        name: str(values[name]) for name in ("firstname", "lastname", "email", "login", "note") if name in values
    }
    if "roles" in values or "role_ids" in values:
        known = {role.name: role.id for role in store.roles.values()}
        columns["roles"] = _names(values.get("roles"), values.get("role_ids"), known, "roles")
    if "active" in values:
        columns["active"] = truth(values["active"])
    if "group_ids" in values or "groups" in values:
        columns["access"] = _access(values)
    if values.get("password"):
        store.passwords[user.id] = str(values["password"])
    return store.put_user(replace(user, **columns))


def _put_group(group: Group, values: Mapping[str, Any]) -> Group:
    columns: dict[str, Any] = {name: truth(values[name]) for name in ("active", "shared_drafts") if name in values}
    columns |= {name: values[name] for name in ("name", "note") if name in values}
    the_store().groups[group.id] = replace(group, **columns)
    return the_store().groups[group.id]


def _put_role(role: Role, values: Mapping[str, Any]) -> Role:
    columns: dict[str, Any] = {name: values[name] for name in ("name", "note") if name in values}
    if "permissions" in values or "permission_ids" in values:
        columns["permissions"] = _names(
            values.get("permissions"), values.get("permission_ids"), PERMISSIONS, "permissions"
        )
    if "group_ids" in values or "groups" in values:
        columns["access"] = _access(values)
    if "active" in values:
        columns["active"] = truth(values["active"])
    return the_store().put_role(replace(role, **columns))


def _names(
    names: Iterable[str] | None, ids: Iterable[Any] | None, known: Mapping[str, int], what: str
) -> tuple[str, ...]:
    """What was given by names or by ids, as names; an unknown one is a 422."""
    by_id = {str(id): name for name, id in known.items()}
    found = tuple(names) if names is not None else tuple(by_id.get(str(id), f"#{id}") for id in ids or ())
    for name in found:
        if name not in known:
            raise ApiError(422, f"No lookup value found for '{what}': \"{name}\"")
    return found


def _access(values: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """Rights by the group's id, or by its name; one right may stand alone."""
    store = the_store()
    given = values.get("group_ids") or {}
    if values.get("groups"):
        given = {group.id: rights for name, rights in values["groups"].items() if (group := store.group(name))}
    return {int(id): tuple(rights) if isinstance(rights, list) else (str(rights),) for id, rights in given.items()}
