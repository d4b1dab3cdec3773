"""What replies show of names and numbers: enough to know somebody again, not enough to know them.

The digits of an ID number that say the birth date are never among what is shown.
"""

_STARS = 2  # of a name: its length says something too


def mask_name(name: str) -> str:
    """张小红 -> 张**."""
    return name[:1] + "*" * min(max(len(name) - 1, 1), _STARS) if name else ""


def mask_id_number(number: str) -> str:
    """330203198001011234 -> 3302**********1234."""
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_phone(number: str) -> str:
    """13800138000 -> 138****8000; the area code of a landline and its last four digits."""
    return number[:3] + "****" + number[-4:]
