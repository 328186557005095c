"""Takes the screenshots of the documentation from a finished demo.

    eval-pipeline demo --directory demo-run
    python docs/take_screenshots.py --run demo-run

Starts Dagster's UI on the run, as `make ui` does, and stops it again.
"""

import argparse
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
PAGE_END = "How far people agree"
MARGIN = 20
GRAPH: Final[FloatRect] = {"x": 370, "y": 50, "width": 2630, "height": 1750}
"""The part of a window of 3000 by 1900 that the lineage graph fills."""


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
        page = browser.new_page(viewport={"width": 3000, "height": 1900}, color_scheme="light")
        _dismiss_greeting(page, url)
        _lineage(page, url, options.out / "lineage.png")
        page.set_viewport_size({"width": 1500, "height": 800})
        _partition(page, url, options.out / "asset.png")
        _automation(page, url, options.out / "automation.png")
        page.set_viewport_size({"width": 1100, "height": 900})
        _decision(page, run, options.out / "decision.png")
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
    """The whole graph, all groups open."""
    page.goto(f"{url}/asset-groups")
    page.get_by_text("Hide navigation").click()
    page.get_by_text("monitoring", exact=True).first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.keyboard.press("Alt+e")
    page.get_by_text("gate_decision").first.wait_for()
    # A reload fits the open graph to the room that there is.
    page.goto(page.url)
    page.get_by_text("gate_decision").first.wait_for()
    page.wait_for_timeout(2 * SETTLE_MILLISECONDS)
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


def _decision(page: Page, run: Path, target: Path) -> None:
    """The decision page down to its reasons and what is missing."""
    file = run / "lake" / "gate_decision" / f"candidate={CANDIDATE}" / "decision.html"
    page.goto(file.as_uri())
    heading = page.get_by_text(PAGE_END)
    box = heading.bounding_box()
    if box is None:
        raise SystemExit(f"{file} has no heading '{PAGE_END}'.")
    height = box["y"] - MARGIN
    page.screenshot(
        path=target,
        full_page=True,
        clip={"x": 0, "y": 0, "width": 1100, "height": height},
    )


if __name__ == "__main__":
    main()
