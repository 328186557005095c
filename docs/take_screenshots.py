"""Takes the screenshots of the documentation from a finished demo.

    eval-pipeline demo --directory demo-run
    python docs/take_screenshots.py --run demo-run

Starts Dagster's UI on the run, as `make ui` does, and stops it again.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import FloatRect, Page, sync_playwright

ROOT = Path(__file__).parents[1]
SCREENSHOTS = Path(__file__).parent / "screenshots"
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CANDIDATE = "sharper-on-average"
START_SECONDS = 120
STOP_SECONDS = 20
SETTLE_MILLISECONDS = 3000
PAGE_END = "The most telling items"
MARGIN = 20
GRAPH: Final[FloatRect] = {"x": 560, "y": 250, "width": 1020, "height": 540}
"""The part of a window of 1600 by 1000 that the graph of the groups fills."""


def main() -> None:
    """Takes every screenshot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=ROOT / "demo-run", help="the demo's folder")
    parser.add_argument("--out", type=Path, default=SCREENSHOTS)
    parser.add_argument("--chromium", default=CHROMIUM)
    options = parser.parse_args()
    run = options.run.absolute()
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, dagster_ui(run) as url:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1600, "height": 1000}, color_scheme="light")
        _dismiss_greeting(page, url)
        _lineage(page, url, options.out / "lineage.png")
        page.set_viewport_size({"width": 1500, "height": 800})
        _partition(page, url, options.out / "asset.png")
        _automation(page, url, options.out / "automation.png")
        _runs(page, url, run, options.out / "runs.png")
        _checks(page, url, options.out / "checks.png")
        page.set_viewport_size({"width": 1100, "height": 900})
        _decision(page, run, options.out / "decision.png")
        _week(page, run, options.out / "week.png")
        browser.close()


@contextmanager
def dagster_ui(run: Path) -> Iterator[str]:
    """The UI on a free port of the loopback, in a process group of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    # Dagster stops its children by SIGINT, which a program started in the background ignores.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    environment = {**os.environ, **_environment_of(run), "VIRTUAL_ENV": sys.prefix}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "dg"), "dev", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(url, process)
        yield url
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends our own process group, firmly if it does not end when asked."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment_of(run: Path) -> dict[str, str]:
    text = (run / "demo.env").read_text(encoding="utf-8")
    return dict(re.findall(r"^export (\w+)='(.*)'$", text, flags=re.MULTILINE))


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            httpx.get(f"{url}/server_info", timeout=2).raise_for_status()
        except httpx.HTTPError:
            time.sleep(1)
        else:
            return
    raise SystemExit("Dagster's UI did not start; try `make ui` and read what it says.")


def _dismiss_greeting(page: Page, url: str) -> None:
    """Closes Dagster's invitation, which it shows to a new browser once."""
    page.goto(f"{url}/jobs")
    try:
        page.get_by_role("button", name="Skip").click(timeout=10_000)
    except BrowserError:
        return


def _lineage(page: Page, url: str, target: Path) -> None:
    """The groups from the logs to the decision."""
    page.goto(f"{url}/asset-groups")
    page.get_by_text("8_monitoring", exact=True).first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=target, clip=GRAPH)


def _partition(page: Page, url: str, target: Path) -> None:
    """What a candidate's comparison is told as: a table and a plot, in Dagster's own page."""
    page.goto(f"{url}/assets/regression_report?view=partitions&partition={CANDIDATE}")
    page.get_by_text("invented_drug_interactions").first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=target)


def _automation(page: Page, url: str, target: Path) -> None:
    """Schedules and sensors, all switched off at first."""
    page.goto(f"{url}/automation")
    page.get_by_text("weekly_refresh").first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=target, clip={"x": 0, "y": 0, "width": 1500, "height": 620})


def _runs(page: Page, url: str, run: Path, target: Path) -> None:
    """The runs behind a decision, by their tag."""
    told = json.loads(_decision_file(run, "json").read_text(encoding="utf-8"))
    tag = quote(f"tag:decision/{told['decision_id']}={CANDIDATE}")
    page.goto(f"{url}/runs?q[0]={tag}")
    page.get_by_text("publish").first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=target, clip={"x": 0, "y": 0, "width": 1500, "height": 520})


def _checks(page: Page, url: str, target: Path) -> None:
    """What the monitor finds unusual, as the reason of a check."""
    page.goto(f"{url}/assets/production_monitor?view=checks")
    page.get_by_text("nothing_unusual").first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=target, clip={"x": 0, "y": 0, "width": 1500, "height": 620})


def _decision_file(run: Path, suffix: str) -> Path:
    return run / "lake" / "gate_decision" / f"candidate={CANDIDATE}" / f"decision.{suffix}"


def _decision(page: Page, run: Path, target: Path) -> None:
    """The decision page down to its reasons and what is missing."""
    file = _decision_file(run, "html")
    page.goto(file.as_uri())
    heading = page.get_by_role("heading", name=PAGE_END)
    box = heading.bounding_box()
    if box is None:
        raise SystemExit(f"{file} has no heading '{PAGE_END}'.")
    height = box["y"] - MARGIN
    page.screenshot(
        path=target,
        full_page=True,
        clip={"x": 0, "y": 0, "width": 1100, "height": height},
    )


def _week(page: Page, run: Path, target: Path) -> None:
    """The first screen of the newest week's page and the decisions under it."""
    file = max((run / "lake" / "weekly_report").glob("week=*/week.html"))
    page.goto(file.as_uri())
    page.screenshot(path=target)


if __name__ == "__main__":
    main()
