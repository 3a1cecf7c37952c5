"""The commands of `trackanything project`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ml_backend.connections import Connections
from ml_backend.errors import LabelStudioError
from ml_backend.label_config import is_video_config, parse_label_config, parse_video_config
from ml_backend.label_studio import LabelStudio
from ml_backend.project.pictures import PictureFormat
from ml_backend.project.pull import read_sessions, write_masks
from ml_backend.project.templates import read_template
from ml_backend.project.videos import MAX_TASK_FRAMES, import_video
from ml_backend.settings import Settings, read_settings
from ml_backend.shared_sessions import window_of
from trackanything_core.cli.output import SUMMARY, staged_directory, write_json
from trackanything_core.cli.progress import progress_bar
from trackanything_core.errors import ConfigError

app = typer.Typer(
    name="project",
    help="""Videos into Label Studio, annotations out of it.

    Label Studio is found by TRACKANYTHING_LABEL_STUDIO_URL, and the token of an account there by
    TRACKANYTHING_LABEL_STUDIO_API_KEY (a personal access token, or a legacy token).""",
    no_args_is_help=True,
)

Project = Annotated[
    int, typer.Option("--project", min=1, help="Number of the project.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_BACKEND = "http://127.0.0.1:9090"


@app.command()
def create(
    title: Annotated[str, typer.Argument(help="Of the project.", show_default=False)],
    template: Annotated[
        str, typer.Option(help="A labelling configuration of label_config/, without .xml.")
    ] = "frames-bitmask",
    config: Annotated[
        Path | None,
        typer.Option(help="A labelling configuration of your own instead.", show_default=False),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="A label of objects; repeat it for more.", show_default="the template's"),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="Where Label Studio reaches this backend.")
    ] = _BACKEND,
    objects: Annotated[
        str | None,
        typer.Option(help="Objects that one label may have: one or many.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a project with a labelling configuration and the backend connected.

    A project of that title is taken as it is, and only what is missing is added.
    """
    if objects not in (None, "one", "many"):
        raise ConfigError(f"expected --objects one or many, got {objects!r}")
    if config is not None and label:
        raise ConfigError("--label changes a template: give it or --config, not both")
    xml = config.read_text(encoding="utf-8") if config else read_template(template, label or ())
    (parse_video_config if is_video_config(xml) else parse_label_config)(xml)
    label_studio = _label_studio()
    found = next((p for p in label_studio.projects() if p["title"] == title), None)
    project = found or label_studio.create_project(title, xml)
    number = int(project["id"])
    urls = [known["url"].rstrip("/") for known in label_studio.backends(number)]
    if backend.rstrip("/") not in urls:
        label_studio.connect(number, backend, {"objects": objects} if objects else {})
    address = f"{label_studio.url}/projects/{number}/data"
    _tell(
        {"project": number, "new": found is None, "url": address},
        f"Project {number} {'made' if found is None else 'was there'}: {address}",
        as_json,
    )


@app.command("import")
def import_(
    videos: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO…", help="Video files.", exists=True, dir_okay=False, show_default=False
        ),
    ],
    project: Project,
    format: Annotated[
        PictureFormat, typer.Option(help="png is lossless, jpeg has a tenth of the size.")
    ] = PictureFormat.PNG,
    frames: Annotated[
        int | None, typer.Option(min=1, help="The first so many only.", show_default="all")
    ] = None,
    task_frames: Annotated[
        int, typer.Option(min=2, max=1000, help="Frames of a task, at most.")
    ] = MAX_TASK_FRAMES,
    as_json: AsJson = False,
) -> None:
    """Bring videos into a project, frame by frame.

    A long video becomes several tasks that share one session, so that tracking crosses from one to
    the next. What is there already is not imported again: a run that was stopped goes on.
    """
    label_studio = _label_studio()
    done: list[dict[str, Any]] = []
    for video in videos:
        with progress_bar(video.name) as progress:
            found = import_video(
                label_studio,
                project,
                video,
                format=format,
                frames=frames,
                task_frames=task_frames,
                progress=progress,
            )
        done.append(
            {
                "video": str(video),
                "session": found.session,
                "frames": found.frames,
                "tasks": found.tasks,
                "new_pictures": found.new_pictures,
                "new_tasks": found.new_tasks,
            }
        )
        if not as_json:
            typer.echo(
                f"{video}: {found.frames} frames ({found.new_pictures} new) "
                f"in {found.tasks} tasks ({found.new_tasks} new)"
            )
    if as_json:
        typer.echo(json.dumps({"project": project, "videos": done}))


@app.command()
def status(project: Project, as_json: AsJson = False) -> None:
    """Show the sessions of a project, how far they are, and whether the backend is there."""
    label_studio = _label_studio()
    sessions: dict[str, dict[str, Any]] = {}
    for task in label_studio.tasks(project):
        window = window_of(task["data"])
        name = window.session if window else f"task-{task['id']}"
        row = sessions.setdefault(
            name,
            {
                "video": window.video if window else "",
                "frames": window.frames if window else None,
                "tasks": 0,
                "annotated": 0,
                "predicted": 0,
            },
        )
        row["tasks"] += 1
        row["annotated"] += bool(task.get("total_annotations"))
        row["predicted"] += bool(task.get("total_predictions"))
    backends = {b["url"]: b.get("readable_state", "") for b in label_studio.backends(project)}
    if as_json:
        typer.echo(json.dumps({"project": project, "sessions": sessions, "backends": backends}))
        return
    columns = ("session", "video", "frames", "tasks", "annotated", "predicted")
    table = Table(title=f"Project {project}")
    for column in columns:
        table.add_column(column, overflow="fold")
    for name, row in sessions.items():
        table.add_row(name, *(str(row[column] or "–") for column in columns[1:]))
    console = Console()
    console.print(table)
    for url, state in backends.items():
        console.print(f"Backend {url}: {state}")
    if not backends:
        console.print("No backend is connected: `trackanything project create` with this title.")


@app.command()
def pull(
    project: Project,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out/project"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace older results there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the masks of submitted annotations to files, a folder for each session.

    Each has masks/ (DAVIS index maps), masks.json (COCO RLE) and session.json.gz, which the
    Python library opens with `Session.load` to go on from there.
    """
    label_studio = _label_studio()
    config = parse_label_config(label_studio.project(project)["label_config"])
    sessions = read_sessions(label_studio, project, config)
    found = [session for session in sessions if session.masks]
    if not found:
        raise LabelStudioError(
            f"project {project} has no submitted masks in {len(sessions)} sessions: submit first"
        )
    rows = []
    with (
        staged_directory(out, overwrite=overwrite) as folder,
        progress_bar("writing") as progress,
    ):
        for done, session in enumerate(found, 1):
            target = folder / session.name
            target.mkdir()
            write_masks(session, target)
            rows.append(
                {
                    "session": session.name,
                    "video": session.video,
                    "frames": session.frames,
                    "tasks": session.tasks,
                    "annotated": session.annotated,
                    "frames_with_masks": len(session.masks),
                    "objects": session.labels,
                }
            )
            progress(done, len(found))
        summary = {"project": project, "sessions": rows, "out": str(out)}
        write_json(folder / SUMMARY, summary)
    _tell(summary, f"Masks of {len(found)} sessions: {out}", as_json)


def _label_studio() -> LabelStudio:
    settings: Settings = read_settings()
    return LabelStudio(Connections(settings).of(""))


def _tell(summary: dict[str, Any], text: str, as_json: bool) -> None:
    typer.echo(json.dumps(summary) if as_json else text)
