"""Label Studio's editor in a real browser, worked with mouse and keyboard where it can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.e2e.label_studio import EMAIL, PASSWORD

CHROMIUM = Path("/usr/bin/chromium")

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Software rendering beside other work is slow.
_PATIENCE_MS = 120_000

_ANNOTATION = "Htx.annotationStore.selected"
_IMAGE = f"{_ANNOTATION}.names.get('frames')"


class Editor:
    """The labelling page of one task."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def open(self, url: str, project: int, task: int) -> None:
        """Log in, open the task and switch on automatic annotation and acceptance."""
        page = self._page
        page.goto(f"{url}/user/login/")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/user/login" not in url)
        page.goto(f"{url}/projects/{project}/data?task={task}")
        page.wait_for_selector(".konvajs-content")
        page.wait_for_function(f"{_IMAGE}.stageWidth > 0")
        page.get_by_text("Auto-Annotation", exact=True).click()
        page.evaluate("Htx.setAutoAcceptSuggestions(true)")
        page.wait_for_timeout(2000)

    def choose_smart_tool(self, control: str, kind: str = "KeyPointTool-dynamic") -> None:
        """Choose the smart tool of a control; it stays chosen."""
        self._page.evaluate(
            f"""([control, kind]) => {{
                const manager = {_IMAGE}.getToolsManager();
                const tool = manager.allTools().find(
                    (tool) => tool.fullName === kind && tool.control.name === control);
                manager.selectTool(tool, true);
            }}""",
            [control, kind],
        )

    def show_frame(self, frame: int) -> None:
        """Go to a frame."""
        self._page.evaluate(f"(frame) => {_IMAGE}.setCurrentImage(frame)", frame)
        self._page.wait_for_timeout(1000)

    def click(self, label: str, x: float, y: float) -> list[dict[str, Any]]:
        """Choose a prompt label and click; give the regions that the backend answers.

        Args:
            label: of the second control, the prompts.
            x: share of the picture's width, 0..1.
            y: share of its height.
        """
        page = self._page
        page.locator(".lsf-labels").nth(1).get_by_text(label, exact=True).click()
        canvas = page.locator(".konvajs-content").first.bounding_box()
        assert canvas is not None
        width, height = page.evaluate(f"[{_IMAGE}.stageWidth, {_IMAGE}.stageHeight]")
        with page.expect_response(
            lambda response: "interactive-annotating" in response.url
        ) as sent:
            page.mouse.click(canvas["x"] + x * width, canvas["y"] + y * height)
        page.wait_for_function("!Htx.awaitingSuggestions")
        regions: list[dict[str, Any]] = sent.value.json()["data"]["result"]
        return regions

    def masks(self, count: int) -> list[dict[str, Any]]:
        """The mask rows of the annotation as it would be submitted, once there are `count`."""
        self._page.wait_for_function(
            f"(n) => {_ANNOTATION}.regionStore.regions.filter(r => r.type === 'bitmaskregion')"
            ".length === n",
            arg=count,
        )
        rows: list[dict[str, Any]] = self._page.evaluate(f"{_ANNOTATION}.serializeAnnotation()")
        return [row for row in rows if row["type"] == "bitmasklabels"]

    def predictions(self) -> int:
        """How many predictions the task shows."""
        number: int = self._page.evaluate("Htx.annotationStore.predictions.length")
        return number

    def screenshot(self, path: Path) -> None:
        """Save a picture of the page."""
        self._page.wait_for_timeout(1000)
        self._page.screenshot(path=path)


@contextmanager
def run_editor() -> Iterator[Editor]:
    """Start a browser with a page for the editor."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1480, "height": 940})
        page.set_default_timeout(_PATIENCE_MS)
        yield Editor(page)
        browser.close()
