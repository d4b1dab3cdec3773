"""The embedded cluster with real processes: what is committed stays, and nothing is left running."""

import os
import pwd
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from core.child_process import wait_until
from core.cluster import ClusterFailed, ClusterInUse, EmbeddedCluster, attach, temporary_cluster
from core.cluster import places as on_disk
from core.cluster.ownership import OwnerLock
from core.cluster.places import short_hash
from core.cluster.server import running_processes

REPOSITORY = Path(__file__).resolve().parents[2]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what root does")

# Says its URL, then works until somebody ends it.
OWNER = """
import sys
from pathlib import Path
from core.cluster import EmbeddedCluster
with EmbeddedCluster(Path(sys.argv[1])) as cluster:
    print(cluster.url, flush=True)
    sys.stdin.read()
"""
OWNER_IN_A_THREAD = """
import sys, threading
from pathlib import Path
from core.cluster import EmbeddedCluster
cluster = EmbeddedCluster(Path(sys.argv[1]))
thread = threading.Thread(target=cluster.start)
thread.start()
thread.join()
print(cluster.url, flush=True)
sys.stdin.read()
"""
SUPERVISED = """
import sys
from pathlib import Path
from core.cluster import EmbeddedCluster
from core.supervisor import Child, Supervisor
with EmbeddedCluster(Path(sys.argv[1])) as cluster:
    tell = lambda: print(cluster.url, flush=True)
    children = [Child("sleeper", ["sleep", "60"])]
    code = Supervisor(children, cluster.ensure_running, on_ready=tell).run()
sys.exit(code)
"""

StartOwner = Callable[[str], tuple[subprocess.Popen[str], str]]


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def fetch(url: str, query: str) -> tuple[object, ...]:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


def processes(home: Path) -> list[int]:
    return running_processes(on_disk.settle(home, durable=True)).pids


def server_pid(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


# ---------------------------------------------------------------------------------------- start and stop


def test_first_start_makes_a_durable_private_postgis_and_a_restart_keeps_the_rows(empty_home: Path) -> None:
    with EmbeddedCluster(empty_home) as cluster:
        settings = "fsync synchronous_commit full_page_writes data_checksums is_superuser listen_addresses"
        query = ", ".join(f"current_setting('{name}')" for name in settings.split())
        assert fetch(cluster.url, f"SELECT {query}") == ("on", "on", "on", "on", "off", "")
        assert (
            fetch(cluster.url, "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database")[0]
            == "UTF8"
        )
        query = "SELECT array_agg(extname::text ORDER BY extname) FROM pg_extension"
        assert fetch(cluster.url, query) == (["btree_gist", "plpgsql", "postgis"],)
        assert Path(f"/proc/{server_pid(empty_home)}").stat().st_uid != 0
        with connect(cluster.url) as connection:
            connection.execute("CREATE TABLE points (geom geometry(Point, 4490))")
            connection.execute("INSERT INTO points VALUES (ST_Point(118.8, 32.0, 4490))")
            connection.execute("CREATE DATABASE another")
        another = cluster.url.replace("@/xunge?", "@/another?")
        assert fetch(another, "SELECT ST_SRID(ST_Point(1, 2, 4490))") == (4490,)
    assert processes(empty_home) == []
    assert not (empty_home / "postgres" / "data" / "postmaster.pid").exists()
    with EmbeddedCluster(empty_home) as cluster:
        assert fetch(cluster.url, "SELECT ST_X(geom) FROM points") == (118.8,)


def test_only_this_account_reaches_the_socket_and_it_goes_with_the_server(home: Path) -> None:
    cluster = EmbeddedCluster(home)
    sockets = Path(cluster.start().partition("host=")[2].partition("&")[0])
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    cluster.stop()
    assert not sockets.exists()
    cluster.stop()  # once more changes nothing


def test_a_long_home_path_is_no_obstacle(empty_home: Path) -> None:
    deep = empty_home / ("巡格" * 20) / ("x" * 100)
    with EmbeddedCluster(deep, durable=False) as cluster:
        assert fetch(cluster.url, "SELECT 1") == (1,)


def test_an_interrupted_first_start_is_begun_again(empty_home: Path) -> None:
    (empty_home / "postgres" / "data.partial-x" / "base").mkdir(parents=True)
    with EmbeddedCluster(empty_home, durable=False) as cluster:
        assert fetch(cluster.url, "SELECT 1") == (1,)
    assert [path.name for path in (empty_home / "postgres").iterdir()] == ["data"]


def test_remove_deletes_the_data(home: Path) -> None:
    cluster = EmbeddedCluster(home)
    cluster.start()
    cluster.remove()
    assert [path.name for path in home.iterdir()] == ["cluster.lock"]


def test_a_temporary_cluster_is_gone_afterwards() -> None:
    with temporary_cluster() as cluster:
        assert fetch(cluster.url, "SELECT current_setting('fsync')") == ("off",)
    assert not cluster.home.exists()
    assert not cluster.is_alive()


def test_a_log_past_its_cap_is_kept_once(home: Path) -> None:
    (home / "postgres.log").write_bytes(b"x" * (on_disk.LOG_CAP_BYTES + 1))
    with EmbeddedCluster(home):
        pass
    assert (home / "postgres.log.1").stat().st_size == on_disk.LOG_CAP_BYTES + 1
    assert "ready to accept connections" in (home / "postgres.log").read_text()


# --------------------------------------------------------------------------------------------- ownership


def test_a_second_owner_is_refused_and_may_attach(home: Path, start_owner: StartOwner) -> None:
    owner, url = start_owner(OWNER)
    with pytest.raises(ClusterInUse) as refusal:
        EmbeddedCluster(home).start()
    assert f"in use by process {owner.pid} since 20" in str(refusal.value)
    assert refusal.value.extra["pid"] == owner.pid
    assert attach(home) == url
    assert fetch(url, "SELECT 1") == (1,)  # the refused start has not touched the server
    owner.communicate()  # ends its input
    assert attach(home) is None


def test_attach_waits_for_an_owner_that_is_starting(home: Path) -> None:
    lock = OwnerLock(home)
    lock.acquire()
    publisher = threading.Timer(0.3, lock.publish, ["postgresql+psycopg://soon"])
    publisher.start()
    assert attach(home) == "postgresql+psycopg://soon"
    publisher.join()
    lock.release()
    assert attach(home) is None


def test_attach_finds_nothing_where_nothing_is(empty_home: Path) -> None:
    assert attach(empty_home) is None
    assert attach(empty_home / "absent") is None


def test_two_homes_cannot_run_the_same_data(home: Path, empty_home: Path) -> None:
    (empty_home / "postgres.location").write_text(str(home / "postgres"))
    with EmbeddedCluster(home) as cluster:
        with pytest.raises(ClusterInUse):
            EmbeddedCluster(empty_home).start()
        assert fetch(cluster.url, "SELECT 1") == (1,)


# ------------------------------------------------------------------------------------------------- kill -9


def test_a_killed_owner_takes_the_server_down_cleanly(home: Path, start_owner: StartOwner) -> None:
    owner, url = start_owner(OWNER)
    with connect(url) as connection:
        connection.execute("INSERT INTO notes SELECT generate_series(1, 100)")
        owner.kill()
        assert wait_until(lambda: processes(home) == [], 10)
    assert "database system is shut down" in (home / "postgres.log").read_text()
    with EmbeddedCluster(home) as cluster:
        assert fetch(cluster.url, "SELECT count(*) FROM notes") == (100,)


def test_the_next_start_does_not_wait_in_vain_for_a_killed_owner(home: Path, start_owner: StartOwner) -> None:
    owner, url = start_owner(OWNER)
    fetch(url, "INSERT INTO notes VALUES (1) RETURNING id")
    owner.kill()
    owner.wait()
    with EmbeddedCluster(home) as cluster:
        assert fetch(cluster.url, "SELECT id FROM notes") == (1,)


def test_a_server_that_outlives_its_owner_is_replaced_without_loss(
    home: Path, start_owner: StartOwner
) -> None:
    owner, url = start_owner(OWNER_IN_A_THREAD)
    orphan = server_pid(home)
    owner.kill()
    owner.wait()
    with connect(url) as connection:
        connection.execute("INSERT INTO notes VALUES (7)")
        with EmbeddedCluster(home) as cluster:
            assert server_pid(home) != orphan
            assert orphan not in processes(home)
            assert fetch(cluster.url, "SELECT id FROM notes") == (7,)
    assert processes(home) == []


def test_a_killed_server_is_restarted_by_its_owner(home: Path) -> None:
    with EmbeddedCluster(home) as cluster, connect(cluster.url) as busy:
        fetch(cluster.url, "INSERT INTO notes VALUES (1) RETURNING id")
        endless = threading.Thread(target=_run_until_cut, args=(busy,))
        endless.start()
        os.kill(server_pid(home), signal.SIGKILL)
        assert wait_until(lambda: not cluster.is_alive(), 5)
        cluster.ensure_running()
        endless.join(10)
        assert not endless.is_alive()
        assert cluster.is_alive()
        cluster.ensure_running()
        assert fetch(cluster.url, "SELECT id FROM notes") == (1,)
    assert processes(home) == []


def _run_until_cut(connection: psycopg.Connection) -> None:
    """A backend in the middle of a computation does not notice that its server is gone."""
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT count(*) FROM generate_series(1, 1000000000)")


def test_owner_and_server_killed_at_once_leave_a_home_that_starts(
    home: Path, start_owner: StartOwner
) -> None:
    owner, url = start_owner(OWNER)
    fetch(url, "INSERT INTO notes VALUES (1) RETURNING id")
    os.kill(server_pid(home), signal.SIGKILL)
    owner.kill()
    owner.wait()
    # After a reboot the process id in the stale file may belong to anybody, even of the same account.
    account = on_disk.settle(home, durable=True).account
    with subprocess.Popen(["sleep", "60"], **account.drop()) as stranger:
        pid_file = home / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with EmbeddedCluster(home) as cluster:
            assert fetch(cluster.url, "SELECT id FROM notes") == (1,)
        assert stranger.poll() is None
        stranger.kill()


def test_a_supervised_owner_stops_cleanly_on_sigterm_and_revives_a_dead_server(
    home: Path, start_owner: StartOwner
) -> None:
    owner, url = start_owner(SUPERVISED)
    fetch(url, "INSERT INTO notes VALUES (1) RETURNING id")
    first = server_pid(home)
    os.kill(first, signal.SIGKILL)
    log = home / "postgres.log"
    assert wait_until(lambda: log.read_text().count("ready to accept connections") == 3, 10)
    assert server_pid(home) != first
    assert fetch(url, "SELECT id FROM notes") == (1,)
    owner.terminate()
    assert owner.wait(10) == 0
    assert processes(home) == []
    assert log.read_text().rstrip().endswith("database system is shut down")


# ------------------------------------------------------------------------------------- users and folders


@only_root
def test_an_ordinary_user_runs_it_as_oneself(empty_home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(empty_home, nobody.pw_uid, nobody.pw_gid)
    python = _interpreter_for(nobody)
    result = subprocess.run(
        [python, "-c", OWNER, str(empty_home)],
        cwd="/",
        env={"PYTHONPATH": f"{REPOSITORY}:{Path(psycopg.__file__).parent.parent}", "PATH": "/usr/bin:/bin"},
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert f"/tmp/xunge-{nobody.pw_uid}-" in result.stdout
    assert (empty_home / "postgres" / "data").stat().st_uid == nobody.pw_uid
    with EmbeddedCluster(empty_home) as cluster:  # root afterwards leaves it usable for its user
        assert Path(f"/proc/{server_pid(empty_home)}").stat().st_uid == nobody.pw_uid
        assert fetch(cluster.url, "SELECT 1") == (1,)
    assert {path.stat().st_uid for path in empty_home.iterdir()} == {nobody.pw_uid}


def _interpreter_for(user: pwd.struct_passwd) -> str:
    """A Python of our version that the user may execute: one below /root is closed to others."""
    question = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in (sys.executable, "/usr/bin/python3"):
        command = [python, "-c", question]
        try:
            if (
                subprocess.run(command, user=user.pw_uid, group=user.pw_gid, check=False, cwd="/").returncode
                == 0
            ):
                return python
        except OSError:
            continue
    pytest.skip(f"no Python {sys.version_info[:2]} that {user.pw_name} may execute")


@only_root
def test_a_home_closed_to_the_account_keeps_its_data_elsewhere(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_disk, "ELSEWHERE", empty_home / "elsewhere")
    closed = empty_home / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "checkout" / ".xunge"
    cluster = EmbeddedCluster(home)
    fetch(cluster.start(), "SELECT 1")
    folder = Path((home / "postgres.location").read_text().strip())
    assert folder.parent == empty_home / "elsewhere"
    with connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 5 AS id")
    cluster.stop()
    assert fetch(cluster.start(), "SELECT id FROM kept") == (5,)
    cluster.remove()
    assert not folder.exists()
    assert not (home / "postgres.location").exists()


@only_root
def test_a_home_that_was_closed_later_is_not_replaced_by_an_empty_cluster(home: Path) -> None:
    home.chmod(0o700)
    with pytest.raises(ClusterFailed, match=rf"sudo chmod o\+x {home}$"):
        EmbeddedCluster(home).start()
    home.chmod(0o755)
    with EmbeddedCluster(home) as cluster:
        assert fetch(cluster.url, "SELECT count(*) FROM notes") == (0,)


@only_root
def test_a_socket_folder_of_somebody_else_is_not_used(home: Path) -> None:
    places = on_disk.settle(home, durable=True)
    taken = Path(f"/tmp/xunge-{places.account.uid}-{short_hash(places.folder)}")
    taken.mkdir(mode=0o777)
    os.chown(taken, pwd.getpwnam("nobody").pw_uid, -1)
    with EmbeddedCluster(home) as cluster:
        assert f"host={taken}&" not in cluster.url
        assert fetch(cluster.url, "SELECT 1") == (1,)
    taken.rmdir()


# ------------------------------------------------------------------------------------- what to do instead


def test_a_server_that_cannot_start_is_quoted_and_the_home_is_free_again(home: Path) -> None:
    control = home / "postgres" / "data" / "global" / "pg_control"
    kept = control.read_bytes()
    control.write_bytes(b"\0" * len(kept))
    with pytest.raises(ClusterFailed, match=r"PostgreSQL did not start: .*(FATAL|PANIC): .*postgres\.log\)"):
        EmbeddedCluster(home).start()
    control.write_bytes(kept)
    with EmbeddedCluster(home) as cluster:
        assert fetch(cluster.url, "SELECT 1") == (1,)


def test_a_home_that_cannot_be_made_says_so(empty_home: Path) -> None:
    (empty_home / "file").touch()
    with pytest.raises(ClusterFailed, match="set XUNGE_HOME"):
        EmbeddedCluster(empty_home / "file" / "home").start()


def test_a_pointer_to_nowhere_is_not_followed_into_an_empty_cluster(empty_home: Path) -> None:
    (empty_home / "postgres.location").write_text(str(empty_home / "gone"))
    with pytest.raises(ClusterFailed, match="is gone"):
        EmbeddedCluster(empty_home).start()
