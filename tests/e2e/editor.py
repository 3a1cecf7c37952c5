"""Label Studio's editor in a real browser, worked with mouse and keyboard where it can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
_PATIENCE_MS = 60_000

_ANNOTATION = "Htx.annotationStore.selected"
_VIDEO = f"{_ANNOTATION}.names.get('video')"
_IMAGE = f"{_ANNOTATION}.names.get('frames')"


@dataclass(frozen=True)
class Answer:
    """What Label Studio answers to a smart click.

    Attributes:
        regions: that the backend answered.
        errors: what went wrong; the editor shows nothing of it.
    """

    regions: list[dict[str, Any]]
    errors: list[str]


class Editor:
    """The labelling page of one task."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def log_in(self, url: str) -> None:
        """Log in, once for all tasks."""
        page = self._page
        page.goto(f"{url}/user/login/")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/user/login" not in url)

    def open(self, url: str, project: int, task: int) -> None:
        """Open a task, with automatic annotation and acceptance, and the smart tool in hand."""
        page = self._page
        page.goto(f"{url}/projects/{project}/data?task={task}")
        page.wait_for_selector(".konvajs-content")
        page.wait_for_function(f"{_IMAGE}.stageWidth > 0")
        # The browser remembers it from one task to the next.
        if not page.evaluate("Htx.autoAnnotation"):
            page.get_by_text("Auto-Annotation", exact=True).click()
        self.auto_accept(True)
        page.wait_for_timeout(2000)
        self.choose_smart_tool()

    def auto_accept(self, on: bool) -> None:
        """Switch the acceptance of suggestions."""
        self._page.evaluate("(on) => Htx.setAutoAcceptSuggestions(on)", on)

    def choose_tool(self, control: str, kind: str) -> None:
        """Choose a tool of a control by its name; it stays chosen."""
        self._page.evaluate(
            f"""([control, kind]) => {{
                const manager = {_IMAGE}.getToolsManager();
                const tool = manager.allTools().find(
                    (tool) => tool.fullName === kind && tool.control.name === control);
                manager.selectTool(tool, true);
            }}""",
            [control, kind],
        )

    def choose_smart_tool(self, control: str = "prompt") -> None:
        """Choose the smart tool for clicks."""
        self.choose_tool(control, "KeyPointTool-dynamic")

    def show_frame(self, frame: int) -> None:
        """Go to a frame."""
        self._page.evaluate(f"(frame) => {_IMAGE}.setCurrentImage(frame)", frame)
        self._page.wait_for_timeout(1000)

    def frame(self) -> int:
        """The frame that is shown."""
        number: int = self._page.evaluate(f"{_IMAGE}.currentImage")
        return number

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page a point of the picture is, given as shares of its width and height."""
        canvas = self._page.locator(".konvajs-content").first.bounding_box()
        assert canvas is not None
        width, height = self._page.evaluate(f"[{_IMAGE}.stageWidth, {_IMAGE}.stageHeight]")
        return canvas["x"] + x * width, canvas["y"] + y * height

    def choose_label(self, label: str, control: int = 1) -> None:
        """Press a label button of the nth control: 0 the masks, 1 the prompts."""
        labels = self._page.locator(".lsf-labels").nth(control)
        labels.get_by_text(label, exact=True).click()

    def click(
        self, label: str, x: float, y: float, *, negative: bool = False, masked: bool = False
    ) -> Answer:
        """Choose a prompt label and click; give what Label Studio answers.

        Args:
            label: of the second control, the prompts; not chosen where a mask is clicked, which
                has its own.
            x: share of the picture's width, 0..1.
            y: share of its height.
            negative: whether Alt is held.
            masked: whether an accepted mask lies there; then a first click only selects it.
        """
        page = self._page
        if masked:
            page.mouse.click(*self.place(x, y))
            page.wait_for_function(f"{_ANNOTATION}.selectedRegions.length > 0")
            page.wait_for_timeout(500)
        else:
            self.choose_label(label)
        with page.expect_response(
            lambda response: "interactive-annotating" in response.url
        ) as sent:
            if negative:
                page.keyboard.down("Alt")
            page.mouse.click(*self.place(x, y))
            if negative:
                page.keyboard.up("Alt")
        page.wait_for_function("!Htx.awaitingSuggestions")
        answer = sent.value.json()
        return Answer(answer.get("data", {}).get("result", []), answer.get("errors", []))

    def accept(self) -> None:
        """Accept all suggestions by the button."""
        self._page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self._page.wait_for_function(f"{_ANNOTATION}.suggestions.size === 0")

    def suggestions(self) -> int:
        """How many suggestions wait to be accepted."""
        number: int = self._page.evaluate(f"{_ANNOTATION}.suggestions.size")
        return number

    def select(self, region: str) -> None:
        """Select a region."""
        self._page.evaluate(
            f"""(id) => {{
                const region = {_ANNOTATION}.regions.find((region) => region.cleanId === id);
                {_ANNOTATION}.selectArea(region);
            }}""",
            region,
        )

    def unselect(self) -> None:
        """Select nothing."""
        self._page.keyboard.press("Escape")
        self._page.wait_for_function(f"{_ANNOTATION}.selectedRegions.length === 0")

    def reload(self) -> None:
        """Load the page again."""
        self._page.reload()
        self._page.wait_for_selector(".konvajs-content")
        self._page.wait_for_function(f"{_IMAGE}.stageWidth > 0")

    def show_prediction(self) -> None:
        """Show the newest prediction."""
        self._page.evaluate(
            "Htx.annotationStore.selectPrediction(Htx.annotationStore.predictions[0].id)"
        )
        self._page.wait_for_timeout(2000)

    def drag(self, *points: tuple[float, float]) -> None:
        """Drag the mouse over points, given as shares of the picture's width and height."""
        mouse = self._page.mouse
        mouse.move(*self.place(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.place(*point), steps=8)
        mouse.up()

    def submit(self) -> None:
        """Submit the annotation by the button."""
        with self._page.expect_response(
            lambda response: (
                "/annotations" in response.url and response.request.method in ("POST", "PATCH")
            )
        ):
            self._page.get_by_label("Submit current annotation").click()

    def masks(self, count: int) -> list[dict[str, Any]]:
        """The mask rows of the annotation as it would be submitted, once there are `count`."""
        self._page.wait_for_function(
            f"(n) => {_ANNOTATION}.regionStore.regions.filter(r => r.type === 'bitmaskregion')"
            ".length === n",
            arg=count,
        )
        rows: list[dict[str, Any]] = self._page.evaluate(f"{_ANNOTATION}.serializeAnnotation()")
        return [row for row in rows if row["type"] == "bitmasklabels"]

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the annotation as it would be submitted."""
        rows: list[dict[str, Any]] = self._page.evaluate(f"{_ANNOTATION}.serializeAnnotation()")
        return rows

    def prediction_note(self) -> str:
        """The note at the first region of the newest prediction."""
        note: str = self._page.evaluate(
            "Htx.annotationStore.predictions[0].regions[0].meta.text[0]"
        )
        return note

    def predictions(self) -> int:
        """How many predictions the task shows."""
        number: int = self._page.evaluate("Htx.annotationStore.predictions.length")
        return number

    def screenshot(self, path: Path) -> None:
        """Save a picture of the page."""
        self._page.wait_for_timeout(1000)
        self._page.screenshot(path=path)


class VideoEditor(Editor):
    """The labelling page of a task with a video."""

    def open(self, url: str, project: int, task: int) -> None:
        """Open a task, with automatic annotation."""
        page = self._page
        page.goto(f"{url}/projects/{project}/data?task={task}")
        page.wait_for_selector(".konvajs-content")
        page.wait_for_timeout(3000)
        if not page.evaluate("Htx.autoAnnotation"):
            page.get_by_text("Auto-Annotation", exact=True).click()
        page.wait_for_timeout(1000)

    def draw(self, label: str, box: tuple[float, float, float, float]) -> None:
        """Draw a box with a label, given as shares of the picture."""
        self._page.locator(".lsf-labels").first.get_by_text(label, exact=True).click()
        left, top, right, bottom = box
        self.drag((left, top), (right, bottom))
        self._page.wait_for_function(f"{_ANNOTATION}.regions.length === 1")

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page a point of the picture is, given as shares of its width and height."""
        canvas = self._page.locator(".konvajs-content").first.bounding_box()
        assert canvas is not None
        width, height = self._page.evaluate(
            f"[{_VIDEO}.ref.current.videoDimensions.width,"
            f" {_VIDEO}.ref.current.videoDimensions.height]"
        )
        scale = min(canvas["width"] / width, canvas["height"] / height)
        left = canvas["x"] + (canvas["width"] - scale * width) / 2
        top = canvas["y"] + (canvas["height"] - scale * height) / 2
        return left + x * scale * width, top + y * scale * height

    def relabel(self, label: str) -> Answer:
        """Give the box another label, which asks the backend."""
        page = self._page
        page.evaluate(f"{_ANNOTATION}.selectArea({_ANNOTATION}.regions[0])")
        with page.expect_response(
            lambda response: "interactive-annotating" in response.url
        ) as sent:
            page.locator(".lsf-labels").first.get_by_text(label, exact=True).click()
        page.wait_for_timeout(1000)
        answer = sent.value.json()
        return Answer(answer.get("data", {}).get("result", []), answer.get("errors", []))

    def row(self) -> dict[str, Any]:
        """The one row of the annotation as it would be submitted."""
        (row,) = self.rows()
        return row

    def show_frame(self, frame: int) -> None:
        """Go to a frame, counted from 1."""
        self._page.evaluate(f"(frame) => {_VIDEO}.setFrame(frame)", frame)
        self._page.wait_for_timeout(1500)


@contextmanager
def run_editor() -> Iterator[Editor]:
    """Start a browser with a page for the editor."""
    with _page() as page:
        yield Editor(page)


@contextmanager
def run_video_editor() -> Iterator[VideoEditor]:
    """Start a browser with a page for videos."""
    with _page() as page:
        yield VideoEditor(page)


@contextmanager
def _page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1480, "height": 940})
        page.set_default_timeout(_PATIENCE_MS)
        yield page
        browser.close()
