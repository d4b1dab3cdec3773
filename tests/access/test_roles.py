"""The table of roles and actions is whole."""

import pytest

from access.roles import ACTIONS, LABELS, Action, Role


@pytest.mark.parametrize("role", Role)
def test_every_role_has_actions_and_a_label(role: Role) -> None:
    assert Action.READ_GRIDS in ACTIONS[role], "what is not readable is not there: 404 and 403 depend on it"
    assert LABELS[role].zh
    assert LABELS[role].en


@pytest.mark.parametrize("action", Action)
def test_every_action_is_given_to_somebody(action: Action) -> None:
    assert any(action in actions for actions in ACTIONS.values())


def test_administration_and_audit_are_apart() -> None:
    assert not ACTIONS[Role.ADMIN] & {Action.READ_AUDIT}
    assert not ACTIONS[Role.AUDITOR] & {Action.MANAGE_ACCOUNTS, Action.IMPORT_GRIDS}


def test_a_unit_sees_no_tracks_and_no_scores() -> None:
    assert ACTIONS[Role.UNIT] == {Action.READ_GRIDS}
