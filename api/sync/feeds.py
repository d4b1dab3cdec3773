"""What a phone carries for work without a network, what is of use first. A new feed is a row."""

from access.scope import Actor
from api.sync.doors import DOORS
from api.sync.ground import GROUND
from api.sync.work import WORK
from core.sync.feeds import AnyFeed

FEEDS: tuple[AnyFeed[Actor], ...] = (*GROUND, *WORK, *DOORS)
