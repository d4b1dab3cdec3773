"""Every setting of the product, in one frozen class; the only place that reads the environment.

`XUNGE_ACCESS__ACCESS_TOKEN_S` fills `Settings.access.access_token_s`; docs/operations.md lists them all.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Part(BaseModel):
    """A group of settings; frozen like the whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HttpSettings(Part):
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = Field(default=1, ge=1)
    max_body_bytes: int = 2 * MIB  # JSON bodies; a segment of 1000 fixes is about 150 KiB
    max_upload_bytes: int = 64 * MIB  # grid files and tracks
    web_dist: Path = Path(__file__).resolve().parent.parent / "web" / "dist"
    secure_cookies: bool = False  # set behind https
    public_url: str | None = None  # how phones reach this server; none: as the request did
    metrics_dir: Path | None = None  # where several processes share their figures; `xunge serve` sets it


class DatabaseSettings(Part):
    pool_size: int = 20
    pool_timeout_s: float = 2.0  # a dead database answers 503 within this time
    statement_timeout_ms: int = 5000  # reads only
    lock_timeout_ms: int = Field(default=10_000, ge=0)  # a request waits this long for another; 0: for ever


class AccessSettings(Part):
    access_token_s: int = 15 * 60
    refresh_idle_days: int = 30
    refresh_absolute_days: int = 90
    replay_window_s: int = 600  # a lost refresh reply may be asked for again this long
    lockout_failures: int = 8
    lockout_s: int = 15 * 60
    logins_per_minute: int = 20  # per client address
    gis_passwords: bool = True  # HTTP Basic for /ogc, which is all that desk GIS can do


class JobSettings(Part):
    processes: int = Field(default=2, ge=1)  # each runs one job at a time: a crash has one culprit
    max_attempts: int = Field(default=5, ge=1)  # then the job is moved to dead_jobs
    time_limit_s: float = 60.0  # a job that runs longer is ended with its process
    memory_mib: int = 2048  # a job that wants more fails
    backoff_s: float = 5.0  # before the second attempt; doubles with each further one
    heartbeat_s: float = 5.0
    stalled_after_s: float = 30.0
    sweep_s: float = 10.0
    poll_s: float = 2.0  # for jobs whose time comes; new ones are announced


class TileSettings(Part):
    cache_bytes: int = 64 * MIB


class BasemapSettings(Part):
    """What may lie below the grids; nothing is fetched from outside unless it is named here."""

    tianditu_token: SecretStr | None = None  # of the kind for browsers: pages send it
    tianditu_url: str = "https://t0.tianditu.gov.cn"
    pmtiles: Path | None = None  # a file of vector or raster tiles
    pmtiles_attribution: str = ""
    raster_url: str | None = None  # https://host/{z}/{x}/{y}.png
    raster_title: str = "底图"
    raster_datum: Literal["EPSG:4490", "EPSG:4326", "GCJ02"] = "EPSG:4490"
    raster_max_zoom: int = Field(default=18, ge=1, le=22)
    raster_attribution: str = ""


class PatrolSettings(Part):
    max_fix_age_days: int = 60
    max_fix_future_s: int = 300
    abandoned_after_hours: int = 12  # an open patrol with no news this long is judged as it stands
    appeal_within_days: int = 60  # after the patrol
    track_visible_days: int = (
        30  # to others than the walker, after the patrol; longer while an appeal is open
    )
    max_fixes: int = Field(default=100_000, ge=1000)  # of one patrol: a fix a second for more than a day
    visit_correction_days: int = 7  # how long after a visit whoever made it may correct it


class RegistrySettings(Part):
    confirmed_within_months: int = Field(default=12, ge=1, le=120)  # older data does not count as collected
    plate_keys: SecretStr | None = Field(default=None, min_length=32)  # none: a file below home


class PrivacySettings(Part):
    """Personal data: how it is sealed, how often it is looked at, how long it stays."""

    personal_keys: SecretStr | None = Field(default=None, min_length=67)  # none: a file below home
    reveals_per_hour: int = Field(default=60, ge=1)  # of one person's looks at full numbers
    searches_per_hour: int = Field(default=120, ge=1)
    full_exports_per_hour: int = Field(default=2, ge=1)  # tables with full numbers
    fixes_days: int = Field(default=180, ge=30)  # raw fixes and drawn paths; verdicts and coverage stay
    quarantine_days: int = Field(default=180, ge=30)
    sign_in_days: int = Field(default=30, ge=1)  # after they ended


class PhotoSettings(Part):
    """Photos lie below home, in `photos`."""

    max_bytes: int = 16 * MIB
    max_pixels: int = 50_000_000  # read from the header: what is larger is never decoded
    orphan_days: int = Field(default=7, ge=1)  # a photo that no record names for so long is removed
    min_free_bytes: int = 1024 * MIB  # below it photos are refused: the rest is the database's


class SyncSettings(Part):
    """What passes between phones and the server; native trackers."""

    quarantine_bytes: int = Field(default=32 * MIB, ge=MIB)  # kept of one person that could not be filed
    state_days: int = Field(default=60, ge=1)  # a phone that stays away longer gets everything anew
    tracker_token_days: int = Field(default=180, ge=1)
    tracker_hold_minutes: int = Field(default=120, ge=1)  # positions without a patrol are deleted after this
    tracker_fixes_per_minute: int = Field(default=600, ge=1)  # of one tracker; it sends again what is refused


class LogSettings(Part):
    level: str = "INFO"
    style: Literal["console", "json"] = "console"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="XUNGE_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    home: Path = Path(".xunge")
    database_url: SecretStr | None = None  # none: own an embedded cluster below home
    postgres_bindir: Path | None = None
    http: HttpSettings = HttpSettings()
    database: DatabaseSettings = DatabaseSettings()
    access: AccessSettings = AccessSettings()
    jobs: JobSettings = JobSettings()
    tiles: TileSettings = TileSettings()
    basemap: BasemapSettings = BasemapSettings()
    patrol: PatrolSettings = PatrolSettings()
    registry: RegistrySettings = RegistrySettings()
    privacy: PrivacySettings = PrivacySettings()
    photos: PhotoSettings = PhotoSettings()
    sync: SyncSettings = SyncSettings()
    log: LogSettings = LogSettings()

    def with_database(self, url: str) -> "Settings":
        """The same settings, pointed at a database that is already running."""
        return self.model_copy(update={"database_url": SecretStr(url)})

    @property
    def required_database_url(self) -> str:
        if self.database_url is None:
            raise RuntimeError("no database: start the embedded cluster first or set XUNGE_DATABASE_URL")
        return self.database_url.get_secret_value()


def load_settings() -> Settings:
    """Settings from the environment, read once by each door."""
    return Settings()


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with `extra` on top, for a child process."""
    return os.environ | extra
